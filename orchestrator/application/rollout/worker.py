"""A worker on behalf of conductors elsewhere: takes orders, and keeps its leases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event, Lock, Thread

from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.rollout.leases import RENEWALS
from orchestrator.application.rollout.patience import outlast
from orchestrator.application.rollout.turns import Turns
from orchestrator.application.services import Services


class Taken(StrEnum):
    """What became of an order."""

    #: Its turn has ended, or nothing was to be done for it.
    OVER = "over"
    #: Another worker has the server; its conductor hands it out again if that one dies.
    ELSEWHERE = "held by another worker"
    #: It came a second time while at work here.
    DOUBLE = "at work here already"


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker did until it was asked to leave."""

    worker: str
    sites: tuple[str, ...]
    #: Orders that it took, whatever became of their servers.
    taken: int
    #: Messages that it could not read or carry out, and put aside.
    refused: int


@dataclass(slots=True)
class Worker:
    """Takes turns for other processes; may be called from many threads."""

    services: Services
    turns: Turns = field(init=False)
    _at_work: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Read everything from the journal."""
        self.turns = Turns(self.services)

    def take(self, order: Order) -> Taken:
        """Take a turn to its end; a database that fails meanwhile is outlasted.

        What was being done when it failed is unknown then, and the host is asked.

        Raises:
            StorageError: the database stays away.
            RequestError: it has no such run.
            KeyError: the run has no such server.
        """
        with self._lock:
            if order.server in self._at_work:
                return Taken.DOUBLE
            self._at_work.add(order.server)
        try:
            held = outlast(self.services, order.server, lambda: self.turns.take(order))
        finally:
            with self._lock:
                self._at_work.discard(order.server)
        return Taken.OVER if held is None else Taken.ELSEWHERE

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Renew the leases of what is at work while the block lasts."""
        ended = Event()
        thread = Thread(target=self._keep, args=(ended,), name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _keep(self, ended: Event) -> None:
        while not ended.wait(self.services.limits.lease_seconds / RENEWALS):
            try:
                self.turns.keep()
            except StorageError as error:
                # Whoever takes a server over meanwhile shuts this worker out.
                self.services.progress.server("leases", "not renewed", error.message)
