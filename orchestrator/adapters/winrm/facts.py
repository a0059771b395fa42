"""What the system, the product and the registry say: each fact one small reader.

A projection never asks for a property that Server 2003 lacks: one unknown name and
WMI refuses the whole query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timezone

from orchestrator.adapters.winrm.faults import UnreadableError, WsFaultError
from orchestrator.adapters.winrm.registry import Registry
from orchestrator.adapters.winrm.values import Row, minutes_east
from orchestrator.adapters.winrm.wsman import WsMan, any_of, select
from orchestrator.domain.facts import (
    FreeSpace,
    OperatingSystem,
    PendingRename,
    PendingRenames,
    Processes,
    Product,
    RunningProcess,
    ServiceState,
    SynProtection,
)
from orchestrator.domain.hotfix import Platform

#: Number of a language to the three letters in package names, for the languages of
#: which such packages are known (KB816915 and the packages themselves).
LANGUAGES = {
    1025: "ARA",
    1028: "CHT",
    1029: "CSY",
    1030: "DAN",
    1031: "DEU",
    1032: "ELL",
    1033: "ENU",
    1034: "ESN",
    1035: "FIN",
    1036: "FRA",
    1037: "HEB",
    1038: "HUN",
    1040: "ITA",
    1041: "JPN",
    1042: "KOR",
    1043: "NLD",
    1044: "NOR",
    1045: "PLK",
    1046: "PTB",
    1049: "RUS",
    1053: "SVE",
    1055: "TRK",
    2052: "CHS",
    2070: "PTG",
    3076: "CHH",
    3082: "ESN",
}
#: LCS's own numbers (MSFT_SIPPoolSetting): 2.0 and 2.1 are sourced.
_PRODUCTS = {(2, 0): "lcs-2005", (2, 1): "lcs-2005-sp1"}
_ARCHITECTURES = {
    "x86": Platform.X86,
    "amd64": Platform.X64,
    "ia64": Platform.IA64,
}
_ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
_SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
_CODE_PAGE = r"SYSTEM\CurrentControlSet\Control\Nls\CodePage"
_TCPIP = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
_SYSTEM_QUERY = select(
    "Version, ServicePackMajorVersion, OSLanguage, Caption, LastBootUpTime, "
    "LocalDateTime, CurrentTimeZone, WindowsDirectory, SystemDirectory",
    "Win32_OperatingSystem",
)


@dataclass(frozen=True, slots=True)
class Host:
    """The system, and its zone for times that name no offset."""

    system: OperatingSystem
    zone: timezone

    @property
    def windows(self) -> str:
        """The Windows folder, lower case, without a backslash at its end."""
        return self.system.windows_directory.lower().rstrip("\\")


def read_host(wsman: WsMan, registry: Registry) -> Host:
    """Win32_OperatingSystem, with the platform cross-checked.

    Raises:
        UnreadableError: a value is missing, or two sources disagree.
    """
    row = only(wsman.query(_SYSTEM_QUERY), "Win32_OperatingSystem")
    zone = minutes_east(row.number("CurrentTimeZone") or 0)
    language_id = row.number("OSLanguage") or 0
    boot = row.moment("LastBootUpTime", zone)
    now = row.moment("LocalDateTime", zone)
    pack = row.number("ServicePackMajorVersion")
    if boot is None or now is None or pack is None:
        raise UnreadableError("Win32_OperatingSystem gives no boot time, time or SP")
    system = OperatingSystem(
        version=row.needed("Version"),
        service_pack=pack,
        platform=read_platform(wsman, registry),
        language=LANGUAGES.get(language_id),
        language_id=language_id,
        caption=row.text("Caption") or "",
        boot_time=boot,
        host_time=now,
        windows_directory=row.needed("WindowsDirectory"),
        system_directory=row.needed("SystemDirectory"),
    )
    return Host(system, zone)


def read_platform(wsman: WsMan, registry: Registry) -> Platform:
    """The platform that Windows was built for, which is not the processor's.

    Raises:
        UnreadableError: unknown, or WMI and the registry disagree.
    """
    row = only(
        wsman.query(select("SystemType", "Win32_ComputerSystem")),
        "Win32_ComputerSystem",
    )
    told = row.needed("SystemType")
    platform = _system_type(told)
    built = registry.text(_ENVIRONMENT, "PROCESSOR_ARCHITECTURE")
    if built and _ARCHITECTURES.get(built.lower()) is not platform:
        raise UnreadableError(f"WMI says {told}, the registry says {built}")
    return platform


def _system_type(text: str) -> Platform:
    lower = text.lower()
    if lower.startswith("x86"):
        return Platform.X86
    if lower.startswith("x64"):
        return Platform.X64
    if "itanium" in lower or "64-bit intel" in lower:
        return Platform.IA64
    raise UnreadableError(f"SystemType is {text[:40]!r}, expected x86, x64 or Itanium")


def read_code_page(registry: Registry) -> int | None:
    """The OEM code page; ``None`` where it cannot be read."""
    try:
        text = registry.text(_CODE_PAGE, "OEMCP")
    except (UnreadableError, WsFaultError):
        return None
    return int(text) if text and re.fullmatch(r"\d{3,5}", text) else None


def read_product(
    wsman: WsMan, marker: ServiceState | None, inventory: str | None
) -> Product:
    """What LCS's own classes say, else what its service shows.

    Args:
        wsman: the host's WMI.
        marker: the product's service; ``None`` where it could not be read.
        inventory: the product of the inventory, believed where only the service
            is found.
    """
    pools = lcs_rows(
        wsman,
        select("MajorVersion, MinorVersion, PoolMemberList", "MSFT_SIPPoolSetting"),
    )
    members = (name for row in pools for name in row.texts("PoolMemberList"))
    peers = _peers(wsman, members)
    numbers = [
        (row.number("MajorVersion"), row.number("MinorVersion")) for row in pools
    ]
    known = [(major, minor or 0) for major, minor in numbers if major is not None]
    if known:
        major, minor = known[0]
        name = _PRODUCTS.get((major, minor))
        if name is None:
            raise UnreadableError(f"LCS's version {major}.{minor} is explained nowhere")
        return replace(peers, name=name, edition=_edition(wsman))
    if marker is None:
        raise UnreadableError("neither LCS's classes nor its service could be read")
    return replace(peers, name=inventory if marker.exists else None)


def lcs_rows(wsman: WsMan, query: str) -> tuple[Row, ...]:
    """Rows of a class that only LCS brings; none where there is no such class.

    Raises:
        WsFaultError: anything else went wrong: whom it names is not known then.
    """
    try:
        return wsman.query(query)
    except WsFaultError as fault:
        if not fault.absent:
            raise
        return ()


def _edition(wsman: WsMan) -> str:
    r"""``(local)\rtc`` is Standard Edition, another computer Enterprise."""
    rows = lcs_rows(wsman, select("Backend", "MSFT_SIPLogSetting"))
    backend = next((found for row in rows if (found := row.text("Backend"))), "")
    if not backend:
        return ""
    local = backend.lower().startswith(("(local)", ".\\", "localhost"))
    return "standard" if local else "enterprise"


def _peers(wsman: WsMan, members: Iterable[str]) -> Product:
    """Whom LCS's own classes name; nothing yet of the product itself.

    That MSFT_SIPEdgeProxySetting has FQDN was not sourced, so it is asked for whole.
    """
    edge = _named(wsman, "MSFT_SIPFederationInternalEdgeSetting", "InternalNextHop")
    access = _named(wsman, "MSFT_SIPEdgeProxySetting", "FQDN", "*")
    return Product(
        None,
        trusted=_names(_named(wsman, "MSFT_SIPESTrustedServerSetting", "FQDN")),
        members=_names(members),
        next_hops=_names(edge),
        proxies=_names([*access, *_named(wsman, "MSFT_SIPProxyServerSetting", "FQDN")]),
    )


def _named(wsman: WsMan, source: str, column: str, columns: str = "") -> list[str]:
    rows = lcs_rows(wsman, select(columns or column, source))
    return [name for row in rows if (name := row.text(column))]


def _names(found: Iterable[str]) -> tuple[str, ...]:
    """As a fact keeps them: each once, however often and in what case they came."""
    return tuple(sorted({name.lower().rstrip(".") for name in found if name}))


def read_syn(registry: Registry) -> SynProtection:
    """SynAttackProtect; Server 2003 does not create the value (cc781167)."""
    return SynProtection(registry.dword(_TCPIP, "SynAttackProtect"))


def read_pending(registry: Registry) -> PendingRenames:
    """PendingFileRenameOperations: pairs of source and target, none: delete."""
    found = list(registry.texts(_SESSION_MANAGER, "PendingFileRenameOperations") or ())
    if len(found) % 2:
        found.append("")
    pairs = zip(found[::2], found[1::2], strict=True)
    return PendingRenames(tuple(PendingRename(*pair) for pair in pairs if pair[0]))


def read_free(wsman: WsMan, windows: str) -> FreeSpace:
    """Free bytes on the Windows folder's volume."""
    drive = windows[:2].upper()
    query = select("FreeSpace", "Win32_LogicalDisk", any_of("DeviceID", [drive]))
    free = only(wsman.query(query), f"Win32_LogicalDisk {drive}").number("FreeSpace")
    if free is None:
        raise UnreadableError(f"{drive} tells no free space")
    return FreeSpace(free)


#: A process with its image's name, in lower case.
Named = tuple[str, RunningProcess]


def read_services(
    wsman: WsMan, names: Iterable[str], zone: timezone
) -> dict[str, ServiceState]:
    """Each service by name as asked for, with its process's start."""
    rows = service_rows(wsman, names)
    return services_of(names, rows, read_running(wsman, rows, (), zone))


def service_rows(wsman: WsMan, names: Iterable[str]) -> dict[str, Row]:
    """The services that are there, by their names in lower case."""
    columns = "Name, State, StartMode, ProcessId"
    wanted = any_of("Name", names)
    rows = wsman.query(select(columns, "Win32_Service", wanted)) if wanted else ()
    return {row.needed("Name").lower(): row for row in rows}


def read_running(
    wsman: WsMan, services: Mapping[str, Row], images: Iterable[str], zone: timezone
) -> list[Named]:
    """The processes of these services and images, in one query."""
    ids = [number for row in services.values() if (number := row.number("ProcessId"))]
    wanted = (any_of("ProcessId", ids), any_of("Name", images))
    where = " OR ".join(some for some in wanted if some)
    return _processes(wsman, where, zone) if where else []


def services_of(
    names: Iterable[str], rows: Mapping[str, Row], running: Iterable[Named]
) -> dict[str, ServiceState]:
    """Each service by name as asked for, with its process's start."""
    started = {process.process_id: process for _, process in running}
    return {name: _service(rows.get(name.lower()), started) for name in names}


def _service(row: Row | None, started: dict[int, RunningProcess]) -> ServiceState:
    if row is None:
        return ServiceState(exists=False)
    process_id = row.number("ProcessId") or None
    process = started.get(process_id or 0)
    return ServiceState(
        exists=True,
        state=row.text("State") or "",
        process_id=process_id,
        start_mode=row.text("StartMode") or "",
        process_started=process.started if process else None,
        private_bytes=process.private_bytes if process else None,
    )


def processes_of(
    images: Iterable[str], running: Iterable[Named]
) -> dict[str, Processes]:
    """The processes of each image."""
    found = list(running)
    return {
        image: Processes(tuple(one for name, one in found if name == image.lower()))
        for image in images
    }


def _processes(wsman: WsMan, where: str, zone: timezone) -> list[Named]:
    rows = wsman.query(
        select(
            "Name, ProcessId, CreationDate, PrivatePageCount", "Win32_Process", where
        )
    )
    found = []
    for row in rows:
        started = row.moment("CreationDate", zone)
        process_id = row.number("ProcessId")
        if started is not None and process_id is not None:
            process = RunningProcess(
                process_id, started, row.number("PrivatePageCount")
            )
            found.append(((row.text("Name") or "").lower(), process))
    return found


def only(rows: tuple[Row, ...], what: str) -> Row:
    """The first row.

    Raises:
        UnreadableError: there is none.
    """
    if not rows:
        raise UnreadableError(f"{what} has no instance")
    return rows[0]
