"""A bounded pool of threads of this process: one connection a server and thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from orchestrator.application.ports.engine import Delivery, Duties, Order


class Threads:
    """The engine of a single machine."""

    elsewhere = False

    @contextmanager
    def open(self, duties: Duties, at_once: int) -> Iterator[Delivery]:
        """Deliver until the block ends.

        Normally nothing is at work then. Whoever insists on leaving is not held up:
        the journal knows what was in flight.
        """
        pool = ThreadPoolExecutor(max_workers=at_once)
        try:
            yield Futures(lambda order: pool.submit(duties.take, order))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class Futures:
    """Orders as futures of whoever takes them."""

    submit: Callable[[Order], Future[Any]]
    _running: dict[Future[Any], Order] = field(default_factory=dict)

    def hand_out(self, orders: Sequence[Order]) -> None:
        """Submit each."""
        for order in orders:
            self._running[self.submit(order)] = order

    def ended(self, seconds: float) -> Collection[Order]:
        """Those that are done, each once."""
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            # What a turn does not expect is a fault of the program, and ends the run.
            future.result()
        return [self._running.pop(future) for future in done]
