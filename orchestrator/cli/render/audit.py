"""Verdicts and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from orchestrator.application.audit import AuditedServer, AuditReport, WaiverLine
from orchestrator.application.explain import Explanation, History
from orchestrator.application.survey import SurveyReport
from orchestrator.cli.render.parts import (
    age,
    counts,
    fields,
    heading,
    listed,
    moment,
    table,
    text,
    word,
)
from orchestrator.domain.verdict import Proof
from orchestrator.domain.waiver import Waiver

#: Lines of proof that fit a screen together with the rest of ``explain``.
PROOF_LINES = 14


def audit(report: AuditReport) -> Iterator[RenderableType]:
    """A line for each server, then what it comes to."""
    yield heading(
        f"{report.article}, as of {moment(report.as_of)}",
        lab=report.lab,
    )
    yield table(
        ("server", "verdict", "reason", "observed", "waiver"),
        (_audited(line) for line in report.servers),
    )
    total = text(f"{len(report.servers)} servers: ", "bold")
    yield total.append(counts(report.summary))


def _audited(line: AuditedServer) -> Sequence[object]:
    seen = age(line.age_seconds)
    observed = seen if line.observed is None else f"{seen} ago"
    waiver = _waived(line.waiver)
    return (line.server, word(line.verdict), line.reason, observed, waiver)


def _waived(waiver: WaiverLine | None) -> str:
    return f"{waiver.owner} until {waiver.until:%Y-%m-%d}" if waiver else ""


def survey(report: SurveyReport) -> Iterator[RenderableType]:
    """Who answered with how many facts, and who did not."""
    yield table(
        ("server", "facts", "not readable", "fault"),
        (
            (line.server, line.facts, listed(line.unreadable), line.fault)
            for line in report.servers
        ),
    )
    failed = sum(bool(line.fault) for line in report.servers)
    yield heading(f"{len(report.servers)} servers asked, {failed} did not answer")


def explanation(found: Explanation) -> Iterator[RenderableType]:
    """One server on one screen, the next command last."""
    yield heading(f"{found.server} against {found.article}")
    yield fields(
        (
            ("verdict", word(found.verdict)),
            ("reason", found.reason),
            ("exposure", found.exposure),
            ("last contact", moment(found.last_contact) or "never"),
            ("contact failed", found.contact_fault),
            ("not readable", "; ".join(found.unreadable)),
            ("last outcome", found.last_outcome),
            ("waiver", _waived(found.waiver)),
        )
    )
    yield from _proof(found.proof)
    yield text("next: ", "bold").append(text(found.next_command, "cyan"))


def _proof(lines: tuple[Proof, ...]) -> Iterable[RenderableType]:
    """What does not hold comes first; what does not fit is counted."""
    ranked = sorted(lines, key=lambda line: line.holds)
    yield table(
        ("", "fact", "found", "expected", "read", "source"),
        (
            (
                Text("ok", "green") if line.holds else Text("no", "red"),
                line.fact,
                line.found,
                line.expected,
                moment(line.at),
                line.source,
            )
            for line in ranked[:PROOF_LINES]
        ),
    )
    if len(ranked) > PROOF_LINES:
        yield text(f"and {len(ranked) - PROOF_LINES} more: --format json", "dim")


def history(found: History) -> Iterator[RenderableType]:
    """A server's records, oldest first."""
    yield heading(f"{found.server}: {len(found.records)} records")
    if found.left_off:
        yield text(f"{found.left_off} older records are not shown", "dim")
    yield table(
        ("time", "kind", "what"),
        ((moment(line.at), line.kind, line.summary) for line in found.records),
    )


def waiver(made: Waiver) -> Iterator[RenderableType]:
    """What was accepted, by whom and until when."""
    yield fields(
        (
            ("waived", f"{made.server}, {made.article}"),
            ("owner", made.owner),
            ("until", moment(made.until)),
            ("reason", made.reason),
            ("recorded by", made.account),
        )
    )
