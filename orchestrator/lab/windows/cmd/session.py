"""What a cmd keeps while it runs, and the small things every command needs."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.lab.windows.cmd.batch import Frame
from orchestrator.lab.windows.cmd.expansion import Environment, Locator
from orchestrator.lab.windows.cmd.launch import Context
from orchestrator.lab.windows.cmd.ports import Jobs, Program, Started, System
from orchestrator.lab.windows.cmd.redirection import Handles
from orchestrator.lab.windows.cmd.rendering import is_quiet, render
from orchestrator.lab.windows.cmd.streams import Outcome, Routine, Source, codec
from orchestrator.lab.windows.cmd.tree import Tree
from orchestrator.lab.windows.filesystem import FileSystem
from orchestrator.lab.windows.paths import full_path

TextRoutine = Generator["Outcome | Routine", int, str | None]


@dataclass(frozen=True, slots=True)
class Saved:
    """What ``setlocal`` puts aside."""

    environment: dict[str, str]
    folder: str
    delayed: bool


class Session(ABC):
    """The state of one cmd.exe: variables, folder, handles, ERRORLEVEL."""

    def __init__(
        self, system: System, executor: Jobs, pid: int, context: Context
    ) -> None:
        """Inherit folder, environment and streams."""
        self.system, self.executor, self.pid = system, executor, pid
        self.environment = Environment(context.environment)
        self.folder, self.console = context.folder, context.console
        self.folders: dict[str, str] = {}
        streams = context.streams
        self.handles = Handles({1: streams.stdout, 2: streams.stderr}, streams.stdin)
        self.errorlevel = 0
        self.echo = True
        self.delayed = False
        self.command_line = ""
        self.frames: list[Frame] = []
        self.pushed: list[str] = []
        self.loop_variables: dict[str, str] = {}

    # Shortcuts.

    @property
    def files(self) -> FileSystem:
        """The computer's files."""
        return self.system.files

    @property
    def tools(self) -> Mapping[str, Program]:
        """Windows' own programs."""
        return self.executor.tools

    @property
    def code_page(self) -> str:
        """The codec of this cmd's output."""
        return codec(self.console.code_page)

    @property
    def context(self) -> Context:
        """What a program started now inherits."""
        environment = self.environment.as_dict()
        streams = self.handles.streams
        return Context(self.folder, environment, streams, self.console)

    @property
    def now(self) -> datetime:
        """The computer's local time."""
        return self.system.local()

    def path(self, text: str) -> str:
        """The full path of what was typed, each drive with its own folder."""
        drive = text[:2].lower()
        return full_path(text, self.folders.get(drive, self.folder))

    def locator(self) -> Locator:
        """For the ``~`` modifiers."""
        local = self.system.local
        return Locator(self.files, self.folder, self.lookup, local)

    def lookup(self, name: str) -> str | None:
        """A variable, or one of those that cmd makes up."""
        value = self.environment.get(name)
        return self._dynamic(name.lower()) if value is None else value

    def _dynamic(self, name: str) -> str | None:
        made: dict[str, Callable[[], str]] = {
            "errorlevel": lambda: str(self.errorlevel),
            "cd": lambda: self.folder,
            "date": lambda: f"{self.now:%a %m/%d/%Y}",
            "time": lambda: clock_text(self.now),
            "random": lambda: str(random.randrange(32768)),  # noqa: S311 -- cmd's own is no better
            "cmdextversion": lambda: "2",
            "cmdcmdline": lambda: self.command_line,
        }
        return made[name]() if name in made else None

    # Talking.

    def print(self, text: str) -> None:
        """Write to standard output."""
        self.handles.streams.stdout.write(text.encode(self.code_page, "replace"))

    def complain(self, text: str) -> None:
        """Write to standard error."""
        self.handles.streams.stderr.write(text.encode(self.code_page, "replace"))

    def ask(self, question: str) -> TextRoutine:
        """Print a question and read a line; ``None`` when there is none."""
        self.print(question)
        line = yield from read_line(self.handles.stdin)
        return None if line is None else line.decode(self.code_page, "replace")

    def show(self, tree: Tree) -> None:
        """Show a command behind the prompt, unless echo is off or it begins ``@``."""
        if self.echo and not is_quiet(tree):
            self.print(f"\r\n{self.folder}>{self.late(render(tree))} \r\n")

    # Keeping and restoring.

    def save(self) -> Saved:
        """What ``setlocal`` saves."""
        return Saved(self.environment.as_dict(), self.folder, self.delayed)

    def restore(self, saved: Saved) -> None:
        """What ``endlocal`` brings back."""
        self.environment = Environment(saved.environment)
        self.folder, self.delayed = saved.folder, saved.delayed

    # What the interpreter does for commands.

    @abstractmethod
    def execute(self, tree: Tree) -> Routine:
        """Run a tree."""

    @abstractmethod
    def late(self, text: str) -> str:
        """Replace loop variables, and ``!VAR!`` where that is on."""

    @abstractmethod
    def dispatch(self, head: str, tail: str, *, called: bool = False) -> Routine:
        """Run a command by its name."""

    @abstractmethod
    def knows(self, head: str) -> bool:
        """Whether a first word is a command of cmd's own."""

    @abstractmethod
    def run_frame(self, frame: Frame) -> Routine:
        """Run a batch file or a called label."""

    @abstractmethod
    def run_line(self, line: str) -> Routine:
        """Run a command line."""

    @abstractmethod
    def fork_line(self, line: str, handles: Handles) -> Started:
        """Run a command line in a cmd of its own."""

    @abstractmethod
    def start_program(self, head: str, path: str, tail: str) -> Started | None:
        """Start a program without waiting."""


def read_line(source: Source) -> Generator[Outcome | Routine, int, bytes | None]:
    """The next line without its end; what follows stays for others."""
    line = b""
    while True:
        yield source.ready()
        data = source.take()
        if data is None:
            return line or None
        head, newline, rest = data.partition(b"\n")
        line += head
        if newline:
            if rest:
                source.unread(rest)
            return line.removesuffix(b"\r")


def read_all(source: Source) -> Generator[Outcome | Routine, int, bytes]:
    """Everything up to the end."""
    pieces: list[bytes] = []
    while True:
        yield source.ready()
        data = source.take()
        if data is None:
            return b"".join(pieces)
        pieces.append(data)


def clock_text(now: datetime) -> str:
    """``%TIME%``: a blank before a one-digit hour, hundredths at the end."""
    return f"{now.hour:2}:{now:%M:%S}.{now.microsecond // 10000:02}"
