"""Orders as a worker takes them: late, twice, or when somebody else has the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from orchestrator.application.apply import abort, apply, pause, resume
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import LeaseHeld, Storage
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.leases import (
    run_resource,
    server_resource,
    take,
)
from orchestrator.application.rollout.turns import Turns
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Attempt, AttemptState, Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection
from tests.fakes.estate import ARTICLE, World, world
from tests.fakes.hosts import ScriptedFault
from tests.unit.application.test_ending_a_run import Moment

#: How an operator ends a run.
End = Callable[[Services, str], object]

RESTART = PlanPolicy(activation=Activation.RESTART_SERVICE, growth=(2,))


@dataclass(frozen=True, slots=True)
class Stage:
    """An admitted run of two servers; its conductor has begun none."""

    made: World
    run: str

    @property
    def order(self) -> Order:
        return Order(self.run, "fe1", "site-1")

    def worker(self, owner: str = "worker", *gone: str) -> Turns:
        """A worker in a process of its own, that knows these to have ended."""
        return Turns(self._process(owner, *gone))

    def _process(self, owner: str, *gone: str) -> Services:
        services = replace(self.made.services, owner=owner)
        return replace(services, is_gone=lambda name: name in gone)

    def leased_to(self, owner: str, resource: str = "server:fe1") -> None:
        with self.made.services.storage.begin() as uow:
            take(self._process(owner), uow, resource)

    def handed_out(self) -> None:
        """The conductor has the run, and has taken the server for this order."""
        self.leased_to("conductor", run_resource(self.run))
        self.leased_to("conductor")

    @property
    def holder(self) -> str | None:
        with self.made.services.storage.read() as uow:
            found = {lease.resource: lease.owner for lease in uow.runs.leases()}
        return found.get(server_resource("fe1"))

    @property
    def attempt(self) -> Attempt:
        with self.made.services.storage.read() as uow:
            return uow.runs.attempt(self.run, "fe1")


@pytest.fixture
def stage(sqlite_storage: Storage) -> Iterator[Stage]:
    with world(sqlite_storage, ["fe1", "fe2"], alone=["fe1", "fe2"]) as made:
        survey(made.services, Selection())
        name = plan(made.services, ARTICLE, Selection(), RESTART).data.plan
        approve(made.services, name, by="A. Manager", reason="change 1")
        yield Stage(made, start(made.services, name).name)


def test_an_order_is_taken_to_its_end_and_the_lease_given_back(stage: Stage) -> None:
    stage.handed_out()
    assert stage.worker().take(stage.order) is None
    assert stage.attempt.outcome is Outcome.REMEDIATED
    assert stage.holder is None


def test_an_order_whose_place_was_given_away_begins_nothing(stage: Stage) -> None:
    assert stage.worker().take(stage.order) is None
    assert stage.attempt.state is AttemptState.READY
    assert stage.made.hosts["fe1"].installer_runs == 0


def test_an_order_that_comes_twice_changes_nothing_more(stage: Stage) -> None:
    stage.handed_out()
    worker = stage.worker()
    worker.take(stage.order)
    ended = stage.attempt
    calls = len(stage.made.hosts["fe1"].calls)
    assert worker.take(stage.order) is None
    assert stage.worker("another").take(stage.order) is None
    assert stage.attempt == ended
    assert len(stage.made.hosts["fe1"].calls) == calls
    assert stage.holder is None


@pytest.mark.parametrize("end", [pause, abort])
def test_an_order_that_comes_late_begins_nothing(stage: Stage, end: End) -> None:
    before = len(stage.made.hosts["fe1"].calls)
    end(stage.made.services, stage.run)
    assert stage.worker().take(stage.order) is None
    assert stage.attempt.state is AttemptState.READY
    assert len(stage.made.hosts["fe1"].calls) == before
    assert stage.holder is None


@pytest.mark.parametrize("end", [pause, abort])
def test_what_is_in_flight_is_seen_through_whatever_its_run_does(
    stage: Stage, end: End
) -> None:
    in_flight(stage)
    end(stage.made.services, stage.run)
    stage.worker("next").take(stage.order)
    assert stage.attempt.outcome is Outcome.REMEDIATED
    assert stage.made.hosts["fe1"].installer_runs == 1


def in_flight(stage: Stage) -> None:
    """The installer was launched; then contact was lost past all patience."""
    host = stage.made.hosts["fe1"]
    host.faults = [ScriptedFault("evidence", call=None)]
    stage.handed_out()
    stage.worker().take(stage.order)
    host.faults = []
    assert stage.attempt.state is AttemptState.UNKNOWN


def test_an_attempt_that_is_not_settled_leaves_no_lease(stage: Stage) -> None:
    in_flight(stage)
    assert stage.holder is None
    assert stage.worker().over([stage.order]) == [stage.order]


def test_a_server_that_somebody_else_has_is_left_alone_and_he_is_named(
    stage: Stage,
) -> None:
    stage.leased_to("another")
    before = len(stage.made.hosts["fe1"].calls)
    found = stage.worker().take(stage.order)
    assert isinstance(found, LeaseHeld)
    assert found.lease.owner == "another"
    assert stage.holder == "another"
    assert len(stage.made.hosts["fe1"].calls) == before


def test_whoever_has_the_run_hands_the_server_over(stage: Stage) -> None:
    stage.handed_out()
    holders: list[str | None] = []
    clock = Moment(stage.made.clock, lambda: holders.append(stage.holder))
    worker = Turns(replace(stage.made.services, owner="worker", clock=clock))
    assert worker.over([stage.order]) == []
    assert worker.take(stage.order) is None
    assert holders == ["worker"]
    assert worker.over([stage.order]) == [stage.order]


def test_two_workers_that_are_handed_one_order_do_not_both_take_it(
    stage: Stage,
) -> None:
    stage.handed_out()
    seen: list[object] = []
    second = stage.worker("second")
    clock = Moment(stage.made.clock, lambda: seen.append(second.take(stage.order)))
    Turns(replace(stage.made.services, owner="first", clock=clock)).take(stage.order)
    (held,) = seen
    assert isinstance(held, LeaseHeld)
    assert held.lease.owner == "first"
    assert stage.made.hosts["fe1"].installer_runs == 1


def test_the_order_of_a_worker_that_vanished_is_not_over_and_another_takes_it(
    stage: Stage,
) -> None:
    in_flight(stage)
    stage.leased_to("dead")
    assert stage.worker().over([stage.order]) == []
    assert stage.worker("next", "dead").take(stage.order) is None
    assert stage.attempt.outcome is Outcome.REMEDIATED


def test_nobody_waits_for_a_lease_past_its_end(stage: Stage) -> None:
    in_flight(stage)
    stage.leased_to("stalled")
    stage.made.clock.advance(stage.made.services.limits.lease_seconds)
    assert stage.worker().take(stage.order) is None
    assert stage.attempt.outcome is Outcome.REMEDIATED


def test_after_an_abort_at_once_another_process_resumes_without_waiting(
    sqlite_storage: Storage,
) -> None:
    with world(sqlite_storage, ["fe1"], alone=["fe1"]) as made:
        survey(made.services, Selection())
        name = plan(made.services, ARTICLE, Selection(), RESTART).data.plan
        approve(made.services, name, by="A. Manager", reason="change 1")
        clock = Moment(made.clock, lambda: abort(made.services, None, now=True))
        left = apply(replace(made.services, clock=clock), name).data
        assert left.outcomes[0].outcome is Outcome.UNKNOWN
        begun = made.clock.now()
        ended = resume(replace(made.services, owner="next"), left.run).data
        assert ended.state is RunState.ABORTED
        assert ended.outcomes[0].outcome is Outcome.REMEDIATED
        lease = timedelta(seconds=made.services.limits.lease_seconds)
        assert made.clock.now() - begun < lease
