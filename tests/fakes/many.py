"""A rollout of thousands: a stored estate, and an engine that ends turns at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from orchestrator.application.judging import load_estate
from orchestrator.application.ports.engine import Delivery, Duties, Order
from orchestrator.application.ports.storage import StoredPlan
from orchestrator.application.rollout.admission import attempts_of
from orchestrator.application.rollout.leases import server_resource
from orchestrator.application.services import Services
from orchestrator.application.survey import scope_of, store_facts
from orchestrator.domain.planning import (
    Plan,
    PlannedServer,
    PlanPolicy,
    Wave,
    basis_of,
    seal,
)
from orchestrator.domain.remediation import Action, AttemptState, Outcome
from orchestrator.domain.rollout import Run, RunState
from orchestrator.domain.server import Inventory, Link, Pool, Site
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, HOTFIX, PACKAGE, leaking_host, server
from tests.fakes.hosts import FakeReader

#: Servers a pool, sites, and servers stored in one transaction.
POOL, SITES, BATCH = 4, 20, 500


def estate_of(count: int) -> Inventory:
    """So many front ends in pools of four, at sites behind two links."""
    sites = [f"site-{number}" for number in range(SITES)]
    return Inventory(
        servers={
            f"lcs{number:05d}": replace(
                server(f"lcs{number:05d}", f"pool-{number // POOL}"),
                site=sites[number // POOL % SITES],
            )
            for number in range(count)
        },
        pools={
            f"pool-{number}": Pool(f"pool-{number}", sites[number % SITES])
            for number in range(-(-count // POOL))
        },
        sites={name: Site(name, max_concurrent=40) for name in sites},
        links=(
            Link("wan-1", tuple(sites[: SITES // 2]), 200),
            Link("wan-2", tuple(sites[SITES // 2 :]), 200),
        ),
    )


def fill(services: Services, clock: FakeClock, inventory: Inventory) -> None:
    """Import all of it, with fresh facts of every server."""
    with services.storage.begin() as uow:
        uow.inventory.save(inventory)
    names = sorted(inventory.servers)
    some = inventory.servers[names[0]]
    facts = FakeReader(some, leaking_host(clock)).survey(scope_of((HOTFIX,), some))
    for first in range(0, len(names), BATCH):
        with services.storage.begin() as uow:
            for name in names[first : first + BATCH]:
                store_facts(uow, name, facts, clock.now())


def admitted(services: Services, inventory: Inventory) -> Run:
    """A stored run over every server: a canary, a twentieth, then the rest."""
    with services.storage.read() as uow:
        estate = load_estate(uow, HOTFIX, services.clock.now())
    one = next(iter(inventory.servers.values()))
    basis = basis_of(estate.judge(one), PACKAGE)
    planned = [
        PlannedServer(name, Action.INSTALL, found.pool, "needed", basis)
        for name, found in sorted(inventory.servers.items())
    ]
    ends = (0, 1, 1 + len(planned) // 20, len(planned))
    waves = tuple(
        Wave(number, tuple(planned[ends[number - 1] : ends[number]]))
        for number in range(1, len(ends))
    )
    limits = dict.fromkeys(inventory.pools, 1)
    plan = seal(Plan(ARTICLE, waves, (), PlanPolicy(), limits, ""))
    now = services.clock.now()
    run = Run("run-many", plan.digest, RunState.RUNNING, now, services.account)
    with services.storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, now, services.account))
        uow.runs.add(run, attempts_of(plan, run.name))
    return run


@dataclass(slots=True)
class AtOnce:
    """An engine whose turns end as soon as somebody asks, each on its own."""

    services: Services
    elsewhere: bool = False

    @contextmanager
    def open(self, _duties: Duties, _at_once: int) -> Iterator[Delivery]:
        """Deliver until the block ends."""
        yield _Ending(self.services)


@dataclass(slots=True)
class _Ending:
    services: Services
    _out: list[Order] = field(default_factory=list)

    def hand_out(self, orders: Sequence[Order]) -> None:
        self._out += orders

    def ended(self, _seconds: float) -> Collection[Order]:
        """One turn: remediated, its lease given back."""
        order = self._out.pop(0)
        with self.services.storage.begin() as uow:
            attempt = uow.runs.attempt(order.run, order.server)
            ended = replace(
                attempt, state=AttemptState.SETTLED, outcome=Outcome.REMEDIATED
            )
            uow.runs.save_attempt(ended, fence=attempt.fence)
            uow.runs.release_lease(server_resource(order.server), self.services.owner)
        return [order]
