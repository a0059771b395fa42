"""What the service keeps for one computer, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from orchestrator.lab.machine import Computer
from orchestrator.lab.wsman.enumerations import Enumerations
from orchestrator.lab.wsman.personality import Personality
from orchestrator.lab.wsman.shells import Shells


class Host:
    """A computer behind one or more endpoints, with its open resources."""

    def __init__(
        self,
        computer: Computer,
        personality: Personality,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Start without shells and enumerations; ``clock`` is monotonic seconds."""
        self.computer = computer
        self.personality = personality
        self.clock = clock
        self.active_requests = 0
        self.enumerations = Enumerations(personality, clock)
        self.shells = Shells(personality, clock)

    def reset(self) -> None:
        """Begin anew, as after a restart of the computer."""
        self.close()
        self.enumerations = Enumerations(self.personality, self.clock)

    def close(self) -> None:
        """End what clients left open."""
        self.shells.close_all()


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client.

    Attributes:
        user: The account, upper-case, as quotas count it.
        address: Where the client is, for the description of a shell.
        shells_elsewhere: Shells of this account that a scenario says are taken.
        chunked: Whether the request came in chunks, which shells refuse.
    """

    user: str
    address: str = ""
    shells_elsewhere: int = 0
    chunked: bool = False
