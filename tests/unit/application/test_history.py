"""A server's history: every record in a line, and one step's log alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.application.apply import apply
from orchestrator.application.explain import history
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Step
from orchestrator.domain.selection import Selection
from tests.fakes.estate import ARTICLE, World, world

ALL = Selection()


@pytest.fixture
def remediated(sqlite_storage: Storage) -> Iterator[World]:
    """A server on which a run installed the hotfix and restarted the service."""
    with world(sqlite_storage, ["fe1"]) as made:
        survey(made.services, ALL)
        policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
        name = plan(made.services, ARTICLE, ALL, policy).data.plan
        approve(made.services, name, by="A. Manager", reason="change 1")
        apply(made.services, name)
        yield made


def lines(made: World, step: str | None = None) -> list[str]:
    found = history(made.services, "fe1", step).data.records
    return [line.summary for line in found if step or line.kind == "step"]


@pytest.mark.parametrize("step", [one for one in Step if one is not Step.RECORD])
def test_the_records_of_one_step_are_shown_alone_with_how_it_went(
    remediated: World, step: Step
) -> None:
    found = lines(remediated, step)
    assert found
    assert all(f" {step}: " in line for line in found)


def test_the_installers_log_is_shown_with_the_step_that_waited_for_it(
    remediated: World,
) -> None:
    *_, last = lines(remediated, Step.WAIT)
    assert last.splitlines()[1:] == [f"{ARTICLE} ended with 0."]
    assert not any("\n" in line for line in lines(remediated))


def test_of_a_whole_history_each_step_says_which_it_was(remediated: World) -> None:
    said = [line.split()[1] for line in lines(remediated) if ":" in line]
    assert list(dict.fromkeys(said)) == [f"{step}:" for step in Step]


def test_a_step_that_there_is_not_is_refused_with_those_that_there_are(
    remediated: World,
) -> None:
    with pytest.raises(RequestError, match="precheck") as caught:
        lines(remediated, "installing")
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
