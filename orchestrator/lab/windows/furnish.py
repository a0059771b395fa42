"""Furnishes a host by its profile: registry, files, services, what was installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.lab.windows import traces
from orchestrator.lab.windows.host import HOTFIX_KEY, SCHANNEL, Displaced, Host
from orchestrator.lab.windows.package import (
    BUILD_DATE,
    FIXED_VERSION,
    LATER_GDR_VERSION,
    RTM_VERSION,
    SP1_VERSION,
    SP2_VERSION,
    Package,
    schannel,
)
from orchestrator.lab.windows.pe import FileVersion, make_image, numbers_of
from orchestrator.lab.windows.profile import Platform, Profile
from orchestrator.lab.windows.registry import RegData, RegType
from orchestrator.lab.windows.security import EVERYONE, allow
from orchestrator.lab.windows.services import Service

ARTICLE = "KB903927"
"""The article whose traces a profile may bring from the start."""

LATER_UPDATE = "KB935840"
"""Stands for a later general release that replaced the same file."""

OTHER_UPDATES = ("KB893066", "KB896424")
SYSTEM_DATE = datetime(2005, 3, 25, 2, 0, tzinfo=UTC)
WINDOWS = traces.WINDOWS
LCS_FOLDER = "C:\\Program Files\\Microsoft LC\\Server"
SYSTEM_PROGRAMS = (
    *("attrib", "cacls", "certutil", "cmd", "cscript", "csrss", "find", "findstr"),
    *("lsass", "more", "net", "net1", "ping", "reg", "sc", "services", "smss"),
    *("svchost", "taskkill", "tasklist", "winlogon", "wscript", "xcopy"),
)
_NT = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
_CONTROL = "HKLM\\SYSTEM\\CurrentControlSet\\Control"
_SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
_BASE: dict[int, str] = {0: RTM_VERSION, 1: SP1_VERSION, 2: SP2_VERSION}

SECONDS_PER_HOUR = 3600
INSTALL_LAG_HOURS = 60.0
"""How long ago a fix that is there from the start was installed."""


def furnish(host: Host) -> None:
    """Fill a new host; :meth:`Host.boot` comes after."""
    _registry(host)
    _files(host)
    _lcs(host)
    _services(host)
    _history(host)


def _registry(host: Host) -> None:
    profile, registry = host.profile, host.registry
    pack = f"Service Pack {profile.service_pack}" if profile.service_pack else ""
    values: dict[str, RegData] = {
        "CurrentVersion": "5.2",
        "CurrentBuildNumber": "3790",
        "CurrentBuild": "3790",
        "ProductName": "Microsoft Windows Server 2003",
        "SystemRoot": WINDOWS,
        "InstallDate": int(host.installed_on.timestamp()),
    }
    if pack:
        values["CSDVersion"] = pack
    registry.fill(_NT, values)
    registry.fill(HOTFIX_KEY, {})
    environment = f"{_CONTROL}\\Session Manager\\Environment"
    for name, value in host.environment().items():
        registry.set(environment, name, value, RegType.EXPAND_SZ)
    language = f"{host.language.lcid:04x}"
    registry.fill(
        f"{_CONTROL}\\Nls\\Language", {"InstallLanguage": language, "Default": language}
    )
    pages = {"ACP": host.language.ansi, "OEMCP": str(host.language.oem)}
    registry.fill(f"{_CONTROL}\\Nls\\CodePage", pages)
    registry.fill(f"{_CONTROL}\\SecurityProviders\\SCHANNEL", {"EventLogging": 1})
    registry.fill(
        f"{_CONTROL}\\TimeZoneInformation",
        {"ActiveTimeBias": -profile.bias_minutes & 0xFFFFFFFF},
    )
    tcpip = f"{_SERVICES}\\Tcpip\\Parameters"
    registry.fill(tcpip, {"Hostname": profile.name, "Domain": profile.domain})
    if profile.syn_attack_protect is not None:
        registry.set(tcpip, "SynAttackProtect", profile.syn_attack_protect)


def _files(host: Host) -> None:
    profile = host.profile
    host.files.make_folders(WINDOWS)
    if profile.open_staging:
        windows = host.files.node(WINDOWS)
        everyone = allow(EVERYONE)
        windows.security = replace(
            windows.security, dacl=(everyone, *windows.security.dacl)
        )
    for path, content in _tree(profile):
        host.files.put(path, content, modified=SYSTEM_DATE)
    for folder in ("Temp", "$hf_mig$", "system32\\drivers\\etc"):
        host.files.make_folders(f"{WINDOWS}\\{folder}")


def _tree(profile: Profile) -> Iterator[tuple[str, bytes]]:
    base = _BASE[profile.service_pack]
    for name in SYSTEM_PROGRAMS:
        yield f"{WINDOWS}\\system32\\{name}.exe", program(name, base)
    original = schannel(base, "rtm", profile.platform, profile.service_pack)
    yield SCHANNEL, original
    if profile.platform != "x86":
        wow = schannel(base, "rtm", "x86", profile.service_pack)
        yield f"{WINDOWS}\\SysWOW64\\schannel.dll", wow
    yield f"{WINDOWS}\\win.ini", b"; for 16-bit app support\r\n"
    yield "C:\\boot.ini", b"[boot loader]\r\ntimeout=30\r\n"


def program(name: str, dotted: str, platform: Platform = "x86") -> bytes:
    """A system program without code, with a version."""
    strings = {
        "CompanyName": "Lab",
        "FileDescription": f"LAB-stand-in for {name}.exe",
        "FileVersion": dotted,
        "InternalName": name,
        "ProductName": "Lab",
    }
    version = FileVersion(numbers_of(dotted), strings)
    return make_image(version, platform=platform)


def _lcs(host: Host) -> None:
    name, _, image = host.profile.service
    if not name:
        return
    content = program(image.removesuffix(".exe"), "2.0.5470.0")
    host.files.put(f"{LCS_FOLDER}\\{image}", content, modified=SYSTEM_DATE)
    key = "HKLM\\SOFTWARE\\Microsoft\\Real-Time Communications"
    host.registry.fill(key, {"InstallDir": f"{LCS_FOLDER}\\"})


def _services(host: Host) -> None:
    svchost = f"{WINDOWS}\\system32\\svchost.exe -k"
    shared = (
        ("RpcSs", "Remote Procedure Call (RPC)", "rpcss", "Auto"),
        ("Eventlog", "Event Log", "netsvcs", "Auto"),
        ("lanmanserver", "Server", "netsvcs", "Auto"),
        ("W32Time", "Windows Time", "netsvcs", "Auto"),
        ("winmgmt", "Windows Management Instrumentation", "netsvcs", "Auto"),
        ("WinRM", "Windows Remote Management (WS-Management)", "WINRM", "Auto"),
        ("wuauserv", "Automatic Updates", "netsvcs", "Manual"),
    )
    for name, title, group, mode in shared:
        service = Service(name, title, f"{svchost} {group}", start_mode=mode)
        service.depends_on = () if name == "RpcSs" else ("RpcSs",)
        _add(host, service)
    profile = host.profile
    name, title, image = profile.service
    if name:
        _add(
            host,
            Service(
                *(name, title, f'"{LCS_FOLDER}\\{image}"', f"{profile.domain}\\lcs"),
                depends_on=("RpcSs",),
                start_seconds=profile.timing.service_start,
                stop_seconds=profile.timing.service_stop,
                fault=profile.service_fault,
            ),
        )


def _add(host: Host, service: Service) -> None:
    host.services.add(service)
    start = {"Auto": 2, "Manual": 3, "Disabled": 4}[service.start_mode]
    values: dict[str, RegData] = {
        "DisplayName": service.title,
        "ImagePath": service.path,
        "Start": start,
    }
    host.registry.fill(f"{_SERVICES}\\{service.name}", values)


def _history(host: Host) -> None:
    """Updates that were installed before anybody looked."""
    profile = host.profile
    for article in OTHER_UPDATES:
        traces.record(host, _package(article, profile, {}), [], backed_up=True)
    match profile.schannel:
        case "original":
            pass
        case "later-gdr":
            _later_release(host)
        case "fixed":
            _fixed(host)
    if profile.registry_trace and profile.schannel == "original":
        traces.record(host, _our_package(profile), [SCHANNEL], backed_up=False)
    if profile.pending_rename:
        new = schannel(LATER_GDR_VERSION, "gdr", profile.platform)
        traces.replace_at_boot(host, SCHANNEL, new, BUILD_DATE)


def _package(article: str, profile: Profile, files: dict[str, bytes]) -> Package:
    pack = profile.service_pack
    return Package(article, profile.platform, profile.language, pack, files)


def _our_package(profile: Profile) -> Package:
    new = schannel(FIXED_VERSION, "qfe", profile.platform)
    return _package(ARTICLE, profile, {"schannel.dll": new})


def _later_release(host: Host) -> None:
    """A general release: its file is in place, its hotfix copy is parked."""
    profile = host.profile
    parked = schannel(LATER_GDR_VERSION, "qfe", profile.platform)
    package = _package(LATER_UPDATE, profile, {"schannel.dll": parked})
    traces.back_up(host, package, [SCHANNEL])
    traces.park(host, package, "schannel.dll")
    new = schannel(LATER_GDR_VERSION, "gdr", profile.platform)
    host.files.put(SCHANNEL, new, modified=BUILD_DATE)
    traces.record(host, package, [SCHANNEL], backed_up=True)


def _fixed(host: Host) -> None:
    package = _our_package(host.profile)
    traces.back_up(host, package, [SCHANNEL])
    traces.park(host, package, "schannel.dll")
    old = host.files.node(SCHANNEL)
    new = package.files["schannel.dll"]
    traces.replace_in_use(host, SCHANNEL, new, BUILD_DATE)
    host.displaced = Displaced(INSTALL_LAG_HOURS * SECONDS_PER_HOUR, old)
    if host.profile.registry_trace:
        traces.record(host, package, [SCHANNEL], backed_up=True)
    _old_log(host, package)


def _old_log(host: Host, package: Package) -> None:
    began = host.clock.local(host.agenda.now() - timedelta(hours=INSTALL_LAG_HOURS))
    stamp = began.strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]
    seconds = host.profile.timing.install
    lines = (
        f"0.000: {'=' * 80}",
        f"0.016: {stamp} (local)",
        f"0.031: c:\\lab-unpacked\\update\\update.exe (version {package.engine})",
        "0.047: Hotfix started with following command line: /quiet /norestart",
        f"{seconds * 0.7:.3f}: Copied file: {SCHANNEL}",
        f"{seconds:.3f}: {package.article} installed successfully.",
    )
    content = "".join(f"{line}\r\n" for line in lines).encode()
    host.files.put(f"{WINDOWS}\\{package.article}.log", content)
