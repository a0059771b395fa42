"""Turns as any worker takes them: in this process, or on another machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orchestrator.application.attempt.turn import OvertakenError, Turn
from orchestrator.application.attempt.work import work
from orchestrator.application.judging import Estate, find_hotfix, load_estate
from orchestrator.application.plans import find_plan
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import Lease, LeaseHeld, UnitOfWork
from orchestrator.application.rollout.leases import (
    Keeper,
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


@dataclass(slots=True)
class Turns:
    """Takes turns. The journal says which are still to be taken, and by whom."""

    services: Services
    #: One run's at a time: a worker works on few, and each may be large.
    _briefs: dict[str, Brief] = field(default_factory=dict)
    _at_work: set[str] = field(default_factory=set)
    _keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        """Renew nothing yet."""
        self._keeper = Keeper(self.services)

    def know(self, run: str, brief: Brief) -> None:
        """Keep what a run's turns need, so that it is not read again."""
        self._briefs = {run: brief}

    def take(self, order: Order) -> LeaseHeld | None:
        """Take a server's turn to its end; or say who has the server now.

        An order may come twice, or late. Nothing is begun for a run that begins
        nothing any more; what is in flight is seen through whatever its run does.
        """
        brief = self._brief(order.run)
        with self.services.storage.begin() as uow:
            run = find_run(uow, order.run)
            conductor = _holder(uow, run_resource(run.name))
            attempt = uow.runs.attempt(run.name, order.server)
            lease = self._lease(uow, order, conductor)
            if isinstance(lease, LeaseHeld):
                return lease
        wanted = _is_wanted(run, attempt)
        self._at_work.add(order.server)
        try:
            if wanted:
                self._work(brief, attempt)
        finally:
            self._at_work.discard(order.server)
            self._release(order.server)
        return None

    def keep(self) -> None:
        """Renew the leases of the turns at work here, if it is time to."""
        self._keeper.keep(tuple(self._at_work))

    def over(self, orders: Collection[Order]) -> Collection[Order]:
        """Those of these orders whose turns have ended: their leases are given back.

        A worker that vanished leaves its lease, even if it has run out; so its order
        is not over, and another worker gets it.
        """
        with self.services.storage.read() as uow:
            held = {lease.resource for lease in uow.runs.leases()}
        return [order for order in orders if server_resource(order.server) not in held]

    def _brief(self, run: str) -> Brief:
        found = self._briefs.get(run)
        if found is None:
            with self.services.storage.read() as uow:
                found = read_brief(self.services, uow, find_run(uow, run).plan)
            self.know(run, found)
        return found

    def _lease(
        self, uow: UnitOfWork, order: Order, conductor: str | None
    ) -> Lease | LeaseHeld:
        """The server's lease: free, run out, or handed over by whoever has the run."""
        resource = server_resource(order.server)
        found = take(self.services, uow, resource)
        if isinstance(found, LeaseHeld) and found.lease.owner == conductor:
            uow.runs.release_lease(resource, found.lease.owner)
            found = take(self.services, uow, resource)
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


def _is_wanted(run: Run, attempt: Attempt) -> bool:
    if attempt.state is not AttemptState.READY:
        return not attempt.settled
    return run.state is RunState.RUNNING


def _holder(uow: UnitOfWork, resource: str) -> str | None:
    owners = (lease.owner for lease in uow.runs.leases() if lease.resource == resource)
    return next(owners, None)
