from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.soap import parse
from orchestrator.adapters.winrm.values import Row, minutes_east, parse_time, row_of

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
CIM = 'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common"'


def row(xml: str) -> Row:
    return row_of(parse(f"<a {XSI} {CIM}>{xml}</a>"))


def test_null_is_not_an_empty_text() -> None:
    found = row('<Name xsi:nil="true"/><Description></Description>')
    assert found.text("Name") is None
    assert found.text("Description") == ""


def test_property_names_ignore_case_and_namespace() -> None:
    found = row('<p:Name xmlns:p="urn:x">lsass.exe</p:Name>')
    assert found.text("NAME") == "lsass.exe"


def test_a_repeated_element_is_an_array_and_a_lone_nil_is_none() -> None:
    assert row("<s>a</s><s></s><s>b</s>").texts("s") == ("a", "", "b")
    assert row('<s xsi:nil="true"/>').texts("s") == ()


def test_an_array_is_no_single_value() -> None:
    with pytest.raises(UnreadableError, match="no single value"):
        row("<s>a</s><s>b</s>").text("s")


@pytest.mark.parametrize(
    "text",
    [
        "2013-04-15T16:28:38Z",
        "2013-04-15T16:28:38.000000Z",
        "2013-04-15T18:28:38+02:00",
        "2013-04-15T11:28:38.0-05:00",
        "20130415182838.000000+120",
        "20130415112838.000000-300",
    ],
)
def test_every_spelling_of_a_moment_is_the_same_moment(text: str) -> None:
    assert parse_time(text) == datetime(2013, 4, 15, 16, 28, 38, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2013-04-15T18:28:38", "20130415182838.000000****"])
def test_a_time_without_an_offset_is_the_host_s_local_time(text: str) -> None:
    with pytest.raises(UnreadableError, match="offset"):
        parse_time(text)
    zone = minutes_east(120)
    assert parse_time(text, zone) == datetime(2013, 4, 15, 16, 28, 38, tzinfo=UTC)


def test_a_time_is_found_in_either_wrapping() -> None:
    wrapped = "<{0}Datetime>2013-04-15T16:28:38Z</{0}Datetime>"
    for prefix in ("", "cim:"):
        found = row(f"<LastBootUpTime>{wrapped.format(prefix)}</LastBootUpTime>")
        expected = datetime(2013, 4, 15, 16, 28, 38, tzinfo=UTC)
        assert found.moment("LastBootUpTime") == expected


@pytest.mark.parametrize("text", ["2013-02-30T00:00:00Z", "yesterday", "0000-01-01T00"])
def test_what_is_no_time_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse_time(text)


def test_objects_within_objects_end() -> None:
    with pytest.raises(UnreadableError, match="without an end"):
        row("<a>" * 50 + "</a>" * 50)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001  # hypothesis wants naive bounds
def test_a_dmtf_time_survives_any_offset(moment: datetime) -> None:
    text = f"{moment:%Y%m%d%H%M%S}.{moment.microsecond:06d}+330"
    expected = moment.replace(tzinfo=UTC) - timedelta(minutes=330)
    assert parse_time(text) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_unreadable(text: str) -> None:
    try:
        assert parse_time(text, UTC).tzinfo is UTC
    except UnreadableError:
        return
