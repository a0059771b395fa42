"""Whether one more server may go: of its pool, its site and the links to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from typing_extensions import override

from orchestrator.domain.server import Inventory


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


#: ``site`` or ``link``, and its name.
Place = tuple[str, str]


class Places:
    """How many servers may be worked on at once at each site and behind each link."""

    def __init__(self, inventory: Inventory) -> None:
        """Note the limits, and whose they are."""
        self._limits: dict[Place, int] = {
            ("link", link.name): link.max_concurrent for link in inventory.links
        }
        of_site: dict[str, list[Place]] = {
            name: [
                ("link", link.name) for link in inventory.links if name in link.sites
            ]
            for name in inventory.sites
        }
        for site in inventory.sites.values():
            if site.max_concurrent is not None:
                self._limits["site", site.name] = site.max_concurrent
                of_site[site.name].append(("site", site.name))
        self._of = {
            name: of_site.get(server.site, [])
            for name, server in inventory.servers.items()
        }

    def count(self, servers: Iterable[str]) -> Counter[Place]:
        """How many of these servers are at each place that has a limit."""
        return Counter(place for name in servers for place in self._of.get(name, ()))

    def full(self, server: str, busy: Counter[Place]) -> str | None:
        """Why a server would be one too many; ``busy`` is from :meth:`count`."""
        for kind, name in self._of.get(server, ()):
            limit = self._limits[kind, name]
            if busy[kind, name] >= limit:
                return f"{kind} {name} allows {limit} at once"
        return None
