"""Verdicts, topology and policy in; a plan with a reason for every exclusion out.

A plan is immutable and named by its content. Its digest covers values, never times
or row ids: the same estate judged twice gives the same plan, and an edit elsewhere
in the inventory does not touch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from orchestrator.domain.budgets import DEFAULT_BUDGETS, Budget, FailureClass
from orchestrator.domain.canonical import Json, digest
from orchestrator.domain.exposure import AssumedPeers, Exposed
from orchestrator.domain.facts import Fingerprint
from orchestrator.domain.hotfix import Hotfix, Package
from orchestrator.domain.remediation import Action
from orchestrator.domain.server import Pool, Server
from orchestrator.domain.verdict import Cause, Judgement, Verdict
from orchestrator.domain.waves import cut, leaders_first


class Scope(StrEnum):
    """Which unfixed servers a plan changes."""

    #: Only servers with the problem, as the article asks.
    AFFECTED = "affected"
    #: Also unfixed ones that are not, or not known to be, affected.
    APPLICABLE = "applicable"


class Activation(StrEnum):
    """How a plan brings new code into effect."""

    LEAVE = "leave"
    RESTART_SERVICE = "restart-service"


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What the operator decided for a plan; all of it enters the digest."""

    scope: Scope = Scope.AFFECTED
    activation: Activation = Activation.LEAVE
    assume_unknown_peers: AssumedPeers | None = None
    #: Size of each wave: a count, or a share of the plan's servers if below 1. The
    #: last wave takes the rest.
    growth: tuple[float, ...] = (1, 0.05, 0.25)
    #: Facts older than this many hours are taken again at apply.
    fact_limit_hours: int = 24
    #: How many failures of each class are tolerated; past it the rollout stops.
    budgets: Mapping[FailureClass, Budget] = field(
        default_factory=lambda: dict(DEFAULT_BUDGETS)
    )
    #: So much of a wave must have gone well before the next begins.
    success_percent: int = 50
    #: How long a wave proves itself before the next begins, in minutes.
    soak_minutes: int = 0
    #: Whether a person must say go between waves.
    manual_gates: bool = False
    #: Whether a wave's servers must be measured not to leak any more.
    symptom_gate: bool = False
    #: How many different accounts must have approved.
    approvals: int = 1
    #: How long a degraded pool may hold up its servers, in minutes.
    pool_wait_minutes: int = 60


@dataclass(frozen=True, slots=True)
class Basis:
    """What a server's place in a plan rests on; a change of it is drift."""

    verdict: Verdict
    platform: str
    service_pack: int
    language: str | None
    files: Mapping[str, str]
    package_sha256: str | None


@dataclass(frozen=True, slots=True)
class PlannedServer:
    """One server of a wave and what is done to it."""

    server: str
    action: Action
    pool: str | None
    reason: str
    basis: Basis
    #: Of an uninstall: the files as they were before, and must be again.
    restores: Mapping[str, Fingerprint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wave:
    """Servers that are worked on together; the first is the canary."""

    number: int
    servers: tuple[PlannedServer, ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A server that the plan leaves alone, and why."""

    server: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Waves in order. ``digest`` names the content, ``name`` is short for it."""

    article: str
    waves: tuple[Wave, ...]
    excluded: tuple[Exclusion, ...]
    policy: PlanPolicy
    #: ``max_unavailable`` of each pool that the plan touches.
    pool_limits: Mapping[str, int]
    table_digest: str
    digest: str = ""
    #: Names of the runs that ended before this plan was made of them.
    retry_of: str | None = None

    @property
    def name(self) -> str:
        """The plan's short name: the first twelve digits of its digest."""
        return self.digest[:12]

    def servers(self) -> tuple[PlannedServer, ...]:
        """Every server of the plan in order."""
        return tuple(planned for wave in self.waves for planned in wave.servers)


@dataclass(frozen=True, slots=True)
class Approval:
    """An attestation by a named person, with the account that typed it."""

    plan_digest: str
    by: str
    reason: str
    account: str
    at: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server with what a plan needs to know of it."""

    server: Server
    judgement: Judgement
    package: Package | None
    #: Bytes an hour that it leaks, if measured; faster leaks come first.
    leak: float = 0.0
    #: Who answers for it as it is, and until when; it is left alone then.
    waived: str = ""


#: A server that a plan changes, with what its place in the order rests on.
Entry = tuple[Candidate, PlannedServer]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done to a candidate, or why nothing is."""

    action: Action | None
    reason: str


def choose_action(judgement: Judgement, policy: PlanPolicy) -> Choice:
    """The action for a verdict under a policy, as the contract has it."""
    verdict = judgement.verdict
    if verdict is Verdict.NEEDED:
        return Choice(Action.INSTALL, judgement.reason)
    if _awaits_activation(judgement):
        if policy.activation is Activation.RESTART_SERVICE:
            return Choice(Action.ACTIVATE, judgement.reason)
        return Choice(
            None,
            f"{judgement.reason}; make the plan with --activate restart-service "
            "to bring it into effect",
        )
    if (
        policy.scope is Scope.APPLICABLE
        and verdict in (Verdict.NOT_AFFECTED, Verdict.INDETERMINATE)
        and judgement.installable
    ):
        return Choice(Action.INSTALL, f"{judgement.reason}; --policy applicable")
    return Choice(None, judgement.reason)


def _awaits_activation(judgement: Judgement) -> bool:
    if judgement.verdict is Verdict.INSTALLED_NOT_ACTIVE:
        return True
    return (
        judgement.verdict is Verdict.INDETERMINATE
        and judgement.cause is Cause.REPLACEMENT_UNPROVABLE
    )


def make_plan(
    hotfix: Hotfix,
    candidates: Iterable[Candidate],
    pools: Mapping[str, Pool],
    policy: PlanPolicy,
) -> Plan:
    """Cut the servers that need a change into waves.

    Deterministic: the order of the candidates does not matter.
    """
    planned: list[Entry] = []
    excluded: list[Exclusion] = []
    for candidate in sorted(candidates, key=lambda found: found.server.name):
        choice = choose_action(candidate.judgement, policy)
        if candidate.waived and choice.action is not None:
            choice = Choice(None, candidate.waived)
        if choice.action is None:
            excluded.append(
                Exclusion(
                    candidate.server.name, candidate.judgement.verdict, choice.reason
                )
            )
        else:
            planned.append((candidate, _planned(candidate, choice.action, choice)))
    return assemble(hotfix, planned, excluded, pools, policy)


def assemble(
    hotfix: Hotfix,
    planned: Iterable[Entry],
    excluded: Iterable[Exclusion],
    pools: Mapping[str, Pool],
    policy: PlanPolicy,
) -> Plan:
    """Order servers whose change is decided, cut them into waves and seal the plan."""
    ordered = [entry for _, entry in _order(planned)]
    touched = {member.pool for member in ordered if member.pool}
    plan = Plan(
        article=hotfix.article,
        waves=tuple(
            Wave(number, servers)
            for number, servers in enumerate(cut(ordered, policy.growth), start=1)
        ),
        excluded=tuple(excluded),
        policy=policy,
        pool_limits={
            name: pools[name].max_unavailable if name in pools else 1
            for name in sorted(touched)
        },
        table_digest=table_digest(hotfix),
    )
    return seal(plan)


def _planned(candidate: Candidate, action: Action, choice: Choice) -> PlannedServer:
    needs_package = action is Action.INSTALL and candidate.package is not None
    return PlannedServer(
        server=candidate.server.name,
        action=action,
        pool=candidate.server.pool,
        reason=choice.reason,
        basis=basis_of(
            candidate.judgement, candidate.package if needs_package else None
        ),
    )


def basis_of(judgement: Judgement, package: Package | None) -> Basis:
    """What a judgement rests on, in values that drift is measured by."""
    system = judgement.system
    return Basis(
        verdict=judgement.verdict,
        platform=system.platform.value if system else "",
        service_pack=system.service_pack if system else -1,
        language=system.language if system else None,
        files={
            finding.path: str(finding.found or "missing") for finding in judgement.files
        },
        package_sha256=package.sha256 if package else None,
    )


def _order(planned: Iterable[Entry]) -> tuple[Entry, ...]:
    """Fast leaks first, then the exposed; one of each site and role leads."""
    ranked = sorted(
        planned,
        key=lambda pair: (
            -pair[0].leak,
            not isinstance(pair[0].judgement.exposure, Exposed),
            pair[1].server,
        ),
    )
    # So that canaries differ.
    return leaders_first(
        ranked, lambda pair: (pair[0].server.site, pair[0].server.role)
    )


def table_digest(hotfix: Hotfix) -> str:
    """The digest of the expected files that a plan was made against."""
    table = hotfix.file_table
    rows: list[list[str]] = sorted(
        [
            row.path,
            str(row.version),
            row.platform.value,
            row.branch.value,
            "" if row.service_pack is None else str(row.service_pack),
        ]
        for row in (table.rows if table else ())
    )
    return digest(rows)


def seal(plan: Plan) -> Plan:
    """The plan with its digest."""
    content: Json = {
        "article": plan.article,
        "table": plan.table_digest,
        "retry_of": plan.retry_of,
        "policy": _policy(plan.policy),
        "pools": dict(plan.pool_limits),
        "waves": [[_entry(planned) for planned in wave.servers] for wave in plan.waves],
        # Their reasons hold times and measurements.
        "excluded": [[gone.server, gone.verdict.value] for gone in plan.excluded],
    }
    return replace(plan, digest=digest(content))


def _policy(policy: PlanPolicy) -> Json:
    return {
        "scope": policy.scope.value,
        "activation": policy.activation.value,
        "peers": policy.assume_unknown_peers and policy.assume_unknown_peers.value,
        "growth": [float(size) for size in policy.growth],
        "fact_limit_hours": policy.fact_limit_hours,
        "budgets": {
            failure.value: [budget.count, _float(budget.percent)]
            for failure, budget in sorted(policy.budgets.items())
        },
        "success_percent": policy.success_percent,
        "soak_minutes": policy.soak_minutes,
        "manual_gates": policy.manual_gates,
        "symptom_gate": policy.symptom_gate,
        "approvals": policy.approvals,
        "pool_wait_minutes": policy.pool_wait_minutes,
    }


def _float(value: float | None) -> float | None:
    """One spelling for 20 and 20.0, which are the same share."""
    return None if value is None else float(value)


def _entry(planned: PlannedServer) -> Json:
    basis = planned.basis
    entry: dict[str, Json] = {
        "server": planned.server,
        "action": planned.action.value,
        "pool": planned.pool,
        "verdict": basis.verdict.value,
        "platform": basis.platform,
        "service_pack": basis.service_pack,
        "language": basis.language,
        "files": dict(basis.files),
        "package": basis.package_sha256,
    }
    if planned.restores:
        entry["restores"] = {
            path: [before.exists, str(before.version or ""), before.sha256]
            for path, before in sorted(planned.restores.items())
        }
    return entry
