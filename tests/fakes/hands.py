"""A worker that keeps a diary in a folder, for engines whose workers are anywhere."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.application.ports.engine import Order
from orchestrator.application.services import Progress

#: No test waits longer for anything, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class DiaryHand:
    """Takes orders by the server's name, and writes down what it did."""

    folder: Path
    progress: Progress

    def do(self, order: Order) -> str:
        """Take an order; the start of its server's name says how it goes.

        Raises:
            ValueError: the name begins with ``fault``.
        """
        name = order.server
        self._write(f"begun-{name}-{os.getpid()}-{time.monotonic_ns()}")
        self.progress.server(name, "at work")
        if name.startswith("fault"):
            raise ValueError(f"{name} said no")
        if name.startswith("held"):
            until((self.folder / "go").exists)
        if name.startswith("mortal") and self._first(f"died-{name}"):
            os.kill(os.getpid(), signal.SIGKILL)
        self._write(f"done-{name}")
        return name

    def keep(self) -> None:
        """There are no leases."""

    def _write(self, name: str) -> None:
        (self.folder / name).touch()

    def _first(self, name: str) -> bool:
        try:
            (self.folder / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


@contextmanager
def open_diary(folder: Path, progress: Progress) -> Iterator[DiaryHand]:
    """A recipe."""
    yield DiaryHand(folder, progress)


def until(true: Callable[[], object]) -> None:
    """Wait until it holds.

    Raises:
        TimeoutError: it does not for too long.
    """
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
