"""Files against their table; rows of MS07-031 serve as real data.

Source: Microsoft's security bulletin MS07-031 (KB935840), table of schannel.dll.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FileState,
    FreshFacts,
    Lacking,
    Observation,
)
from orchestrator.domain.files import (
    FileFinding,
    FileVerdict,
    examine_files,
    judge_file,
    judge_files,
    needs_resource,
)
from orchestrator.domain.hotfix import FileRow, Platform
from orchestrator.domain.verdict import FACT_LIMIT
from orchestrator.domain.version import Branch, FileVersion
from tests.unit.domain.values import DLL, NOW, file, row, table

X86, X64, IA64 = Platform.X86, Platform.X64, Platform.IA64
RTM, GDR, QFE = Branch.RTM, Branch.GDR, Branch.QFE
WOW = r"%systemroot%\syswow64\wschannel.dll"
FIXED, MISSING = FileVerdict.FIXED, FileVerdict.MISSING
TOO_OLD, UNDECIDED = FileVerdict.TOO_OLD, FileVerdict.UNDECIDED


def sourced(
    version: str, branch: Branch, platform: Platform, size: int, path: str = DLL
) -> FileRow:
    service_pack = 1 if version == "5.2.3790.2924" else 2
    return row(
        version,
        branch,
        platform=platform,
        path=path,
        service_pack=service_pack,
        size=size,
    )


MS07_031 = table(
    sourced("5.2.3790.2924", GDR, X86, 144_384),
    sourced("5.2.3790.2924", QFE, X86, 144_384),
    sourced("5.2.3790.4068", GDR, X86, 146_944),
    sourced("5.2.3790.4068", QFE, X86, 146_944),
    sourced("5.2.3790.2924", GDR, X64, 253_952),
    sourced("5.2.3790.2924", QFE, X64, 253_952),
    sourced("5.2.3790.2924", GDR, X64, 144_384, WOW),
    sourced("5.2.3790.2924", QFE, X64, 144_384, WOW),
    sourced("5.2.3790.2924", GDR, IA64, 465_408),
    sourced("5.2.3790.2924", QFE, IA64, 465_408),
)


def ms07_031(platform: Platform, service_pack: int) -> list[FileRow]:
    rows = MS07_031.rows_for(platform, service_pack)
    return [found for found in rows if found.path == DLL]


@pytest.mark.parametrize(
    ("platform", "service_pack", "paths"),
    [
        (X86, 1, [DLL, DLL]),
        (X86, 2, [DLL, DLL]),
        (X64, 1, [DLL, DLL, WOW, WOW]),
        (IA64, 1, [DLL, DLL]),
        (X64, 2, []),
        (IA64, 2, []),
        (X86, 0, []),
    ],
)
def test_a_server_must_meet_the_rows_of_its_platform_and_service_pack(
    platform: Platform, service_pack: int, paths: list[str]
) -> None:
    found = MS07_031.rows_for(platform, service_pack)
    assert sorted(each.path for each in found) == sorted(paths)


def test_a_row_without_a_service_pack_counts_for_each() -> None:
    for service_pack in (0, 1, 2):
        rows = table(row(service_pack=None)).rows_for(X86, service_pack)
        assert len(rows) == 1


#: Rows, what is found, the verdict, and the branch that it shows.
MS07_031_CASES = [
    (X86, 1, file("5.2.3790.1830"), TOO_OLD, None),
    (X86, 1, file("5.2.3790.2923", GDR), TOO_OLD, GDR),
    (X86, 1, file("5.2.3790.2924"), FIXED, None),
    (X86, 1, file("5.2.3790.2924", size=144_384), FIXED, None),
    (X86, 1, file("5.2.3790.2924", size=1), FIXED, None),
    (X86, 1, file("5.2.3790.2924", GDR), FIXED, GDR),
    (X86, 1, file("5.2.3790.3000"), FIXED, None),
    (X86, 1, file("5.2.3790.3000", QFE), FIXED, QFE),
    (X86, 2, file("5.2.3790.2924"), TOO_OLD, None),
    (X86, 2, file("5.2.3790.3959", RTM), TOO_OLD, RTM),
    (X86, 2, file("5.2.3790.4068", QFE), FIXED, QFE),
    (X64, 1, file("5.2.3790.2924", size=253_952), FIXED, None),
    (IA64, 1, file("5.2.3790.2924", QFE, 465_408), FIXED, QFE),
    (IA64, 1, FileState(exists=False), MISSING, None),
]


@pytest.mark.parametrize(
    ("platform", "service_pack", "state", "verdict", "branch"), MS07_031_CASES
)
def test_sourced_rows_judge_a_file(
    platform: Platform,
    service_pack: int,
    state: FileState,
    verdict: FileVerdict,
    branch: Branch | None,
) -> None:
    finding = judge_file(ms07_031(platform, service_pack), state)
    assert (finding.verdict, finding.branch) == (verdict, branch)


HOTFIX_ROW = row("5.2.3790.2500", QFE, size=144_000)
LATER_GDR = row("5.2.3790.2600", GDR, size=143_000)
SAME_GDR = row("5.2.3790.2500", GDR, size=143_000)

CASES = [
    # A hotfix that exists on the QFE branch only.
    ([HOTFIX_ROW], file("5.2.3790.2499"), TOO_OLD, None, "5.2.3790.2499 is older"),
    ([HOTFIX_ROW], file("5.2.3790.990", QFE), TOO_OLD, QFE, "is older"),
    ([HOTFIX_ROW], file("5.2.3790.2499", GDR), TOO_OLD, GDR, "is older"),
    ([HOTFIX_ROW], file("5.2.3790.2500"), FIXED, QFE, "is the expected or later"),
    ([HOTFIX_ROW], file("5.2.3790.2500", size=1), FIXED, QFE, "is the expected"),
    ([HOTFIX_ROW], file("5.2.3790.2500", GDR), UNDECIDED, GDR, "branch GDR, which"),
    ([HOTFIX_ROW], file("5.2.3790.2924"), UNDECIDED, None, "branch is not known"),
    ([HOTFIX_ROW], file("5.2.3790.2924", size=144_000), UNDECIDED, None, "not known"),
    ([HOTFIX_ROW], file("5.2.3790.2924", GDR), UNDECIDED, GDR, "branch GDR, which"),
    ([HOTFIX_ROW], file("5.2.3790.3959", RTM), UNDECIDED, RTM, "branch RTM, which"),
    ([HOTFIX_ROW], file("5.2.3790.2924", QFE), FIXED, QFE, "is the expected or later"),
    ([HOTFIX_ROW], FileState(exists=True), UNDECIDED, None, "the file has no version"),
    ([HOTFIX_ROW], FileState(exists=False), MISSING, None, "the file is missing"),
    # The table says that a later GDR build has the fix.
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2550"), UNDECIDED, None, "not known"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2550", GDR), TOO_OLD, GDR, "older on its"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2550", RTM), TOO_OLD, RTM, "older on its"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2550", QFE), FIXED, QFE, "or later"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2500"), FIXED, QFE, "or later"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2600"), FIXED, GDR, "or later"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2601"), FIXED, None, "or later"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2600", RTM), FIXED, RTM, "or later"),
    ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2499", QFE), TOO_OLD, QFE, "is older"),
    # Both branches share a number: size decides the branch, or nothing does.
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2500"), FIXED, None, "or later"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2500", size=144_000), FIXED, QFE, "or la"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2500", size=143_000), FIXED, GDR, "or la"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2500", size=5), FIXED, None, "or later"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2500", GDR, 144_000), FIXED, GDR, "or lat"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2501", size=144_000), FIXED, None, "or la"),
    ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2499", size=144_000), TOO_OLD, None, "old"),
]


@pytest.mark.parametrize(("rows", "state", "verdict", "branch", "reason"), CASES)
def test_version_and_branch_decide(
    rows: list[FileRow],
    state: FileState,
    verdict: FileVerdict,
    branch: Branch | None,
    reason: str,
) -> None:
    finding = judge_file(rows, state)
    assert (finding.verdict, finding.branch) == (verdict, branch)
    assert reason in finding.reason
    assert (finding.path, finding.found) == (DLL, state.version)
    assert judge_file(rows[::-1], state) == finding


def test_a_size_that_no_row_has_never_decides() -> None:
    no_sizes = [replace(HOTFIX_ROW, size=None), replace(SAME_GDR, size=None)]
    finding = judge_file(no_sizes, file("5.2.3790.2500"))
    assert (finding.verdict, finding.branch) == (FIXED, None)


def test_a_finding_names_every_expected_version() -> None:
    finding = judge_file([LATER_GDR, HOTFIX_ROW], file("5.2.3790.1"))
    assert finding.expected == "5.2.3790.2500 QFE or 5.2.3790.2600 GDR"


@pytest.mark.parametrize(
    ("rows", "state", "needed"),
    [
        ([HOTFIX_ROW], file("5.2.3790.2924"), True),
        ([HOTFIX_ROW, LATER_GDR], file("5.2.3790.2550"), True),
        ([HOTFIX_ROW], file("5.2.3790.2924", GDR), False),
        ([HOTFIX_ROW], file("5.2.3790.2500"), False),
        ([HOTFIX_ROW], file("5.2.3790.2499"), False),
        ([HOTFIX_ROW], FileState(exists=False), False),
        ([HOTFIX_ROW], FileState(exists=True), False),
        ([HOTFIX_ROW, SAME_GDR], file("5.2.3790.2924"), False),
    ],
)
def test_the_resource_is_fetched_only_where_it_decides(
    rows: list[FileRow], state: FileState, *, needed: bool
) -> None:
    assert needs_resource(rows, state) is needed


def facts(states: dict[str, FileState]) -> FreshFacts:
    seen = (
        Observation(FactKind.FILE, state, "test", NOW, path)
        for path, state in states.items()
    )
    return FreshFacts(FactSet.of(seen), NOW, FACT_LIMIT)


TWO = (HOTFIX_ROW, replace(HOTFIX_ROW, path=WOW))
RIGHT, OLD = file("5.2.3790.2500"), file("5.2.3790.1830")


def judged(states: dict[str, FileState]) -> tuple[FileFinding, ...]:
    found = judge_files(TWO, facts(states))
    assert not isinstance(found, Lacking)
    return found


def test_each_file_is_judged_once_by_path() -> None:
    found = judged({WOW: OLD, DLL: RIGHT})
    assert [(each.path, each.verdict) for each in found] == [
        (DLL, FIXED),
        (WOW, TOO_OLD),
    ]


def test_a_file_that_was_not_read_lacks() -> None:
    found = judge_files(TWO, facts({DLL: RIGHT}))
    assert found == Lacking(f"file {WOW}", "never read")


def test_a_file_without_a_version_lacks_it() -> None:
    found = judge_files(TWO, facts({DLL: FileState(exists=True), WOW: RIGHT}))
    assert found == Lacking(f"version of file {DLL}", "not given by the host")


def test_known_files_stand_beside_one_that_lacks() -> None:
    seen = examine_files(TWO, facts({WOW: OLD}))
    assert [each.path for each in seen.findings] == [WOW]
    assert seen.lacking == Lacking(f"file {DLL}", "never read")
    assert seen.bad == seen.findings[0]
    assert not seen.all_fixed


@pytest.mark.parametrize(
    ("first", "second", "fixed", "bad", "undecided"),
    [
        (RIGHT, RIGHT, True, None, None),
        (RIGHT, OLD, False, WOW, None),
        (OLD, OLD, False, DLL, None),
        (FileState(exists=False), RIGHT, False, DLL, None),
        (RIGHT, file("5.2.3790.2924", GDR), False, None, WOW),
        (file("5.2.3790.2924", GDR), OLD, False, WOW, DLL),
    ],
)
def test_all_fixed_needs_every_file(
    first: FileState,
    second: FileState,
    bad: str | None,
    undecided: str | None,
    *,
    fixed: bool,
) -> None:
    seen = examine_files(TWO, facts({DLL: first, WOW: second}))
    assert seen.all_fixed is fixed
    assert (seen.bad and seen.bad.path) == bad
    assert (seen.undecided and seen.undecided.path) == undecided


def test_right_files_with_one_unread_are_not_all_fixed() -> None:
    assert not examine_files(TWO, facts({DLL: RIGHT})).all_fixed


def test_a_version_of_a_finding_is_what_was_found() -> None:
    finding = judge_file([HOTFIX_ROW], RIGHT)
    assert finding.found == FileVersion(5, 2, 3790, 2500)
