"""Verdicts and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from orchestrator.application.audit import AuditedServer, AuditReport
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
    waived,
    word,
)
from orchestrator.domain.compliance import Compliance
from orchestrator.domain.waiver import Waiver

#: Where there is nobody to ask.
NO_SERVERS = "the inventory is empty: orchestrator inventory import FILE"


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
    yield from _over_time(report.compliance)
    if not report.servers:
        yield text(NO_SERVERS)


def _over_time(time: Compliance) -> Iterator[RenderableType]:
    """For how long servers stood open, when none will, and who went back."""
    hours = time.exposure_hours
    if not hours:
        return
    first, last = time.burn_down[0], time.burn_down[-1]
    exposed = sum(map(bool, hours.values()))
    yield fields(
        (
            ("exposure", f"{sum(hours.values()):,.0f} hours on {exposed} servers"),
            (
                "open servers",
                f"{first.open} on {moment(first.at)}, {last.open} on {moment(last.at)}",
            ),
            ("projection", time.projection.sentence),
        )
    )
    if time.drift:
        yield table(
            ("drifted", "recorded compliant", "otherwise since", "verdict"),
            (
                (
                    one.server,
                    moment(one.compliant),
                    moment(one.since),
                    word(one.verdict),
                )
                for one in time.drift
            ),
        )


def _audited(line: AuditedServer) -> Sequence[object]:
    seen = age(line.age_seconds)
    observed = seen if line.observed is None else f"{seen} ago"
    waiver = waived(line.waiver)
    reason = line.reason
    if line.then is not None:
        then = f"{line.then.verdict.value}, {moment(line.then.at)}"
        reason = f"{reason} (recorded last by then: {then})"
    return (line.server, word(line.verdict), reason, observed, waiver)


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
    if not report.servers:
        yield text(NO_SERVERS)


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
