"""The reports' one entrance."""

from __future__ import annotations

from typing import TextIO, assert_never

from orchestrator.adapters.reports.csv_rows import write_csv
from orchestrator.adapters.reports.page import write_html
from orchestrator.adapters.reports.prometheus import write_prometheus
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import ReportFormat, Surroundings


def write_report(
    report: AuditReport,
    around: Surroundings,
    written_as: ReportFormat,
    stream: TextIO,
) -> None:
    """Write a report; see :class:`orchestrator.application.reporting.ReportWriter`."""
    match written_as:
        case ReportFormat.CSV:
            write_csv(report, stream)
        case ReportFormat.HTML:
            write_html(report, around, stream)
        case ReportFormat.PROMETHEUS:
            write_prometheus(report, stream)
        case _:
            assert_never(written_as)
