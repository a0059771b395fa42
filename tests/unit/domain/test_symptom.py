"""Slopes of private bytes: leaking, not leaking, undecided; before against after."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.domain.symptom import (
    MAX_SAMPLES,
    Cure,
    Leak,
    Sample,
    Symptom,
    Thresholds,
    before_and_after,
    compare,
    lives,
    measure,
    worst,
)

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MIB = 1 << 20
LIMITS = Thresholds()


def life(
    grown: Callable[[float], float],
    *,
    count: int = 24,
    minutes: float = 10,
    begins: datetime = START,
    process_id: int = 900,
    noise: int = 0,
) -> list[Sample]:
    """Samples of one life; ``grown`` gives bytes after so many hours."""
    chance = random.Random(process_id)  # noqa: S311 -- noise, no secret
    return [
        Sample(
            "RTCSRV",
            begins + timedelta(minutes=minutes * number),
            process_id,
            begins - timedelta(hours=1),
            int(200 * MIB + grown(minutes * number / 60) + chance.gauss(0, noise)),
        )
        for number in range(count)
    ]


def leak(mib_an_hour: float) -> Callable[[float], float]:
    return lambda hours: mib_an_hour * MIB * hours


def flat(_: float) -> float:
    return 0.0


def test_steady_growth_is_a_leak_with_its_slope() -> None:
    found = measure(life(leak(10), noise=MIB))
    assert found.leak is Leak.LEAKING
    assert found.slope == pytest.approx(10 * MIB, rel=0.1)
    assert found.low <= found.slope <= found.high
    assert (found.samples, found.process) == (24, "RTCSRV")


def test_memory_that_only_trembles_does_not_leak() -> None:
    found = measure(life(flat, noise=MIB // 2))
    assert found.leak is Leak.NOT_LEAKING
    assert found.high < LIMITS.slope


def test_growth_below_the_least_slope_does_not_leak() -> None:
    assert measure(life(leak(0.25))).leak is Leak.NOT_LEAKING


def test_memory_that_shrinks_does_not_leak() -> None:
    assert measure(life(leak(-20), noise=MIB)).leak is Leak.NOT_LEAKING


def test_an_interval_that_holds_the_least_slope_is_undecided() -> None:
    found = measure(life(leak(1), noise=5 * MIB))
    assert found.low < LIMITS.slope <= found.high
    assert found.leak is Leak.UNDECIDED


def test_nothing_measured_is_its_own_answer() -> None:
    assert measure([]).leak is Leak.NOT_MEASURED


@pytest.mark.parametrize(
    ("count", "minutes", "expected"),
    [
        (LIMITS.samples, 10, Leak.LEAKING),
        (LIMITS.samples - 1, 10, Leak.UNDECIDED),
        # An hour exactly, and a little less.
        (13, 5, Leak.LEAKING),
        (13, 4.99, Leak.UNDECIDED),
    ],
)
def test_too_few_samples_or_too_short_a_span_are_undecided(
    count: int, minutes: float, expected: Leak
) -> None:
    found = measure(life(leak(10), count=count, minutes=minutes))
    assert (found.leak, found.samples) == (expected, count)


def test_a_single_step_is_no_leak() -> None:
    stepped = life(lambda hours: 100 * MIB if hours >= 3 else 0)
    assert measure(stepped).leak is not Leak.LEAKING


def test_a_quarter_of_wild_samples_does_not_hide_a_leak() -> None:
    samples = life(leak(10), count=60)
    chance = random.Random(7)  # noqa: S311 -- noise, no secret
    for place in chance.sample(range(60), 15):
        samples[place] = replace(
            samples[place], private_bytes=chance.randrange(900 * MIB)
        )
    found = measure(samples)
    assert found.leak is Leak.LEAKING
    assert found.slope == pytest.approx(10 * MIB, rel=0.3)


def test_a_restart_separates_lives_and_hides_no_leak() -> None:
    second = START + timedelta(hours=5)
    both = [
        *life(leak(10)),
        *life(leak(10), begins=second, process_id=901),
    ]
    assert [len(found) for found in lives(both)] == [24, 24]
    found = measure(both)
    assert found.leak is Leak.LEAKING
    assert found.slope == pytest.approx(10 * MIB, rel=0.05)


def test_the_same_process_id_after_a_restart_is_another_life() -> None:
    second = START + timedelta(hours=5)
    both = [*life(flat), *life(flat, begins=second)]
    assert len(lives(both)) == 2


def test_the_latest_life_that_says_enough_counts() -> None:
    later = START + timedelta(hours=5)
    cured = life(flat, begins=later, process_id=901)
    assert measure([*life(leak(10)), *cured]).leak is Leak.NOT_LEAKING
    assert measure([*life(leak(10)), *cured[:3]]).leak is Leak.LEAKING


def test_a_long_life_is_weighed_over_its_whole_span() -> None:
    day = 24 * 60
    # It leaked half a day and then no more: over the day, half of that.
    samples = life(lambda hours: 10 * MIB * min(hours, 12), count=day, minutes=1)
    found = measure(samples)
    assert found.samples == MAX_SAMPLES
    assert 2 * MIB < found.slope < 9 * MIB
    assert measure(samples[day // 2 :]).leak is Leak.NOT_LEAKING


@settings(max_examples=30)
@given(
    slope=st.floats(-50, 50),
    constant=st.integers(-100 * MIB, 4096 * MIB),
    order=st.randoms(use_true_random=False),
)
def test_neither_a_constant_nor_the_order_changes_anything(
    slope: float, constant: int, order: random.Random
) -> None:
    samples = life(leak(slope), noise=MIB)
    moved = [
        replace(sample, private_bytes=sample.private_bytes + constant)
        for sample in samples
    ]
    order.shuffle(moved)
    assert measure(moved) == measure(samples)


@settings(max_examples=30)
@given(slope=st.floats(-50, 50), factor=st.sampled_from([2, 3, 5, 10]))
def test_time_that_runs_slower_flattens_the_slope_by_as_much(
    slope: float, factor: int
) -> None:
    samples = life(leak(slope), noise=MIB)
    slower = [
        replace(sample, at=START + (sample.at - START) * factor) for sample in samples
    ]
    fast, slow = measure(samples), measure(slower)
    assert slow.slope * factor == pytest.approx(fast.slope, rel=1e-6, abs=1.0)
    assert slow.high * factor == pytest.approx(fast.high, rel=1e-6, abs=1.0)


@settings(max_examples=30)
@given(
    values=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=40),
    minutes=st.integers(1, 60),
)
def test_whatever_was_sampled_the_interval_holds_the_slope(
    values: Sequence[int], minutes: int
) -> None:
    samples = [
        Sample("x", START + timedelta(minutes=minutes * place), 1, START, value)
        for place, value in enumerate(values)
    ]
    found = measure(samples)
    assert found.low <= found.slope <= found.high
    assert found.leak is not Leak.NOT_MEASURED
    assert found.samples == len(values)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Leak.LEAKING, Leak.NOT_LEAKING, Cure.CURED),
        (Leak.LEAKING, Leak.LEAKING, Cure.NOT_CURED),
        (Leak.NOT_LEAKING, Leak.LEAKING, Cure.NOT_CURED),
        (Leak.LEAKING, Leak.UNDECIDED, Cure.UNDECIDED),
        (Leak.LEAKING, Leak.NOT_MEASURED, Cure.UNDECIDED),
        (Leak.NOT_LEAKING, Leak.NOT_LEAKING, Cure.UNDECIDED),
        (Leak.NOT_MEASURED, Leak.NOT_LEAKING, Cure.UNDECIDED),
        (Leak.UNDECIDED, Leak.NOT_LEAKING, Cure.UNDECIDED),
    ],
)
def test_a_cure_needs_a_leak_before_and_none_after(
    before: Leak, after: Leak, expected: Cure
) -> None:
    found = compare(Symptom(before), Symptom(after))
    assert found.cure is expected
    assert found.confidence == pytest.approx(0.9)


def test_a_life_begun_before_the_replacement_is_before_however_long_it_lasts() -> None:
    replaced = START + timedelta(minutes=30)
    old = life(leak(10))  # goes on for hours after the replacement
    assert before_and_after(old, replaced, replaced).after.leak is Leak.NOT_MEASURED
    new = life(flat, begins=START + timedelta(hours=6), process_id=901)
    found = before_and_after([*new, *old], replaced, replaced)
    assert found.cure is Cure.CURED
    assert found.before.slope > LIMITS.slope > found.after.high


@pytest.mark.parametrize("known", ["neither", "earliest", "latest"])
def test_a_life_that_may_run_either_code_counts_as_neither(known: str) -> None:
    begun = START - timedelta(hours=1)
    earliest = begun - timedelta(hours=1) if known == "earliest" else None
    latest = begun + timedelta(hours=1) if known == "latest" else None
    found = before_and_after(life(leak(10)), earliest, latest)
    assert found.before.leak is found.after.leak is Leak.NOT_MEASURED


def test_the_worst_process_is_the_servers_symptom() -> None:
    leaking = Symptom(Leak.LEAKING, slope=5.0, process="RTCSRV")
    steeper = Symptom(Leak.LEAKING, slope=9.0, process="lsass.exe")
    others = [Symptom(Leak.NOT_LEAKING, slope=99.0), Symptom(Leak.UNDECIDED), Symptom()]
    assert worst([*others, leaking, steeper]) == steeper
    assert worst(others).leak is Leak.UNDECIDED
    assert worst([]).leak is Leak.NOT_MEASURED


def test_statistics_are_not_loaded_until_a_slope_is_measured() -> None:
    code = "import sys, orchestrator.domain.verdict; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
