"""The pace: slower under strain, back when it is over, and no slower for the dead."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.pace import STEP, WINDOW, Pace

#: How many results of a window are strained, at so many at once.
Load = Callable[[int], int]


def window(strained: int) -> list[bool]:
    return [number < strained for number in range(WINDOW)]


def heard(pace: Pace, results: Iterable[bool]) -> Pace:
    for strained in results:
        pace = pace.after(strained=strained)
    return pace


def rooms(pace: Pace, load: Load, windows: int) -> list[int]:
    """The pace after each window, where strain depends on it as told."""
    found = []
    for _ in range(windows):
        pace = heard(pace, [True] * pace.earlier)
        pace = heard(pace, window(load(pace.room)))
        found.append(pace.room)
    return found


@pytest.mark.parametrize(
    ("strained", "expected"),
    [(0, 32), (4, 32), (5, 16), (20, 16)],
    ids=["calm", "a few", "too many", "all"],
)
def test_a_quarter_of_a_window_halves_the_pace(strained: int, expected: int) -> None:
    assert heard(Pace.full(32), window(strained)).room == expected


def test_nothing_is_judged_before_a_window_is_full() -> None:
    assert heard(Pace.full(32), window(20)[:-1]).room == 32


def test_what_began_at_the_former_pace_is_not_held_against_the_new_one() -> None:
    slowed = heard(Pace.full(32), window(10))
    assert slowed.room == 16
    assert heard(slowed, [True] * 32) == heard(slowed, [False] * 32)
    assert heard(slowed, [True] * 32 + window(10)).room == 8


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        # What a line can bear is found by halving, and tried again step by step.
        (lambda room: 20 if room > 20 else 0, [16, 20, 24, 12, 16, 20]),
        # A line that bears very little: each step down helps, down to one.
        (lambda room: min(20, room), [16, 8, 4, 8, 4, 8]),
        # Dead hosts: two steps down prove that slowness is no cure.
        (lambda _: 20, [16, 8, 12, 16, 20, 24, 28, 32, 32]),
        (lambda _: 7, [16, 8, 12, 16, 20, 24, 28, 32, 32]),
        # Dead hosts, and a strain on top of them.
        (
            lambda room: 13 if room > 30 else 7,
            [16, 8, 12, 16, 20, 24, 28, 32, 16, 20],
        ),
    ],
    ids=["a limit", "a low limit", "all dead", "some dead", "dead and a limit"],
)
def test_slowing_goes_as_far_as_it_helps(load: Load, expected: list[int]) -> None:
    assert rooms(Pace.full(32), load, len(expected)) == expected


def test_once_the_dead_are_past_the_usual_share_is_forgotten() -> None:
    pace = Pace.full(32)
    for _ in range(9):
        pace = heard(pace, [True] * pace.earlier + window(20))
    assert pace.room == 32
    assert heard(heard(pace, window(0)), window(5)).room == 16


@given(
    maximum=st.integers(1, 200),
    results=st.lists(st.booleans(), max_size=600),
)
def test_the_pace_stays_within_its_bounds_and_comes_back(
    maximum: int, results: list[bool]
) -> None:
    pace = Pace.full(maximum)
    for strained in results:
        pace = pace.after(strained=strained)
        assert 1 <= pace.room <= maximum
    calm = pace.earlier + WINDOW * (2 * STEP + 2)
    assert heard(pace, [False] * calm).room == maximum


@given(maximum=st.integers(1, 200), dead=st.integers(0, WINDOW))
def test_however_many_are_dead_the_rest_are_not_slowed_for_long(
    maximum: int, dead: int
) -> None:
    slowest = min(rooms(Pace.full(maximum), lambda _: dead, 4 * STEP))
    last = rooms(Pace.full(maximum), lambda _: dead, 4 * STEP)[-1]
    assert slowest >= max(1, maximum // 8)
    assert last == maximum
