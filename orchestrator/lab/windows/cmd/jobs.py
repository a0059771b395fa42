"""Processes as routines: generators that are stepped when what they await happens.

No threads: a computer whose commands all wait costs nothing. A routine yields an
:class:`Outcome` to wait for it, or another routine to run that first; both give
back a number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from orchestrator.lab.windows.cmd.ports import Program, System

Routine: TypeAlias = "Generator[Outcome | Routine, int, int]"

PIPE_BYTES = 1 << 20
"""What a pipe takes before its writer has to wait."""

KILLED = 1
"""The exit code of a process that was ended from outside."""


class Outcome:
    """Something that will end, once, with a number."""

    __slots__ = ("_then", "value")

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.value: int | None = None
        self._then: list[Callable[[], None]] = []

    def set(self, value: int = 0) -> None:
        """It has happened; whoever waits goes on. Only the first time counts."""
        if self.value is not None:
            return
        self.value = value
        waiting, self._then = self._then, []
        for action in waiting:
            action()

    def then(self, action: Callable[[], None]) -> None:
        """Do something when it has happened, or at once if it has."""
        if self.value is None:
            self._then.append(action)
        else:
            action()


class Sink(Protocol):
    """Where a process writes."""

    def write(self, data: bytes) -> None:
        """Take bytes; a closed sink drops them."""

    def room(self) -> Outcome:
        """Happens as soon as more may be written."""


class Source(Protocol):
    """Where a process reads."""

    def take(self) -> bytes | None:
        """What has come; ``None`` when nothing more will come."""

    def ready(self) -> Outcome:
        """Happens when there is something to take, or the end."""

    def unread(self, data: bytes) -> None:
        """Give back what was taken too much."""


class Pipe:
    """Bytes from one process to another, or between a process and its client."""

    def __init__(self, limit: int = PIPE_BYTES) -> None:
        """Empty and open."""
        self._buffer = bytearray()
        self._limit = limit
        self._closed = self._broken = False
        self._waiting: list[Outcome] = []

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outcome in waiting:
            outcome.set()

    def _when(self, condition: bool) -> Outcome:
        outcome = Outcome()
        if condition:
            outcome.set()
        else:
            self._waiting.append(outcome)
        return outcome

    def write(self, data: bytes) -> None:
        """Add bytes; dropped when the pipe is closed or nobody reads any more."""
        if not (self._closed or self._broken) and data:
            self._buffer += data
            self._changed()

    def close(self) -> None:
        """Nothing more will be written."""
        self._closed = True
        self._changed()

    def abandon(self) -> None:
        """Nobody will read any more."""
        self._broken = True
        self._buffer.clear()
        self._changed()

    def take(self) -> bytes | None:
        """All that has come; ``None`` at the end."""
        if self._closed and not self._buffer:
            return None
        data = bytes(self._buffer)
        self._buffer.clear()
        if data:
            self._changed()
        return data

    def unread(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._buffer[:0] = data

    def ready(self) -> Outcome:
        """Happens when there is something, or the end."""
        return self._when(bool(self._buffer) or self._closed)

    def room(self) -> Outcome:
        """Happens when the buffer is below its limit."""
        return self._when(len(self._buffer) < self._limit or self._broken)


class Memory:
    """A source with known bytes: a file, or nothing."""

    def __init__(self, data: bytes = b"") -> None:
        """Hold the bytes."""
        self._data: bytes | None = data or None

    def take(self) -> bytes | None:
        """The bytes, then the end."""
        data, self._data = self._data, None
        return data

    def ready(self) -> Outcome:
        """At once."""
        return _done()

    def unread(self, data: bytes) -> None:
        """Put bytes back."""
        self._data = data + (self._data or b"") or None


class Nothing:
    """The NUL device as a sink."""

    def write(self, data: bytes) -> None:
        """Drop it."""

    def room(self) -> Outcome:
        """Always."""
        return _done()


def _done() -> Outcome:
    outcome = Outcome()
    outcome.set()
    return outcome


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input, output and error."""

    stdin: Source
    stdout: Sink
    stderr: Sink


@dataclass(slots=True)
class Console:
    """What the processes of one shell share; ``chcp`` changes it for all."""

    code_page: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a program: what a process gets from whoever starts it.

    ``tail`` is the command line behind the program's name, as it was written;
    ``folder`` is the working folder, absolute.
    """

    system: System
    executor: Executor
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


def codec(code_page: int) -> str:
    """Python's name of a code page; the American OEM page for an unknown one."""
    try:
        "".encode(f"cp{code_page}")
    except LookupError:
        return "cp437"
    return f"cp{code_page}"


class Leave(Exception):  # noqa: N818 -- a way out, not an error
    """A routine gives up, and those that called it, up to whoever catches this."""

    def __init__(self, code: int) -> None:
        """``code`` is the process's exit code when nobody catches it."""
        super().__init__(code)
        self.code = code


class Job:
    """A process: a routine, and those that it has called."""

    def __init__(
        self, executor: Executor, pid: int, group: int, routine: Routine
    ) -> None:
        """Made by :meth:`Executor.start`; ``group`` is killed as one."""
        self._executor = executor
        self.pid, self.group = pid, group
        self.outcome = Outcome()
        self._stack = [routine]
        self._stepping = False
        self._doom: int | None = None

    def step(self, value: int | None = None) -> None:
        """Go on until the routine waits or ends."""
        if self.outcome.value is not None:
            return
        self._stepping, error = True, None
        while self._stack and self._doom is None:
            try:
                awaited = _resume(self._stack[-1], value, error)
            except StopIteration as end:
                self._stack.pop()
                value, error = end.value, None
            except Leave as leaving:
                self._stack.pop()
                value, error = leaving.code, leaving
            else:
                value = error = None
                if not isinstance(awaited, Outcome):
                    self._stack.append(awaited)
                elif awaited.value is None:
                    self._stepping = False
                    self._go_on_after(awaited)
                    return
                else:
                    value = awaited.value
        self._stepping = False
        self._finish(value or 0 if self._doom is None else self._doom)

    def _go_on_after(self, awaited: Outcome) -> None:
        awaited.then(lambda: self._executor.post(lambda: self.step(awaited.value)))

    def _finish(self, code: int) -> None:
        while self._stack:
            self._stack.pop().close()
        self._executor.forget(self)
        self.outcome.set(code)

    def kill(self, code: int = KILLED) -> None:
        """End it from outside, now; one that is being stepped ends at its wait."""
        if self.outcome.value is None and self._doom is None:
            self._doom = code
            if not self._stepping:
                self._finish(code)


def _resume(
    routine: Routine, value: int | None, error: Leave | None
) -> Outcome | Routine:
    if error is not None:
        return routine.throw(error)
    return next(routine) if value is None else routine.send(value)


class Executor:
    """All jobs of one computer, and the queue of those that can go on."""

    def __init__(self, system: System, tools: Mapping[str, Program]) -> None:
        """Start with none; ``tools`` are Windows' own programs by internal name."""
        self._system, self.tools = system, tools
        self._jobs: dict[int, Job] = {}
        self._ready: deque[Callable[[], None]] = deque()
        self._draining = False

    def post(self, action: Callable[[], None]) -> None:
        """Do something as soon as nothing else is being done."""
        self._ready.append(action)
        if self._draining:
            return
        self._draining = True
        try:
            while self._ready:
                self._ready.popleft()()
        finally:
            self._draining = False

    def pause(self, seconds: float) -> Outcome:
        """Happens after so many simulated seconds."""
        outcome = Outcome()
        self._system.scheduler.after(seconds, outcome.set)
        return outcome

    def start(
        self,
        image: str,
        command_line: str,
        parent: int,
        run: Callable[[int], Routine],
    ) -> Job:
        """Enter a process into the table and begin it; ``run`` gets its number."""
        pid = self._system.processes.create(image, command_line, parent)
        above = self._jobs.get(parent)
        job = Job(self, pid, above.group if above else pid, run(pid))
        self._jobs[pid] = job
        self.post(job.step)
        return job

    def forget(self, job: Job) -> None:
        """A job has ended."""
        if self._jobs.pop(job.pid, None):
            self._system.processes.end(job.pid)

    def kill(self, pid: int, code: int = KILLED) -> bool:
        """End one process, not its children; ``False`` when it is none of these."""
        job = self._jobs.get(pid)
        if job is not None:
            job.kill(code)
        return job is not None

    def kill_group(self, group: int, code: int = KILLED) -> None:
        """End a process that was started from outside, with all it started."""
        for job in [one for one in self._jobs.values() if one.group == group]:
            job.kill(code)

    def kill_all(self) -> None:
        """Power is lost."""
        self._ready.clear()
        for job in list(self._jobs.values()):
            job.kill()
