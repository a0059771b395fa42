"""Which servers may begin now: their leases, pools, sites and links; else they wait."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.application.judging import Estate
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import LeaseHeld, UnitOfWork
from orchestrator.application.rollout.leases import server_resource, take
from orchestrator.application.rollout.pools import Standing
from orchestrator.application.rollout.runs import settle_unbegun
from orchestrator.application.rollout.waiting import Waiting
from orchestrator.application.services import Services
from orchestrator.domain.availability import Away, Place, Places, pool_full
from orchestrator.domain.planning import Plan, PlannedServer
from orchestrator.domain.remediation import Attempt, Outcome
from orchestrator.domain.rollout import Run


@dataclass(slots=True)
class _Round:
    """What one round knows; each question is asked once."""

    standing: Standing
    #: How many are at work at each place that has a limit.
    crowd: Counter[Place]
    #: Per pool, its members that do not serve.
    away: dict[str, tuple[Away, ...]] = field(default_factory=dict)


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
    #: When a turn ended last: whoever waits, waits from then.
    _since: datetime | None = None
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        """Look up once what every round needs."""
        self._places = Places(self.estate.inventory)

    def begin(self, waiting: Waiting, room: int) -> tuple[list[Order], list[str]]:
        """One round: the orders for those that begin, and who needs no turn.

        Args:
            waiting: the servers to choose from; stays as it is.
            room: how many may begin at the most.
        """
        orders: list[Order] = []
        over: list[str] = []
        with self.services.storage.begin() as uow:
            standing = Standing.read(self.services, uow)
            busy = standing.busy()
            servers = self.estate.inventory.servers
            this = _Round(standing, self._places.count(busy))
            ahead = Counter(servers[name].site for name in busy if name in servers)
            for planned in waiting.fairly(ahead):
                if len(orders) >= room:
                    break
                found = self._offer(uow, planned, this)
                if isinstance(found, Order):
                    orders.append(found)
                elif found is not None:
                    over.append(found.server)
        return orders, over

    def turn_of_others(self) -> None:
        """Somebody's turn ended: whoever waits, waits anew from now."""
        self._since = self.services.clock.now()

    def _offer(
        self, uow: UnitOfWork, planned: PlannedServer, this: _Round
    ) -> Order | Attempt | None:
        """An order, an attempt that has ended without a turn, or ``None``: it waits."""
        name = planned.server
        server = self.estate.inventory.servers[name]
        under_way = this.standing.unsettled.get(name) == self.run.name
        if server.retired and not under_way:
            reason = "retired from the inventory since the plan was made"
            return self._settled(uow, name, Outcome.DROPPED, reason)
        why = None if under_way else self._no_room(planned, this)
        why = why or self._held(uow, name)
        if why is not None:
            return self._wait(uow, name, why, under_way=under_way)
        if not this.standing.is_busy(name):
            this.crowd.update(self._places.count((name,)))
        this.standing.leased[name] = self.services.owner
        this.away.pop(planned.pool or "", None)
        return Order(self.run.name, name, server.site)

    def _no_room(self, planned: PlannedServer, this: _Round) -> str | None:
        """Why one more would be too many; an attempt that is under way never is."""
        other = this.standing.unsettled.get(planned.server)
        if other is not None:
            owner = this.standing.leased.get(planned.server)
            if owner is not None:
                return f"{owner} is at work on it for {other}"
            return f"an attempt of {other} is not settled; resume that run"
        name = planned.pool
        full = self._places.full(planned.server, this.crowd)
        if full is not None or name is None:
            return full
        if name not in this.away:
            members = self.estate.inventory.members(name)
            this.away[name] = this.standing.away(self.estate, members)
        limit = self.plan.pool_limits.get(name, 1)
        pool = pool_full(name, limit, this.away[name], planned.server)
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
        since = self._since = self._since or now
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
