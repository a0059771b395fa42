"""A computer's own clock: real time, made faster, set wrong, or stepped."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count


class HostClock:
    """Wall clock and uptime of one simulated computer.

    ``speed`` is simulated seconds for one real second. A step moves the wall
    clock alone; what takes time goes by :meth:`elapsed`, which never jumps.
    """

    def __init__(
        self,
        start: datetime,
        *,
        speed: float = 1.0,
        bias_minutes: int = 0,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at ``start`` (aware); local time is UTC plus ``bias_minutes``."""
        self._start = start.astimezone(UTC)
        self._ticks = ticks
        self._origin = ticks()
        self._offset = timedelta()
        self.speed = speed
        self.bias_minutes = bias_minutes

    def elapsed(self) -> float:
        """Simulated seconds since the clock was made; never goes back."""
        return (self._ticks() - self._origin) * self.speed

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return self.at(self.elapsed())

    def at(self, elapsed: float) -> datetime:
        """What the wall clock, as set today, shows at a moment of ``elapsed``."""
        return self._start + timedelta(seconds=elapsed) + self._offset

    def local(self, moment: datetime | None = None) -> datetime:
        """A moment (default: now) in the computer's own time zone, naive."""
        utc = (moment or self.now()).astimezone(UTC)
        return (utc + timedelta(minutes=self.bias_minutes)).replace(tzinfo=None)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self._offset += timedelta(seconds=seconds)


class Agenda:
    """What will happen on a computer, at which moment of its :class:`HostClock`.

    Nothing runs by itself: whoever looks at the computer first calls
    :meth:`catch_up`, so a thousand idle computers cost nothing.
    """

    def __init__(self, clock: HostClock) -> None:
        """Start empty."""
        self.clock = clock
        self._order = count()
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}
        self._current: float | None = None

    def after(self, seconds: float, action: Callable[[], None]) -> int:
        """Do ``action`` in ``seconds`` (simulated); the handle can cancel it."""
        handle = next(self._order)
        self._due[handle] = (self.elapsed() + max(seconds, 0.0), action)
        return handle

    def cancel(self, *handles: int) -> None:
        """Forget actions; those already done are ignored."""
        for handle in handles:
            self._due.pop(handle, None)

    def clear(self) -> None:
        """Forget everything."""
        self._due.clear()

    @property
    def busy(self) -> bool:
        """Whether anything is still to happen."""
        return bool(self._due)

    def elapsed(self) -> float:
        """Simulated seconds at the moment being worked on."""
        return self.clock.elapsed() if self._current is None else self._current

    def now(self) -> datetime:
        """The wall clock at the moment being worked on."""
        return self.clock.at(self.elapsed())

    def at(self, elapsed: float) -> datetime:
        """What the wall clock, as set today, shows at a moment of ``elapsed``."""
        return self.clock.at(elapsed)

    def local(self) -> datetime:
        """Now in the computer's own time zone, naive."""
        return self.clock.local(self.now())

    def catch_up(self) -> None:
        """Do all that is due, in the order of its moments."""
        if self._current is not None:
            return
        limit = self.clock.elapsed()
        try:
            while self._due and (first := min(self._due.items(), key=_moment)):
                handle, (moment, action) = first
                if moment > limit:
                    return
                del self._due[handle]
                self._current = moment
                action()
        finally:
            self._current = None


def _moment(item: tuple[int, tuple[float, Callable[[], None]]]) -> tuple[float, int]:
    handle, (moment, _) = item
    return moment, handle
