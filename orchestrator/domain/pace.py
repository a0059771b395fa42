"""How many servers at once: fewer when more of them answer late, then more again.

Additive increase, multiplicative decrease, judged over a window of results. A result
is a strain if the host took too long or was out of a quota. What counts is not how
many those are but whether they grow with our pace: hosts that are simply dead, a whole
site of them, time out however slowly one goes. So where slowing down to a quarter of
the maximum did not help, that share is taken as usual, the pace recovers, and only
more than that slows it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Results that are judged together.
WINDOW = 20
#: So many of them above what is usual are too many.
TOO_MANY = 5
#: Slowing down divides by this.
SLOWER = 2
#: A calm window adds this part of the maximum.
STEP = 8
#: Slowing further must have helped once this part of the maximum is reached.
PROOF = 4
#: It helped if less than this share of the strain is left.
HELPED = 0.75


@dataclass(frozen=True, slots=True)
class Pace:
    """A pace, and what was heard since it was set."""

    maximum: int
    #: How many at once.
    room: int
    #: Results that were begun at the pace before; they say nothing of this one.
    earlier: int = 0
    seen: int = 0
    strained: int = 0
    #: How many of a window are strained at any pace, as far as is known.
    usual: int = 0
    #: How many of the window before were, if it led to slowing down.
    slowed_by: int | None = None

    @classmethod
    def full(cls, maximum: int) -> Pace:
        """As many as are allowed at all."""
        return cls(maximum, maximum)

    def after(self, *, strained: bool) -> Pace:
        """The pace after one more result."""
        if self.earlier:
            return replace(self, earlier=self.earlier - 1)
        heard = replace(self, seen=self.seen + 1, strained=self.strained + strained)
        return heard if heard.seen < WINDOW else heard.judged()

    def judged(self) -> Pace:
        """The pace after a window, which begins anew."""
        if self.strained - self.usual < TOO_MANY:
            return self._faster(min(self.usual, self.strained))
        if self._did_not_help():
            return self._faster(self.strained)
        return replace(
            self,
            room=max(1, self.room // SLOWER),
            earlier=self.room,
            seen=0,
            strained=0,
            slowed_by=self.strained,
        )

    def _did_not_help(self) -> bool:
        slow = self.room == 1 or self.room * PROOF <= self.maximum
        if self.slowed_by is None or not slow:
            return False
        return self.strained >= HELPED * self.slowed_by

    def _faster(self, usual: int) -> Pace:
        room = min(self.maximum, self.room + max(1, self.maximum // STEP))
        return Pace(self.maximum, room, usual=usual)
