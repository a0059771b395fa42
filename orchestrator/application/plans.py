"""Plans: made from what is known, shown, approved. Making one changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.application.codec import to_json
from orchestrator.application.judging import (
    Estate,
    Judging,
    find_hotfix,
    judge_all,
    load_estate,
    verdicts_of,
)
from orchestrator.application.ports.storage import StoredPlan, UnitOfWork
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
    Result,
    not_found,
)
from orchestrator.application.services import Services
from orchestrator.application.timing import forecasts
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.forecast import WaveForecast
from orchestrator.domain.hotfix import Package
from orchestrator.domain.planning import (
    Approval,
    Candidate,
    Plan,
    PlanPolicy,
    Wave,
    make_plan,
    seal,
)
from orchestrator.domain.remediation import Action
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Server
from orchestrator.domain.symptom import Leak, Symptom
from orchestrator.domain.verdict import Judgement, Verdict
from orchestrator.domain.waiver import Waiver

#: How long an approval holds unless said otherwise.
APPROVAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One server of a wave as it is shown."""

    server: str
    action: Action
    pool: str | None
    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanWave:
    """One wave as it is shown."""

    number: int
    servers: tuple[PlanLine, ...]
    #: How long the wave will take, half of the times and 95 of 100 times;
    #: ``None`` until a few servers' turns were recorded.
    p50_seconds: float | None = None
    p95_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ExcludedLine:
    """A server that is left alone, and why."""

    server: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What a plan touches."""

    servers: int
    pools: tuple[str, ...]
    sites: tuple[str, ...]
    #: The sum of what the inventory knows; ``None`` where it knows nothing.
    users: int | None


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """Against the plan made before this one for the same article."""

    previous: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan with all that an approver must see."""

    plan: str
    digest: str
    article: str
    made: datetime
    policy: PlanPolicy
    waves: tuple[PlanWave, ...]
    excluded: tuple[ExcludedLine, ...]
    radius: BlastRadius
    approvals: tuple[Approval, ...] = ()
    #: How many other accounts must still approve before it may be applied.
    approvals_missing: int = 0
    run: str | None = None
    difference: PlanDifference | None = None


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A line of ``plan list``."""

    plan: str
    article: str
    made: datetime
    servers: int
    waves: int
    approved: bool
    run: str | None


@dataclass(frozen=True, slots=True)
class PlanList:
    """Every plan, newest first."""

    plans: tuple[PlanSummary, ...]


def plan(
    services: Services, article: str, selection: Selection, policy: PlanPolicy
) -> Result[PlanReport]:
    """Make a plan of the selected servers and store it."""
    now = services.clock.now()
    judging = Judging(
        policy.assume_unknown_peers, timedelta(hours=policy.fact_limit_hours)
    )
    with services.storage.begin() as uow:
        estate = load_estate(uow, find_hotfix(uow, article), now, judging)
        judged = judge_all(estate, estate.inventory.active())
        servers = selection.choose(estate.inventory.active(), verdicts_of(judged))
        waivers = uow.waivers.all(estate.hotfix.article)
        made = make_plan(
            estate.hotfix,
            (
                replace(
                    candidate_of(estate, server, judged[server.name]),
                    waived=waived_by(waivers.get(server.name), now),
                )
                for server in servers
            ),
            estate.inventory.pools,
            policy,
        )
        stored = keep(uow, made, now, services.account)
        return Result("plan", report_of(services, uow, stored, estate.inventory))


def candidate_of(estate: Estate, server: Server, judgement: Judgement) -> Candidate:
    """A server with what its place in a plan rests on."""
    symptom = estate.symptoms.get(server.name, Symptom())
    leak = symptom.slope if symptom.leak is Leak.LEAKING else 0.0
    return Candidate(server, judgement, package_of(estate, server), leak)


def waived_by(waiver: Waiver | None, now: datetime) -> str:
    """Why a server is left alone, where somebody answers for it as it is."""
    if waiver is None or not waiver.holds(now):
        return ""
    return f"waived by {waiver.owner} until {waiver.until:%Y-%m-%d}: {waiver.reason}"


def package_of(estate: Estate, server: Server) -> Package | None:
    """The package for a server, or ``None`` where none fits."""
    found = estate.package_for(server.name)
    return found if isinstance(found, Package) else None


def keep(uow: UnitOfWork, made: Plan, now: datetime, account: str) -> StoredPlan:
    """Store a plan with its evidence; the same plan again is the same plan.

    A plan that has run once is not handed out again: the estate is as it was, so the
    new one says which run it follows, and has a digest of its own.
    """
    before = uow.plans.find(made.digest)
    while before is not None and before.run is not None:
        made = seal(replace(made, retry_of=before.run))
        before = uow.plans.find(made.digest)
    if before is not None:
        return before
    stored = StoredPlan(made, now, account)
    uow.plans.add(stored)
    uow.evidence.append(
        Entry(RecordKind.PLAN, made.digest, {"account": account, "plan": to_json(made)})
    )
    return stored


def find_plan(uow: UnitOfWork, name: str) -> StoredPlan:
    """A plan by its name, its digest, or the start of it.

    Raises:
        RequestError: there is none.
    """
    stored = uow.plans.find(name.lower())
    if stored is None:
        raise not_found("plan", name, "see orchestrator plan list")
    return stored


def must_be_unaltered(made: Plan) -> None:
    """Refuse a plan that is not what its digest says.

    Raises:
        RefusedError: somebody altered it in storage.
    """
    if seal(made).digest != made.digest:
        raise RefusedError(
            ErrorCode.PLAN_CHANGED,
            f"plan {made.name} does not match its digest: it was altered in storage",
            "make a new plan, and ask who changed the database",
        )


def show(services: Services, name: str) -> Result[PlanReport]:
    """A plan as it was made.

    Raises:
        RefusedError: it was altered since, so nobody may rely on what it says.
    """
    with services.storage.read() as uow:
        stored, inventory = find_plan(uow, name), uow.inventory.load()
        must_be_unaltered(stored.plan)
        return Result("plan", report_of(services, uow, stored, inventory))


def list_plans(services: Services) -> Result[PlanList]:
    """Every plan, newest first."""
    now = services.clock.now()
    with services.storage.read() as uow:
        return Result(
            "plan-list",
            PlanList(
                tuple(
                    PlanSummary(
                        plan=stored.plan.name,
                        article=stored.plan.article,
                        made=stored.made,
                        servers=len(stored.plan.servers()),
                        waves=len(stored.plan.waves),
                        approved=not missing_approvals(
                            stored.plan, valid_approvals(uow, stored.plan, now)
                        ),
                        run=stored.run,
                    )
                    for stored in uow.plans.all()
                )
            ),
        )


def approve(
    services: Services, name: str, *, by: str, reason: str, days: int = APPROVAL_DAYS
) -> Result[PlanReport]:
    """Attest that a named person wants this very plan carried out."""
    now = services.clock.now()
    with services.storage.begin() as uow:
        stored = find_plan(uow, name)
        must_be_unaltered(stored.plan)
        if stored.run is not None:
            raise RefusedError(
                ErrorCode.PLAN_STARTED,
                f"plan {stored.plan.name} was started before, as run {stored.run}",
                "make a new plan",
            )
        approval = Approval(
            plan_digest=stored.plan.digest,
            by=by,
            reason=reason,
            account=services.account,
            at=now,
            expires=now + timedelta(days=days),
        )
        uow.plans.approve(approval)
        uow.evidence.append(
            Entry(RecordKind.APPROVAL, stored.plan.digest, to_json(approval))
        )
        return Result("plan", report_of(services, uow, stored, uow.inventory.load()))


def valid_approvals(
    uow: UnitOfWork, plan_of: Plan, now: datetime
) -> tuple[Approval, ...]:
    """The approvals of a plan that have not expired."""
    return tuple(
        approval
        for approval in uow.plans.approvals(plan_of.digest)
        if now < approval.expires
    )


def report_of(
    services: Services, uow: UnitOfWork, stored: StoredPlan, inventory: Inventory
) -> PlanReport:
    """A stored plan with all that an approver must see."""
    servers, made = inventory.servers, stored.plan
    lengths = forecasts(services, uow, made)
    valid = valid_approvals(uow, made, services.clock.now())
    return PlanReport(
        plan=made.name,
        digest=made.digest,
        article=made.article,
        made=stored.made,
        policy=made.policy,
        waves=tuple(
            _wave(wave, servers, lengths.get(wave.number)) for wave in made.waves
        ),
        excluded=tuple(
            ExcludedLine(gone.server, gone.verdict, gone.reason)
            for gone in made.excluded
        ),
        radius=_radius(made, servers),
        approvals=tuple(uow.plans.approvals(made.digest)),
        approvals_missing=missing_approvals(made, valid),
        run=stored.run,
        difference=_difference(stored, uow.plans.before(stored)),
    )


def missing_approvals(plan_of: Plan, valid: Iterable[Approval]) -> int:
    """How many more operating-system accounts must approve; names prove nothing."""
    accounts = {approval.account for approval in valid}
    return max(0, plan_of.policy.approvals - len(accounts))


def _wave(
    wave: Wave, servers: Mapping[str, Server], length: WaveForecast | None
) -> PlanWave:
    return PlanWave(
        wave.number,
        tuple(
            PlanLine(
                planned.server,
                planned.action,
                planned.pool,
                _site(servers, planned.server),
                planned.reason,
            )
            for planned in wave.servers
        ),
        length.p50.total_seconds() if length else None,
        length.p95.total_seconds() if length else None,
    )


def _site(servers: Mapping[str, Server], name: str) -> str:
    known = servers.get(name)
    return known.site if known else ""


def _radius(made: Plan, servers: Mapping[str, Server]) -> BlastRadius:
    touched = [planned.server for planned in made.servers()]
    known = [servers[name] for name in touched if name in servers]
    users = [server.users for server in known if server.users is not None]
    return BlastRadius(
        servers=len(touched),
        pools=_names(server.pool for server in known),
        sites=_names(server.site for server in known),
        users=sum(users) if users else None,
    )


def _names(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _difference(
    stored: StoredPlan, previous: StoredPlan | None
) -> PlanDifference | None:
    if previous is None:
        return None
    before = {planned.server for planned in previous.plan.servers()}
    after = {planned.server for planned in stored.plan.servers()}
    return PlanDifference(
        previous.plan.name,
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
    )
