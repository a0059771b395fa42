"""Admitting a plan: approved, unaltered, never started; then its run is stored."""

from __future__ import annotations

import secrets
from datetime import datetime

from orchestrator.application.attempt.prepare import new_token
from orchestrator.application.codec import to_json
from orchestrator.application.plans import (
    find_plan,
    missing_approvals,
    must_be_unaltered,
    valid_approvals,
)
from orchestrator.application.ports.storage import (
    StoredPlan,
    UnitOfWork,
)
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
)
from orchestrator.application.services import Services
from orchestrator.application.timing import forecasts, outside_window
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.planning import Plan
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
        RefusedError: :func:`admit` does not let it through.
    """
    now = services.clock.now()
    with services.storage.begin() as uow:
        stored = find_plan(uow, name)
        admit(services, uow, stored)
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


def admit(services: Services, uow: UnitOfWork, stored: StoredPlan) -> None:
    """Let a plan through.

    Raises:
        RefusedError: not approved, expired, altered, started before, frozen, or
            outside the window of its first wave.
    """
    plan = stored.plan
    if stored.run is not None:
        raise _started_before(stored)
    must_be_unaltered(plan)
    _must_be_approved(uow, plan, services.clock.now())
    _must_be_open(services, uow, plan)


def _must_be_approved(uow: UnitOfWork, plan: Plan, now: datetime) -> None:
    """Refuse what too few accounts want.

    Raises:
        RefusedError: not approved by as many accounts as the plan asks for.
    """
    valid = valid_approvals(uow, plan, now)
    missing = missing_approvals(plan, valid)
    if missing == 0:
        return
    hint = f"orchestrator approve {plan.name} --by NAME --reason TEXT"
    if valid:
        accounts = ", ".join(sorted({given.account for given in valid}))
        raise RefusedError(
            ErrorCode.NOT_APPROVED,
            f"plan {plan.name} asks for approvals from {plan.policy.approvals} "
            f"different accounts, found only those of {accounts}",
            f"{hint}, from another operating-system account",
        )
    if uow.plans.approvals(plan.digest):
        raise RefusedError(
            ErrorCode.APPROVAL_EXPIRED,
            f"the approval of plan {plan.name} has expired",
            hint,
        )
    raise RefusedError(
        ErrorCode.NOT_APPROVED, f"plan {plan.name} is not approved", hint
    )


def _must_be_open(services: Services, uow: UnitOfWork, plan: Plan) -> None:
    """Refuse to consume a plan whose first wave could not begin.

    Raises:
        RefusedError: frozen, outside a window, or too little of one is left.
    """
    for wave in plan.waves[:1]:
        shut = outside_window(
            uow.inventory.load(),
            [planned.server for planned in wave.servers],
            services.clock.now(),
            forecasts(services, uow, plan).get(wave.number),
        )
        if shut is not None:
            raise RefusedError(
                ErrorCode.FROZEN if shut.frozen else ErrorCode.OUTSIDE_WINDOW,
                f"wave {wave.number}: {shut.sentence}",
                f"orchestrator apply {plan.name} then; the plan stays as it is",
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
