"""Compliance over time, from recorded verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.compliance import (
    MAX_POINTS,
    OPEN,
    SETTLED,
    Count,
    Judged,
    Projection,
    Standing,
    burn_down,
    compliance_of,
    drift,
    exposure_hours,
    project,
    standing_of,
)
from orchestrator.domain.verdict import Verdict

START = datetime(2026, 3, 2, tzinfo=UTC)
NEEDED, COMPLIANT, UNKNOWN = Verdict.NEEDED, Verdict.COMPLIANT, Verdict.UNKNOWN


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def told(*seen: tuple[float, str, Verdict]) -> list[Judged]:
    return [Judged(hour(at), server, verdict) for at, server, verdict in seen]


def counts(*opened: int, every: float = 24) -> list[Count]:
    return [
        Count(hour(number * every), count, 0, 0) for number, count in enumerate(opened)
    ]


histories = st.lists(
    st.tuples(
        st.integers(0, 500), st.sampled_from(["a", "b", "c"]), st.sampled_from(Verdict)
    ),
    max_size=40,
).map(lambda seen: told(*sorted(seen, key=lambda one: one[0])))


def test_unknown_and_indeterminate_count_neither_for_nor_against() -> None:
    undecided = {
        verdict for verdict in Verdict if standing_of(verdict) is Standing.UNDECIDED
    }
    assert undecided == {Verdict.UNKNOWN, Verdict.INDETERMINATE}
    assert not OPEN & SETTLED


def test_a_server_is_exposed_from_an_open_verdict_to_the_next_that_is_not() -> None:
    history = told((0, "fe1", NEEDED), (5, "fe1", Verdict.BLOCKED), (7, "fe1", UNKNOWN))
    assert exposure_hours(history, hour(100)) == {"fe1": 7.0}


def test_the_last_verdict_holds_until_the_end() -> None:
    history = told((0, "fe1", COMPLIANT), (2, "fe1", NEEDED), (3, "fe2", COMPLIANT))
    assert exposure_hours(history, hour(10)) == {"fe1": 8.0, "fe2": 0.0}


@given(histories)
def test_exposure_is_never_negative_nor_longer_than_the_time_watched(
    history: list[Judged],
) -> None:
    begun: dict[str, datetime] = {}
    for judged in history:
        begun.setdefault(judged.server, judged.at)
    found = exposure_hours(history, hour(500))
    assert set(found) == set(begun)
    for server, hours in found.items():
        longest = (hour(500) - begun[server]) / timedelta(hours=1)
        assert -1e-9 <= hours <= longest + 1e-9


def test_a_look_at_the_estate_is_one_point() -> None:
    moment = timedelta(seconds=1)
    first = [
        Judged(START + number * moment, f"fe{number}", NEEDED) for number in range(3)
    ]
    later = [Judged(hour(24), "fe1", COMPLIANT)]
    assert burn_down([*first, *later]) == (
        Count(START + 2 * moment, open=3, settled=0, undecided=0),
        Count(hour(24), open=2, settled=1, undecided=0),
    )


def test_servers_that_are_not_looked_at_again_keep_their_standing() -> None:
    history = told((0, "a", NEEDED), (0, "b", UNKNOWN), (9, "a", COMPLIANT))
    assert burn_down(history)[-1] == Count(hour(9), open=0, settled=1, undecided=1)


def naive_count(history: Sequence[Judged], at: datetime) -> tuple[int, int, int]:
    last = {judged.server: judged.verdict for judged in history if judged.at <= at}
    standings = [standing_of(verdict) for verdict in last.values()]
    return (
        standings.count(Standing.OPEN),
        standings.count(Standing.SETTLED),
        standings.count(Standing.UNDECIDED),
    )


@given(histories)
def test_every_point_is_what_a_naive_replay_finds(history: list[Judged]) -> None:
    for point in burn_down(history):
        found = (point.open, point.settled, point.undecided)
        assert found == naive_count(history, point.at)


@pytest.mark.parametrize(
    ("per_day", "said"), [(0.031, "0.031"), (99.96, "100"), (17_842.0, "17,842")]
)
def test_a_projection_says_its_speed_without_an_exponent(
    per_day: float, said: str
) -> None:
    found = Projection(hour(5), per_day=per_day).sentence
    assert found.startswith(f"At {said} servers a day")


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    history = told(*((number, "fe1", NEEDED) for number in range(1000)))
    points = burn_down(history)
    assert len(points) == MAX_POINTS
    assert (points[0].at, points[-1].at) == (hour(0), hour(999))


def test_a_steady_decline_reaches_zero_on_its_own_line() -> None:
    found = project(counts(9, 7, 5, 3))
    assert found.per_day == pytest.approx(2.0)
    assert found.zero == hour(3 * 24) + timedelta(days=1.5)


def test_only_the_time_since_the_highest_count_decides() -> None:
    assert project(counts(1, 5, 20, 18, 16)).per_day == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("opened", "why"),
    [
        ((), "nothing was recorded yet"),
        ((5, 0), "no server is open"),
        ((5,), "open servers are not getting fewer"),
        ((3, 4, 5), "open servers are not getting fewer"),
        ((5, 5, 5), "open servers are not getting fewer"),
    ],
)
def test_without_a_decline_there_is_no_date(opened: tuple[int, ...], why: str) -> None:
    found = project(counts(*opened))
    assert (found.zero, found.why) == (None, why)


def test_a_date_too_far_off_is_not_told() -> None:
    found = project(counts(100_000, 99_999))
    assert found.zero is None
    assert "ten years" in found.why


@given(st.lists(st.integers(0, 50), max_size=30))
def test_a_projected_date_lies_after_the_last_count(opened: list[int]) -> None:
    made = counts(*opened)
    found = project(made)
    assert (found.zero is None) == bool(found.why)
    if found.zero is not None:
        assert found.zero > made[-1].at


def test_a_server_that_was_compliant_and_is_open_again_has_drifted() -> None:
    history = told(
        (0, "fe1", COMPLIANT),
        (1, "fe1", COMPLIANT),
        (2, "fe1", Verdict.CONTRADICTED),
        (3, "fe1", NEEDED),
    )
    (found,) = drift(history)
    assert (found.compliant, found.since) == (hour(1), hour(2))
    assert found.verdict is NEEDED


@pytest.mark.parametrize(
    "after", [UNKNOWN, COMPLIANT, Verdict.NOT_AFFECTED, Verdict.NOT_APPLICABLE]
)
def test_what_is_unknown_or_settled_has_not_drifted(after: Verdict) -> None:
    assert drift(told((0, "fe1", COMPLIANT), (1, "fe1", after))) == ()


def test_a_later_unknown_does_not_hide_a_drift() -> None:
    history = told((0, "fe1", COMPLIANT), (1, "fe1", NEEDED), (2, "fe1", UNKNOWN))
    assert [one.verdict for one in drift(history)] == [NEEDED]


def test_a_server_that_was_never_compliant_cannot_drift() -> None:
    assert drift(told((0, "fe1", NEEDED), (1, "fe1", Verdict.BLOCKED))) == ()


@given(histories)
def test_the_order_of_reading_does_not_matter(history: list[Judged]) -> None:
    apart = sorted(history, key=lambda one: one.server)
    distinct = {(one.at, one.server): one for one in apart}
    whole = compliance_of(distinct.values(), hour(500))
    assert compliance_of(reversed(distinct.values()), hour(500)) == whole


def test_what_was_recorded_later_does_not_count() -> None:
    history = told((0, "fe1", NEEDED), (20, "fe1", COMPLIANT))
    found = compliance_of(history, hour(10))
    assert found.exposure_hours == {"fe1": 10.0}
    assert [point.open for point in found.burn_down] == [1]
