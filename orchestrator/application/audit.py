"""Audit: who is compliant, on what evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.application.as_of import Known, RecordedVerdict, known_at
from orchestrator.application.history_of_verdicts import (
    record_verdicts,
    verdicts_recorded,
)
from orchestrator.application.judging import (
    Estate,
    find_hotfix,
    judge_all,
    load_estate,
    verdicts_of,
)
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    Problem,
    RequestError,
    Result,
    strongest,
)
from orchestrator.application.services import Services
from orchestrator.application.survey import collect
from orchestrator.domain.compliance import (
    SETTLED,
    Compliance,
    Judged,
    compliance_of,
)
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Server
from orchestrator.domain.verdict import Judgement, Proof, Verdict

#: Stands in totals for servers without a pool or an edition.
NONE = "(none)"


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """A waiver as it stands beside a verdict."""

    owner: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class AuditedServer:
    """One server of an audit, with the proof of its verdict."""

    server: str
    site: str
    pool: str | None
    role: str
    product: str
    edition: str
    verdict: Verdict
    reason: str
    #: When the newest fact was read; ``None`` for a server never surveyed.
    observed: datetime | None
    #: Whole seconds since then.
    age_seconds: int | None
    evidence: tuple[Proof, ...]
    waiver: WaiverLine | None
    #: Why the last contact failed, if it did.
    contact: str = ""
    #: Of a past moment: the verdict recorded last by then, where it is another one.
    then: RecordedVerdict | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Verdicts at a moment; unknown counts neither for nor against."""

    article: str
    as_of: datetime
    summary: Mapping[str, int]
    by_pool: Mapping[str, Mapping[str, int]]
    by_site: Mapping[str, Mapping[str, int]]
    by_role: Mapping[str, Mapping[str, int]]
    by_edition: Mapping[str, Mapping[str, int]]
    servers: tuple[AuditedServer, ...]
    #: What the verdicts recorded by then say of the time before.
    compliance: Compliance
    #: Whether the table or a package is the simulated estate's.
    lab: bool = False


def audit(
    services: Services, article: str, selection: Selection, *, fresh: bool = False
) -> Result[AuditReport]:
    """Judge the selected servers from records, or after a fresh survey."""
    problems = _survey_first(services, selection) if fresh else ()
    now = services.clock.now()
    with services.storage.begin() as uow:
        known = _known_now(uow, article, now)
        judged, servers = _judge(known.estate, selection)
        found = [judged[server.name] for server in servers]
        article = known.estate.hotfix.article
        record_verdicts(uow, article, found, known.history)
    fresh_ones = [Judged(now, one.server, one.verdict) for one in found]
    known = replace(
        known,
        history=(*known.history, *fresh_ones),
        looks=(*known.looks, now),
    )
    return _result(known, servers, judged, tuple(problems))


def audit_as_of(
    services: Services, article: str, selection: Selection, moment: datetime
) -> Result[AuditReport]:
    """Judge by what was recorded at a past moment, with the clock there.

    Nothing is recorded of it. A server whose verdict was recorded otherwise by then
    says so.

    Raises:
        RequestError: the moment is still to come, or the article was not known then.
        RefusedError: what was recorded by then has been pruned.
    """
    now = services.clock.now()
    if moment > now:
        message = f"found {moment:%Y-%m-%d %H:%M}Z, expected a time that has passed"
        raise RequestError(ErrorCode.BAD_INPUT, message)
    with services.storage.read() as uow:
        known = known_at(uow, article, moment)
    judged, servers = _judge(known.estate, selection)
    return _result(known, servers, judged)


def _known_now(uow: UnitOfWork, article: str, now: datetime) -> Known:
    estate = load_estate(uow, find_hotfix(uow, article), now)
    contacts = uow.facts.contacts().items()
    name = estate.hotfix.article
    return Known(
        estate,
        uow.waivers.all(name),
        {server: fault for server, (_, fault) in contacts if fault},
        history=tuple(verdicts_recorded(uow, name, now)),
        looks=uow.evidence.times(RecordKind.AUDIT, name, now),
    )


def _judge(
    estate: Estate, selection: Selection
) -> tuple[dict[str, Judgement], tuple[Server, ...]]:
    """The verdicts on all, and the servers that were selected."""
    judged = judge_all(estate, estate.inventory.active())
    return judged, selection.choose(estate.inventory.active(), verdicts_of(judged))


def _result(
    known: Known,
    servers: tuple[Server, ...],
    judged: Mapping[str, Judgement],
    problems: tuple[Problem, ...] = (),
) -> Result[AuditReport]:
    report = _report(known, servers, judged)
    codes = [_exit_code(line) for line in report.servers]
    return Result("audit", report, strongest(codes), problems)


def _survey_first(services: Services, selection: Selection) -> tuple[Problem, ...]:
    with services.storage.read() as uow:
        inventory = uow.inventory.load()
        hotfixes = tuple(uow.catalog.hotfixes())
    # A choice by verdict is made after the survey, so all are asked.
    servers = inventory.active()
    if not selection.needs_verdicts:
        servers = selection.choose(servers)
    return collect(services, inventory, hotfixes, servers).problems


def _report(
    known: Known, servers: tuple[Server, ...], judged: Mapping[str, Judgement]
) -> AuditReport:
    estate = known.estate
    table = estate.hotfix.file_table
    lines = tuple(_line(known, server, judged[server.name]) for server in servers)
    return AuditReport(
        article=estate.hotfix.article,
        as_of=estate.now,
        summary=tally(lines),
        by_pool=_tally_by(lines, lambda line: line.pool or NONE),
        by_site=_tally_by(lines, lambda line: line.site),
        by_role=_tally_by(lines, lambda line: line.role),
        by_edition=_tally_by(lines, lambda line: line.edition or NONE),
        servers=lines,
        compliance=_over_time(known, lines),
        lab=bool(table and table.lab),
    )


def _over_time(known: Known, lines: Iterable[AuditedServer]) -> Compliance:
    names = {line.server for line in lines}
    history = (judged for judged in known.history if judged.server in names)
    return compliance_of(history, known.estate.now, known.looks)


def tally(lines: Iterable[AuditedServer]) -> dict[str, int]:
    """How many servers have each verdict; every verdict is named."""
    found = Counter(line.verdict.value for line in lines)
    return {verdict.value: found.get(verdict.value, 0) for verdict in Verdict}


def _tally_by(
    lines: Iterable[AuditedServer], key: Callable[[AuditedServer], str]
) -> dict[str, dict[str, int]]:
    groups: dict[str, list[AuditedServer]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return {name: tally(groups[name]) for name in sorted(groups)}


def _line(known: Known, server: Server, judgement: Judgement) -> AuditedServer:
    estate, name = known.estate, server.name
    times = [seen.at for seen in estate.facts_of(name).observations.values()]
    observed = max(times, default=None)
    waiver, then = known.waivers.get(name), known.then.get(name)
    holds = waiver is not None and waiver.holds(estate.now)
    contact = known.faults.get(name, "")
    return AuditedServer(
        server=server.name,
        site=server.site,
        pool=server.pool,
        role=server.role.value,
        product=server.product,
        edition=server.edition,
        verdict=judgement.verdict,
        reason=_reason(judgement, contact),
        observed=observed,
        age_seconds=int((estate.now - observed).total_seconds()) if observed else None,
        evidence=judgement.proof,
        waiver=WaiverLine(waiver.owner, waiver.until, waiver.reason)
        if waiver and holds
        else None,
        contact=contact,
        then=then if then and then.verdict is not judgement.verdict else None,
    )


def _reason(judgement: Judgement, contact: str) -> str:
    """An unknown server's reason with why it could not be asked, if it could not."""
    if judgement.verdict is Verdict.UNKNOWN and contact:
        return f"{judgement.reason}; last contact failed: {contact}"
    return judgement.reason


def _exit_code(line: AuditedServer) -> ExitCode:
    """0 for what is settled or waived, 6 for what is only out of reach, else 3."""
    if line.waiver is not None or line.verdict in SETTLED:
        return ExitCode.DONE
    if line.verdict is Verdict.UNKNOWN and line.contact:
        return ExitCode.UNREACHABLE
    return ExitCode.NOT_AS_IT_SHOULD_BE
