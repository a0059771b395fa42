"""Ctrl-C once is a pause; twice it is the end, and ``resume`` goes on from there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def pausing(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Whether a person asked to stop, while the block runs.

    Args:
        tell: hears what the first Ctrl-C does.
    """
    asked = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        tell("pausing: what is in flight finishes; Ctrl-C again leaves at once")

    before = {
        number: signal.signal(number, heard)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
