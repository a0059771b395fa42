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
    not_found,
)
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.remediation import (
    Attempt,
    AttemptEvent,
    Outcome,
    advance,
)
from orchestrator.domain.rollout import (
    ENDED,
    IllegalRunTransitionError,
    Run,
    RunEvent,
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


def move_run(
    services: Services, name: str | None, event: RunEvent, reason: str = ""
) -> Run:
    """Store an event of a run.

    Raises:
        RefusedError: the run cannot take the event now.
    """
    with services.storage.begin() as uow:
        run = find_run(uow, name)
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
            reason=reason or ("" if event is RunEvent.RESUME else run.reason),
        )
        if moved != run:
            uow.runs.update(moved)
            uow.evidence.append(Entry(RecordKind.RUN, run.name, to_json(moved)))
    return moved


def settle_unbegun(
    uow: UnitOfWork, attempt: Attempt, outcome: Outcome, reason: str
) -> Attempt:
    """Settle an attempt that was not begun."""
    skipped = replace(
        attempt,
        state=advance(attempt.state, AttemptEvent.SETTLE),
        outcome=outcome,
        reason=reason,
    )
    uow.runs.save_attempt(skipped, fence=attempt.fence)
    uow.evidence.append(Entry(RecordKind.OUTCOME, attempt.server, to_json(skipped)))
    return skipped
