"""Explain one server on one screen: verdict, proof, what blocks it, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.application.audit import WaiverLine
from orchestrator.application.estate import find_server
from orchestrator.application.judging import (
    find_hotfix,
    load_estate,
    only_hotfix,
)
from orchestrator.application.leaks import MeasuredProcess, measured
from orchestrator.application.results import ErrorCode, RequestError, Result
from orchestrator.application.services import Services
from orchestrator.domain.canonical import Json
from orchestrator.domain.evidence import Record, RecordKind
from orchestrator.domain.exposure import (
    Exposed,
    Exposure,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
)
from orchestrator.domain.facts import FactKind, FactSet, ServiceEndpoint, Unreadable
from orchestrator.domain.remediation import Attempt, Step
from orchestrator.domain.server import Inventory, Server
from orchestrator.domain.verdict import Judgement, Proof, Verdict
from orchestrator.domain.windows import Open, next_open, opening

#: Records that ``history`` shows unless asked for more.
HISTORY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of a server against a hotfix."""

    server: str
    article: str
    verdict: Verdict
    reason: str
    proof: tuple[Proof, ...]
    #: The path that exposes it, or why none does.
    exposure: str
    #: Processes that were watched lately: slope and course of their memory.
    processes: tuple[MeasuredProcess, ...]
    last_contact: datetime | None
    contact_fault: str
    #: What a server must have that could not be talked to.
    to_enable: tuple[str, ...]
    unreadable: tuple[str, ...]
    #: Where its WinRM was found, which, and since when that is known.
    endpoint: str
    last_outcome: str
    waiver: WaiverLine | None
    #: The exact command that comes next.
    next_command: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One record of a server's history."""

    at: datetime
    writer: str
    sequence: int
    kind: str
    summary: str


@dataclass(frozen=True, slots=True)
class History:
    """A server's records, oldest first."""

    server: str
    records: tuple[HistoryLine, ...]
    #: Older records that were left off.
    left_off: int


def explain(services: Services, name: str, article: str | None) -> Result[Explanation]:
    """Why a server has its verdict, and the exact next command."""
    now = services.clock.now()
    with services.storage.read() as uow:
        hotfix = (
            find_hotfix(uow, article)
            if article
            else only_hotfix(uow.catalog.hotfixes())
        )
        estate = load_estate(uow, hotfix, now)
        server = find_server(estate.inventory, name)
        contact = uow.facts.contacts().get(server.name)
        waiver = uow.waivers.all(hotfix.article).get(server.name)
        attempts = uow.runs.attempts_on(server.name)
        processes = measured(uow, hotfix, server.name, now)
    judgement = estate.judge(server)
    facts = estate.facts_of(server.name).observations.values()
    held = waiver if waiver and waiver.holds(now) else None
    explanation = Explanation(
        server=server.name,
        article=hotfix.article,
        verdict=judgement.verdict,
        reason=judgement.reason,
        proof=judgement.proof,
        exposure=exposure_sentence(judgement.exposure),
        processes=processes,
        last_contact=contact[0] if contact else None,
        contact_fault=(contact[1] or "") if contact else "",
        to_enable=_TO_ENABLE if contact and contact[1] else (),
        unreadable=tuple(
            f"{seen.name}: {seen.value.reason}"
            for seen in facts
            if isinstance(seen.value, Unreadable)
        ),
        endpoint=_endpoint(estate.facts_of(server.name)),
        last_outcome=_last_outcome(attempts[0]) if attempts else "",
        waiver=WaiverLine(held.owner, held.until, held.reason) if held else None,
        next_command=next_command(
            hotfix.article, server, judgement, attempts[0] if attempts else None
        )
        + _when(estate.inventory, server, judgement, now),
        as_of=now,
    )
    return Result("explanation", explanation)


#: What Windows Server 2003 SP1 lacks as it comes (KB936059, MS-WSMV).
_TO_ENABLE = (
    "WinRM 1.1 or later, set up there with winrm quickconfig",
    "a way for this machine through every firewall to the port of its listener",
    "a local administrator's credential that the inventory names: credential check",
)


def exposure_sentence(exposure: Exposure | None) -> str:
    """An exposure in one sentence."""
    match exposure:
        case None:
            return ""
        case Exposed(path, source):
            return f"exposed: {path}" + (f"; peer by {source}" if source else "")
        case NotExposed(why):
            return f"not exposed: {why}"
        case ExposureUnknown(why):
            return f"unknown: {why}"
        case ExposureLacking(facts):
            return "not known yet: " + "; ".join(str(fact) for fact in facts)


def _endpoint(facts: FactSet) -> str:
    seen = facts.find(FactKind.ENDPOINT)
    if seen is None or not isinstance(seen.value, ServiceEndpoint):
        return ""
    found = seen.value
    return (
        f"{found.url}, WinRM {found.stack or 'of unknown version'}, "
        f"by {found.mechanism}, found {seen.at:%Y-%m-%d %H:%M}Z"
    )


def _last_outcome(attempt: Attempt) -> str:
    end = attempt.outcome.value if attempt.outcome else attempt.state.value
    return f"{attempt.run}: {end} {attempt.reason}".rstrip()


def next_command(
    article: str, server: Server, judgement: Judgement, attempt: Attempt | None
) -> str:
    """The exact next command for a server with this verdict."""
    if attempt is not None and not attempt.settled and attempt.steps:
        return f"orchestrator resume {attempt.run}"
    if judgement.verdict is Verdict.UNKNOWN and isinstance(
        judgement.exposure, ExposureLacking
    ):
        return "orchestrator survey"  # its peers are among what was not read
    return _NEXT[judgement.verdict].format(server=server.name, article=article)


def _when(
    inventory: Inventory, server: Server, judgement: Judgement, now: datetime
) -> str:
    """From when a plan may be applied, where that is not now."""
    if judgement.verdict not in _CHANGED or isinstance(
        opening(inventory, server, now), Open
    ):
        return ""
    opens = next_open(inventory, server, now)
    if opens is None:
        return "; it may not be applied: no window opens"
    return f"; it may be applied from {opens:%Y-%m-%d %H:%M}Z, when its window opens"


#: Verdicts whose next command is a plan.
_CHANGED = frozenset(
    {Verdict.NEEDED, Verdict.INSTALLED_NOT_ACTIVE, Verdict.INDETERMINATE}
)

_NOTHING = "none: nothing is left to do"

_NEXT = {
    Verdict.UNKNOWN: "orchestrator survey {server}",
    Verdict.CONTRADICTED: "orchestrator history {server}",
    Verdict.NEEDED: "orchestrator plan {article} {server}",
    Verdict.INSTALLED_NOT_ACTIVE: (
        "orchestrator plan {article} {server} --activate restart-service"
    ),
    Verdict.INDETERMINATE: "orchestrator plan {article} {server} --policy applicable",
    Verdict.BLOCKED: "orchestrator survey {server}, once what blocks it is mended",
    Verdict.COMPLIANT: _NOTHING,
    Verdict.NOT_AFFECTED: _NOTHING,
    Verdict.NOT_APPLICABLE: _NOTHING,
}


def history(
    services: Services, name: str, step: str | None = None, limit: int = HISTORY_LIMIT
) -> Result[History]:
    """The records of a server, oldest first.

    Args:
        services: the ports.
        name: the server.
        step: only of attempts, and of these only this step, with its log.
        limit: the newest so many.

    Raises:
        RequestError: there is no such server or step.
    """
    if step is not None and step not in {*Step}:
        message = f"found step {step!r}, expected {', '.join(Step)}"
        raise RequestError(ErrorCode.BAD_INPUT, message)
    with services.storage.read() as uow:
        server = find_server(uow.inventory.load(), name)
        records = [
            record
            for record in uow.evidence.records(subject=server.name)
            if step is None or _last_step(record).get("step") == step
        ]
    shown = records[-limit:]
    return Result(
        "history",
        History(
            server.name,
            tuple(_history_line(record, logs=step is not None) for record in shown),
            len(records) - len(shown),
        ),
    )


def _history_line(record: Record, *, logs: bool) -> HistoryLine:
    return HistoryLine(
        record.at,
        record.writer,
        record.sequence,
        record.kind.value,
        _summary(record, logs=logs),
    )


def _last_step(record: Record) -> Mapping[str, Json]:
    """The step that a record of an attempt tells of; empty where it tells of none."""
    payload = record.payload
    steps = payload.get("steps") if isinstance(payload, dict) else None
    last = steps[-1] if isinstance(steps, list) and steps else None
    return last if isinstance(last, dict) else {}


def _step_summary(record: Record, last: Mapping[str, Json], *, logs: bool) -> str:
    """The run, the step and how it went; below it the installer's log, once."""
    payload = record.payload
    if not isinstance(payload, dict):
        return "pruned"
    line = f"{payload['run']} {last['step']}: {last['result'] or payload['state']}"
    details = payload.get("details")
    log = details.get("log_tail") if isinstance(details, dict) else None
    ended = last["step"] == Step.WAIT and last["finished"] is not None
    return f"{line}\n{log}" if logs and ended and log else line


def _summary(record: Record, *, logs: bool) -> str:
    payload = record.payload
    if not isinstance(payload, dict):
        return "pruned"
    if record.kind is RecordKind.STEP and (last := _last_step(record)):
        return _step_summary(record, last, logs=logs)
    words = [
        str(payload[key])
        for key in ("verdict", "outcome", "state", "kind", "subject", "fault", "reason")
        if payload.get(key)
    ]
    return " ".join(words)
