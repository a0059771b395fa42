"""Which servers may begin now: their leases, pools, sites and links; else they wait."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

from orchestrator.application.judging import Estate
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import LeaseHeld, UnitOfWork
from orchestrator.application.rollout.leases import server_resource, take
from orchestrator.application.rollout.pools import Standing
from orchestrator.application.rollout.runs import settle_unbegun
from orchestrator.application.services import Services
from orchestrator.domain.availability import Place, Places, pool_full
from orchestrator.domain.planning import Plan, PlannedServer
from orchestrator.domain.remediation import Attempt, Outcome
from orchestrator.domain.rollout import Run
from orchestrator.domain.server import Server


@dataclass(slots=True)
class Dispatch:
    """Says who may begin.

    Every limit is asked of the journal within one transaction, so that it holds
    across processes and machines. Whoever may begin has its lease in the same one.
    """

    services: Services
    run: Run
    plan: Plan
    estate: Estate
    _since: dict[str, datetime] = field(default_factory=dict)
    _places: Places = field(init=False)
    _members: dict[str, tuple[Server, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Look up once what every round needs."""
        self._places = Places(self.estate.inventory)
        members: dict[str, list[Server]] = defaultdict(list)
        for server in self.estate.inventory.active():
            members[server.pool or ""].append(server)
        self._members = {name: tuple(found) for name, found in members.items()}

    def begin(
        self, waiting: Mapping[str, PlannedServer], room: int
    ) -> tuple[list[Order], list[str]]:
        """One round: the orders for those that begin, and who needs no turn.

        Args:
            waiting: the servers to choose from, in the plan's order.
            room: how many may begin at the most.
        """
        orders: list[Order] = []
        over: list[str] = []
        with self.services.storage.begin() as uow:
            standing = Standing.read(self.services, uow)
            busy = [
                name for name in self.estate.inventory.servers if standing.is_busy(name)
            ]
            crowd = self._places.count(busy)
            for planned in self._fairly(waiting.values(), busy):
                if len(orders) >= room:
                    break
                found = self._offer(uow, planned, standing, crowd)
                if isinstance(found, Order):
                    orders.append(found)
                elif found is not None:
                    over.append(found.server)
        return orders, over

    def turn_of_others(self) -> None:
        """Somebody's turn ended: whoever waits, waits anew from now."""
        now = self.services.clock.now()
        self._since = dict.fromkeys(self._since, now)

    def _fairly(
        self, waiting: Iterable[PlannedServer], busy: Iterable[str]
    ) -> list[PlannedServer]:
        """The plan's order, but no site waits until another is done."""
        servers = self.estate.inventory.servers
        ahead = Counter(servers[name].site for name in busy)
        turns: list[tuple[int, PlannedServer]] = []
        for planned in waiting:
            site = servers[planned.server].site
            turns.append((ahead[site], planned))
            ahead[site] += 1
        return [planned for _, planned in sorted(turns, key=itemgetter(0))]

    def _offer(
        self,
        uow: UnitOfWork,
        planned: PlannedServer,
        standing: Standing,
        crowd: Counter[Place],
    ) -> Order | Attempt | None:
        """An order, an attempt that has ended without a turn, or ``None``: it waits."""
        name = planned.server
        server = self.estate.inventory.servers[name]
        under_way = standing.unsettled.get(name) == self.run.name
        if server.retired and not under_way:
            reason = "retired from the inventory since the plan was made"
            return self._settled(uow, name, Outcome.DROPPED, reason)
        why = None if under_way else self._no_room(planned, standing, crowd)
        why = why or self._held(uow, name)
        if why is not None:
            return self._wait(uow, name, why, under_way=under_way)
        if not standing.is_busy(name):
            crowd.update(self._places.count((name,)))
        standing.leased[server_resource(name)] = self.services.owner
        return Order(self.run.name, name, server.site)

    def _no_room(
        self, planned: PlannedServer, standing: Standing, crowd: Counter[Place]
    ) -> str | None:
        """Why one more would be too many; an attempt that is under way never is."""
        other = standing.unsettled.get(planned.server)
        if other is not None:
            return f"an attempt of {other} is not settled; resume that run"
        full = self._places.full(planned.server, crowd)
        if full is not None or planned.pool is None:
            return full
        away = standing.away(self.estate, self._members.get(planned.pool, ()))
        limit = self.plan.pool_limits.get(planned.pool, 1)
        pool = pool_full(planned.pool, limit, away, planned.server)
        return str(pool) if pool else None

    def _held(self, uow: UnitOfWork, server: str) -> str | None:
        """Who has the server; where nobody does, its lease is ours now."""
        lease = take(self.services, uow, server_resource(server))
        if isinstance(lease, LeaseHeld):
            held = lease.lease
            return f"{held.owner} holds it until {held.expires:%H:%M:%S}Z"
        return None

    def _wait(
        self, uow: UnitOfWork, server: str, why: str, *, under_way: bool
    ) -> Attempt | None:
        """Wait up to the plan's limit; then the server is skipped with the reason."""
        now = self.services.clock.now()
        since = self._since.setdefault(server, now)
        limit = timedelta(minutes=self.plan.policy.pool_wait_minutes)
        if now - since >= limit and not under_way:
            return self._settled(uow, server, Outcome.SKIPPED, f"waited {limit}: {why}")
        self.services.progress.server(server, "waiting", why)
        return None

    def _settled(
        self, uow: UnitOfWork, server: str, outcome: Outcome, reason: str
    ) -> Attempt:
        """Settle an attempt that was not begun, unless it is settled already."""
        attempt = uow.runs.attempt(self.run.name, server)
        if attempt.settled:
            return attempt
        return settle_unbegun(uow, attempt, outcome, reason)
