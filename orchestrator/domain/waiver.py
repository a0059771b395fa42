"""A waiver: an accepted risk with an owner and an end. It never changes a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody answers for a server that stays as it is until a day."""

    server: str
    article: str
    owner: str
    until: datetime
    reason: str
    at: datetime
    account: str

    def holds(self, now: datetime) -> bool:
        """Whether it still counts; it ends by itself."""
        return now < self.until
