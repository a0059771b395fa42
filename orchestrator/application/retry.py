"""Trying again what a run did not bring to its aim, by a plan of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.application.apply import aims_of
from orchestrator.application.judging import find_hotfix, load_estate
from orchestrator.application.plans import (
    PlanReport,
    candidate_of,
    find_plan,
    keep,
    report_of,
)
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
    RequestError,
    Result,
)
from orchestrator.application.rollout.refresh import judging_of
from orchestrator.application.rollout.runs import find_run
from orchestrator.application.services import Services
from orchestrator.domain.planning import Plan, make_plan, seal
from orchestrator.domain.remediation import IN_FLIGHT, Action, Attempt
from orchestrator.domain.rollout import Run, RunState

_MOVING = frozenset({RunState.RUNNING, RunState.PAUSING, RunState.ABORTING})


def retry(services: Services, name: str) -> Result[PlanReport]:
    """Judge anew every server that a run left short of its aim, and plan those.

    The run's own policy holds. What is unknown is settled by ``resume`` first.

    Raises:
        RefusedError: the run is still at work, or something of it is unknown.
        RequestError: there is nothing to try again, or the run was a rollback.
    """
    now = services.clock.now()
    with services.storage.begin() as uow:
        run = find_run(uow, name)
        origin = find_plan(uow, run.plan).plan
        attempts = uow.runs.attempts(run.name)
        _must_be_settled(run, attempts)
        failed = _failed(run, origin, attempts)
        hotfix = find_hotfix(uow, origin.article)
        estate = load_estate(uow, hotfix, now, judging_of(origin))
        made = make_plan(
            hotfix,
            (
                candidate_of(estate, server, estate.judge(server))
                for server in estate.inventory.active()
                if server.name in failed
            ),
            estate.inventory.pools,
            origin.policy,
        )
        following = seal(replace(made, retry_of=run.name))
        stored = keep(uow, following, now, services.account)
        return Result("plan", report_of(services, uow, stored, estate.inventory))


def _must_be_settled(run: Run, attempts: Sequence[Attempt]) -> None:
    unknown = [found.server for found in attempts if found.state in IN_FLIGHT]
    if run.state in _MOVING:
        raise RefusedError(
            ErrorCode.ILLEGAL_STATE,
            f"{run.name} is {run.state.value}, so what failed is not known yet",
            f"wait for it, or orchestrator abort {run.name}",
        )
    if unknown:
        raise RefusedError(
            ErrorCode.ILLEGAL_STATE,
            f"what became of {', '.join(unknown)} in {run.name} is not known yet",
            f"orchestrator resume {run.name} asks the servers",
        )


def _failed(run: Run, origin: Plan, attempts: Sequence[Attempt]) -> frozenset[str]:
    if any(found.action is Action.UNINSTALL for found in attempts):
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"{run.name} was a rollback",
            "orchestrator rollback RUN of the run that installed plans what is left",
        )
    aims = aims_of(origin)
    failed = frozenset(found.server for found in attempts if found.outcome not in aims)
    if not failed:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"every server of {run.name} is as its plan wanted it",
            "there is nothing to try again",
        )
    return failed
