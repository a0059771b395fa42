"""Values that tests of the domain start from: a hotfix, a server, what it says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator.domain.facts import (
    FileState,
    OperatingSystem,
    ServiceState,
    SynProtection,
    Unreadable,
)
from orchestrator.domain.hotfix import (
    ExposureRule,
    FileRow,
    FileTable,
    Hotfix,
    Package,
    Platform,
    Prerequisites,
    Provenance,
)
from orchestrator.domain.server import (
    Endpoint,
    Role,
    Server,
)
from orchestrator.domain.verdict import FACT_LIMIT
from orchestrator.domain.version import Branch, FileVersion

NOW = datetime(2006, 9, 1, 12, 0, tzinfo=UTC)
ARTICLE = "KB900001"
DLL = r"%systemroot%\system32\schannel.dll"
WOW = r"%systemroot%\syswow64\schannel.dll"
SERVICE = "RTCSRV"
NEEDED_BYTES = 50_000_000
SOURCE = Provenance("a test", "nowhere")
BOOTED = NOW - timedelta(days=30)


def hours_ago(text: str) -> datetime:
    """``-48h`` before the judgement."""
    return NOW + timedelta(hours=float(text.removesuffix("h")))


def row(
    version: str = "5.2.3790.2500",
    branch: Branch = Branch.QFE,
    *,
    platform: Platform = Platform.X86,
    path: str = DLL,
    service_pack: int | None = 1,
    size: int | None = None,
) -> FileRow:
    """A row of a file table."""
    return FileRow(
        file=path.rpartition("\\")[2],
        path=path,
        version=FileVersion.parse(version),
        platform=platform,
        branch=branch,
        service_pack=service_pack,
        size=size,
    )


def table(*rows: FileRow) -> FileTable:
    """A file table."""
    return FileTable(rows, SOURCE)


HOTFIX = Hotfix(
    article=ARTICLE,
    title="A test's hotfix",
    products=("lcs-2005-sp1", "lcs-2003"),
    prerequisites=Prerequisites("5.2.3790", 1, NEEDED_BYTES),
    restart_required=False,
    replaces=(),
    languages=(),
    platforms=(Platform.X86, Platform.X64),
    symptom="leaks",
    exposure=ExposureRule.MTLS_TO_SYN_PROTECTED_PEER,
    services=(SERVICE,),
    file_table=table(row()),
)


def package(
    name: str = "WindowsServer2003-KB900001-x86-ENU.exe",
    *,
    platform: Platform = Platform.X86,
    language: str | None = "ENU",
    service_pack: int | None = None,
    pinned: bool = True,
) -> Package:
    """A package of the catalog."""
    return Package(
        article=ARTICLE,
        name=name,
        sha256="ab" * 32,
        sha1="cd" * 20,
        size=1,
        platform=platform,
        language=language,
        service_pack=service_pack,
        pinned=pinned,
        provenance=SOURCE,
    )


def server(name: str = "fe1", *, peers: tuple[str, ...] = ("peer1",)) -> Server:
    """A server of the estate."""
    return Server(
        name=name,
        endpoint=Endpoint(f"{name}.example"),
        site="oslo",
        role=Role.FRONT_END,
        product="lcs-2005-sp1",
        pool="pool1",
        mtls_peers=peers,
    )


def system(
    *,
    version: str = "5.2.3790",
    service_pack: int = 1,
    platform: Platform = Platform.X86,
    language: str | None = "ENU",
    boot_time: datetime = BOOTED,
) -> OperatingSystem:
    """What a host says of itself."""
    return OperatingSystem(
        version=version,
        service_pack=service_pack,
        platform=platform,
        language=language,
        language_id=1033,
        caption="Windows",
        boot_time=boot_time,
        host_time=NOW,
        windows_directory=r"C:\WINDOWS",
        system_directory=r"C:\WINDOWS\system32",
    )


def file(
    version: str, branch: Branch | None = None, size: int | None = None
) -> FileState:
    """A file that is there."""
    return FileState(
        exists=True, version=FileVersion.parse(version), branch=branch, size=size
    )


def service(
    state: str = "Running", started: datetime | None = NOW - timedelta(days=10)
) -> ServiceState:
    """A service as Windows shows it."""
    return ServiceState(exists=True, state=state, process_started=started)


#: Files by the word for them.
FILES = {
    "missing": FileState(exists=False),
    "old": file("5.2.3790.1830"),
    "older-by-text": file("5.2.3790.990"),
    "exact": file("5.2.3790.2500"),
    "exact-gdr": file("5.2.3790.2500", Branch.GDR),
    "exact-qfe": file("5.2.3790.2500", Branch.QFE),
    "later": file("5.2.3790.2924"),
    "later-gdr": file("5.2.3790.2924", Branch.GDR),
    "later-qfe": file("5.2.3790.2924", Branch.QFE),
    "later-rtm": file("5.2.3790.3959", Branch.RTM),
    "old-qfe": file("5.2.3790.2499", Branch.QFE),
    "no-version": FileState(exists=True),
}

_JUST_STALE = FACT_LIMIT + timedelta(seconds=1)
DENIED = Unreadable("access denied")

#: What was observed of the peer: its system, its SYN protection, and how long ago.
PEERS: Mapping[
    str,
    tuple[OperatingSystem | Unreadable, SynProtection | Unreadable, timedelta],
] = {
    "on": (system(), SynProtection(1), timedelta()),
    "off": (system(), SynProtection(0), timedelta()),
    "absent-sp1": (system(), SynProtection(None), timedelta()),
    "absent-sp0": (system(service_pack=0), SynProtection(None), timedelta()),
    "absent-win2000": (system(version="5.0.2195"), SynProtection(None), timedelta()),
    "stale": (system(), SynProtection(1), _JUST_STALE),
    "at-limit": (system(), SynProtection(1), FACT_LIMIT),
    "unreadable": (system(), DENIED, timedelta()),
    "os-unreadable": (DENIED, SynProtection(None), timedelta()),
    "stale-unreadable": (system(), DENIED, _JUST_STALE),
    "retired": (system(), SynProtection(1), timedelta(days=90)),
}
