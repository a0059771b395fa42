"""A run's state: waves one after another, and what stops them.

Everything that decides where a run or a wave may go next lives in this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    #: Asked to pause: what is in flight finishes.
    PAUSING = "pausing"
    PAUSED = "paused"
    #: Asked to end for good: what is in flight finishes.
    ABORTING = "aborting"
    #: Nothing more is begun; a resume only settles what is unknown.
    ABORTED = "aborted"
    #: A gate or a budget stopped it; an operator decides.
    STOPPED = "stopped"
    FINISHED = "finished"


class RunEvent(StrEnum):
    """What moves a run on."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    #: End at once: what is in flight is left, unknown.
    ABORT_NOW = "abort-now"
    STOP = "stop"
    FINISH = "finish"
    #: Nothing is in flight any more.
    QUIET = "quiet"


_S, _E = RunState, RunEvent

#: Illegal is what this table lacks.
RUN_TRANSITIONS: Mapping[RunState, Mapping[RunEvent, RunState]] = {
    _S.RUNNING: {
        _E.PAUSE: _S.PAUSING,
        _E.ABORT: _S.ABORTING,
        _E.ABORT_NOW: _S.ABORTED,
        _E.STOP: _S.STOPPED,
        _E.FINISH: _S.FINISHED,
        _E.RESUME: _S.RUNNING,
    },
    _S.PAUSING: {
        _E.PAUSE: _S.PAUSING,
        _E.QUIET: _S.PAUSED,
        _E.ABORT: _S.ABORTING,
        _E.ABORT_NOW: _S.ABORTED,
        _E.RESUME: _S.RUNNING,
        _E.STOP: _S.STOPPED,
        _E.FINISH: _S.FINISHED,
    },
    _S.PAUSED: {
        _E.RESUME: _S.RUNNING,
        _E.ABORT: _S.ABORTED,
        _E.ABORT_NOW: _S.ABORTED,
        _E.PAUSE: _S.PAUSED,
    },
    _S.ABORTING: {
        _E.ABORT: _S.ABORTING,
        _E.ABORT_NOW: _S.ABORTED,
        _E.QUIET: _S.ABORTED,
        _E.RESUME: _S.ABORTING,
        _E.STOP: _S.ABORTED,
        _E.FINISH: _S.FINISHED,
    },
    # Its worker may learn late that the run has ended; what it says changes nothing.
    _S.ABORTED: {
        _E.ABORT: _S.ABORTED,
        _E.ABORT_NOW: _S.ABORTED,
        _E.STOP: _S.ABORTED,
        _E.FINISH: _S.ABORTED,
        _E.RESUME: _S.ABORTING,
    },
    _S.STOPPED: {
        _E.RESUME: _S.RUNNING,
        _E.ABORT: _S.ABORTED,
        _E.ABORT_NOW: _S.ABORTED,
    },
    _S.FINISHED: {},
}

#: In these no worker may begin another server.
NOT_DISPATCHING = frozenset(set(RunState) - {_S.RUNNING})
#: In these nothing more is begun, ever.
ENDED = frozenset({_S.ABORTED, _S.FINISHED})


class IllegalRunTransitionError(RuntimeError):
    """An event that the table lacks for this state."""

    def __init__(self, state: RunState, event: RunEvent) -> None:
        """Keep both; say what would have been legal."""
        self.state = state
        self.event = event
        legal = ", ".join(sorted(RUN_TRANSITIONS[state])) or "nothing"
        super().__init__(f"cannot {event} a run that is {state}; possible: {legal}")


def advance_run(state: RunState, event: RunEvent) -> RunState:
    """The next state of a run.

    Raises:
        IllegalRunTransitionError: the table lacks the event; nothing changes.
    """
    try:
        return RUN_TRANSITIONS[state][event]
    except KeyError:
        raise IllegalRunTransitionError(state, event) from None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan."""

    name: str
    plan: str
    state: RunState
    started: datetime
    #: Who started it: the operating-system account.
    account: str
    finished: datetime | None = None
    #: What stopped it and what would let it go on, in one sentence.
    reason: str = ""
