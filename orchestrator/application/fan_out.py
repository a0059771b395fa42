"""Many servers at once, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def fan_out(
    items: Iterable[T], work: Callable[[T], R], *, limit: int
) -> Iterator[tuple[T, R]]:
    """Work on each item in a thread; yield each with its result as it ends.

    No more than ``limit`` items are held at once, so memory does not grow with the
    estate. ``work`` must turn what it expects to go wrong into its result: an
    exception is a fault of the program and ends the whole.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(max_workers=limit) as pool:
        running: dict[Future[R], T] = {
            pool.submit(work, item): item for item in islice(waiting, limit)
        }
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                for following in islice(waiting, 1):
                    running[pool.submit(work, following)] = following
                yield item, future.result()
