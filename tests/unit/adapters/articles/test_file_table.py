"""File tables as operators type them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.articles.file_table import MAX_ROWS, read_table
from orchestrator.application.ports.files import BadInputError, TableRead
from orchestrator.domain.hotfix import Platform, PlausibleWindow, Provenance
from orchestrator.domain.version import Branch, FileVersion

DATA = Path(__file__).parents[3] / "data"
HEADING = "file,version,platform,branch,path,size,date\n"
ROW = "a.dll,5.2.3790.2600,x86,SP1QFE,,,\n"


def read(path: Path, plausible: PlausibleWindow | None = None) -> TableRead:
    return read_table(
        path, supplied_by="operator", source=str(path.name), plausible=plausible
    )


def typed(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(BadInputError) as caught:
        read(path)
    return [str(problem) for problem in caught.value.problems]


def test_the_published_rows_of_ms07_031_are_read_whole() -> None:
    table = read(DATA / "ms07-031-schannel.csv").table
    assert len(table.rows) == 12
    assert table.provenance.supplied_by == "Microsoft"
    assert table.provenance.source.startswith("MS07-031 (KB935840)")
    assert not table.lab
    gdr, qfe = table.rows_for(Platform.X86, 1)
    assert (gdr.branch, qfe.branch) == (Branch.GDR, Branch.QFE)
    assert gdr.version == FileVersion(5, 2, 3790, 2924)
    assert (gdr.size, qfe.size) == (144_384, 144_384)
    assert gdr.date == datetime(2007, 4, 25, 20, 27, tzinfo=UTC)
    assert [row.size for row in table.rows_for(Platform.X86, 2)] == [146_944] * 2


def test_a_32_bit_copy_belongs_to_the_64_bit_platforms() -> None:
    table = read(DATA / "ms07-031-schannel.csv").table
    for platform in (Platform.X64, Platform.IA64):
        paths = {row.path for row in table.rows_for(platform, 1)}
        assert paths == {
            r"%systemroot%\system32\schannel.dll",
            r"%systemroot%\syswow64\schannel.dll",
        }
    assert len(table.rows_for(Platform.X86, 1)) == 2


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("QFE", (Branch.QFE, None)),
        ("ldr", (Branch.QFE, None)),
        ("RTM", (Branch.RTM, None)),
        ("SP2GDR", (Branch.GDR, 2)),
        ("rtmqfe", (Branch.QFE, 0)),
    ],
)
def test_a_branch_is_a_word_or_a_package_folder(
    tmp_path: Path, branch: str, expected: tuple[Branch, int | None]
) -> None:
    row = read(typed(tmp_path, HEADING + ROW.replace("SP1QFE", branch))).table.rows[0]
    assert (row.branch, row.service_pack) == expected


@pytest.mark.parametrize(
    "date",
    ["2007-04-25T20:27Z", "2007-04-25 20:27", "25-Apr-2007 20:27", "25-apr-2007 20.27"],
)
def test_dates_are_read_in_both_forms_as_utc(tmp_path: Path, date: str) -> None:
    row = read(
        typed(tmp_path, HEADING + f"a.dll,1.2.3.4,x64,QFE,,,{date}\n")
    ).table.rows[0]
    assert row.date == datetime(2007, 4, 25, 20, 27, tzinfo=UTC)


def test_what_the_file_does_not_say_of_its_origin_the_caller_does(
    tmp_path: Path,
) -> None:
    table = read(typed(tmp_path, HEADING + ROW)).table
    assert table.provenance == Provenance("operator", "t.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "# lab\n" + HEADING + ROW),
        (
            "t.yml",
            (
                "lab: true\nrows:\n- {file: a.dll, version: 1.2.3.4, platform: x86, "
                "branch: QFE}"
            ),
        ),
    ],
)
def test_a_table_of_the_lab_is_marked(tmp_path: Path, name: str, text: str) -> None:
    assert read(typed(tmp_path, text, name)).table.lab


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "a.dll,5.2.3790,x86,QFE,,,",
            (
                "line 3, rows[1].version: found '5.2.3790', expected four numbers of "
                "at most 65535 such as 5.2.3790.2490"
            ),
        ),
        (
            "b.dll,5.2.3790.99999,x86,QFE,,,",
            (
                "line 3, rows[1].version: found '5.2.3790.99999', expected four "
                "numbers of at most 65535 such as 5.2.3790.2490"
            ),
        ),
        (
            "b.dll,1.2.3.4,arm,QFE,,,",
            "line 3, rows[1].platform: found 'arm', expected x86, x64, amd64 or ia64",
        ),
        (
            "b.dll,1.2.3.4,x86,SPQ,,,",
            (
                r"line 3, rows[1].branch: found 'SPQ', expected RTM, GDR, QFE or LDR, "
                r"or a folder such as SP1QFE or SP1QFE\wow"
            ),
        ),
        (
            "b.dll,1.2.3.4,x86,QFE,,12.5,",
            (
                "line 3, rows[1].size: found '12.5', expected a size in bytes such as "
                "144,384"
            ),
        ),
        (
            "b.dll,1.2.3.4,x86,QFE,,,31-Feb-2007",
            (
                "line 3, rows[1].date: found '31-Feb-2007', expected a UTC date such "
                "as 2007-04-25 20:27 or 25-Apr-2007 20:27"
            ),
        ),
        (
            "b.dll,1.2.3.4,x86,QFE,system32,,",
            (
                r"line 3, rows[1].path: found 'system32', expected a full path such as "
                r"%systemroot%\system32\name.dll"
            ),
        ),
        (
            r"b.dll,1.2.3.4,x86,QFE,c:\a & del\b.dll,,",
            (
                r"line 3, rows[1].path: found 'c:\\a & del\\b.dll', expected a full "
                r"path such as %systemroot%\system32\name.dll"
            ),
        ),
        (
            r"..\b.dll,1.2.3.4,x86,QFE,,,",
            r"line 3, rows[1].file: found '..\\b.dll', expected a file name, no folder",
        ),
        (
            ",1.2.3.4,x86,QFE,,,",
            "line 3, rows[1]: found nothing, expected a value for 'file'",
        ),
        (
            "a.dll,5.2.3790.2600,x86,SP1QFE,,,",
            (
                r"line 3, rows[1]: found %systemroot%\system32\a.dll for x86 QFE "
                r"twice, expected each row once; remove this one"
            ),
        ),
        (
            "A.DLL,5.2.3790.2700,x86,SP1QFE,,,",
            (
                r"line 3, rows[1]: found %systemroot%\system32\a.dll for x86 QFE "
                r"again, with other values, expected one row; an earlier one says "
                r"5.2.3790.2600; find out which is right and remove the other"
            ),
        ),
        (
            r"b.dll,1.2.3.4,x86,SP1QFE\wow,,,",
            (
                "line 3, rows[1]: found a 32-bit wow row in a table without 64-bit "
                "rows, expected x64 or ia64 as its platform; name the platform of the "
                "server, not of the file"
            ),
        ),
    ],
)
def test_a_mistake_is_named_by_line_and_field(
    tmp_path: Path, row: str, problem: str
) -> None:
    assert problems(typed(tmp_path, f"{HEADING}{ROW}{row}\n")) == [problem]


def test_a_wow_row_whose_installed_name_is_unsure_needs_a_path(tmp_path: Path) -> None:
    row = r"wa.dll,1.2.3.4,x64,SP1QFE\wow,,," + "\n"
    assert "a path for this" in problems(typed(tmp_path, HEADING + row))[0]


def test_a_wow_row_with_a_plain_name_lies_in_syswow64(tmp_path: Path) -> None:
    row = r"a.dll,1.2.3.4,x64,SP1QFE\wow,,," + "\n"
    table = read(typed(tmp_path, HEADING + row)).table
    assert table.rows[0].path == r"%systemroot%\syswow64\a.dll"


def test_service_packs_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    text = "file,version,platform,branch,service_pack\na.dll,1.2.3.4,x86,SP1QFE,2\n"
    assert "service_pack 2 and branch SP1" in problems(typed(tmp_path, text))[0]


def test_versions_outside_the_plausible_window_are_warned_of(tmp_path: Path) -> None:
    window = PlausibleWindow(
        FileVersion(5, 2, 3790, 1830), FileVersion(5, 2, 3790, 2924), "why"
    )
    rows = "".join(
        f"f{build}.dll,5.2.3790.{build},x86,QFE,,,\n"
        for build in (1830, 1831, 2923, 2924)
    )
    result = read(typed(tmp_path, HEADING + rows), window)
    assert len(result.table.rows) == 4
    assert [warning.found for warning in result.warnings] == [
        "5.2.3790.1830",
        "5.2.3790.2924",
    ]


def test_a_table_is_bounded(tmp_path: Path) -> None:
    rows = "".join(f"f{n}.dll,1.2.3.4,x86,QFE,,,\n" for n in range(MAX_ROWS + 1))
    assert str(MAX_ROWS) in problems(typed(tmp_path, HEADING + rows))[0]
    assert "nothing" in problems(typed(tmp_path, ""))[0]
    assert "at least 1 item" in problems(typed(tmp_path, HEADING))[0]


@settings(deadline=None)
@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(
        st.sampled_from(
            ["a.dll", "1.2.3.4", "x86", "QFE", ",", "\n", HEADING, '"', "wow"]
        )
    ).map(lambda parts: "".join(parts).encode())
)
def test_any_bytes_are_a_table_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.yml"):
        (folder / name).write_bytes(raw)
        with suppress(BadInputError):
            read(folder / name)
