"""What a process does that helps another: turns and readings, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.application.ports.engine import Order
from orchestrator.application.rollout.turns import Turns
from orchestrator.application.services import Services
from orchestrator.application.survey import Look, Looks


@dataclass(slots=True)
class Helper:
    """Does what it is handed, from many threads. Everything else it reads itself."""

    services: Services
    _turns: Turns = field(init=False)
    _looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is read before it is needed."""
        self._turns = Turns(self.services)
        self._looks = Looks(self.services)

    def do(self, task: Order | Look) -> object:
        """Take a turn, or read a server."""
        match task:
            case Order():
                return self._turns.take(task)
            case Look():
                return self._looks.take(task)

    def keep(self) -> None:
        """Renew the leases of what is at work, if it is time to."""
        self._turns.keep()
