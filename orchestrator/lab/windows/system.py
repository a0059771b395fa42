"""A host as its command interpreter sees it, and the programs that are its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from orchestrator.lab.windows import service_programs, traces
from orchestrator.lab.windows.cmd.jobs import Executor
from orchestrator.lab.windows.cmd.ports import Processes, ProcessRow, Program, Scheduler
from orchestrator.lab.windows.cmd.shell import start_process
from orchestrator.lab.windows.host import Host, LaunchError
from orchestrator.lab.windows.installer import package_program, uninstall_program
from orchestrator.lab.windows.package import open_package
from orchestrator.lab.windows.paths import FileError, Win32
from orchestrator.lab.windows.pe import version_of

UNKNOWN_FAILURE = 8
_CREATE_CODES: Mapping[Win32, int] = {
    Win32.ACCESS_DENIED: 2,
    Win32.FILE_NOT_FOUND: 9,
    Win32.PATH_NOT_FOUND: 9,
    Win32.DIRECTORY: 9,
}
"""Return codes of Win32_Process.Create: 2 denied, 9 no such path, 8 anything else."""

_SERVICE_PROGRAMS: Mapping[str, Callable[[Host], Program]] = {
    "net": service_programs.net,
    "net1": service_programs.net,
    "sc": service_programs.sc,
}


class ProcessList:
    """The process table in the words of the command side."""

    def __init__(self, host: Host) -> None:
        """Stand before a host's table."""
        self._host = host

    def create(self, image_path: str, command_line: str, parent_pid: int) -> int:
        """Enter a new process; its number."""
        name = image_path.rpartition("\\")[2]
        process = self._host.start_process(name, image_path, parent=parent_pid)
        process.command_line = command_line
        return process.pid

    def end(self, pid: int) -> None:
        """Take a process off the table."""
        self._host.processes.remove(pid)

    def kill(self, pid: int, code: int) -> bool:
        """End any process from outside, with its service."""
        self._host.kill(pid, code)
        return True

    def rows(self) -> Sequence[ProcessRow]:
        """All that run."""
        elapsed = self._host.agenda.elapsed()
        return [
            ProcessRow(one.pid, one.name, one.session, one.memory(elapsed) // 1024)
            for one in self._host.processes
        ]


class HostSystem:
    """One computer for its command interpreter."""

    def __init__(
        self, host: Host, visit: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """``visit`` takes the computer's lock and brings it up to date."""
        self._host = host
        self.visit = visit
        self.files = host.files
        self.registry = host.registry
        self.processes: Processes = ProcessList(host)
        self.scheduler: Scheduler = host.agenda
        self.host_name = host.profile.name.upper()
        self.environment: Mapping[str, str] = {
            **host.environment(),
            "COMPUTERNAME": self.host_name,
            "SystemDrive": "C:",
            "SystemRoot": traces.WINDOWS,
        }
        self.certutil_hashes = host.profile.certutil_hashes

    def local(self, moment: datetime | None = None) -> datetime:
        """A moment (default: now) in the computer's own time zone, naive."""
        return self._host.clock.local(moment or self._host.agenda.now())

    def program(self, content: bytes) -> Program | None:
        """What a file does that is none of Windows' own tools, by its content."""
        package = open_package(content)
        if package is not None:
            return package_program(self._host, package)
        version = version_of(content)
        name = version.strings.get("InternalName", "") if version else ""
        if name == traces.SPUNINST_NAME:
            return uninstall_program(self._host)
        found = _SERVICE_PROGRAMS.get(name)
        return found(self._host) if found else None


class Launcher:
    """Starts programs for Win32_Process.Create: no window, no streams, no parent."""

    def __init__(self, system: HostSystem, executor: Executor) -> None:
        """Start programs of one computer."""
        self._system, self._executor = system, executor

    def __call__(self, command_line: str, folder: str | None) -> int:
        """Start what a command line names; its process number.

        Raises:
            LaunchError: no such program or folder (9), no right (2), no program (8).
        """
        try:
            job = start_process(
                self._system, self._executor, command_line, folder=folder
            )
        except FileError as error:
            code = _CREATE_CODES.get(error.code, UNKNOWN_FAILURE)
            raise LaunchError(code) from error
        return job.pid
