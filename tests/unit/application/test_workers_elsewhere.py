"""Turns that other processes take: who may begin, and what becomes of lost orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import Lease, LeaseHeld, StorageError
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.leases import run_resource, server_resource
from orchestrator.application.rollout.patience import outlast
from orchestrator.application.rollout.runs import move_run
from orchestrator.application.rollout.strays import Strays
from orchestrator.application.rollout.turns import Turns
from orchestrator.application.rollout.worker import Taken, Worker
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Attempt, AttemptState, Outcome
from orchestrator.domain.rollout import RunEvent
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, World, world

SERVER, OTHER = "fe1", "fe2"
WAIT = 300.0


@pytest.fixture
def made(sqlite_storage: SqlStorage, clock: FakeClock) -> Iterator[World]:
    """An estate of two servers, surveyed."""
    with world(sqlite_storage, [SERVER, OTHER], clock=clock) as found:
        survey(found.services, Selection())
        yield found


def begun(made: World) -> Order:
    """The order for a run that this process conducts; the lease is its own."""
    policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
    name = plan(made.services, ARTICLE, Selection(), policy).data.plan
    approve(made.services, name, by="A. Manager", reason="a test")
    run = start(made.services, name)
    hold(made.services, run_resource(run.name), made.services.owner)
    hold(made.services, server_resource(SERVER), made.services.owner)
    return Order(run.name, SERVER, "site-1")


def hold(services: Services, resource: str, owner: str, seconds: float = 120) -> None:
    now = services.clock.now()
    with services.storage.begin() as uow:
        for lease in uow.runs.leases():
            if lease.resource == resource:
                uow.runs.release_lease(resource, lease.owner)
        uow.runs.take_lease(
            resource, owner, now=now, until=now + timedelta(seconds=seconds)
        )


def attempt(services: Services, order: Order) -> Attempt:
    with services.storage.read() as uow:
        return uow.runs.attempt(order.run, order.server)


def lease(services: Services) -> Lease | None:
    with services.storage.read() as uow:
        found = {lease.resource: lease for lease in uow.runs.leases()}
    return found.get(server_resource(SERVER))


def worker(made: World) -> Services:
    return replace(made.services, owner="a-worker")


def look(strays: Strays, seconds: float, *orders: Order) -> list[Order]:
    """Look, as often as the conductor does, for so long; what the last look says."""
    found: list[Order] = []
    clock = strays.services.clock
    until = clock.now() + timedelta(seconds=seconds)
    while clock.now() < until:
        found = strays.look(orders)
        clock.sleep(30)
    return found


def test_a_worker_takes_over_the_lease_that_the_conductor_took_for_it(
    made: World,
) -> None:
    order = begun(made)
    assert Worker(worker(made)).take(order) is Taken.OVER
    assert attempt(made.services, order).outcome is Outcome.REMEDIATED
    assert lease(made.services) is None


def test_nothing_is_begun_once_the_conductors_lease_was_lost(made: World) -> None:
    order = begun(made)
    made.clock.advance(121)
    assert Worker(worker(made)).take(order) is Taken.OVER
    assert attempt(made.services, order).state is AttemptState.READY
    assert lease(made.services) is None
    assert made.runs()[SERVER] == 0


def test_nothing_is_begun_without_a_lease(made: World) -> None:
    order = begun(made)
    with made.services.storage.begin() as uow:
        uow.runs.release_lease(server_resource(SERVER), made.services.owner)
    Worker(worker(made)).take(order)
    assert attempt(made.services, order).state is AttemptState.READY


def test_nothing_is_begun_for_a_run_that_pauses(made: World) -> None:
    order = begun(made)
    move_run(made.services, order.run, RunEvent.PAUSE)
    Worker(worker(made)).take(order)
    assert attempt(made.services, order).state is AttemptState.READY
    assert lease(made.services) is None


def test_another_workers_server_is_left_to_it(made: World) -> None:
    order = begun(made)
    hold(made.services, server_resource(SERVER), "another")
    assert Worker(worker(made)).take(order) is Taken.ELSEWHERE
    assert isinstance(Turns(worker(made)).take(order), LeaseHeld)
    assert made.runs()[SERVER] == 0


def test_an_order_that_comes_again_while_at_work_is_not_worked_on_twice(
    made: World,
) -> None:
    order = begun(made)
    one = Worker(worker(made))
    one._at_work.add(SERVER)
    assert one.take(order) is Taken.DOUBLE
    assert attempt(made.services, order).state is AttemptState.READY


def test_an_order_that_nobody_takes_up_is_given_up_with_what_to_do(
    made: World,
) -> None:
    order = begun(made)
    assert look(Strays(made.services, order.run), WAIT + 60, order) == []
    ended = attempt(made.services, order)
    assert ended.outcome is Outcome.SKIPPED
    assert "orchestrator worker --site site-1" in ended.reason
    assert ended.fence == 1
    assert lease(made.services) is None


def test_an_order_waits_while_its_sites_worker_is_at_work_on_others(
    made: World,
) -> None:
    order = begun(made)
    other = replace(order, server=OTHER)
    strays = Strays(made.services, order.run)
    hold(made.services, server_resource(OTHER), "another", seconds=2 * WAIT)
    look(strays, 2 * WAIT - 30, order, other)
    assert attempt(made.services, order).state is AttemptState.READY
    look(strays, WAIT + 60, order)
    assert attempt(made.services, order).outcome is Outcome.SKIPPED


def test_an_order_of_a_run_that_pauses_is_withdrawn(made: World) -> None:
    order = begun(made)
    move_run(made.services, order.run, RunEvent.PAUSE)
    look(Strays(made.services, order.run), 30, order)
    assert lease(made.services) is None
    assert attempt(made.services, order).state is AttemptState.READY


def test_an_attempt_whose_worker_vanished_is_handed_out_again_then_unknown(
    made: World,
) -> None:
    order = begun(made)
    launched = replace(attempt(made.services, order), state=AttemptState.LAUNCHED)
    with made.services.storage.begin() as uow:
        uow.runs.save_attempt(launched, fence=0)
    hold(made.services, server_resource(SERVER), "vanished", seconds=60)
    strays = Strays(made.services, order.run)
    assert look(strays, 60, order) == []
    assert look(strays, 60, order) == [order]
    assert attempt(made.services, order) == launched
    look(strays, WAIT, order)
    ended = attempt(made.services, order)
    assert ended.state is AttemptState.UNKNOWN
    assert ended.fence == launched.fence + 1
    assert lease(made.services) is None


def test_what_was_not_begun_when_its_worker_vanished_is_given_back(
    made: World,
) -> None:
    order = begun(made)
    hold(made.services, server_resource(SERVER), "vanished", seconds=0)
    assert look(Strays(made.services, order.run), 60, order) == []
    assert lease(made.services) is None
    assert attempt(made.services, order).state is AttemptState.READY


def test_a_database_that_is_away_for_a_moment_is_outlasted(made: World) -> None:
    tries = iter([StorageError("away"), StorageError("away"), None])

    def work() -> str:
        error = next(tries)
        if error is not None:
            raise error
        return "done"

    assert outlast(made.services, "x", work) == "done"
    assert made.clock.slept[-2:] == [0.5, 1.0]


def test_a_database_that_stays_away_is_given_up(made: World) -> None:
    def work() -> None:
        raise StorageError("away")

    with pytest.raises(StorageError):
        outlast(made.services, "x", work)
