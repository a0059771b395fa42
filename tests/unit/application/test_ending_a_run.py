"""Aborting a run, at once or not, settling what was left, and trying again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from orchestrator.application.apply import RunReport, abort, apply, resume
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import RefusedError, RequestError, Result
from orchestrator.application.retry import retry
from orchestrator.application.rollback import rollback
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import AttemptState, Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, World, world
from tests.fakes.hosts import ScriptedFault

ALL = Selection()
NAMES = ["fe1", "fe2", "fe3"]
#: All in one wave and no pool, one after another.
POLICY = PlanPolicy(activation=Activation.RESTART_SERVICE, growth=(3,))


@dataclass(slots=True)
class Moment:
    """A clock that does something once, when it is slept on for the first time."""

    clock: FakeClock
    then: Callable[[], object]
    done: list[bool] = field(default_factory=list)

    def now(self) -> datetime:
        """As the clock has it."""
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        if not self.done:
            self.done.append(True)
            self.then()


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """Three leaking servers that stand alone."""
    with world(sqlite_storage, NAMES, alone=NAMES) as made:
        yield made


def approved(made: World) -> str:
    """Survey, plan and approve; the plan's name."""
    survey(made.services, ALL)
    name = plan(made.services, ARTICLE, ALL, POLICY).data.plan
    approve(made.services, name, by="A. Manager", reason="change 1")
    return name


def aborted_while_installing(made: World, *, now: bool) -> Result[RunReport]:
    """Aborted from elsewhere at the first look at a running installer."""
    clock = Moment(made.clock, lambda: abort(made.services, None, now=now))
    return apply(replace(made.services, clock=clock), approved(made))


def states(result: Result[RunReport]) -> dict[str, Outcome | None]:
    """Each server's outcome."""
    return {line.server: line.outcome for line in result.data.outcomes}


def test_an_abort_lets_what_is_in_flight_finish_and_skips_the_rest(
    estate: World,
) -> None:
    result = aborted_while_installing(estate, now=False)
    assert result.data.state is RunState.ABORTED
    assert states(result) == {
        "fe1": Outcome.REMEDIATED,
        "fe2": Outcome.SKIPPED,
        "fe3": Outcome.SKIPPED,
    }
    assert {line.state for line in result.data.outcomes} == {AttemptState.SETTLED}


def test_an_abort_at_once_leaves_what_is_in_flight_unknown_and_says_so(
    estate: World,
) -> None:
    result = aborted_while_installing(estate, now=True)
    assert result.data.state is RunState.ABORTED
    assert states(result) == {
        "fe1": Outcome.UNKNOWN,
        "fe2": Outcome.SKIPPED,
        "fe3": Outcome.SKIPPED,
    }
    assert f"resume {result.data.run}" in result.data.outcomes[0].reason
    assert estate.runs() == {"fe1": 1, "fe2": 0, "fe3": 0}


def test_resuming_an_aborted_run_settles_what_is_unknown_and_begins_nothing(
    estate: World,
) -> None:
    run = aborted_while_installing(estate, now=True).data.run
    result = resume(estate.services, run)
    assert result.data.state is RunState.ABORTED
    assert states(result)["fe1"] is Outcome.REMEDIATED
    assert estate.runs() == {"fe1": 1, "fe2": 0, "fe3": 0}


def test_a_launch_that_never_arrived_is_not_repeated_after_an_abort(
    estate: World,
) -> None:
    name = approved(estate)
    estate.hosts["fe1"].faults = [
        ScriptedFault("launch"),
        ScriptedFault("evidence", call=None),
    ]
    clock = Moment(estate.clock, lambda: abort(estate.services, None, now=True))
    run = apply(replace(estate.services, clock=clock), name).data.run
    estate.hosts["fe1"].faults = []
    result = resume(estate.services, run)
    assert states(result)["fe1"] is Outcome.SKIPPED
    assert set(estate.runs().values()) == {0}
    assert estate.hosts["fe1"].calls.count("launch") == 1


def test_aborting_a_stopped_run_skips_what_it_never_began(estate: World) -> None:
    name = approved(estate)
    estate.hosts["fe1"].installer = replace(
        estate.hosts["fe1"].installer, exit_code=1603, files={}
    )
    run = apply(estate.services, name).data
    assert run.state is RunState.STOPPED
    lines = abort(estate.services, run.run).data.outcomes
    assert {line.outcome for line in lines[1:]} == {Outcome.SKIPPED}
    assert {line.state for line in lines} == {AttemptState.SETTLED}


def test_retry_plans_only_what_failed_and_names_the_run(estate: World) -> None:
    name = approved(estate)
    estate.gateway.faults["fe2"] = HostFaultError(
        FaultKind.UNREACHABLE, "fe2", "no answer within 3 s"
    )
    run = apply(estate.services, name).data
    estate.gateway.faults.clear()
    report = retry(estate.services, run.run).data
    assert [line.server for wave in report.waves for line in wave.servers] == ["fe2"]
    assert report.policy == POLICY
    with estate.services.storage.read() as uow:
        stored = uow.plans.find(report.digest)
        assert stored is not None
        assert stored.plan.retry_of == run.run
    approve(estate.services, report.plan, by="A. Manager", reason="again")
    assert states(apply(estate.services, report.plan)) == {"fe2": Outcome.REMEDIATED}


def test_retry_takes_what_an_abort_skipped(estate: World) -> None:
    run = aborted_while_installing(estate, now=False).data.run
    report = retry(estate.services, run).data
    names = [line.server for wave in report.waves for line in wave.servers]
    assert names == ["fe2", "fe3"]


def test_what_is_unknown_is_settled_before_it_is_tried_again(estate: World) -> None:
    run = aborted_while_installing(estate, now=True).data.run
    with pytest.raises(RefusedError, match="what became of fe1"):
        retry(estate.services, run)
    resume(estate.services, run)
    assert retry(estate.services, run).data.radius.servers == 2


def test_there_is_nothing_to_retry_where_all_went_well(estate: World) -> None:
    run = apply(estate.services, approved(estate)).data.run
    with pytest.raises(RequestError, match="as its plan wanted it"):
        retry(estate.services, run)


def test_a_rollback_is_not_retried_as_an_install(estate: World) -> None:
    run = apply(estate.services, approved(estate)).data.run
    back = rollback(estate.services, run, ALL).data.plan
    approve(estate.services, back, by="A. Manager", reason="back")
    undone = apply(estate.services, back).data.run
    with pytest.raises(RequestError, match="was a rollback"):
        retry(estate.services, undone)
