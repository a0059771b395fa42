"""Classes that describe what runs: services, processes, their counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from orchestrator.lab.machine import WBEM_E_INVALID_PARAMETER, WmiError, WmiValue
from orchestrator.lab.windows.host import Host, LaunchError
from orchestrator.lab.windows.services import Service, State
from orchestrator.lab.windows.wmi.model import Row, WmiClass, table
from orchestrator.lab.windows.wmi.system import CREATED
from orchestrator.lab.windows.wql import Condition

_FIRST_WINDOWS_TICK = 11_644_473_600
_TICKS = 10_000_000


def _services(host: Host, _: Condition | None) -> Iterator[Row]:
    for one in host.services:
        running = one.state is not State.STOPPED
        yield {
            "AcceptPause": False,
            "AcceptStop": one.state is State.RUNNING,
            "Caption": one.title,
            "CheckPoint": int(one.state in (State.STARTING, State.STOPPING)),
            "CreationClassName": "Win32_Service",
            "Description": one.title,
            "DesktopInteract": False,
            "DisplayName": one.title,
            "ErrorControl": "Normal",
            "ExitCode": one.exit_code,
            "Name": one.name,
            "PathName": one.path,
            "ProcessId": one.pid,
            "ServiceSpecificExitCode": one.specific_code,
            "ServiceType": "Share Process" if one.shared else "Own Process",
            "Started": running,
            "StartMode": one.start_mode,
            "StartName": one.account,
            "State": str(one.state),
            "Status": "OK",
            "SystemCreationClassName": CREATED,
            "SystemName": host.profile.name.upper(),
            "TagId": 0,
            "WaitHint": 0,
        }


def _service(host: Host, row: Row) -> Service:
    found = host.services.find(str(row["Name"]))
    if found is None:
        raise WmiError(WBEM_E_INVALID_PARAMETER, "no such service")
    return found


def _start_service(host: Host, row: Row, _: Mapping[str, WmiValue]) -> Row:
    return {"ReturnValue": int(host.services.start(_service(host, row)))}


def _stop_service(host: Host, row: Row, _: Mapping[str, WmiValue]) -> Row:
    return {"ReturnValue": int(host.services.stop(_service(host, row)))}


def _change_start_mode(host: Host, row: Row, arguments: Mapping[str, WmiValue]) -> Row:
    modes = {"automatic": "Auto", "manual": "Manual", "disabled": "Disabled"}
    mode = modes.get(str(arguments.get("startmode")).lower())
    if mode is None:
        return {"ReturnValue": 21}
    _service(host, row).start_mode = mode
    return {"ReturnValue": 0}


def _processes(host: Host, _: Condition | None) -> Iterator[Row]:
    elapsed = host.agenda.elapsed()
    for one in host.processes:
        private = one.memory(elapsed)
        yield {
            "Caption": one.name,
            "CommandLine": one.command_line,
            "CreationClassName": "Win32_Process",
            "CreationDate": one.started,
            "CSCreationClassName": CREATED,
            "CSName": host.profile.name.upper(),
            "Description": one.name,
            "ExecutablePath": one.path,
            "Handle": str(one.pid),
            "HandleCount": 120,
            "KernelModeTime": 312_500,
            "Name": one.name,
            "OSCreationClassName": "Win32_OperatingSystem",
            "PageFileUsage": private // 1024,
            "ParentProcessId": one.parent,
            "Priority": 8,
            "PrivatePageCount": private,
            "ProcessId": one.pid,
            "SessionId": one.session,
            "ThreadCount": 12,
            "UserModeTime": 156_250,
            "VirtualSize": private * 4,
            "WindowsVersion": "5.2.3790",
            "WorkingSetSize": private + (2 << 20),
        }


def _create(host: Host, _: Row, arguments: Mapping[str, WmiValue]) -> Row:
    """Return codes as documented: 8 unknown failure, 9 path not found, 21 bad."""
    line = arguments.get("commandline")
    folder = arguments.get("currentdirectory")
    if not isinstance(line, str) or not line.strip():
        return {"ReturnValue": 21, "ProcessId": None}
    try:
        pid = host.launch(line, folder if isinstance(folder, str) else None)
    except LaunchError as error:
        return {"ReturnValue": error.code, "ProcessId": None}
    return {"ReturnValue": 0, "ProcessId": pid}


def _terminate(host: Host, row: Row, arguments: Mapping[str, WmiValue]) -> Row:
    code = int(str(arguments.get("reason") or 0))
    host.kill(int(str(row["ProcessId"])), code)
    return {"ReturnValue": 0}


def _counters(host: Host, _: Condition | None) -> Iterator[Row]:
    elapsed, now = host.agenda.elapsed(), host.agenda.now()
    ticks = int((now.timestamp() + _FIRST_WINDOWS_TICK) * _TICKS)
    seen: Counter[str] = Counter()
    total = 0
    for one in host.processes:
        base = one.name[:-4] if one.name.lower().endswith(".exe") else one.name
        number = seen[base.lower()]
        seen[base.lower()] += 1
        private = one.memory(elapsed)
        total += private
        yield _counter(
            f"{base}#{number}" if number else base, one.pid, one.parent, private, ticks
        )
    yield _counter("_Total", 0, 0, total, ticks)


def _counter(name: str, pid: int, parent: int, private: int, ticks: int) -> Row:
    return {
        "CreatingProcessID": parent,
        "Frequency_Object": _TICKS,
        "Frequency_PerfTime": _TICKS,
        "Frequency_Sys100NS": _TICKS,
        "HandleCount": 120,
        "IDProcess": pid,
        "Name": name,
        "PageFileBytes": private,
        "PageFileBytesPeak": private,
        "PoolNonpagedBytes": 8192,
        "PoolPagedBytes": 65536,
        "PriorityBase": 8,
        "PrivateBytes": private,
        "ThreadCount": 12,
        "Timestamp_Object": ticks,
        "Timestamp_PerfTime": ticks,
        "Timestamp_Sys100NS": ticks,
        "VirtualBytes": private * 4,
        "VirtualBytesPeak": private * 4,
        "WorkingSet": private + (2 << 20),
        "WorkingSetPeak": private + (2 << 20),
    }


_COUNTERS = (
    "Caption CreatingProcessID Description ElapsedTime Frequency_Object"
    " Frequency_PerfTime Frequency_Sys100NS HandleCount IDProcess IODataBytesPersec"
    " IODataOperationsPersec IOOtherBytesPersec IOOtherOperationsPersec"
    " IOReadBytesPersec IOReadOperationsPersec IOWriteBytesPersec"
    " IOWriteOperationsPersec PageFaultsPersec PageFileBytes PageFileBytesPeak"
    " PercentPrivilegedTime PercentProcessorTime PercentUserTime PoolNonpagedBytes"
    " PoolPagedBytes PriorityBase PrivateBytes ThreadCount Timestamp_Object"
    " Timestamp_PerfTime Timestamp_Sys100NS VirtualBytes VirtualBytesPeak WorkingSet"
    " WorkingSetPeak"
)

CLASSES: tuple[WmiClass, ...] = (
    table(
        *("Win32_Service", "Name"),
        "AcceptPause AcceptStop Caption CheckPoint CreationClassName Description"
        " DesktopInteract DisplayName ErrorControl ExitCode InstallDate PathName"
        " ProcessId ServiceSpecificExitCode ServiceType Started StartMode StartName"
        " State Status SystemCreationClassName SystemName TagId WaitHint",
        _services,
        methods={
            "StartService": _start_service,
            "StopService": _stop_service,
            "ChangeStartMode": _change_start_mode,
        },
    ),
    table(
        *("Win32_Process", "Handle"),
        "Caption CommandLine CreationClassName CreationDate CSCreationClassName CSName"
        " Description ExecutablePath ExecutionState HandleCount InstallDate"
        " KernelModeTime MaximumWorkingSetSize MinimumWorkingSetSize Name"
        " OSCreationClassName OSName OtherOperationCount OtherTransferCount PageFaults"
        " PageFileUsage ParentProcessId PeakPageFileUsage PeakVirtualSize"
        " PeakWorkingSetSize Priority PrivatePageCount ProcessId"
        " QuotaNonPagedPoolUsage QuotaPagedPoolUsage QuotaPeakNonPagedPoolUsage"
        " QuotaPeakPagedPoolUsage ReadOperationCount ReadTransferCount SessionId"
        " Status TerminationDate ThreadCount UserModeTime VirtualSize WindowsVersion"
        " WorkingSetSize WriteOperationCount WriteTransferCount",
        _processes,
        methods={"Create": _create, "Terminate": _terminate},
        static="Create",
    ),
    table("Win32_PerfRawData_PerfProc_Process", "Name", _COUNTERS, _counters),
    table("Win32_PerfFormattedData_PerfProc_Process", "Name", _COUNTERS, _counters),
)
