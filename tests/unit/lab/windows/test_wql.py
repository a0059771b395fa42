"""WQL is read and evaluated as WMI of Server 2003 does."""

from __future__ import annotations

import operator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.machine import WBEM_E_INVALID_QUERY, WmiError, WmiValue
from orchestrator.lab.windows import wql

MOMENT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
ROW: dict[str, WmiValue] = {
    "name": "RTCSRV",
    "path": "c:\\windows\\system32",
    "processid": 1204,
    "started": True,
    "exitcode": None,
    "written": MOMENT,
    "roles": ["NT"],
    "quote": "it's",
}


def condition_of(text: str) -> wql.Condition | None:
    return wql.parse("SELECT * FROM C WHERE " + text).where  # noqa: S608 -- WQL of a simulated host


def holds(condition: str) -> bool:
    return wql.matches(condition_of(condition), ROW)


@pytest.mark.parametrize(
    "condition",
    [
        "Name = 'rtcsrv'",
        'Name = "RtcSrv"',
        "'rtcsrv' = name",
        "Path = 'C:\\\\Windows\\\\System32'",
        "quote = 'it\\'s'",
        'quote = "it\'s"',
        "ProcessId > 1203 AND ProcessId >= 1204 AND ProcessId < 1205",
        "1203 < ProcessId",
        "1204 <= ProcessId",
        "ProcessId = '1204'",
        "ProcessId <> 1 AND ProcessId != 2",
        "ProcessId < 1204.5",
        "ProcessId > -5",
        "Started = TRUE",
        "Started = 'true'",
        "Started = 1",
        "NOT Started = FALSE",
        "ExitCode IS NULL",
        "ExitCode = NULL",
        "Name IS NOT NULL",
        "Name LIKE 'rtc%'",
        "Name LIKE '_TCSRV'",
        "Name LIKE '[p-s]tc[^a]rv'",
        "NOT Name LIKE 'tcs%'",
        "Written >= '20261101123000.000000+000'",
        "Written = '20261101133000.000000+060'",
        "Written < '20261101123000.******-060'",
        "(Name = 'x' OR Started = TRUE) AND NOT (ProcessId = 1)",
        "Name = 'x' OR Name = 'rtcsrv' AND Started = TRUE",
        "nOt Name = 'x'",
    ],
)
def test_condition_holds(condition: str) -> None:
    assert holds(condition)


@pytest.mark.parametrize(
    "condition",
    [
        "ExitCode = 0",
        "ExitCode <> 0",
        "ExitCode < 1",
        "ProcessId = 'many'",
        "Started = 'perhaps'",
        "Written > 'yesterday'",
        "Written > '20269901123000.000000+000'",
        "Roles = 'NT'",
        "Name LIKE 'rtc'",
        "Path = 'c:\\windows\\system32'",
        "Name = 'x' AND Name = 'rtcsrv' OR Started = FALSE",
    ],
)
def test_condition_does_not_hold(condition: str) -> None:
    assert not holds(condition)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT",
        "SELECT FROM C",
        "SELECT * FROM",
        "SELECT * FROM C WHERE",
        "SELECT * FROM C WHERE Name",
        "SELECT * FROM C WHERE Name = ",
        "SELECT * FROM C WHERE Name = 'open",
        "SELECT * FROM C WHERE Name = Other",
        "SELECT * FROM C WHERE (Name = 'a'",
        "SELECT * FROM C WHERE Name = 'a' Name",
        "SELECT * FROM C; DROP",
        "SELECT * FROM C WHERE Name LIKE 5",
        "SELECT a,, b FROM C",
        "UPDATE C SET a = 1",
        "SELECT * FROM C WHERE " + "(" * 100 + "a=1" + ")" * 100,
        "SELECT * FROM C WHERE a = '" + "x" * wql.MAX_QUERY + "'",  # noqa: S608 -- WQL of a simulated host
    ],
)
def test_what_is_not_wql_is_an_invalid_query(query: str) -> None:
    with pytest.raises(WmiError) as caught:
        wql.parse(query)
    assert caught.value.code == WBEM_E_INVALID_QUERY


def test_a_pattern_that_is_no_set_is_an_invalid_query() -> None:
    with pytest.raises(WmiError):
        holds("Name LIKE '[z-a]'")


def test_projection_and_class_are_read() -> None:
    select = wql.parse("select Name , ProcessId from Win32_Service")
    assert select == wql.Select(("Name", "ProcessId"), "Win32_Service", None)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("Name='A'", {"a"}),
        ("Name='A' OR NAME='b'", {"a", "b"}),
        ("Name='A' AND Size > 3", {"a"}),
        ("(Name='A' OR Name='B') AND Name='B'", {"b"}),
        ("Name='A' OR Size=3", None),
        ("NOT Name='A'", None),
        ("Name LIKE 'A%'", None),
        ("Name > 'A'", None),
    ],
)
def test_keys_bound_a_lookup_only_where_nothing_else_can_match(
    condition: str, keys: set[str] | None
) -> None:
    assert wql.keys_of(condition_of(condition), "name") == (keys)


# Random expressions over three integers, against Python's own evaluation.

SIGNS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
Expected = bool
VALUES = {"a": 1, "b": 5, "c": -2}


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, Expected]:
    name = draw(st.sampled_from(sorted(VALUES)))
    sign = draw(st.sampled_from(sorted(SIGNS)))
    number = draw(st.integers(-6, 6))
    return f"{name} {sign} {number}", SIGNS[sign](VALUES[name], number)


def joined(
    inner: st.SearchStrategy[tuple[str, Expected]],
) -> st.SearchStrategy[tuple[str, Expected]]:
    def combine(
        left: tuple[str, Expected], right: tuple[str, Expected], *, both: bool
    ) -> tuple[str, Expected]:
        word = "AND" if both else "OR"
        value = left[1] and right[1] if both else left[1] or right[1]
        return f"({left[0]}) {word} ({right[0]})", value

    pairs = st.builds(combine, inner, inner, both=st.booleans())
    return pairs | inner.map(lambda one: (f"NOT ({one[0]})", not one[1]))


@given(st.recursive(comparisons(), joined, max_leaves=12))
def test_any_expression_means_what_it_means_in_python(
    case: tuple[str, Expected],
) -> None:
    text, expected = case
    where = condition_of(text)
    assert wql.matches(where, dict(VALUES)) is expected


@given(st.lists(comparisons(), min_size=1, max_size=6), st.data())
def test_and_binds_tighter_than_or(
    parts: list[tuple[str, Expected]], data: st.DataObject
) -> None:
    words = [data.draw(st.sampled_from(["and", "or"])) for _ in parts[1:]]
    text, python = parts[0][0], str(parts[0][1])
    for word, (part, value) in zip(words, parts[1:], strict=True):
        text, python = f"{text} {word} {part}", f"{python} {word} {value}"
    where = condition_of(text)
    assert wql.matches(where, dict(VALUES)) is eval(python)  # noqa: S307 -- built from True, False, and, or alone


@given(st.text(max_size=40))
def test_a_string_survives_quoting(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    where = condition_of(f"a = '{quoted}'")
    assert where == wql.Comparison("a", "=", text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(WmiError):
        wql.parse(text)
