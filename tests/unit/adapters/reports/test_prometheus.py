"""Prometheus text by its conventions."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.adapters.reports.inert import inert
from orchestrator.adapters.reports.writer import write_report
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import ReportFormat, Surroundings
from orchestrator.domain.verdict import Verdict
from tests.fakes.reports import HOSTILE, NOW, estate_of, hostile_report, report_of

PROMTOOL = shutil.which("promtool")


def written(report: AuditReport) -> str:
    stream = io.StringIO(newline="")
    write_report(report, Surroundings(), ReportFormat.PROMETHEUS, stream)
    return stream.getvalue()


def samples(text: str, name: str) -> list[tuple[Mapping[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def test_every_metric_has_its_help_and_type() -> None:
    for family in text_string_to_metric_families(written(estate_of(9))):
        assert family.type == "gauge"
        assert family.documentation


def test_servers_are_counted_by_verdict_and_zeros_are_told() -> None:
    report = estate_of(48)
    found = samples(written(report), "orchestrator_audit_servers")
    for verdict in Verdict:
        counted = sum(value for at, value in found if at["verdict"] == verdict.value)
        assert counted == report.summary[verdict.value]
    assert any(value == 0 for _, value in found)


def test_an_alert_finds_the_server_that_lacks_the_fix() -> None:
    found = samples(written(estate_of(3)), "orchestrator_audit_server_info")
    needed = [
        at["server"] for at, value in found if at["verdict"] == "needed" and value
    ]
    assert needed == ["lcs00001"]


def test_times_are_unix_times_and_unread_servers_have_none() -> None:
    text = written(estate_of(7))
    [(_, at)] = samples(text, "orchestrator_audit_time_seconds")
    assert at == NOW.timestamp()
    observed = samples(text, "orchestrator_audit_server_observed_time_seconds")
    assert len(observed) == 6


@pytest.mark.parametrize("lab", [True, False])
def test_lab_data_says_so(lab: bool) -> None:
    [(_, value)] = samples(written(estate_of(1, lab=lab)), "orchestrator_audit_lab")
    assert value == lab


def test_an_audit_of_nobody_is_valid_too() -> None:
    found = samples(written(report_of()), "orchestrator_audit_servers")
    assert {value for _, value in found} == {0.0}


def test_hostile_names_come_back_as_labels_and_make_no_line_of_their_own() -> None:
    found = samples(written(hostile_report()), "orchestrator_audit_server_info")
    assert {at["site"] for at, _ in found} == {inert(name) for name in HOSTILE}


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool; Debian has it in prometheus")
@pytest.mark.parametrize(
    "report", [estate_of(24), hostile_report()], ids=["plain", "hostile"]
)
def test_promtool_finds_nothing_to_mend(report: AuditReport) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=written(report),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
