"""Admitting a plan: approved, unaltered, never started; then its run is stored."""

from __future__ import annotations

import secrets
from datetime import datetime

from orchestrator.application.attempt.prepare import new_token
from orchestrator.application.codec import to_json
from orchestrator.application.plans import find_plan, valid_approvals
from orchestrator.application.ports.storage import (
    StoredPlan,
    UnitOfWork,
)
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
)
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.planning import Plan, seal
from orchestrator.domain.remediation import (
    Attempt,
)
from orchestrator.domain.rollout import (
    Run,
    RunState,
)


def start(services: Services, name: str) -> Run:
    """Admit a plan and store its run with an attempt for each server.

    Raises:
        RefusedError: not approved, expired, altered, or started before.
    """
    now = services.clock.now()
    with services.storage.begin() as uow:
        stored = find_plan(uow, name)
        admit(uow, stored, now)
        run = Run(
            name=f"run-{secrets.token_hex(4)}",
            plan=stored.plan.digest,
            state=RunState.RUNNING,
            started=now,
            account=services.account,
        )
        if not uow.plans.consume(stored.plan.digest, run.name):
            raise _started_before(stored)
        uow.runs.add(run, attempts_of(stored.plan, run.name))
        uow.evidence.append(Entry(RecordKind.RUN, run.name, to_json(run)))
    return run


def admit(uow: UnitOfWork, stored: StoredPlan, now: datetime) -> None:
    """Let a plan through.

    Raises:
        RefusedError: not approved, expired, altered, or started before.
    """
    plan = stored.plan
    if stored.run is not None:
        raise _started_before(stored)
    if seal(plan).digest != plan.digest:
        raise RefusedError(
            ErrorCode.PLAN_CHANGED,
            f"plan {plan.name} does not match its digest: it was altered in storage",
            "make a new plan, and ask who changed the database",
        )
    if valid_approvals(uow, plan, now):
        return
    if uow.plans.approvals(plan.digest):
        raise RefusedError(
            ErrorCode.APPROVAL_EXPIRED,
            f"the approval of plan {plan.name} has expired",
            f"orchestrator approve {plan.name} --by NAME --reason TEXT",
        )
    raise RefusedError(
        ErrorCode.NOT_APPROVED,
        f"plan {plan.name} is not approved",
        f"orchestrator approve {plan.name} --by NAME --reason TEXT",
    )


def _started_before(stored: StoredPlan) -> RefusedError:
    return RefusedError(
        ErrorCode.PLAN_STARTED,
        f"plan {stored.plan.name} was started before, as {stored.run}",
        f"orchestrator resume {stored.run} goes on with it, or make a new plan",
    )


def attempts_of(plan: Plan, run: str) -> tuple[Attempt, ...]:
    """An attempt for each server of a plan, none begun."""
    return tuple(
        Attempt(
            token=new_token(),
            run=run,
            server=planned.server,
            wave=wave.number,
            action=planned.action,
        )
        for wave in plan.waves
        for planned in wave.servers
    )
