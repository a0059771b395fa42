"""What a server of LCS serves with, so that all of it can be proven to be back.

That its service runs says little: a listener may not be bound again, an application
may not have come back. What was up before a change must be up after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Reach(StrEnum):
    """What a TCP connection from here to a listener found."""

    OPEN = "open"
    #: The host itself said that nothing listens.
    CLOSED = "closed"
    #: No answer: a firewall, or no route. It says nothing of the listener.
    FILTERED = "filtered"
    #: It listens on an address that this tool was not told to talk to.
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that the server is set to listen on, and what was found there."""

    #: ``*`` for all of the computer's.
    address: str
    port: int
    reach: Reach = Reach.NOT_TRIED


@dataclass(frozen=True, slots=True)
class Part:
    """An application or an extension module that the service runs."""

    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything at one moment. What a version of LCS does not tell is empty."""

    listeners: tuple[Listener, ...] = ()
    applications: tuple[Part, ...] = ()
    modules: tuple[Part, ...] = ()

    def up(self) -> frozenset[str]:
        """What is up, each in words."""
        return frozenset(
            [
                *(f"listener {one.address}:{one.port}" for one in self.listeners),
                *self._ports(Reach.OPEN),
                *(f"application {one.name}" for one in self.applications if one.up),
                *(f"module {one.name}" for one in self.modules if one.up),
            ]
        )

    def undecided(self) -> frozenset[str]:
        """The ports of which a connection from here says nothing."""
        return frozenset(self._ports(Reach.FILTERED, Reach.NOT_TRIED))

    def _ports(self, *reaches: Reach) -> list[str]:
        return [
            f"port {one.port} open on {one.address}"
            for one in self.listeners
            if one.reach in reaches
        ]


def lost(before: Collection[str], after: Serving) -> tuple[str, ...]:
    """What was up before and is not now, in order; what nobody can tell is not.

    Args:
        before: :meth:`Serving.up` of then.
        after: what is so now.
    """
    return tuple(sorted(set(before) - after.up() - after.undecided()))
