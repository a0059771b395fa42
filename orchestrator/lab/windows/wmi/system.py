"""Classes that describe the system: what it is, its disk, its updates, its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.lab.windows import languages
from orchestrator.lab.windows.host import HOTFIX_KEY, UPDATES_KEY, Host
from orchestrator.lab.windows.wmi.descriptors import sid_bytes
from orchestrator.lab.windows.wmi.model import Row, WmiClass, table
from orchestrator.lab.windows.wql import Condition

CREATED = "Win32_ComputerSystem"
_SYSTEM_TYPES = {
    "x86": ("X86-based PC", 0, 32),
    "x64": ("x64-based PC", 9, 64),
    "ia64": ("Itanium-based PC", 6, 64),
}
_EDITIONS = {
    "x86": ("Server 2003, Standard Edition", 272),
    "x64": ("Server 2003 Standard x64 Edition", 272),
    "ia64": ("Server 2003, Enterprise Edition", 274),
}
MEMORY_KILOBYTES = 2_096_628
DISK_BYTES = 36_413_280_256
SID_ALIAS, SID_WELL_KNOWN = 4, 5


def _operating_system(host: Host, _: Condition | None) -> Iterator[Row]:
    profile, language = host.profile, host.language
    title, suite = _EDITIONS[profile.platform]
    pack = profile.service_pack
    caption = f"Microsoft(R) Windows(R) {title}"
    used = sum(one.memory(host.agenda.elapsed()) for one in host.processes)
    yield {
        "BootDevice": "\\Device\\HarddiskVolume1",
        "BuildNumber": "3790",
        "BuildType": "Uniprocessor Free",
        "Caption": caption,
        "CodeSet": language.ansi,
        "CountryCode": language.country,
        "CreationClassName": "Win32_OperatingSystem",
        "CSCreationClassName": CREATED,
        "CSDVersion": f"Service Pack {pack}" if pack else None,
        "CSName": profile.name.upper(),
        "CurrentTimeZone": profile.bias_minutes,
        "Debug": False,
        "Distributed": False,
        "EncryptionLevel": 168,
        "FreePhysicalMemory": max(MEMORY_KILOBYTES - used // 1024, 65536),
        "FreeVirtualMemory": max(2 * MEMORY_KILOBYTES - used // 1024, 131072),
        "InstallDate": host.installed_on,
        "LastBootUpTime": host.booted,
        "LocalDateTime": host.agenda.now(),
        "Locale": f"{language.lcid:04x}",
        "Manufacturer": "Microsoft Corporation",
        "Name": f"{caption}|C:\\WINDOWS|\\Device\\Harddisk0\\Partition1",
        "NumberOfProcesses": len(list(host.processes)),
        "NumberOfUsers": 2,
        "Organization": "Lab",
        "OSLanguage": language.lcid,
        "OSProductSuite": suite,
        "OSType": 18,
        "Primary": True,
        "ProductType": 3,
        "RegisteredUser": "Lab",
        "SerialNumber": "00000-000-0000000-00000",
        "ServicePackMajorVersion": pack,
        "ServicePackMinorVersion": 0,
        "Status": "OK",
        "SuiteMask": suite,
        "SystemDevice": "\\Device\\HarddiskVolume1",
        "SystemDirectory": "C:\\WINDOWS\\system32",
        "SystemDrive": "C:",
        "TotalVirtualMemorySize": 2 * MEMORY_KILOBYTES,
        "TotalVisibleMemorySize": MEMORY_KILOBYTES,
        "Version": "5.2.3790",
        "WindowsDirectory": "C:\\WINDOWS",
    }


def _computer_system(host: Host, _: Condition | None) -> Iterator[Row]:
    profile = host.profile
    yield {
        "AdminPasswordStatus": 3,
        "AutomaticResetBootOption": True,
        "BootupState": "Normal boot",
        "Caption": profile.name.upper(),
        "CreationClassName": CREATED,
        "CurrentTimeZone": profile.bias_minutes,
        "Description": "Simulated computer of the lab",
        "Domain": profile.domain,
        "DomainRole": 3,
        "DNSHostName": profile.name,
        "Manufacturer": "Lab",
        "Model": "Simulated",
        "Name": profile.name.upper(),
        "NumberOfProcessors": 1,
        "PartOfDomain": True,
        "Roles": ["LM_Workstation", "LM_Server", "NT", "Server_NT"],
        "Status": "OK",
        "SystemType": _SYSTEM_TYPES[profile.platform][0],
        "TotalPhysicalMemory": MEMORY_KILOBYTES * 1024,
    }


def _processor(host: Host, _: Condition | None) -> Iterator[Row]:
    architecture, width = _SYSTEM_TYPES[host.profile.platform][1:]
    yield {
        "DeviceID": "CPU0",
        "AddressWidth": width,
        "Architecture": architecture,
        "Availability": 3,
        "Caption": "Simulated processor",
        "CpuStatus": 1,
        "CurrentClockSpeed": 2400,
        "DataWidth": width,
        "LoadPercentage": 4,
        "Manufacturer": "Lab",
        "MaxClockSpeed": 2400,
        "Name": "Simulated processor",
        "Status": "OK",
        "SystemName": host.profile.name.upper(),
    }


def _disks(host: Host, _: Condition | None) -> Iterator[Row]:
    yield {
        "DeviceID": "C:",
        "Caption": "C:",
        "Compressed": False,
        "Description": "Local Fixed Disk",
        "DriveType": 3,
        "FileSystem": "NTFS",
        "FreeSpace": host.files.free_bytes,
        "MediaType": 12,
        "Name": "C:",
        "Size": DISK_BYTES,
        "SystemName": host.profile.name.upper(),
        "VolumeName": "",
        "VolumeSerialNumber": "1AB00001",
    }


def _fixes(host: Host, _: Condition | None) -> Iterator[Row]:
    """The Hotfix key and the Updates key, both: the same fix may come twice."""
    common = {"CSName": host.profile.name.upper()}
    for name in host.registry.keys(HOTFIX_KEY) or []:
        key = f"{HOTFIX_KEY}\\{name}"
        pack = host.registry.data(key, "Service Pack")
        yield {
            **common,
            "HotFixID": name,
            "ServicePackInEffect": f"SP{pack}" if isinstance(pack, int) else "",
            "Description": _text(host, key, "Fix Description"),
            "FixComments": _text(host, key, "Comments"),
            "InstalledBy": _text(host, key, "Installed By"),
            "InstalledOn": _text(host, key, "Installed On"),
        }
    for path in host.registry.walk(UPDATES_KEY):
        name = path.rpartition("\\")[2]
        if name.upper().startswith("KB"):
            yield {
                **common,
                "HotFixID": "File 1",
                "ServicePackInEffect": name,
                "Description": _text(host, path, "Description"),
                "FixComments": "",
                "InstalledBy": _text(host, path, "InstalledBy"),
                "InstalledOn": _text(host, path, "InstalledDate"),
            }


def _text(host: Host, path: str, name: str) -> str:
    found = host.registry.data(path, name)
    return found if isinstance(found, str) else ""


def _events(host: Host, _: Condition | None) -> Iterator[Row]:
    for number, event in enumerate(host.events, start=1):
        yield {
            "Logfile": "System",
            "RecordNumber": number,
            "Category": 0,
            "ComputerName": host.profile.name.upper(),
            "EventCode": event.code,
            "EventIdentifier": event.code,
            "EventType": event.kind,
            "InsertionStrings": None,
            "Message": event.message,
            "SourceName": event.source,
            "TimeGenerated": event.moment,
            "TimeWritten": event.moment,
            "Type": {1: "error", 2: "warning", 3: "information"}[event.kind],
        }


def _accounts(host: Host, _: Condition | None) -> Iterator[Row]:
    for sid in languages.ENGLISH_NAMES:
        name = languages.account_name(host.language, sid)
        domain = languages.authority_of(host.language, sid)
        yield {
            "Caption": f"{domain}\\{name}" if domain else name,
            "Description": "",
            "Domain": domain or host.profile.name.upper(),
            "LocalAccount": True,
            "Name": name,
            "SID": sid,
            "SIDType": SID_ALIAS if sid.startswith("S-1-5-32-") else SID_WELL_KNOWN,
            "Status": "OK",
        }


def _groups(host: Host, where: Condition | None) -> Iterator[Row]:
    return (row for row in _accounts(host, where) if row["SIDType"] == SID_ALIAS)


def _others(host: Host, where: Condition | None) -> Iterator[Row]:
    return (row for row in _accounts(host, where) if row["SIDType"] != SID_ALIAS)


def _sids(host: Host, where: Condition | None) -> Iterator[Row]:
    for row in _accounts(host, where):
        yield {
            "SID": row["SID"],
            "AccountName": row["Name"],
            "BinaryRepresentation": list(sid_bytes(str(row["SID"]))),
            "ReferencedDomainName": row["Domain"],
        }


def _shares(_: Host, where: Condition | None) -> Iterable[Row]:
    del where
    common: Row = {"AllowMaximum": True, "Status": "OK", "Type": 0x80000000}
    return (
        {**common, "Name": "ADMIN$", "Path": "C:\\WINDOWS", "Caption": "Remote Admin"},
        {**common, "Name": "C$", "Path": "C:\\", "Caption": "Default share"},
    )


def _environment(host: Host, _: Condition | None) -> Iterator[Row]:
    for name, value in host.environment().items():
        yield {
            "Caption": f"<SYSTEM>\\{name}",
            "Name": name,
            "SystemVariable": True,
            "UserName": "<SYSTEM>",
            "VariableValue": value,
        }


_ACCOUNT = "Caption Description InstallDate LocalAccount SIDType Status SID"

CLASSES: tuple[WmiClass, ...] = (
    table(
        "Win32_OperatingSystem",
        "",
        "BootDevice BuildNumber BuildType Caption CodeSet CountryCode"
        " CreationClassName CSCreationClassName CSDVersion CSName CurrentTimeZone"
        " DataExecutionPrevention_32BitApplications DataExecutionPrevention_Available"
        " DataExecutionPrevention_Drivers DataExecutionPrevention_SupportPolicy Debug"
        " Description Distributed EncryptionLevel ForegroundApplicationBoost"
        " FreePhysicalMemory FreeSpaceInPagingFiles FreeVirtualMemory InstallDate"
        " LargeSystemCache LastBootUpTime LocalDateTime Locale Manufacturer"
        " MaxNumberOfProcesses MaxProcessMemorySize Name NumberOfLicensedUsers"
        " NumberOfProcesses NumberOfUsers Organization OSLanguage OSProductSuite"
        " OSType OtherTypeDescription PAEEnabled PlusProductID PlusVersionNumber"
        " Primary ProductType QuantumLength QuantumType RegisteredUser SerialNumber"
        " ServicePackMajorVersion ServicePackMinorVersion SizeStoredInPagingFiles"
        " Status SuiteMask SystemDevice SystemDirectory SystemDrive"
        " TotalSwapSpaceSize TotalVirtualMemorySize TotalVisibleMemorySize Version"
        " WindowsDirectory",
        _operating_system,
    ),
    table(
        "Win32_ComputerSystem",
        "Name",
        "AdminPasswordStatus AutomaticResetBootOption AutomaticResetCapability"
        " BootOptionOnLimit BootOptionOnWatchDog BootROMSupported BootupState Caption"
        " ChassisBootupState CreationClassName CurrentTimeZone DaylightInEffect"
        " Description DNSHostName Domain DomainRole EnableDaylightSavingsTime"
        " FrontPanelResetStatus InfraredSupported InitialLoadInfo InstallDate"
        " KeyboardPasswordStatus LastLoadInfo Manufacturer Model NameFormat"
        " NetworkServerModeEnabled NumberOfProcessors OEMLogoBitmap OEMStringArray"
        " PartOfDomain PauseAfterReset PowerState PrimaryOwnerName ResetCapability"
        " ResetCount ResetLimit Roles Status SystemStartupDelay SystemStartupOptions"
        " SystemStartupSetting SystemType ThermalState TotalPhysicalMemory UserName"
        " WakeUpType Workgroup",
        _computer_system,
    ),
    table(
        "Win32_Processor",
        "DeviceID",
        "AddressWidth Architecture Availability Caption CpuStatus CurrentClockSpeed"
        " CurrentVoltage DataWidth Description ExtClock Family InstallDate L2CacheSize"
        " Level LoadPercentage Manufacturer MaxClockSpeed Name ProcessorId"
        " ProcessorType Revision Role SocketDesignation Status StatusInfo Stepping"
        " SystemName UniqueId UpgradeMethod Version",
        _processor,
    ),
    table(
        "Win32_LogicalDisk",
        "DeviceID",
        "Access Availability BlockSize Caption Compressed Description DriveType"
        " FileSystem FreeSpace InstallDate MaximumComponentLength MediaType Name"
        " NumberOfBlocks ProviderName Purpose QuotasDisabled Size Status StatusInfo"
        " SystemName VolumeDirty VolumeName VolumeSerialNumber",
        _disks,
    ),
    table(
        "Win32_QuickFixEngineering",
        "HotFixID ServicePackInEffect",
        "Caption CSName Description FixComments InstallDate InstalledBy InstalledOn"
        " Name Status",
        _fixes,
    ),
    table(
        "Win32_NTLogEvent",
        "Logfile RecordNumber",
        "Category CategoryString ComputerName Data EventCode EventIdentifier EventType"
        " InsertionStrings Message SourceName TimeGenerated TimeWritten Type User",
        _events,
    ),
    table("Win32_Account", "Domain Name", _ACCOUNT, _accounts),
    table("Win32_SystemAccount", "Domain Name", _ACCOUNT, _others),
    table("Win32_Group", "Domain Name", _ACCOUNT, _groups),
    table(
        *("Win32_SID", "SID"),
        "AccountName BinaryRepresentation ReferencedDomainName SidLength",
        _sids,
    ),
    table(
        *("Win32_Share", "Name"),
        "AccessMask AllowMaximum Caption Description InstallDate MaximumAllowed Path"
        " Status Type",
        _shares,
    ),
    table(
        *("Win32_Environment", "Name UserName"),
        "Caption Description InstallDate Status SystemVariable VariableValue",
        _environment,
    ),
)
