"""How long waves will take, from how long servers took before.

A wave is as slow as its slowest pool, whose members go one after another, and no
faster than its servers shared out over the places that work at once. Both are taken
with the median and the 95th percentile of earlier turns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from orchestrator.domain.planning import Plan, Wave
from orchestrator.domain.remediation import Attempt

#: Fewer earlier turns than this say nothing.
MIN_TURNS = 3
_P50, _P95 = 9, 18  # places among the 19 cut points of twentieths


@dataclass(frozen=True, slots=True)
class TurnLength:
    """How long a server's turn takes."""

    p50: timedelta
    p95: timedelta
    #: How many earlier turns say so.
    turns: int


@dataclass(frozen=True, slots=True)
class WaveForecast:
    """When a wave will have ended, reckoned from its start."""

    wave: int
    p50: timedelta
    p95: timedelta


def turn_length(attempts: Sequence[Attempt]) -> TurnLength | None:
    """The length of turns, from those that ran an installer to its end."""
    spans = [span.total_seconds() for span in map(_span, attempts) if span is not None]
    if len(spans) < MIN_TURNS:
        return None
    cuts = quantiles(spans, n=20, method="inclusive")
    return TurnLength(
        timedelta(seconds=cuts[_P50]), timedelta(seconds=cuts[_P95]), len(spans)
    )


def _span(attempt: Attempt) -> timedelta | None:
    if attempt.installed_at is None or not attempt.steps:
        return None
    ends = [step.finished for step in attempt.steps if step.finished is not None]
    return max(ends) - attempt.steps[0].started if ends else None


def forecast(
    plan: Plan, length: TurnLength | None, concurrency: int
) -> tuple[WaveForecast, ...]:
    """Each wave's length; nothing where no earlier turn says any."""
    if length is None:
        return ()
    return tuple(
        WaveForecast(
            wave.number,
            rounds * length.p50,
            rounds * length.p95,
        )
        for wave in plan.waves
        for rounds in (_rounds(wave, plan.pool_limits, concurrency),)
    )


def _rounds(wave: Wave, limits: Mapping[str, int], concurrency: int) -> int:
    """How many turns follow one another on the longest way through a wave."""
    members = Counter(planned.pool for planned in wave.servers if planned.pool)
    chains = [
        math.ceil(count / max(1, limits.get(pool, 1)))
        for pool, count in members.items()
    ]
    shared = math.ceil(len(wave.servers) / max(1, concurrency))
    return max([shared, *chains])


def fits(wave: WaveForecast, now: datetime, until: datetime | None) -> bool:
    """Whether a wave will have ended, 95 times of 100, before a window closes."""
    return until is None or now + wave.p95 <= until
