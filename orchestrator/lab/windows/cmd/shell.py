"""Remote shells and detached programs: what a computer offers to the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.lab.machine import Command, CommandOutput
from orchestrator.lab.windows.cmd import launch
from orchestrator.lab.windows.cmd.jobs import Executor
from orchestrator.lab.windows.cmd.launch import Context
from orchestrator.lab.windows.cmd.ports import Started, System
from orchestrator.lab.windows.cmd.program.table import TOOLS
from orchestrator.lab.windows.cmd.streams import Console, Memory, Nothing, Pipe, Streams
from orchestrator.lab.windows.paths import FileError, Win32

OEM_PAGE = 437
"""The code page of programs that have no console of a client."""


@dataclass(frozen=True, slots=True)
class ShellQuota:
    """What one remote shell may use, its children included.

    The defaults are those of WinRM 1.1: MaxProcessesPerShell (MS-WSMV <31>; one more
    is not created and standard error says so, <32>) and MaxMemoryPerShellMB (<33>;
    beyond it the operation is ended, 2.2.4.42).
    """

    processes: int = 5
    memory_kb: int = 80 << 10


class CmdCommand:
    """A command that runs in a remote shell."""

    def __init__(self, system: System, executor: Executor, quota: ShellQuota) -> None:
        """Nothing runs yet."""
        self._system, self._executor, self._quota = system, executor, quota
        self._stdin, self._stdout, self._stderr = Pipe(1 << 40), Pipe(), Pipe()
        self._job: Started | None = None
        self._code: int | None = None

    @property
    def streams(self) -> Streams:
        """What its process reads and writes."""
        return Streams(self._stdin, self._stdout, self._stderr)

    def follow(self, job: Started) -> None:
        """It is this process."""
        self._job = job
        self._executor.limit(job.pid, self._quota.processes)

    def _keep_to_quota(self, pid: int) -> None:
        mine = self._executor.group(pid)
        rows = self._system.processes.rows()
        used = sum(row.memory for row in rows if row.pid in mine)
        if used > self._quota.memory_kb:
            self._executor.kill_group(pid)

    def fail(self, message: str, code: int) -> None:
        """It could not be started."""
        self._stderr.write(message.encode())
        self._code = code

    def write(self, data: bytes, *, end: bool) -> None:
        """Feed standard input; ``end`` closes it."""
        with self._system.visit():
            self._executor.post(lambda: self._stdin.write(data))
            if end:
                self._executor.post(self._stdin.close)

    def read(self) -> CommandOutput:
        """Take the output so far; never blocks."""
        with self._system.visit():
            out = self._stdout.take() or b""
            err = self._stderr.take() or b""
            self._executor.post(lambda: None)
            if self._job is not None:
                self._keep_to_quota(self._job.pid)
            code = self._job.outcome.value if self._job else self._code
            if code is not None:
                out += self._stdout.take() or b""
                err += self._stderr.take() or b""
            return CommandOutput(out, err, code is not None, code)

    def terminate(self) -> None:
        """Stop it and all that it started."""
        with self._system.visit():
            if self._job is not None:
                self._executor.kill_group(self._job.pid)


class CmdShell:
    """A remote shell: folder, environment, and the commands run in it."""

    def __init__(
        self,
        system: System,
        executor: Executor,
        *,
        folder: str | None,
        environment: Mapping[str, str],
        code_page: int,
        quota: ShellQuota = ShellQuota(),
    ) -> None:
        """Open it; the folder is the user's profile unless told.

        Raises:
            FileError: the folder is not there.
        """
        self._system, self._executor = system, executor
        merged = launch.merged(system.environment, environment)
        self._folder = folder or launch.value_of(merged, "userprofile") or "C:\\"
        if folder and not system.files.is_folder(folder):
            raise FileError(Win32.DIRECTORY, folder)
        self._environment, self._console = merged, Console(code_page)
        self._quota = quota
        self._commands: list[CmdCommand] = []

    def run(
        self, command: str, arguments: Sequence[str], *, skip_cmd_shell: bool
    ) -> Command:
        """Start a command line; with ``skip_cmd_shell`` a program without cmd."""
        line = " ".join([command, *arguments])
        with self._system.visit():
            running = CmdCommand(self._system, self._executor, self._quota)
            self._commands.append(running)
            shell = launch.value_of(self._environment, "comspec") or "cmd.exe"
            full = line if skip_cmd_shell else f'{shell} /C "{line}"'
            context = Context(
                self._folder, self._environment, running.streams, self._console
            )

            def begin() -> None:
                running.follow(start(self._system, self._executor, full, context))

            try:
                # Posted, so that its quota holds before its first step.
                self._executor.post(begin)
            except FileError as error:
                running.fail(f"{error.message}\r\n", int(error.code))
            return running

    def close(self) -> None:
        """End the shell and whatever still runs in it."""
        for command in self._commands:
            command.terminate()


def executor_for(system: System) -> Executor:
    """The executor of a computer, with Windows' own programs."""
    return Executor(system, TOOLS)


def start_process(
    system: System,
    executor: Executor,
    command_line: str,
    *,
    folder: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Started:
    """Start a program that belongs to no shell, as ``Win32_Process.Create`` does.

    Its output goes nowhere. The answer holds its number and its end.

    Raises:
        FileError: no such program (2) or folder (3, 267), or it is none (193).
    """
    context = Context(
        folder or "C:\\WINDOWS\\system32",
        launch.merged(system.environment, environment or {}),
        Streams(Memory(), Nothing(), Nothing()),
        Console(OEM_PAGE),
    )
    if folder and not system.files.is_folder(folder):
        raise FileError(Win32.DIRECTORY, folder)
    return start(system, executor, command_line, context)


def start(system: System, executor: Executor, line: str, context: Context) -> Started:
    """Start a command line as CreateProcess does.

    Raises:
        FileError: as :func:`start_process`.
    """
    path, head, tail = launch.find_for_process(system.files, line, context)
    if path.lower().endswith(launch.BATCH):
        shell = launch.value_of(context.environment, "comspec")
        return start(system, executor, f'{shell} /c "{line}"', context)
    program = launch.program_at(system, path, executor.tools)
    if program is None:
        raise FileError(Win32.BAD_EXE_FORMAT, path)
    return launch.start(
        executor, system, program, path=path, line=(head, tail), context=context
    )
