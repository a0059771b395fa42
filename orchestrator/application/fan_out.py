"""Many servers at once, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Protocol, TypeVar

from orchestrator.application.pacing import Pacing


class Answer(Protocol):
    """What work on one server came to."""

    @property
    def strained(self) -> bool:
        """Whether the host took too long, or was out of a quota."""


T = TypeVar("T")
R = TypeVar("R", bound=Answer)


def fan_out(
    items: Iterable[T],
    work: Callable[[T], R],
    pacing: Pacing,
) -> Iterator[tuple[T, R]]:
    """Work on each item in a thread; yield each with its result as it ends.

    No more items than there is room for are held at once, so memory does not grow
    with the estate. ``work`` must turn what it expects to go wrong into its result:
    an exception is a fault of the program and ends the whole.

    Args:
        items: what to work on.
        work: is called in many threads.
        pacing: how many at once; hears of every answer.
    """
    waiting = iter(items)
    running: dict[Future[R], T] = {}
    with ThreadPoolExecutor(max_workers=pacing.maximum) as pool:
        while True:
            for item in islice(waiting, max(0, pacing.room - len(running))):
                running[pool.submit(work, item)] = item
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item, result = running.pop(future), future.result()
                pacing.heard(strained=result.strained)
                yield item, result
