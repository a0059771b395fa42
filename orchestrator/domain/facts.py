"""What was observed on a server: value, source and time.

A fact is never bare. Freshness is part of it, and a value that could not be read is
a fact of its own kind (:class:`Unreadable`), kept apart from a value that is absent
on the host and from one that was never asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TypeVar

from typing_extensions import override

from orchestrator.domain.hotfix import Platform
from orchestrator.domain.serving import Serving
from orchestrator.domain.version import Branch, FileVersion


class FactKind(StrEnum):
    """The kinds of fact; a kind with a subject occurs once per subject."""

    OPERATING_SYSTEM = "operating-system"
    PRODUCT = "product"
    #: Subject: the full path, lower case.
    FILE = "file"
    #: Subject: an article and a :class:`TraceName`, see :func:`trace_subject`.
    TRACE = "trace"
    #: Subject: an article.
    INSTALLER_LOG = "installer-log"
    SYN_PROTECTION = "syn-protection"
    PENDING_RENAMES = "pending-renames"
    FREE_SPACE = "free-space"
    #: Subject: the service's name.
    SERVICE = "service"
    #: Subject: the image name, lower case, such as ``lsass.exe``.
    PROCESS = "process"
    #: What LCS serves with; only an attempt asks, and no verdict rests on it.
    SERVING = "serving"
    #: How the server was reached; no verdict rests on it.
    ENDPOINT = "endpoint"


class TraceName(StrEnum):
    """Places where an update.exe package leaves that it was installed."""

    UPDATES_KEY = "updates-key"
    HOTFIX_KEY = "hotfix-key"
    UNINSTALL_KEY = "uninstall-key"
    QFE_ROW = "qfe-row"
    UNINSTALL_FOLDER = "uninstall-folder"


@cache
def trace_subject(article: str, trace: TraceName) -> str:
    """The subject of an article's trace: ``KBnnnnnn/updates-key``."""
    return f"{article}/{trace.value}"


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """Win32_OperatingSystem and the platform, cross-checked."""

    version: str
    service_pack: int
    platform: Platform
    #: Three-letter code of the language, as package names spell it; ``None`` where
    #: the number of the language is not known to this tool.
    language: str | None
    language_id: int
    caption: str
    boot_time: datetime
    #: The host's own clock when it was read.
    host_time: datetime
    windows_directory: str
    system_directory: str

    def resolve(self, path: str) -> str:
        """A path of a table with ``%systemroot%`` filled in, lower case."""
        return path.lower().replace("%systemroot%", self.windows_directory.lower())


@dataclass(frozen=True, slots=True)
class Product:
    """The server product found; ``name`` is ``None`` where none is installed."""

    name: str | None
    edition: str = ""
    role: str = ""
    #: Full names, as its own WMI classes list them: servers that it trusts over MTLS,
    trusted: tuple[str, ...] = ()
    #: the members of its pool, itself among them,
    members: tuple[str, ...] = ()
    #: where an edge hands on to,
    next_hops: tuple[str, ...] = ()
    #: and the access proxies and proxies that it knows.
    proxies: tuple[str, ...] = ()

    def peers(self) -> Iterable[tuple[str, str]]:
        """Every peer that its own classes name, with what they call it."""
        named = {
            "trusted server": self.trusted,
            "pool member": self.members,
            "next hop": self.next_hops,
            "proxy": self.proxies,
        }
        return ((peer, word) for word, peers in named.items() for peer in peers)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file on the host. Without ``exists`` all else is empty."""

    exists: bool
    version: FileVersion | None = None
    size: int | None = None  # bytes
    modified: datetime | None = None  # UTC; an installer sets it to the build date
    #: Read from the file's own version resource, where that was fetched.
    branch: Branch | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file was at a moment, so that a rollback can prove that it is again."""

    exists: bool
    version: FileVersion | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, state: FileState) -> Fingerprint:
        """The part of a file's state that tells it from another."""
        return cls(state.exists, state.version, state.sha256)

    @property
    def proves(self) -> bool:
        """Whether it tells the file from every other."""
        return not self.exists or self.sha256 is not None


@dataclass(frozen=True, slots=True)
class TraceState:
    """Whether a trace is there; ``created`` is the host's time for a folder."""

    present: bool
    detail: str = ""
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstallerLog:
    r"""The last run in ``%windir%\KBnnnnnn.log``; without ``exists`` all is empty."""

    exists: bool
    started: datetime | None = None  # host's clock, UTC
    ended: datetime | None = None
    succeeded: bool | None = None
    extended_code: str | None = None
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SynProtection:
    """The registry value SynAttackProtect; ``None`` where it is absent."""

    value: int | None


@dataclass(frozen=True, slots=True)
class PendingRename:
    """A file operation that Windows does at the next start; no target: delete."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class PendingRenames:
    """PendingFileRenameOperations."""

    operations: tuple[PendingRename, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """Free bytes on the volume of the Windows folder."""

    bytes: int


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service; without ``exists`` all else is empty."""

    exists: bool
    state: str = ""
    process_id: int | None = None
    start_mode: str = ""
    #: Start of the service's process, on the host's clock.
    process_started: datetime | None = None
    #: Private bytes of that process.
    private_bytes: int | None = None

    @property
    def running(self) -> bool:
        """Whether Windows says that the service runs."""
        return self.state.lower() == "running"

    @property
    def stopped(self) -> bool:
        """Whether it has no process; a paused or stopping service still has one."""
        return self.state.lower() == "stopped"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One process: id, start on the host's clock, private bytes."""

    process_id: int
    started: datetime
    private_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Processes:
    """All processes of one image."""

    running: tuple[RunningProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """What the ladder found: where WinRM answered, which stack, who let us in."""

    #: Without credentials.
    url: str
    #: Version of the WinRM stack, such as ``1.1``; empty where it is not told.
    stack: str
    #: ``kerberos``, ``ntlm`` or ``basic``.
    mechanism: str


FactValue = (
    OperatingSystem
    | Product
    | FileState
    | TraceState
    | InstallerLog
    | SynProtection
    | PendingRenames
    | FreeSpace
    | ServiceState
    | Processes
    | Serving
    | ServiceEndpoint
)

#: Which value each kind holds; the codec and the contract tests read it.
VALUE_TYPES: Mapping[FactKind, type[FactValue]] = {
    FactKind.OPERATING_SYSTEM: OperatingSystem,
    FactKind.PRODUCT: Product,
    FactKind.FILE: FileState,
    FactKind.TRACE: TraceState,
    FactKind.INSTALLER_LOG: InstallerLog,
    FactKind.SYN_PROTECTION: SynProtection,
    FactKind.PENDING_RENAMES: PendingRenames,
    FactKind.FREE_SPACE: FreeSpace,
    FactKind.SERVICE: ServiceState,
    FactKind.PROCESS: Processes,
    FactKind.SERVING: Serving,
    FactKind.ENDPOINT: ServiceEndpoint,
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The host answered, but would not or could not give the value."""

    reason: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact of one server: what, from where, when (our clock, UTC)."""

    kind: FactKind
    value: FactValue | Unreadable
    source: str
    at: datetime
    subject: str = ""

    @property
    def name(self) -> str:
        r"""The fact's name for people: ``file c:\windows\system32\x.dll``."""
        return f"{self.kind} {self.subject}".rstrip()

    @property
    def readable(self) -> bool:
        """Whether the host gave the value."""
        return not isinstance(self.value, Unreadable)


@dataclass(frozen=True, slots=True)
class Lacking:
    """A fact that cannot be used, and why: never read, stale, or unreadable."""

    fact: str
    why: str

    @override
    def __str__(self) -> str:
        """One phrase for a reason."""
        return f"{self.fact}: {self.why}"


V = TypeVar("V", bound=FactValue)
FactKey = tuple[FactKind, str]


def _outdates(new: Observation, old: Observation) -> bool:
    """Newer counts; at the same instant what says more; else any, but always the same.

    A file is read twice in a survey where only its own resource names the branch.
    """
    if new.at != old.at:
        return new.at > old.at
    return _says(new) > _says(old)


def _says(seen: Observation) -> tuple[bool, bool, str]:
    named = isinstance(seen.value, FileState) and seen.value.branch is not None
    return seen.readable, named, repr(seen)


@dataclass(frozen=True, slots=True)
class FactSet:
    """The newest observation of each fact of one server."""

    observations: Mapping[FactKey, Observation] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> FactSet:
        """Gather observations in any order; the newest of each fact counts."""
        newest: dict[FactKey, Observation] = {}
        for seen in observations:
            key = (seen.kind, seen.subject)
            if key not in newest or _outdates(seen, newest[key]):
                newest[key] = seen
        return cls(newest)

    def find(self, kind: FactKind, subject: str = "") -> Observation | None:
        """The observation of a fact, fresh or not."""
        return self.observations.get((kind, subject))


@dataclass(frozen=True, slots=True)
class FreshFacts:
    """Facts seen at a moment with a limit of age, in the eyes of a judgement."""

    facts: FactSet
    now: datetime
    limit: timedelta

    def nobody_can_read(self, kind: FactKind, subject: str = "") -> bool:
        """Whether the host was asked lately and could not give the value."""
        seen = self.facts.find(kind, subject)
        return seen is not None and not (self._stale(seen) or seen.readable)

    def _stale(self, seen: Observation) -> bool:
        return self.now - seen.at > self.limit

    def value(self, kind: FactKind, wanted: type[V], subject: str = "") -> V | Lacking:
        """The fresh value of a fact, or why there is none."""
        seen = self.facts.find(kind, subject)
        if seen is None:
            return Lacking(f"{kind} {subject}".rstrip(), "never read")
        if self._stale(seen):
            return Lacking(seen.name, f"stale, read {seen.at:%Y-%m-%d %H:%M}Z")
        value = seen.value
        if isinstance(value, wanted):
            return value
        if isinstance(value, Unreadable):
            return Lacking(seen.name, f"unreadable, {value.reason}")
        raise TypeError(f"{seen.name} holds {type(value).__name__}")
