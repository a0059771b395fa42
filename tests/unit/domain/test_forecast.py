from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.domain.case import Verdict
from orchestrator.domain.forecast import (
    TurnLength,
    WaveForecast,
    fits,
    forecast,
    turn_length,
)
from orchestrator.domain.planning import Basis, Plan, PlannedServer, PlanPolicy, Wave
from orchestrator.domain.remediation import Action, Attempt, Step, StepRecord

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LENGTH = TurnLength(2 * MINUTE, 5 * MINUTE, 10)


def turn(minutes: float, *, installed: bool = True) -> Attempt:
    step = StepRecord(Step.PRECHECK, START, START + minutes * MINUTE)
    ended = START if installed else None
    return Attempt("t", "r", "s", 1, Action.INSTALL, steps=(step,), installed_at=ended)


def plan_of(*pools: str | None, limit: int = 1) -> Plan:
    basis = Basis(Verdict.NEEDED, "x86", 1, None, {}, None)
    servers = tuple(
        PlannedServer(f"s{index}", Action.INSTALL, pool, "", basis)
        for index, pool in enumerate(pools)
    )
    limits = {pool: limit for pool in pools if pool}
    return Plan("KB1", (Wave(1, servers),), (), PlanPolicy(), limits, "")


def test_the_length_of_turns_is_their_median_and_95th_percentile() -> None:
    found = turn_length([turn(minutes) for minutes in range(21)])
    assert found == TurnLength(10 * MINUTE, 19 * MINUTE, 21)


def test_too_few_turns_say_nothing() -> None:
    assert turn_length([turn(1), turn(2)]) is None


def test_turns_that_installed_nothing_do_not_count() -> None:
    assert turn_length([turn(1, installed=False)] * 10) is None


@pytest.mark.parametrize(
    ("plan", "concurrency", "rounds"),
    [
        (plan_of(None, None, None, None), 4, 1),
        (plan_of(None, None, None, None), 2, 2),
        (plan_of("p", "p", "p"), 32, 3),
        (plan_of("p", "p", "p", limit=2), 32, 2),
        (plan_of("p", "q", None), 32, 1),
        (plan_of("p", "p", None, None, None, None), 2, 3),
    ],
)
def test_a_wave_is_as_long_as_its_longest_chain(
    plan: Plan, concurrency: int, rounds: int
) -> None:
    expected = WaveForecast(1, rounds * LENGTH.p50, rounds * LENGTH.p95)
    assert forecast(plan, LENGTH, concurrency) == (expected,)


def test_without_earlier_turns_nothing_is_forecast() -> None:
    assert forecast(plan_of(None), None, 1) == ()


@pytest.mark.parametrize(
    ("until", "expected"), [(None, True), (4, False), (5, True), (6, True)]
)
def test_a_wave_fits_if_its_95th_percentile_does(
    until: int | None, expected: bool
) -> None:
    wave = WaveForecast(1, 2 * MINUTE, 5 * MINUTE)
    closes = None if until is None else START + until * MINUTE
    assert fits(wave, START, closes) is expected
