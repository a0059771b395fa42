"""Runs in the journal: finding one, and moving it on by its table."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.application.codec import to_json
from orchestrator.application.ports.storage import (
    UnitOfWork,
)
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
    RequestError,
    not_found,
)
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.remediation import (
    IN_FLIGHT,
    Attempt,
    AttemptEvent,
    AttemptState,
    Outcome,
    advance,
)
from orchestrator.domain.rollout import (
    ENDED,
    IllegalRunTransitionError,
    Run,
    RunEvent,
    RunState,
    advance_run,
)


def find_run(uow: UnitOfWork, name: str | None) -> Run:
    """A run by name, or the newest.

    Raises:
        RequestError: there is none.
    """
    run = uow.runs.find(name)
    if run is None:
        raise not_found("run", name or "", "see orchestrator status")
    return run


def run_to_move(uow: UnitOfWork, name: str | None) -> Run:
    """A run by name; without one the run that has not ended, or else the newest.

    Raises:
        RequestError: there is none, or several have not ended: which is meant?
    """
    if name is not None:
        return find_run(uow, name)
    going = [run for run in uow.runs.all() if run.state not in ENDED]
    if len(going) > 1:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"found {', '.join(f'{run.name} ({run.state})' for run in going)}, "
            "expected one run that has not ended",
            "name the run",
        )
    return going[0] if going else find_run(uow, None)


def move_run(
    services: Services, name: str | None, event: RunEvent, reason: str = ""
) -> Run:
    """Store an event of a run, see :func:`run_to_move`.

    Raises:
        RefusedError: the run cannot take the event now.
        RequestError: there is no such run, or it is not clear which.
    """
    with services.storage.begin() as uow:
        run = run_to_move(uow, name)
        try:
            state = advance_run(run.state, event)
        except IllegalRunTransitionError as error:
            raise RefusedError(
                ErrorCode.ILLEGAL_STATE, str(error), f"orchestrator status {run.name}"
            ) from None
        ended = services.clock.now() if state in ENDED else None
        moved = replace(
            run,
            state=state,
            finished=ended,
            reason=reason or ("" if state is RunState.RUNNING else run.reason),
        )
        if state is RunState.ABORTED:
            _leave(uow, moved, at_once=event is RunEvent.ABORT_NOW)
        if moved != run:
            uow.runs.update(moved)
            uow.evidence.append(Entry(RecordKind.RUN, run.name, to_json(moved)))
    return moved


#: In these nothing was changed on the host yet.
_UNTOUCHED = frozenset({AttemptState.READY, AttemptState.PREPARING})


def _leave(uow: UnitOfWork, run: Run, *, at_once: bool) -> None:
    """Skip what is not begun; at once means that what is in flight is unknown.

    Their workers are shut out: whoever is about to launch learns it first.
    """
    for attempt in uow.runs.attempts(run.name):
        if attempt.state in _UNTOUCHED:
            reason = f"the run was aborted first: {run.reason}"
            settle_unbegun(
                uow, _taken(attempt), Outcome.SKIPPED, reason, fence=attempt.fence
            )
        elif at_once and attempt.state in IN_FLIGHT:
            left = replace(
                _taken(attempt),
                state=advance(attempt.state, AttemptEvent.LOSE_CONTACT),
                reason=f"left in flight by abort --now; orchestrator resume {run.name} "
                "asks the host what became of it",
            )
            uow.runs.save_attempt(left, fence=attempt.fence)
            uow.evidence.append(Entry(RecordKind.STEP, left.server, to_json(left)))


def _taken(attempt: Attempt) -> Attempt:
    return replace(attempt, fence=attempt.fence + 1)


def settle_unbegun(
    uow: UnitOfWork,
    attempt: Attempt,
    outcome: Outcome,
    reason: str,
    fence: int | None = None,
) -> Attempt:
    """Settle an attempt that has touched nothing.

    Args:
        uow: the transaction.
        attempt: it, under a new fence where a worker may have it.
        outcome: how it ended.
        reason: why.
        fence: the one that it is stored under, if that is another.
    """
    skipped = replace(
        attempt,
        state=advance(attempt.state, AttemptEvent.SETTLE),
        outcome=outcome,
        reason=reason,
    )
    uow.runs.save_attempt(skipped, fence=attempt.fence if fence is None else fence)
    uow.evidence.append(Entry(RecordKind.OUTCOME, attempt.server, to_json(skipped)))
    return skipped
