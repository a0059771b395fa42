"""CSV that opens right in a spreadsheet, and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from orchestrator.adapters.reports.csv_rows import COLUMNS, defused
from orchestrator.adapters.reports.writer import write_report
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import ReportFormat, Surroundings
from tests.fakes.reports import HOSTILE, estate_of, hostile_report

#: How a spreadsheet may take the start of a cell.
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def written(report: AuditReport) -> str:
    stream = io.StringIO(newline="")
    write_report(report, Surroundings(), ReportFormat.CSV, stream)
    return stream.getvalue()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_it_begins_with_the_mark_of_utf8_and_ends_lines_as_rfc_4180_has_it() -> None:
    text = written(estate_of(3))
    assert text.startswith("\ufeffarticle,as_of,server,")
    assert text.count("\n") == text.count("\r\n") == 4


def test_every_server_is_a_line_with_all_its_columns() -> None:
    report = estate_of(50)
    found = rows(written(report))
    assert [one["server"] for one in found] == [one.server for one in report.servers]
    assert tuple(found[0]) == COLUMNS
    waived = found[3]
    assert (waived["verdict"], waived["waiver_owner"]) == ("blocked", "A. Manager")
    assert waived["waiver_until"] == "2026-05-31T20:00:00Z"


def test_a_server_without_facts_has_empty_cells_and_its_contact() -> None:
    unknown = rows(written(estate_of(7)))[6]
    assert (unknown["observed"], unknown["age_seconds"]) == ("", "")
    assert unknown["contact"] == "no answer within 3 s"


@pytest.mark.parametrize("lab", [True, False])
def test_every_line_says_whether_it_is_lab_data(lab: bool) -> None:
    found = rows(written(estate_of(2, lab=lab)))
    assert {one["lab"] for one in found} == {"yes" if lab else "no"}


def test_no_hostile_cell_is_a_formula_or_holds_a_control_character() -> None:
    for row in rows(written(hostile_report())):
        for cell in row.values():
            assert not FORMULA.match(cell)
            assert cell.isprintable()


def test_a_spreadsheet_that_splits_at_semicolons_meets_no_formula_either() -> None:
    for line in written(hostile_report()).split("\r\n"):
        for cell in line.replace('"', "").split(";"):
            assert not FORMULA.match(cell)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_whatever_the_text_no_part_of_it_begins_a_formula(text: str) -> None:
    for part in defused(text).split(";"):
        assert not FORMULA.match(part)


@pytest.mark.parametrize(
    "text", ["lcs01fe1", "5.2.3790.1830", "a-b", "", "50 % = half"]
)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


def test_a_hostile_name_still_tells_itself_from_others() -> None:
    assert len({defused(name) for name in HOSTILE}) == len(HOSTILE)


class Sink(io.StringIO):
    """Takes text and keeps none."""

    @override
    def write(self, text: str, /) -> int:
        return len(text)


def peak_of(report: AuditReport) -> int:
    tracemalloc.start()
    write_report(report, Surroundings(), ReportFormat.CSV, Sink())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_it_is_written_line_by_line_with_flat_memory() -> None:
    few, many = estate_of(100), estate_of(4_000)
    peak_of(few)
    assert peak_of(many) < peak_of(few) + 100_000
