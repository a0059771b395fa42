"""A dry run: what an apply would do now. It reads, and changes nothing on a host."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.application.judging import Estate, find_hotfix, load_estate
from orchestrator.application.plans import find_plan, package_of
from orchestrator.application.results import (
    ExitCode,
    Problem,
    RefusedError,
    Result,
    strongest,
)
from orchestrator.application.rollout.admission import admit
from orchestrator.application.rollout.refresh import judging_of, refresh
from orchestrator.application.services import Services
from orchestrator.application.survey import collect, exit_code_of
from orchestrator.domain.drift import drift
from orchestrator.domain.planning import Plan, PlannedServer, basis_of
from orchestrator.domain.remediation import Action


@dataclass(frozen=True, slots=True)
class DryRunLine:
    """One server of a plan as it is now."""

    server: str
    wave: int
    action: Action
    #: Whether its part would be begun.
    begins: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DryRunReport:
    """A plan against the servers as they are now."""

    plan: str
    article: str
    #: Why an apply would be refused as things stand; empty if it would not.
    obstacle: str
    servers: tuple[DryRunLine, ...]


def dry_run(services: Services, name: str) -> Result[DryRunReport]:
    """Read every server of a plan again and compare; the plan is not consumed.

    Raises:
        RequestError: there is no such plan.
    """
    with services.storage.read() as uow:
        plan = find_plan(uow, name).plan
        inventory = uow.inventory.load()
        hotfix = find_hotfix(uow, plan.article)
    refresh(services, plan)
    wanted = [planned.server for planned in plan.servers()]
    known = [inventory.servers[name] for name in wanted if name in inventory.servers]
    problems = collect(services, inventory, (hotfix,), known).problems
    now = services.clock.now()
    with services.storage.read() as uow:
        estate = load_estate(uow, hotfix, now, judging_of(plan))
    lines = _lines(plan, estate, problems)
    report = DryRunReport(plan.name, plan.article, _obstacle(services, name), lines)
    return Result("dry-run", report, _exit_code(lines, problems), problems)


def _obstacle(services: Services, name: str) -> str:
    with services.storage.read() as uow:
        try:
            admit(services, uow, find_plan(uow, name))
        except RefusedError as error:
            return str(error)
    return ""


def _lines(
    plan: Plan, estate: Estate, problems: tuple[Problem, ...]
) -> tuple[DryRunLine, ...]:
    unread = {problem.server: problem.message for problem in problems}
    return tuple(
        _line(wave.number, planned, estate, unread.get(planned.server))
        for wave in plan.waves
        for planned in wave.servers
    )


def _line(
    wave: int, planned: PlannedServer, estate: Estate, unread: str | None
) -> DryRunLine:
    against = unread or _drift(planned, estate)
    return DryRunLine(
        planned.server,
        wave,
        planned.action,
        begins=against is None,
        reason=against or planned.reason,
    )


def _drift(planned: PlannedServer, estate: Estate) -> str | None:
    server = estate.inventory.servers.get(planned.server)
    if server is None or server.retired:
        return "not in the inventory any more"
    judgement = estate.judge(server)
    install = planned.action is Action.INSTALL
    package = package_of(estate, server) if install else None
    changed = drift(planned, basis_of(judgement, package))
    return f"{changed}: {judgement.reason}" if changed else None


def _exit_code(
    lines: tuple[DryRunLine, ...], problems: tuple[Problem, ...]
) -> ExitCode:
    unread = {problem.server for problem in problems}
    dropped = [line for line in lines if not line.begins and line.server not in unread]
    changed = [ExitCode.NOT_AS_IT_SHOULD_BE] if dropped else []
    return strongest([*changed, exit_code_of(problems)])
