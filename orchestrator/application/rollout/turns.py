"""Turns as any worker takes them: in this process, or on another machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from orchestrator.application.attempt.turn import OvertakenError, Turn
from orchestrator.application.attempt.work import work
from orchestrator.application.judging import Estate, find_hotfix, load_estate
from orchestrator.application.plans import find_plan
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import LeaseHeld, UnitOfWork
from orchestrator.application.rollout.leases import (
    Keeper,
    lives,
    run_resource,
    server_resource,
    take,
)
from orchestrator.application.rollout.refresh import judging_of
from orchestrator.application.rollout.runs import find_run
from orchestrator.application.services import Services
from orchestrator.domain.planning import Plan, PlannedServer
from orchestrator.domain.remediation import Attempt, AttemptState
from orchestrator.domain.rollout import Run, RunState

#: A worker that serves for days reads what a run needs anew after so long.
BRIEF_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Brief:
    """What every turn of a run needs to know."""

    plan: Plan
    estate: Estate
    planned: Mapping[str, PlannedServer]

    @classmethod
    def of(cls, plan: Plan, estate: Estate) -> Brief:
        """With the plan's servers by name."""
        return cls(plan, estate, {found.server: found for found in plan.servers()})


@dataclass(frozen=True, slots=True)
class Known:
    """A run's brief, and until when it is as good as new; ``None`` is for ever."""

    run: str
    brief: Brief
    until: datetime | None

    def serves(self, run: str, now: datetime) -> bool:
        """Whether turns of this run may go by it."""
        return self.run == run and (self.until is None or now < self.until)


@dataclass(slots=True)
class Turns:
    """Takes turns. The journal says which are still to be taken, and by whom."""

    services: Services
    #: One run's at a time: a worker works on few, and each may be large.
    _known: Known | None = None
    _reading: Lock = field(default_factory=Lock)
    _at_work: set[str] = field(default_factory=set)
    _keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        """Renew nothing yet."""
        self._keeper = Keeper(self.services)

    def know(self, run: str, brief: Brief) -> None:
        """Keep what a run's turns need, so that it is not read again."""
        self._known = Known(run, brief, None)

    def take(self, order: Order) -> LeaseHeld | None:
        """Take a server's turn to its end; or say who has the server now.

        An order may come twice, or late. An attempt is begun only under the lease
        that its run's conductor took for it: where that was lost, its place among
        the pool's and the site's may be another's. What is in flight is seen through
        whatever its run does.

        Raises:
            RequestError: this database has no such run.
            KeyError: the run has no such server.
        """
        brief = self._brief(order.run)
        with self.services.storage.begin() as uow:
            attempt = self._take(uow, order)
        if isinstance(attempt, LeaseHeld):
            return attempt
        if attempt is not None:
            self._at_work.add(order.server)
            try:
                self._work(brief, attempt)
            finally:
                self._at_work.discard(order.server)
                self._release(order.server)
        return None

    def keep(self) -> None:
        """Renew the leases of the turns at work here, if it is time to."""
        self._keeper.keep(tuple(self._at_work))

    def _take(self, uow: UnitOfWork, order: Order) -> Attempt | LeaseHeld | None:
        """The attempt, if it is to be worked on, with its server's lease."""
        resource = server_resource(order.server)
        run = find_run(uow, order.run)
        attempt = uow.runs.attempt(run.name, order.server)
        leases = {lease.resource: lease for lease in uow.runs.leases()}
        held, conductors = leases.get(resource), leases.get(run_resource(run.name))
        granted = False
        if held is not None:
            granted = lives(self.services, held)
            handed = conductors is not None and held.owner == conductors.owner
            if handed or held.owner == self.services.owner:
                uow.runs.release_lease(resource, held.owner)
            elif granted:
                return LeaseHeld(held)
        if not _is_wanted(run, attempt, granted=granted):
            return None
        taken = take(self.services, uow, resource)
        return taken if isinstance(taken, LeaseHeld) else attempt

    def over(self, orders: Collection[Order]) -> Collection[Order]:
        """Those of these orders whose turns have ended: their leases are given back.

        A worker that vanished leaves its lease, even if it has run out; so its order
        is not over, and another worker gets it.
        """
        with self.services.storage.read() as uow:
            held = {lease.resource for lease in uow.runs.leases()}
        return [order for order in orders if server_resource(order.server) not in held]

    def _brief(self, run: str) -> Brief:
        now = self.services.clock.now()
        with self._reading:
            known = self._known
            if known is not None and known.serves(run, now):
                return known.brief
            with self.services.storage.read() as uow:
                found = read_brief(self.services, uow, find_run(uow, run).plan)
            self._known = Known(run, found, now + timedelta(seconds=BRIEF_SECONDS))
        return found

    def _work(self, brief: Brief, attempt: Attempt) -> None:
        turn = Turn(
            self.services,
            brief.plan,
            brief.planned[attempt.server],
            brief.estate.inventory.servers[attempt.server],
            brief.estate,
            attempt,
            self.services.clock.now(),
        )
        try:
            work(turn)
        except OvertakenError:
            return

    def _release(self, server: str) -> None:
        """An attempt that is not settled keeps others away without a lease."""
        with self.services.storage.begin() as uow:
            uow.runs.release_lease(server_resource(server), self.services.owner)


def read_brief(services: Services, uow: UnitOfWork, plan: str) -> Brief:
    """What the turns of a plan's run need."""
    found = find_plan(uow, plan).plan
    hotfix = find_hotfix(uow, found.article)
    now = services.clock.now()
    return Brief.of(found, load_estate(uow, hotfix, now, judging_of(found)))


def _is_wanted(run: Run, attempt: Attempt, *, granted: bool) -> bool:
    if attempt.state is not AttemptState.READY:
        return not attempt.settled
    return granted and run.state is RunState.RUNNING
