"""Bundles of evidence: what was written, and what checking one came to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from orchestrator.application.evidence import EvidenceCheck, EvidenceExport
from orchestrator.application.retention import Retention
from orchestrator.cli.render.parts import fields, heading, moment, table, text


def export(report: EvidenceExport) -> Iterator[RenderableType]:
    """What was written, and the hash to keep elsewhere."""
    yield heading(f"{report.records} records in {len(report.heads)} chains")
    yield fields(
        (
            ("file", report.file),
            ("head", report.head),
            ("signed", "yes" if report.signed else "no"),
        )
    )
    yield text("Keep the head elsewhere: evidence verify --head needs it.")


def check(report: EvidenceCheck) -> Iterator[RenderableType]:
    """Every fault with its place, then what cannot be told."""
    yield heading("intact" if report.intact else "NOT as it was written")
    if report.faults:
        yield table(
            ("member", "line", "writer", "number", "what"),
            (
                (fault.member, fault.line, fault.writer, fault.sequence, fault.what)
                for fault in report.faults
            ),
        )
    yield fields(
        (
            ("file", report.file),
            ("records", report.records),
            ("without content", report.pruned),
            ("chains", len(report.heads)),
            ("signature", report.signature.value),
        )
    )
    yield text("This check cannot tell:", "bold")
    for sentence in report.cannot_tell:
        yield text(f"- {sentence}")


def pruned(report: Retention) -> Iterator[RenderableType]:
    """How many records lost their content, or would."""
    count = sum(report.pruned.values())
    what = "lost" if report.done else "would lose"
    yield heading(
        f"{count} records from before {moment(report.before)} {what} their content"
    )
    yield fields(report.pruned.items())
    if report.done:
        yield fields((("head", report.head),))
        yield text("Keep the head elsewhere: evidence verify --head needs it.")
    elif count:
        yield text("Nothing was done. Export first, then say it again with --yes.")
    else:
        yield text("There is nothing to do.")
