"""An audit as CSV for spreadsheets, which must not take a name for a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from orchestrator.application.codec import time_text

if TYPE_CHECKING:
    from orchestrator.application.audit import AuditReport

_COLUMNS = (
    "article",
    "as_of",
    "server",
    "site",
    "pool",
    "role",
    "product",
    "verdict",
    "reason",
    "observed",
    "age_seconds",
    "waiver_owner",
    "waiver_until",
    "contact",
    "lab",
)
#: A cell that begins so may be run by a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(report: AuditReport) -> str:
    """A row for each server, with a line of column names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for line in report.servers:
        waiver = line.waiver
        row = (
            report.article,
            time_text(report.as_of),
            line.server,
            line.site,
            line.pool or "",
            line.role,
            line.product,
            line.verdict.value,
            line.reason,
            time_text(line.observed) if line.observed else "",
            "" if line.age_seconds is None else line.age_seconds,
            waiver.owner if waiver else "",
            time_text(waiver.until) if waiver else "",
            line.contact,
            "yes" if report.lab else "no",
        )
        writer.writerow(map(_defused, row))
    return text.getvalue()


def _defused(value: object) -> str:
    """A text that no spreadsheet runs: an apostrophe makes it plain."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
