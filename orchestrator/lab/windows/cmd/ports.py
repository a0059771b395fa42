"""What the command side needs of the computer around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.lab.windows.cmd.streams import (
    Console,
    Outcome,
    Routine,
    Streams,
    codec,
)
from orchestrator.lab.windows.filesystem import FileSystem
from orchestrator.lab.windows.registry import Registry


class Program(Protocol):
    """What an executable does: a routine that ends with the exit code.

    It waits by yielding an :class:`~orchestrator.lab.windows.cmd.streams.Outcome`,
    whose number the yield gives back. When the process is killed the routine is
    closed at its yield, so a ``finally`` there can stop what it started.
    """

    def __call__(self, run: Invocation, /) -> Routine | int:
        """Run once; a program that awaits nothing gives its exit code at once."""


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process as tasklist prints it; memory in KB, processor time in seconds."""

    pid: int
    name: str
    session: int = 0
    memory: int = 4096
    user: str = "NT AUTHORITY\\SYSTEM"
    processor_time: int = 0


class Processes(Protocol):
    """The computer's process table."""

    def create(self, image_path: str, command_line: str, parent_pid: int) -> int:
        """Enter a new process; its number. ``image_path`` is the program's file."""

    def end(self, pid: int) -> None:
        """Take a process off the table; unknown ones are ignored."""

    def kill(self, pid: int, code: int) -> bool:
        """End any process from outside; ``False`` when it may not be ended."""

    def rows(self) -> Sequence[ProcessRow]:
        """All that run."""


class Scheduler(Protocol):
    """Simulated time; an :class:`~orchestrator.lab.windows.clock.Agenda` is one."""

    def after(self, seconds: float, action: Callable[[], None]) -> int:
        """Do ``action`` in so many simulated seconds; a handle to cancel it."""

    def cancel(self, *handles: int) -> None:
        """Forget actions."""


class System(Protocol):
    """One computer, as its command interpreter sees it."""

    @property
    def files(self) -> FileSystem:
        """Its volumes."""

    @property
    def registry(self) -> Registry:
        """Its registry."""

    @property
    def processes(self) -> Processes:
        """Its process table."""

    @property
    def scheduler(self) -> Scheduler:
        """Its time."""

    @property
    def host_name(self) -> str:
        """Its NetBIOS name."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The system's environment variables."""

    @property
    def certutil_hashes(self) -> bool:
        """Whether its certutil knows ``-hashfile``."""

    def visit(self) -> AbstractContextManager[None]:
        """Hold the computer's lock and bring it up to date.

        Every entry from outside goes through this: the service's threads and the
        computer's own work never meet inside a command.
        """

    def local(self, moment: datetime | None = None) -> datetime:
        """A moment (default: now) in the computer's own time zone, naive."""

    def program(self, content: bytes) -> Program | None:
        """What a file does that is none of Windows' own tools, by its content."""


class Started(Protocol):
    """A process that was started: its number, and its end."""

    @property
    def pid(self) -> int:
        """The process number."""

    @property
    def outcome(self) -> Outcome:
        """Happens with the exit code when it ends."""


class Jobs(Protocol):
    """How a program waits and starts others."""

    @property
    def tools(self) -> Mapping[str, Program]:
        """Windows' own programs by internal name."""

    def pause(self, seconds: float) -> Outcome:
        """Happens after so many simulated seconds."""

    def breath(self) -> Outcome:
        """What every command waits for first: nothing, unless there were too many."""

    def start(
        self,
        image: str,
        command_line: str,
        parent: int,
        run: Callable[[int], Routine],
    ) -> Started:
        """Enter a process into the table and begin it; ``run`` gets its number.

        Raises:
            FileError: there are too many already (8).
        """


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a program: what a process gets from whoever starts it.

    ``tail`` is the command line behind the program's name, as it was written;
    ``folder`` is the working folder, absolute.
    """

    system: System
    executor: Jobs
    streams: Streams
    pid: int
    path: str
    tail: str
    folder: str
    environment: Mapping[str, str]
    console: Console

    @property
    def code_page(self) -> str:
        """The codec of what is printed."""
        return codec(self.console.code_page)

    def print(self, text: str) -> None:
        """Write text to standard output."""
        self.streams.stdout.write(text.encode(self.code_page, "replace"))

    def complain(self, text: str) -> None:
        """Write text to standard error."""
        self.streams.stderr.write(text.encode(self.code_page, "replace"))
