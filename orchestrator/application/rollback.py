"""Rolling a run back: a plan of uninstalls, approved and applied like any other."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.application.judging import (
    Estate,
    find_hotfix,
    judge_all,
    load_estate,
    verdicts_of,
)
from orchestrator.application.plans import (
    PlanReport,
    candidate_of,
    find_plan,
    keep,
    report_of,
)
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import Result
from orchestrator.application.rollout.refresh import judging_of
from orchestrator.application.rollout.runs import find_run
from orchestrator.application.services import Services
from orchestrator.domain.facts import FactKind, TraceName, TraceState, trace_subject
from orchestrator.domain.planning import (
    Activation,
    Entry,
    Exclusion,
    Plan,
    PlannedServer,
    assemble,
    basis_of,
)
from orchestrator.domain.remediation import Action, Attempt
from orchestrator.domain.rollback import obstacle
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Server
from orchestrator.domain.verdict import Judgement


def rollback(services: Services, name: str, selection: Selection) -> Result[PlanReport]:
    """Plan to take back what a run installed; whatever cannot be is left with why.

    The run's own policy holds: its waves, budgets and approvals.
    """
    now = services.clock.now()
    with services.storage.begin() as uow:
        run = find_run(uow, name)
        origin = find_plan(uow, run.plan).plan
        hotfix = find_hotfix(uow, origin.article)
        estate = load_estate(uow, hotfix, now, judging_of(origin))
        made = _plan(uow, estate, origin, run.name, selection)
        stored = keep(uow, made, now, services.account)
        return Result("plan", report_of(services, uow, stored, estate.inventory))


def _plan(
    uow: UnitOfWork, estate: Estate, origin: Plan, run: str, selection: Selection
) -> Plan:
    attempts = {found.server: found for found in uow.runs.attempts(run)}
    active = estate.inventory.active()
    known = tuple(server for server in active if server.name in attempts)
    judged = judge_all(estate, known)
    changed = _changed_by(uow, origin.article)
    planned: list[Entry] = []
    excluded: list[Exclusion] = []
    for server in selection.choose(known, verdicts_of(judged)):
        attempt, judgement = attempts[server.name], judged[server.name]
        why = _obstacle(estate, server, attempt, judgement, changed.get(server.name))
        if why is not None:
            excluded.append(Exclusion(server.name, judgement.verdict, why))
        else:
            entry = _uninstall(server, attempt, judgement)
            planned.append((candidate_of(estate, server, judgement), entry))
    policy = replace(origin.policy, activation=Activation.LEAVE)
    return assemble(estate.hotfix, planned, excluded, estate.inventory.pools, policy)


def _changed_by(uow: UnitOfWork, article: str) -> dict[str, str]:
    """Per server, the run that ran an installer on it last, or is at it."""
    last = {
        server: attempt.run
        for server, attempt in uow.runs.last_installs(article).items()
    }
    return {**last, **uow.runs.unsettled()}


def _obstacle(
    estate: Estate,
    server: Server,
    attempt: Attempt,
    judgement: Judgement,
    changed_by: str | None,
) -> str | None:
    folder = estate.case(server).fresh.value(
        FactKind.TRACE,
        TraceState,
        trace_subject(estate.hotfix.article, TraceName.UNINSTALL_FOLDER),
    )
    later = changed_by if changed_by != attempt.run else None
    return obstacle(attempt, judgement, folder, later)


def _uninstall(server: Server, attempt: Attempt, judgement: Judgement) -> PlannedServer:
    return PlannedServer(
        server=server.name,
        action=Action.UNINSTALL,
        pool=server.pool,
        reason=f"installed by {attempt.run}",
        basis=basis_of(judgement, None),
        restores=attempt.files_before,
    )
