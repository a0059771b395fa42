"""The pace of long work as it is heard, and told where it changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.application.services import Progress
from orchestrator.domain.pace import WINDOW, Pace


@dataclass(slots=True)
class Pacing:
    """Used from one thread."""

    maximum: int
    progress: Progress
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        """Begin at full pace."""
        self._pace = Pace.full(self.maximum)

    @property
    def room(self) -> int:
        """How many servers at once, now."""
        return self._pace.room

    def heard(self, *, strained: bool) -> None:
        """Take one more result into account."""
        before, self._pace = self.room, self._pace.after(strained=strained)
        if self.room < before:
            self.progress.note(
                f"slowed to {self.room} at once: {self._pace.slowed_by} of the last "
                f"{WINDOW} timed out or were busy"
            )
        elif before < self.room == self.maximum:
            self.progress.note(f"back to {self.room} at once")
