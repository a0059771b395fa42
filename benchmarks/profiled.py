"""The program under a profile: ``python -m benchmarks.profiled FILE WORD ...``.

What its threads spent, by function, goes to a file, the dearest first. Only threads
are profiled, and only their CPU: the work of a survey or an apply, none of the waits.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.cli.main import main as program

ROWS = 15
_FOLDER = re.compile(r"/\S*/(site-packages|python3\.\d+|orchestrator)/")


@contextmanager
def threads() -> Iterator[Callable[[], str]]:
    """Profile every thread that begins and ends in the block; what was found."""
    found: list[cProfile.Profile] = []
    run = threading.Thread.run

    def watched(thread: threading.Thread) -> None:
        profile = cProfile.Profile(time.thread_time)
        try:
            profile.runcall(run, thread)
        finally:
            found.append(profile)

    threading.Thread.run = watched  # type: ignore[method-assign]  # put back below
    try:
        yield lambda: _text(found)
    finally:
        threading.Thread.run = run  # type: ignore[method-assign]  # as it was


def _text(found: list[cProfile.Profile]) -> str:
    if not found:
        return "no thread ended"
    text = io.StringIO()
    stats = pstats.Stats(*found, stream=text).sort_stats("tottime")
    stats.print_stats(ROWS)
    lines = [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
    return "\n".join(_FOLDER.sub("", line) for line in lines if "Ordered" not in line)


if __name__ == "__main__":
    path, sys.argv[1:] = Path(sys.argv[1]), sys.argv[2:]
    with threads() as text:
        try:
            program()
        finally:
            path.write_text(text(), encoding="utf-8")
