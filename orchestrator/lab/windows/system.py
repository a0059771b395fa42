"""A host as its command interpreter sees it, and the programs that are its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from orchestrator.lab.windows import service_programs, traces
from orchestrator.lab.windows.cmd.jobs import Executor, Memory, Nothing, Streams
from orchestrator.lab.windows.cmd.launch import (
    Context,
    find_for_process,
    program_at,
    split_line,
    start,
)
from orchestrator.lab.windows.cmd.ports import Processes, ProcessRow, Program, Scheduler
from orchestrator.lab.windows.host import Host, LaunchError
from orchestrator.lab.windows.installer import package_program, uninstall_program
from orchestrator.lab.windows.package import open_package
from orchestrator.lab.windows.paths import FileError, Win32, full_path
from orchestrator.lab.windows.pe import version_of

SYSTEM_FOLDER = "C:\\WINDOWS\\system32"
ACCESS_DENIED, UNKNOWN_FAILURE, PATH_NOT_FOUND = 2, 8, 9
"""Return codes of Win32_Process.Create."""

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
        self.code_page = host.language.oem
        self.certutil_hashes = host.profile.certutil_hashes

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
        silent = Streams(Memory(), Nothing(), Nothing())
        here = full_path(folder or SYSTEM_FOLDER, SYSTEM_FOLDER)
        context = Context(here, self._system.environment, silent)
        try:
            if not self._system.files.is_folder(here):
                raise LaunchError(PATH_NOT_FOUND)
            path = find_for_process(self._system.files, command_line, context)
            program = program_at(self._system, path, self._executor.tools)
        except FileError as error:
            denied = error.code is Win32.ACCESS_DENIED
            raise LaunchError(ACCESS_DENIED if denied else PATH_NOT_FOUND) from error
        if program is None:
            raise LaunchError(UNKNOWN_FAILURE)
        line = split_line(command_line)
        job = start(self._executor, self._system, program, path, line, context, 0)
        return job.pid
