from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.version import (
    PART_LIMIT,
    Branch,
    BuildLab,
    FileVersion,
    MalformedVersionError,
    parse_build_lab,
)

parts = st.integers(0, PART_LIMIT)
versions = st.builds(FileVersion, parts, parts, parts, parts)


@given(versions)
def test_a_version_survives_its_own_text(version: FileVersion) -> None:
    assert FileVersion.parse(str(version)) == version


@given(versions, versions, versions)
def test_versions_are_totally_ordered(
    one: FileVersion, two: FileVersion, three: FileVersion
) -> None:
    assert (one < two) + (one == two) + (one > two) == 1
    assert (one <= two) == (one < two or one == two)
    if one <= two <= three:
        assert one <= three


@given(st.lists(parts, min_size=4, max_size=4), st.lists(parts, min_size=4, max_size=4))
def test_versions_compare_part_by_part_as_numbers(
    one: list[int], two: list[int]
) -> None:
    assert (FileVersion(*one) < FileVersion(*two)) == (one < two)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("5.2.3790.990", "5.2.3790.2490"),
        ("5.2.3790.2499", "5.2.3790.2500"),
        ("5.2.999.9999", "5.2.3790.0"),
        ("5.1.9999.9999", "5.2.0.0"),
        ("4.9.9.9", "5.0.0.0"),
    ],
)
def test_numbers_count_and_not_text(older: str, newer: str) -> None:
    assert FileVersion.parse(older) < FileVersion.parse(newer)


def test_blanks_around_and_zeros_before_do_not_matter() -> None:
    assert FileVersion.parse(" 05.2.03790.1\r\n") == FileVersion(5, 2, 3790, 1)


def test_the_greatest_version_is_four_times_16_bits() -> None:
    greatest = FileVersion.parse("65535.65535.65535.65535")
    assert greatest == FileVersion(65535, 65535, 65535, 65535)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5.2.3790",
        "5.2.3790.1.1",
        "5.2.3790.65536",
        "65536.0.0.0",
        "5.2.3790.-1",
        "5.2.3790.x",
        "5,2,3790,1",
        "5.2.3790.1 (srv03)",
        "5 .2.3790.1",
        "\u0665.\u0662.\u0663.\u0664",
        "1.1.1.999999",
    ],
)
def test_anything_else_is_malformed_and_says_what_was_expected(text: str) -> None:
    with pytest.raises(MalformedVersionError) as caught:
        FileVersion.parse(text)
    assert caught.value.found == text
    assert str(caught.value) == (
        f"found {text!r}, expected four numbers of at most 65535 such as 5.2.3790.2490"
    )


def test_an_error_quotes_no_more_than_a_line_of_a_hostile_text() -> None:
    with pytest.raises(MalformedVersionError) as caught:
        FileVersion.parse("9" * 100_000)
    assert "9" * 60 in str(caught.value)
    assert "9" * 61 not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_version_or_malformed(text: str) -> None:
    try:
        version = FileVersion.parse(text)
    except MalformedVersionError:
        return
    assert FileVersion.parse(str(version)) == version


@pytest.mark.parametrize(
    ("text", "branch", "service_pack"),
    [
        ("5.2.3790.2490 (srv03_sp1_qfe.050707-1657)", Branch.QFE, 1),
        ("5.2.3790.2924 (srv03_sp1_gdr.070425-1200)", Branch.GDR, 1),
        ("5.2.3790.3959 (srv03_sp2_rtm.070216-1710)", Branch.RTM, 2),
        ("5.2.3790.0 (srv03_rtm.030324-2048)", Branch.RTM, None),
        ("6.0.6001.22000 (vistasp1_ldr.080101-0000)", Branch.QFE, None),
        ("SRV03_SP1_QFE.050707-1657", Branch.QFE, 1),
        ("srv03_sp1_Gdr", Branch.GDR, 1),
    ],
)
def test_the_branch_is_read_from_the_text_of_the_resource(
    text: str, branch: Branch, service_pack: int | None
) -> None:
    assert parse_build_lab(text) == BuildLab(branch, service_pack)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5.2.3790.2490",
        "5.2.3790.2490 (main.050707-1657)",
        "srv03_sp1_qfex",
        "_sp1_qfe",
        "qfe",
        "srv03_sp1",
        "srv03-sp1-qfe",
        "srv03_sp1_beta",
    ],
)
def test_a_text_without_a_branch_names_none(text: str) -> None:
    assert parse_build_lab(text) is None
