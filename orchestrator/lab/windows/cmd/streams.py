"""What processes wait for and what they read and write: outcomes, pipes, streams."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Routine: TypeAlias = "Generator[Outcome | Routine, int, int]"
"""A process's work: it yields what it waits for, or a routine to run first."""

PIPE_BYTES = 1 << 20
"""What a pipe takes before its writer has to wait."""


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
        return done()

    def unread(self, data: bytes) -> None:
        """Put bytes back."""
        self._data = data + (self._data or b"") or None


class Nothing:
    """The NUL device as a sink."""

    def write(self, data: bytes) -> None:
        """Drop it."""

    def room(self) -> Outcome:
        """Always."""
        return done()


def done() -> Outcome:
    """What has happened already."""
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


def codec(code_page: int) -> str:
    """Python's name of a code page; the American OEM page for an unknown one."""
    try:
        "".encode(f"cp{code_page}")
    except LookupError:
        return "cp437"
    return f"cp{code_page}"
