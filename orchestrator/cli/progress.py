"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

from orchestrator.application.services import Progress, Silent
from orchestrator.cli.text import clean, coloured
from orchestrator.domain.remediation import AttemptState, Outcome, Step

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.application.apply import RunReport

#: Servers that are shown at work at once; more would scroll the screen away.
ROWS = 12
#: Plain lines tell of this many parts of the whole.
PARTS = 10
#: States on the way, which plain lines leave out: a log wants what it came to.
_PASSING = frozenset({"reading", *AttemptState, *Step}) - frozenset(Outcome)
#: Said once of a server, however often its reason changes.
_WAITING = "waiting"


class Reporter(Progress, Protocol):
    """Progress that can be begun, and held while a person is asked."""

    def shown(self) -> AbstractContextManager[None]:
        """Draw for as long as the block lasts."""

    def held(self) -> AbstractContextManager[None]:
        """Leave the terminal alone for as long as the block lasts."""


def reporter(*, quiet: bool, color: bool) -> Reporter:
    """The reporter for this stderr."""
    if quiet:
        return Quiet()
    if coloured(sys.stderr, allowed=color):
        return Bars()
    return Lines(_write_line)


def _write_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Quiet(Silent):
    """Says nothing."""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw nothing."""
        yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is drawn anyway."""
        yield


class Lines(Quiet):
    """One line for what each server came to, for logs and pipes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Write lines without their end to ``write``."""
        self._write = write
        self._lock = RLock()
        self._what, self._total, self._done = "", 0, 0
        self._last: dict[str, str] = {}

    @override
    def started(self, total: int, what: str) -> None:
        """A headline."""
        with self._lock:
            self._what, self._total, self._done = what, total, 0
            self._last.clear()
            self._write(clean(f"{what}: {total} servers"))

    @override
    def server(self, name: str, state: str, detail: str = "") -> None:
        """A line, unless more is to come or it says the same as the last."""
        if state in _PASSING:
            return
        line = clean(f"{name}: {state} {detail}".rstrip())
        said = state if state == _WAITING else line
        with self._lock:
            if self._last.get(name) != said:
                self._last[name] = said
                self._write(line)

    @override
    def advanced(self, name: str) -> None:
        """A line for each tenth of the whole."""
        with self._lock:
            before = self._done * PARTS // max(1, self._total)
            self._done += 1
            if self._done * PARTS // max(1, self._total) > before:
                self._write(clean(f"{self._what}: {self._done} of {self._total} done"))

    @override
    def note(self, text: str) -> None:
        """A line."""
        with self._lock:
            self._write(clean(f"{self._what}: {text}"))


class Following:
    """Tells of a run that another process works on, as that process itself does."""

    def __init__(self, progress: Progress) -> None:
        """Nothing was seen yet."""
        self._progress = progress
        self._ended: set[str] | None = None

    def look(self, report: RunReport) -> None:
        """Tell what has ended since the last look."""
        if self._ended is None:
            self._ended = set()
            self._progress.started(len(report.outcomes), f"run {report.run}")
        for line in report.outcomes:
            if line.outcome is not None and line.server not in self._ended:
                self._ended.add(line.server)
                self._progress.server(line.server, line.outcome.value, line.reason)
                self._progress.advanced(line.server)


class Bars(Quiet):
    """A bar with the time left, and the servers at work below it."""

    def __init__(self) -> None:
        """Draw on stderr, so that stdout stays for results."""
        from rich.console import Console
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._lock = RLock()
        self._active: dict[str, str] = {}
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left", markup=False),
            TimeRemainingColumn(),
            console=console,
        )
        self._live = Live(
            console=console,
            transient=True,
            get_renderable=self._draw,
            refresh_per_second=5,
        )

    @override
    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw from the first piece of work until the block ends."""
        try:
            yield
        finally:
            self._live.stop()

    @override
    @contextmanager
    def held(self) -> Iterator[None]:
        """Take the picture away while a person types."""
        drawn = self._live.is_started
        self._live.stop()
        try:
            yield
        finally:
            if drawn:
                self._live.start()

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        with self._lock:
            rows = [f"  {name}  {state}" for name, state in self._active.items()]
        lines = [Text(row, no_wrap=True, overflow="ellipsis") for row in rows[-ROWS:]]
        return Group(*([self._bars] if self._bars.tasks else []), *lines)

    @override
    def started(self, total: int, what: str) -> None:
        """A bar of its own for each piece of work."""
        with self._lock:
            self._active.clear()
            self._bars.add_task(clean(what), total=total)
        self._live.start()

    @override
    def server(self, name: str, state: str, detail: str = "") -> None:
        """Show a server at work; the newest change last."""
        with self._lock:
            self._active.pop(clean(name), None)
            self._active[clean(name)] = clean(f"{state} {detail}".rstrip())

    @override
    def advanced(self, name: str) -> None:
        """Move the bar on."""
        with self._lock:
            self._active.pop(clean(name), None)
            if self._bars.tasks:
                self._bars.advance(self._bars.tasks[-1].id)

    @override
    def note(self, text: str) -> None:
        """A line that stays, above the picture."""
        self._live.console.print(clean(text))
