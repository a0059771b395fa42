"""The servers that are still to begin, and in which order they are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

from orchestrator.domain.planning import PlannedServer
from orchestrator.domain.server import Inventory


class Waiting:
    """Servers of a wave in the plan's order, a line for each site.

    Whoever asks takes a few from the front: that costs the same however many wait.
    """

    def __init__(self, servers: Iterable[PlannedServer], inventory: Inventory) -> None:
        """Line up these servers."""
        self._planned = tuple(servers)
        self._inventory = inventory
        self._numbers = {one.server: n for n, one in enumerate(self._planned)}
        self._places: dict[str, tuple[int, str]] = {}
        self._lines: dict[str, dict[int, None]] = {}
        for server in self._numbers:
            self.put_back(server)

    def __len__(self) -> int:
        """How many are waiting."""
        return len(self._places)

    def put_back(self, server: str) -> None:
        """It waits again, behind those of its site."""
        place, site = self._numbers[server], self._inventory.servers[server].site
        self._places[server] = place, site
        self._lines.setdefault(site, {})[place] = None

    def drop(self, server: str) -> None:
        """It waits no more."""
        place, site = self._places.pop(server)
        del self._lines[site][place]

    def fairly(self, ahead: Counter[str]) -> Iterator[PlannedServer]:
        """The plan's order, but no site waits until another is done.

        Nothing may be dropped before the last was taken.

        Args:
            ahead: how many servers of each site are at work.
        """
        lines = {site: iter(line) for site, line in self._lines.items() if line}
        heads = [(ahead[site], next(line), site) for site, line in lines.items()]
        heapify(heads)
        while heads:
            turns, place, site = heappop(heads)
            yield self._planned[place]
            following = next(lines[site], None)
            if following is not None:
                heappush(heads, (turns + 1, following, site))
