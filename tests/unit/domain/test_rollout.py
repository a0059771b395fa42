from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.domain.rollout import (
    ENDED,
    NOT_DISPATCHING,
    RUN_TRANSITIONS,
    IllegalRunTransitionError,
    RunEvent,
    RunState,
    advance_run,
)

S, E = RunState, RunEvent

#: Every legal pair, written down a second time so that a change is seen.
LEGAL = {
    (S.RUNNING, E.PAUSE): S.PAUSING,
    (S.RUNNING, E.ABORT): S.ABORTING,
    (S.RUNNING, E.STOP): S.STOPPED,
    (S.RUNNING, E.FINISH): S.FINISHED,
    (S.RUNNING, E.RESUME): S.RUNNING,
    (S.PAUSING, E.PAUSE): S.PAUSING,
    (S.PAUSING, E.QUIET): S.PAUSED,
    (S.PAUSING, E.ABORT): S.ABORTING,
    (S.PAUSING, E.RESUME): S.RUNNING,
    (S.PAUSING, E.STOP): S.STOPPED,
    (S.PAUSING, E.FINISH): S.FINISHED,
    (S.PAUSED, E.RESUME): S.RUNNING,
    (S.PAUSED, E.ABORT): S.ABORTED,
    (S.PAUSED, E.PAUSE): S.PAUSED,
    (S.ABORTING, E.ABORT): S.ABORTING,
    (S.ABORTING, E.QUIET): S.ABORTED,
    (S.ABORTING, E.RESUME): S.ABORTING,
    (S.ABORTING, E.STOP): S.ABORTED,
    (S.ABORTING, E.FINISH): S.FINISHED,
    (S.ABORTED, E.ABORT): S.ABORTED,
    (S.ABORTED, E.STOP): S.ABORTED,
    (S.ABORTED, E.FINISH): S.ABORTED,
    (S.ABORTED, E.RESUME): S.ABORTING,
    **{(state, E.ABORT_NOW): S.ABORTED for state in set(S) - {S.FINISHED}},
    (S.STOPPED, E.RESUME): S.RUNNING,
    (S.STOPPED, E.ABORT): S.ABORTED,
}


@pytest.mark.parametrize(
    ("state", "event"), [(state, event) for state in S for event in E]
)
def test_a_pair_is_legal_or_raises(state: RunState, event: RunEvent) -> None:
    if (state, event) in LEGAL:
        assert advance_run(state, event) is LEGAL[state, event]
        return
    with pytest.raises(IllegalRunTransitionError) as caught:
        advance_run(state, event)
    assert (caught.value.state, caught.value.event) == (state, event)


def test_an_illegal_event_says_what_is_possible() -> None:
    with pytest.raises(IllegalRunTransitionError) as caught:
        advance_run(S.STOPPED, E.PAUSE)
    assert str(caught.value) == (
        "cannot pause a run that is stopped; possible: abort, abort-now, resume"
    )
    with pytest.raises(IllegalRunTransitionError, match="possible: nothing"):
        advance_run(S.FINISHED, E.RESUME)


def reachable(start: RunState) -> set[RunState]:
    seen, todo = set[RunState](), [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += RUN_TRANSITIONS[state].values()
    return seen


def test_every_state_is_reachable_and_has_its_row() -> None:
    assert reachable(S.RUNNING) == set(S) == set(RUN_TRANSITIONS)


@pytest.mark.parametrize("state", S)
def test_an_end_is_reachable_from_every_state(state: RunState) -> None:
    assert reachable(state) & ENDED


def test_a_finished_run_is_final() -> None:
    assert reachable(S.FINISHED) == {S.FINISHED}


def test_an_aborted_run_never_runs_again() -> None:
    assert S.RUNNING not in reachable(S.ABORTING)


def test_only_a_running_run_dispatches() -> None:
    assert set(S) - NOT_DISPATCHING == {S.RUNNING}


class RunMachine(RuleBasedStateMachine):
    """A run whose operators and worker say whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.RUNNING
        self.aborted = False

    @precondition(lambda self: self.state is not S.FINISHED)
    @rule(data=st.data())
    def legal(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(sorted(RUN_TRANSITIONS[self.state])))
        before, self.state = self.state, advance_run(self.state, event)
        self.aborted |= event in (E.ABORT, E.ABORT_NOW)
        # Only an operator's word sets servers going again.
        if before is not S.RUNNING and self.state is S.RUNNING:
            assert event is E.RESUME
        # What an operator, a gate or a budget halts is at no time taken for running.
        if event in (E.PAUSE, E.ABORT, E.ABORT_NOW, E.STOP):
            assert self.state in NOT_DISPATCHING

    @rule(event=st.sampled_from(E))
    def illegal(self, event: RunEvent) -> None:
        if (self.state, event) in LEGAL:
            return
        before = self.state
        with pytest.raises(IllegalRunTransitionError):
            advance_run(self.state, event)
        assert self.state is before

    @invariant()
    def what_was_aborted_begins_nothing_more(self) -> None:
        if self.aborted:
            assert self.state in {S.ABORTING, *ENDED}

    @invariant()
    def an_end_is_in_sight(self) -> None:
        assert reachable(self.state) & ENDED


RunMachine.TestCase.settings = settings(max_examples=50)
TestRunMachine = RunMachine.TestCase
