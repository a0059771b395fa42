"""Conversations with hosts: reading, and apart from it, changing.

A survey and a dry run are handed a :class:`HostReader`, which has no verb that
writes. Only an apply opens a :class:`HostWriter`. Every method raises
:class:`HostFaultError` and nothing else when the host, the network or the service
fails; what a host says about itself is a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from typing_extensions import override

from orchestrator.application.ports.secrets import Credential
from orchestrator.domain.facts import Observation, ServiceState
from orchestrator.domain.hotfix import Package
from orchestrator.domain.remediation import AttemptEvidence
from orchestrator.domain.server import Server


class FaultKind(StrEnum):
    """Why a conversation failed; each maps to one budget class and one outcome."""

    #: Nothing answered: closed, filtered, no route, dropped, or timed out.
    UNREACHABLE = "unreachable"
    #: The service answered and did not let us in.
    REFUSED = "refused"
    #: It is no WinRM that this tool can speak to (0.5, not WinRM, other TLS).
    UNSUPPORTED = "unsupported"
    #: A quota of the service stayed full through every bounded retry.
    BUSY = "busy"
    #: The service answered with a fault or with what cannot be understood.
    PROTOCOL = "protocol"


class HostFaultError(Exception):
    """A conversation with a host failed; knows its kind and what to do."""

    def __init__(
        self,
        kind: FaultKind,
        server: str,
        message: str,
        hint: str = "",
        *,
        late: bool = False,
    ) -> None:
        """Keep the facts; none of them may hold a secret.

        Args:
            kind: what failed.
            server: whose conversation it was.
            message: what was found.
            hint: what to do.
            late: an answer was waited for and did not come.
        """
        super().__init__(f"{server}: {message}")
        self.late = late
        self.kind = kind
        self.server = server
        self.message = message
        self.hint = hint

    @override
    def __reduce__(self) -> tuple[Callable[..., HostFaultError], tuple[Any, ...]]:
        """It may have to come from another process."""
        return _again, (type(self), self.args, self.__dict__)

    @property
    def strained(self) -> bool:
        """Whether it may be that too much was asked at once."""
        return self.late or self.kind is FaultKind.BUSY

    @property
    def sentence(self) -> str:
        """What was found and what to do about it."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


def _again(
    kind: type[HostFaultError], said: tuple[Any, ...], known: Mapping[str, Any]
) -> HostFaultError:
    fault = kind.__new__(kind, *said)
    fault.__dict__.update(known)
    return fault


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """What Identify says: the service's stack, and the system once let in."""

    stack: str
    os_version: str
    service_pack: str
    #: The URL that answered, without credentials.
    url: str


@dataclass(frozen=True, slots=True)
class SurveyScope:
    """What to read; nothing else is asked of the host."""

    #: Full paths, lower case; ``%systemroot%`` stands for the Windows folder. The
    #: observation's subject is the path as it is asked for here.
    files: tuple[str, ...] = ()
    #: ``KBnnnnnn`` each, whose traces and installer logs are looked for.
    articles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    #: Image names, lower case.
    processes: tuple[str, ...] = ()
    #: Product of the inventory, believed where only the service is found.
    inventory_product: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptFolder:
    """Where an attempt lives on a host; its name is the attempt's token."""

    token: str  # 8 to 64 characters of [a-z0-9-]


class Route(StrEnum):
    """How a package reaches a host."""

    #: Through the shell's standard input, decoded on the host.
    PUSH = "push"
    #: Copied by the host from a share or URL that it can read without our secret.
    PULL = "pull"
    #: It is on the host already.
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The bytes to stage, by route."""

    route: Route
    #: A local path for push; a UNC path or URL for pull; a host path for present.
    location: str


@dataclass(frozen=True, slots=True)
class StagingReport:
    """What staging cost and what was proven."""

    route: Route
    bytes_sent: int
    seconds: float
    round_trips: int
    #: The hash that the host itself computed, and by which tool.
    host_hash: str
    hash_tool: str
    #: Who owns the folder and who may enter, as read back (SIDs).
    owner: str
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StagingFailure:
    """Staging did not reach a proven package; nothing was launched."""

    found: str
    expected: str
    hint: str


class InstallerAction(StrEnum):
    """Which program of a package the wrapper runs."""

    INSTALL = "install"
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """What the detached wrapper shall run; it claims the attempt first."""

    folder: AttemptFolder
    action: InstallerAction
    article: str
    #: The package that was staged; ``None`` for an uninstall.
    package: Package | None


@dataclass(frozen=True, slots=True)
class LaunchReceipt:
    """The process that Win32_Process.Create started."""

    process_id: int
    #: Its creation time on the host's clock; ``None`` if it had ended already.
    started: datetime | None
    boot_time: datetime
    host_time: datetime


class ClaimResult(StrEnum):
    """What the settler found when it tried to take an attempt's claim itself."""

    TAKEN_NOW = "taken-now"
    WAS_TAKEN = "was-taken"


class HostReader(Protocol):
    """Reads one host on one connection, from one thread. Has no verb that writes."""

    def identify(self) -> HostIdentity:
        """What answers."""

    def survey(self, scope: SurveyScope) -> tuple[Observation, ...]:
        """Every fact of the scope; a value that cannot be read is an observation.

        Raises:
            HostFaultError: the conversation itself failed.
        """

    def service(self, name: str) -> ServiceState:
        """A service as it is now."""

    def serving(self) -> Observation:
        """LCS's listeners, applications and modules as they are now.

        Each listener at the address of this conversation is tried with a TCP
        connection that is closed at once.
        """

    def evidence(self, folder: AttemptFolder) -> AttemptEvidence:
        """What the host tells of an attempt.

        The processes are read before the exit code, so that an installer which ends
        in between is never taken for one that vanished.
        """

    def file_resource(self, path: str, size: int) -> Observation:
        """A file's state with the branch from its own version resource.

        The file is read with ``type``, at most ``size`` bytes and a bit; a file that
        does not have the expected length keeps its branch undecided.
        """


class HostWriter(HostReader, Protocol):
    """Changes one host: stages, launches, restarts a service, takes a claim."""

    def stage(
        self, folder: AttemptFolder, package: Package, source: PackageSource
    ) -> StagingReport | StagingFailure:
        """Create and restrict the folder, bring the package in, prove its hash.

        Safe to repeat: a proven package is kept, a partial one is resumed.
        """

    def launch(self, order: LaunchOrder) -> LaunchReceipt:
        """Start the wrapper, detached. May be repeated: the claim lets one run."""

    def take_claim(self, folder: AttemptFolder) -> ClaimResult:
        """Create the attempt's claim in the wrapper's place, so that it never runs."""

    def restart_service(self, name: str, *, timeout_s: float) -> ServiceState:
        """Stop and start a service; its state when running or out of time."""

    def clean_up(self, folder: AttemptFolder) -> None:
        """Remove what was staged; the claim and what it holds stay."""


class HostGateway(Protocol):
    """Opens conversations. One serves one server and one thread.

    ``known`` is the URL at which the server was last found: it is tried first, and
    where it does not answer any more the others are.
    """

    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> AbstractContextManager[HostReader]:
        """A conversation that cannot write."""

    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> AbstractContextManager[HostWriter]:
        """A conversation that can."""
