"""An audit as CSV (RFC 4180) that a spreadsheet opens right and never runs.

It begins with the mark of UTF-8, by which Excel tells the encoding. A spreadsheet
whose list separator is a semicolon splits cells at semicolons too, so what follows
one is defused like the start of a cell.
"""

from __future__ import annotations

import csv
import re
from typing import Final, TextIO

from orchestrator.adapters.reports.inert import inert
from orchestrator.application.audit import AuditedServer, AuditReport
from orchestrator.application.codec import time_text

COLUMNS: Final = (
    "article",
    "as_of",
    "server",
    "site",
    "pool",
    "role",
    "product",
    "edition",
    "verdict",
    "reason",
    "observed",
    "age_seconds",
    "waiver_owner",
    "waiver_until",
    "waiver_reason",
    "contact",
    "lab",
)

_MARK: Final = "\ufeff"
#: What makes a formula of a cell, the wide forms of East Asian input included.
_FORMULA: Final = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def write_csv(report: AuditReport, stream: TextIO) -> None:
    """A line of column names, then a line for each server."""
    stream.write(_MARK)
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for line in report.servers:
        writer.writerow(_row(report, line))


def _row(report: AuditReport, line: AuditedServer) -> list[str | int]:
    waiver = line.waiver
    cells: tuple[str | int, ...] = (
        report.article,
        time_text(report.as_of),
        line.server,
        line.site,
        line.pool or "",
        line.role,
        line.product,
        line.edition,
        line.verdict.value,
        line.reason,
        time_text(line.observed) if line.observed else "",
        "" if line.age_seconds is None else line.age_seconds,
        waiver.owner if waiver else "",
        time_text(waiver.until) if waiver else "",
        waiver.reason if waiver else "",
        line.contact,
        "yes" if report.lab else "no",
    )
    return [defused(cell) if isinstance(cell, str) else cell for cell in cells]


def defused(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before."""
    return _FORMULA.sub(r"\1'\2", inert(text))
