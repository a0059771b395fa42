"""A computer in memory for tests of its command side; its time moves on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.lab.machine import CommandOutput
from orchestrator.lab.windows.clock import Agenda, HostClock
from orchestrator.lab.windows.cmd import shell
from orchestrator.lab.windows.cmd.ports import ProcessRow, Program
from orchestrator.lab.windows.cmd.program.table import TOOLS
from orchestrator.lab.windows.filesystem import FileSystem
from orchestrator.lab.windows.pe import FileVersion, make_image
from orchestrator.lab.windows.registry import Registry

START = datetime(2026, 11, 24, 9, 5, 7, tzinfo=UTC)
SYSTEM32 = "C:\\WINDOWS\\system32"


class Table:
    """A process table that remembers what was ever started."""

    def __init__(self) -> None:
        self.alive: dict[int, ProcessRow] = {}
        self.lines: list[str] = []
        self.killer: Callable[[int, int], bool] = lambda _pid, _code: False

    def create(self, image_path: str, command_line: str, parent_pid: int) -> int:
        del parent_pid
        pid = 1000 + 4 * len(self.lines)
        self.lines.append(command_line)
        name = image_path.rpartition("\\")[2]
        self.alive[pid] = ProcessRow(pid, name, user="LAB\\admin")
        return pid

    def end(self, pid: int) -> None:
        self.alive.pop(pid, None)

    def kill(self, pid: int, code: int) -> bool:
        return self.killer(pid, code)

    def rows(self) -> Sequence[ProcessRow]:
        return list(self.alive.values())


@dataclass
class Result:
    out: str
    err: str
    code: int | None


def image(name: str) -> bytes:
    """A program file that is known by its internal name."""
    strings = {"CompanyName": "Lab", "InternalName": name}
    return make_image(FileVersion((5, 2, 3790, 1830), strings))


class Machine:
    """Everything that the command side asks of a computer."""

    def __init__(self) -> None:
        self.real_seconds = 0.0
        self.clock = HostClock(START, ticks=lambda: self.real_seconds)
        self.scheduler = Agenda(self.clock)
        self.mapped: set[str] = set()
        self.files = FileSystem(
            self.scheduler.now, in_use=lambda path: path.lower() in self.mapped
        )
        self.registry = Registry()
        self.processes = Table()
        self.host_name = "LCS01"
        self.certutil_hashes = True
        self.programs: dict[bytes, Program] = {}
        self.environment: Mapping[str, str] = {
            "ComSpec": f"{SYSTEM32}\\cmd.exe",
            "Path": f"{SYSTEM32};C:\\WINDOWS",
            "PATHEXT": ".COM;.EXE;.BAT;.CMD",
            "SystemRoot": "C:\\WINDOWS",
            "windir": "C:\\WINDOWS",
        }
        for name in TOOLS:
            extension = "com" if name in ("chcp", "more") else "exe"
            self.files.put(f"{SYSTEM32}\\{name}.{extension}", image(name))
        self.files.make_folders("C:\\work")
        self.executor = shell.executor_for(self)
        self.processes.killer = self.executor.kill

    @contextmanager
    def visit(self) -> Iterator[None]:
        self.scheduler.catch_up()
        yield

    def local(self, moment: datetime | None = None) -> datetime:
        return self.clock.local(moment or self.scheduler.now())

    def program(self, content: bytes) -> Program | None:
        return self.programs.get(content)

    def pass_time(self, seconds: float) -> None:
        self.real_seconds += seconds
        self.scheduler.catch_up()

    def open(self, code_page: int = 437, folder: str = "C:\\work") -> shell.CmdShell:
        return shell.CmdShell(
            self, self.executor, folder=folder, environment={}, code_page=code_page
        )

    def put(self, name: str, text: str) -> None:
        self.files.put(f"C:\\work\\{name}", text.replace("\n", "\r\n").encode("cp437"))

    def text(self, name: str) -> str | None:
        node = self.files.find(f"C:\\work\\{name}")
        return None if node is None else node.content.decode("cp437")

    def run(
        self,
        line: str,
        stdin: bytes = b"",
        *,
        limit: float = 3600.0,
        step: float = 0.5,
        code_page: int = 437,
    ) -> Result:
        """Run a command to its end, at most ``limit`` simulated seconds."""
        command = self.open(code_page).run(line, [], skip_cmd_shell=False)
        command.write(stdin, end=True)
        out, err = b"", b""
        spent = 0.0
        while True:
            seen: CommandOutput = command.read()
            out, err = out + seen.stdout, err + seen.stderr
            if seen.done or spent >= limit:
                break
            self.pass_time(step)
            spent += step
        return Result(out.decode("cp437"), err.decode("cp437"), seen.exit_code)

    def batch(self, text: str, arguments: str = "", stdin: bytes = b"") -> Result:
        """Run a batch file with echo off."""
        self.put("test.cmd", f"@echo off\n{text}\n")
        return self.run(f"test.cmd {arguments}".strip(), stdin)
