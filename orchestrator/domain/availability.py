"""Who of a pool is away, and whether one more may go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Away:
    """A member that does not serve now, and why."""

    server: str
    why: str


@dataclass(frozen=True, slots=True)
class PoolFull:
    """No further member may be taken from a pool."""

    pool: str
    limit: int
    away: tuple[Away, ...]

    @override
    def __str__(self) -> str:
        """Who holds it up."""
        held = ", ".join(f"{member.server} ({member.why})" for member in self.away)
        return f"pool {self.pool} allows {self.limit} away; away: {held}"


def pool_full(
    pool: str, limit: int, away: Collection[Away], candidate: str
) -> PoolFull | None:
    """Whether a member would be one too many; what is away of itself is not counted.

    Args:
        pool: its name.
        limit: how many members may be away at once.
        away: the members in flight, unsettled, unreachable or with the service down.
        candidate: the member that would go next.
    """
    others = {member.server: member for member in away if member.server != candidate}
    if len(others) < limit:
        return None
    return PoolFull(pool, limit, tuple(others[name] for name in sorted(others)))
