"""Bringing servers' turns to workers: threads of this process, or other machines.

An engine only delivers. It may deliver twice, late, or to a worker that was thought
dead; the journal's leases and fences, and the claim on the host, make that harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is handed: names, never a credential.

    Whoever takes it reads everything else from the journal.
    """

    run: str
    server: str
    #: Whose workers it is for.
    site: str


@dataclass(frozen=True, slots=True)
class Duties:
    """What is done with an order, and how to tell that it was.

    An engine within this process calls ``take``; one whose workers are elsewhere
    leaves that to them, and asks ``over``.
    """

    #: Takes a server's turn to its end; may be called again for the same order.
    take: Callable[[Order], object]
    #: Those of these orders whose turns have ended, as the journal has it.
    over: Callable[[Collection[Order]], Collection[Order]]


class Delivery(Protocol):
    """Orders on their way. Used from one thread."""

    def hand_out(self, orders: Sequence[Order]) -> None:
        """Bring these to workers.

        Raises:
            EngineError: they cannot be delivered now.
        """

    def ended(self, seconds: float) -> Collection[Order]:
        """The orders whose turns have ended, each once; waits so long for one."""


class Engine(Protocol):
    """Opens deliveries."""

    @property
    def elsewhere(self) -> bool:
        """Whether turns go on in other processes when this one is held up."""

    def open(self, duties: Duties, at_once: int) -> AbstractContextManager[Delivery]:
        """Deliver until the block ends; what is at work then is left to itself.

        Args:
            duties: what orders are for.
            at_once: how many there will be at a time, at the most.
        """


class EngineError(Exception):
    """Orders cannot be delivered: what was found, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.message = message
        self.hint = hint
