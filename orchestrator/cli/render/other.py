"""What is neither a use case's report nor a record: Ansible, lab, demonstration."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from orchestrator.application.doctor import DoctorReport
from orchestrator.application.estate import AnsibleView
from orchestrator.application.rollout.worker import WorkerReport
from orchestrator.cli.render.parts import counts, fields, heading, table, text, word
from orchestrator.cli.reports import DemoReport, LabReport


def ansible(view: AnsibleView) -> Iterator[RenderableType]:
    """The document itself, for Ansible to read."""
    yield Text(json.dumps(view.inventory, indent=2), no_wrap=True, overflow="ignore")


def lab(report: LabReport) -> Iterator[RenderableType]:
    """What is served, and how to reach it."""
    yield heading(f"{report.servers} simulated servers; Ctrl-C ends them", lab=True)
    yield fields(
        (
            ("addresses", f"{report.first} to {report.last}"),
            ("seed", report.seed),
            ("inventory", report.inventory),
            ("credential", f"{report.credential}, {report.username}"),
        )
    )


def doctor(report: DoctorReport) -> Iterator[RenderableType]:
    """A line for each part, with what to mend."""
    yield table(
        ("part", "", "found", "what to do"),
        (
            (check.subject, word(check.health), check.found, check.hint)
            for check in report.checks
        ),
    )


def worker(report: WorkerReport) -> Iterator[RenderableType]:
    """What it did."""
    yield fields(
        (
            ("worker", report.worker),
            ("sites", ", ".join(report.sites)),
            ("orders taken", report.taken),
            ("put aside", report.refused),
        )
    )


def demo(report: DemoReport) -> Iterator[RenderableType]:
    """Before and after, server by server."""
    yield heading("before and after", lab=True)
    yield table(
        ("server", "before", "after", "outcome", "reason"),
        (
            (
                line.server,
                word(line.before),
                word(line.after),
                word(line.outcome),
                line.reason,
            )
            for line in report.servers
        ),
    )
    before = Counter(line.before.value for line in report.servers)
    after = Counter(line.after.value for line in report.servers)
    yield text("before: ", "bold").append(counts(before))
    yield text("after:  ", "bold").append(counts(after))
    yield fields(
        (
            ("database", report.database),
            *(("report", path) for path in report.reports),
            ("took", f"{report.seconds} s"),
        )
    )
