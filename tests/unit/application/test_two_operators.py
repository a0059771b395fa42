"""Two operators with overlapping plans: no server is touched by both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.apply import RunReport, apply, pause, resume, status
from orchestrator.application.plans import approve, plan
from orchestrator.application.results import RequestError
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.conduct import Rollout
from orchestrator.application.rollout.leases import RunLease, server_resource, take
from orchestrator.application.rollout.waiting import Waiting
from orchestrator.application.survey import survey
from orchestrator.cli.progress import Lines
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import AttemptState, Outcome
from orchestrator.domain.selection import Selection, parse_selection
from tests.fakes.estate import ARTICLE, World, world
from tests.fixtures.storage import Opener

SERVERS = ["fe1", "fe2", "fe3", "fe4"]
TOGETHER = PlanPolicy(
    activation=Activation.RESTART_SERVICE, growth=(4,), pool_wait_minutes=600
)
ALONE = replace(TOGETHER, growth=(2,))
#: With these the second operator's run left a server as the first had it.
LEFT_ALONE = {Outcome.ALREADY_COMPLIANT, Outcome.DROPPED, Outcome.SKIPPED}


def approved(made: World, selection: Selection, policy: PlanPolicy) -> str:
    """A plan of these servers, approved."""
    name = plan(made.services, ARTICLE, selection, policy).data.plan
    approve(made.services, name, by="A. Manager", reason="a test")
    return name


@pytest.mark.timeout(120)
def test_no_server_is_touched_by_both(storage: SqlStorage, open_again: Opener) -> None:
    with world(storage, SERVERS) as made:
        survey(made.services, Selection())
        plans = (
            approved(made, Selection(), TOGETHER),
            approved(made, parse_selection("fe2,fe3"), ALONE),
        )
        operators = (
            replace(made.services, owner="first"),
            replace(made.services, owner="second", storage=open_again("second")),
        )

        def carry_out(number: int) -> RunReport:
            return apply(operators[number], plans[number]).data

        with ThreadPoolExecutor(2) as both:
            first, second = both.map(carry_out, (0, 1))
        assert made.runs() == dict.fromkeys(SERVERS, 1)
        for line in second.outcomes:
            other = next(one for one in first.outcomes if one.server == line.server)
            outcomes = {line.outcome, other.outcome}
            assert Outcome.REMEDIATED in outcomes
            assert outcomes & LEFT_ALONE


def test_what_another_run_made_compliant_meanwhile_is_found_so(
    storage: SqlStorage,
) -> None:
    with world(storage, ["fe1"]) as made:
        survey(made.services, Selection())
        both = approved(made, Selection(), TOGETHER), approved(made, Selection(), ALONE)
        late = Rollout.open(made.services, start(made.services, both[0]))
        apply(made.services, both[1])
        # Nothing but our own journal says any more when it was installed.
        made.hosts["fe1"].logs.clear()
        late.carry_out()
        (line,) = status(made.services, late.run.name).data.outcomes
        assert line.outcome is Outcome.ALREADY_COMPLIANT


def test_a_resume_counts_what_is_left_and_not_what_has_ended(
    storage: SqlStorage,
) -> None:
    heard: list[str] = []
    with world(storage, SERVERS) as made:
        survey(made.services, Selection())
        policy = replace(TOGETHER, growth=(1, 3), manual_gates=True)
        stopped = apply(made.services, approved(made, Selection(), policy)).data
        resume(replace(made.services, progress=Lines(heard.append)), stopped.run)
    assert heard[0] == f"run {stopped.run}: 3 servers"
    assert heard[-1] == f"run {stopped.run}: 3 of 3 done"


def test_without_a_name_the_run_that_has_not_ended_is_meant(
    storage: SqlStorage,
) -> None:
    with world(storage, SERVERS[:2]) as made:
        survey(made.services, Selection())
        plans = [approved(made, parse_selection(one), TOGETHER) for one in SERVERS[:2]]
        older = start(made.services, plans[0])
        apply(made.services, plans[1])
        assert pause(made.services, None).data.run == older.name


def test_without_a_name_and_two_runs_going_it_is_asked_which(
    storage: SqlStorage,
) -> None:
    with world(storage, SERVERS[:2]) as made:
        survey(made.services, Selection())
        plans = [approved(made, parse_selection(one), TOGETHER) for one in SERVERS[:2]]
        names = [start(made.services, plan).name for plan in plans]
        with pytest.raises(RequestError, match="expected one run") as refused:
            pause(made.services, None)
        assert all(name in str(refused.value) for name in names)


def test_a_run_that_nobody_works_on_says_how_it_goes_on(storage: SqlStorage) -> None:
    with world(storage, SERVERS[:1]) as made:
        survey(made.services, Selection())
        left = start(made.services, approved(made, Selection(), TOGETHER))
        seen = status(made.services, left.name).data.next_step
        assert f"orchestrator resume {left.name}" in seen
        with RunLease(replace(made.services, owner="first"), left.name):
            assert not status(made.services, left.name).data.next_step
        assert not resume(made.services, left.name).data.next_step


def test_whoever_waits_for_another_run_is_told_whether_it_lives(
    storage: SqlStorage,
) -> None:
    with world(storage, SERVERS[:1]) as made:
        survey(made.services, Selection())
        plans = [approved(made, Selection(), policy) for policy in (TOGETHER, ALONE)]
        theirs, ours = (start(made.services, plan) for plan in plans)
        with storage.begin() as uow:
            begun = uow.runs.attempt(theirs.name, SERVERS[0])
            begun = replace(begun, state=AttemptState.PREPARING)
            assert uow.runs.save_attempt(begun, fence=0)
        heard: list[str] = []
        rollout = Rollout.open(
            replace(made.services, progress=Lines(heard.append)), ours
        )

        def told() -> str:
            waiting = Waiting(rollout.plan.servers(), rollout.estate.inventory)
            assert rollout.dispatch.begin(waiting, room=1) == ([], [])
            return heard[-1]

        assert f"attempt of {theirs.name} is not settled" in told()
        first = replace(made.services, owner="first")
        with storage.begin() as uow:
            take(first, uow, server_resource(SERVERS[0]))
        heard.clear()
        rollout.services.progress.started(1, "anew")
        assert f"first is at work on it for {theirs.name}" in told()
