"""Processes: who runs since when, with which files mapped, using how much memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.lab.windows.clock import Agenda
from orchestrator.lab.windows.filesystem import Node

FIRST_PID = 244
MEGABYTE = 1 << 20


@dataclass(slots=True)
class Process:
    """One process. ``images`` are the files it mapped when it started."""

    pid: int
    parent: int
    name: str
    path: str | None
    command_line: str | None
    started: datetime
    started_at: float
    session: int = 0
    private_bytes: int = 4 * MEGABYTE
    leak_per_hour: int = 0
    images: list[Node] = field(default_factory=list)

    def memory(self, elapsed: float) -> int:
        """Private bytes at a moment; a leak grows with the time since the start."""
        leaked = self.leak_per_hour * (elapsed - self.started_at) / 3600
        return self.private_bytes + int(leaked)


class ProcessTable:
    """The processes of one computer, by number."""

    def __init__(self, agenda: Agenda) -> None:
        """Start empty; numbers go up in fours, as Windows gives them."""
        self._agenda = agenda
        self._next = FIRST_PID
        self._all: dict[int, Process] = {}
        #: How often each image was started, as process events of a security log tell.
        self.starts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Process]:
        """All that run, oldest first."""
        return iter(list(self._all.values()))

    def find(self, pid: int) -> Process | None:
        """The process of that number, if it runs."""
        return self._all.get(pid)

    def named(self, name: str) -> list[Process]:
        """All of one image name, whatever the letter case."""
        return [one for one in self if one.name.lower() == name.lower()]

    def add(
        self,
        name: str,
        *,
        path: str | None = None,
        command_line: str | None = None,
        parent: int = 0,
        pid: int | None = None,
        age: float = 0.0,
    ) -> Process:
        """Start a process, or one that began ``age`` seconds ago."""
        if pid is None:
            pid, self._next = self._next, self._next + 4
        elapsed = self._agenda.elapsed() - age
        process = Process(
            pid, parent, name, path, command_line, self._agenda.at(elapsed), elapsed
        )
        self._all[pid] = process
        self.starts[name.lower()] += 1
        return process

    def remove(self, pid: int) -> Process | None:
        """End a process; ``None`` when it was not there."""
        return self._all.pop(pid, None)

    def children(self, pid: int) -> list[Process]:
        """Processes that this one started."""
        return [one for one in self if one.parent == pid]

    def clear(self) -> None:
        """End all."""
        self._all.clear()
