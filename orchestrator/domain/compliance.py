"""Compliance over time, from verdicts as they were recorded.

A verdict holds from its record to the next one of the same server. Three classes are
kept apart: settled (nothing is left to do), open (known to be without the fix in
effect) and undecided, which counts neither for nor against.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.domain.case import Verdict

#: With these nothing is left to do on a server.
SETTLED = frozenset({Verdict.COMPLIANT, Verdict.NOT_AFFECTED, Verdict.NOT_APPLICABLE})
#: With these a server is known to lack the fix, or to run without it.
OPEN = frozenset(
    {
        Verdict.NEEDED,
        Verdict.BLOCKED,
        Verdict.CONTRADICTED,
        Verdict.INSTALLED_NOT_ACTIVE,
    }
)

#: Verdicts recorded closer together belong to one look at the estate.
ONE_LOOK = timedelta(minutes=1)
#: A burn-down is thinned to so many points; the first and the last stay.
MAX_POINTS = 200
#: A projection further off than this says nothing.
HORIZON = timedelta(days=10 * 365)
_HOUR = 3600.0  # seconds
_HUNDRED = 100


class Standing(StrEnum):
    """What a verdict counts as."""

    OPEN = "open"
    SETTLED = "settled"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict as it was recorded."""

    at: datetime
    server: str
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many servers stood how after one look at the estate."""

    at: datetime
    open: int
    settled: int
    undecided: int


@dataclass(frozen=True, slots=True)
class Projection:
    """When no server would be open any more, were it to go on as it did.

    The slope is that of the least-squares line through the open counts since they
    last were at their highest; it is carried on from the last count.
    """

    #: ``None`` where nothing can be said; ``why`` says why.
    zero: datetime | None
    why: str = ""
    #: How many open servers fewer there were each day.
    per_day: float = 0.0

    @property
    def sentence(self) -> str:
        """The projection for people, with how it was made."""
        if self.zero is None:
            return f"No projected date: {self.why}."
        # Three digits, and never an exponent.
        speed = f"{self.per_day:{',.0f' if self.per_day >= _HUNDRED else '.3g'}}"
        return (
            f"At {speed} servers a day none is open by "
            f"{self.zero:%Y-%m-%d}: a straight line (least squares) through the open "
            "counts since their highest, carried on from the last."
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """A server that was compliant once and is known not to be now."""

    server: str
    #: When it was last recorded as compliant.
    compliant: datetime
    #: The first record since then that says otherwise.
    since: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Compliance:
    """What the recorded verdicts say of a time."""

    exposure_hours: Mapping[str, float]
    burn_down: tuple[Count, ...]
    projection: Projection
    drift: tuple[Drift, ...]


def standing_of(verdict: Verdict) -> Standing:
    """What a verdict counts as."""
    if verdict in OPEN:
        return Standing.OPEN
    return Standing.SETTLED if verdict in SETTLED else Standing.UNDECIDED


def compliance_of(
    history: Iterable[Judged], until: datetime, looks: Iterable[datetime] = ()
) -> Compliance:
    """Everything at once; what was recorded after ``until`` does not count.

    Args:
        history: verdicts in any order.
        until: the moment that is asked about.
        looks: when the estate was audited, whether or not a verdict changed.
    """
    known = sorted(
        (judged for judged in history if judged.at <= until), key=lambda one: one.at
    )
    counts = burn_down(known, [look for look in looks if look <= until])
    return Compliance(
        exposure_hours(known, until), counts, project(counts), drift(known)
    )


def exposure_hours(history: Sequence[Judged], until: datetime) -> dict[str, float]:
    """For how many hours each server was recorded as open.

    The last verdict holds until ``until``.

    Args:
        history: in order of time.
        until: not before the last of it.
    """
    hours: dict[str, float] = {}
    last: dict[str, Judged] = {}
    for judged in history:
        before = last.get(judged.server)
        hours.setdefault(judged.server, 0.0)
        if before is not None:
            hours[judged.server] += _open_hours(before, judged.at)
        last[judged.server] = judged
    for judged in last.values():
        hours[judged.server] += _open_hours(judged, until)
    return hours


def _open_hours(judged: Judged, until: datetime) -> float:
    if judged.verdict not in OPEN:
        return 0.0
    return (until - judged.at).total_seconds() / _HOUR


def burn_down(
    history: Sequence[Judged], looks: Sequence[datetime] = ()
) -> tuple[Count, ...]:
    """A count after each look at the estate, thinned to ``MAX_POINTS``.

    Args:
        history: in order of time. A server counts from its first verdict on.
        looks: at which perhaps no verdict changed.
    """
    events: list[tuple[datetime, Judged | None]] = [
        *((judged.at, judged) for judged in history),
        *((look, None) for look in looks),
    ]
    events.sort(key=lambda event: event[0])
    standing: dict[str, Standing] = {}
    totals: Counter[Standing] = Counter()
    counts: list[Count] = []
    for number, (at, judged) in enumerate(events):
        if judged is not None:
            before = standing.get(judged.server)
            if before is not None:
                totals[before] -= 1
            now = standing[judged.server] = standing_of(judged.verdict)
            totals[now] += 1
        following = events[number + 1][0] if number + 1 < len(events) else None
        if standing and (following is None or following - at > ONE_LOOK):
            counts.append(_count(at, totals))
    return _thinned(counts)


def _count(at: datetime, totals: Mapping[Standing, int]) -> Count:
    return Count(
        at, totals[Standing.OPEN], totals[Standing.SETTLED], totals[Standing.UNDECIDED]
    )


def _thinned(counts: Sequence[Count]) -> tuple[Count, ...]:
    if len(counts) <= MAX_POINTS:
        return tuple(counts)
    last = len(counts) - 1
    return tuple(
        counts[round(number * last / (MAX_POINTS - 1))] for number in range(MAX_POINTS)
    )


def project(counts: Sequence[Count]) -> Projection:
    """When the open count reaches zero on a straight line; see :class:`Projection`."""
    if not counts:
        return Projection(None, "nothing was recorded yet")
    last = counts[-1]
    if last.open == 0:
        return Projection(None, "no server is open")
    highest = max(count.open for count in counts)
    start = max(n for n, count in enumerate(counts) if count.open == highest)
    decline = counts[start:]
    days = [(count.at - decline[0].at) / timedelta(days=1) for count in decline]
    per_day = 0.0
    if days[-1] > 0:
        line = statistics.linear_regression(days, [count.open for count in decline])
        per_day = -line.slope
    if per_day <= 0:
        return Projection(None, "open servers are not getting fewer")
    left = last.open / per_day
    if left > HORIZON / timedelta(days=1):
        return Projection(None, "at this pace more than ten years are left", per_day)
    return Projection(last.at + timedelta(days=left), per_day=per_day)


def drift(history: Sequence[Judged]) -> tuple[Drift, ...]:
    """The servers that were compliant once and are known not to be now, by name.

    An unknown verdict neither begins nor ends a drift; being settled another way,
    because a peer lost its protection, is none.

    Args:
        history: in order of time.
    """
    compliant: dict[str, datetime] = {}
    drifted: dict[str, Drift] = {}
    for judged in history:
        name = judged.server
        if judged.verdict is Verdict.UNKNOWN:
            continue
        if judged.verdict in SETTLED:
            drifted.pop(name, None)
            if judged.verdict is Verdict.COMPLIANT:
                compliant[name] = judged.at
        elif name in compliant:
            since = drifted[name].since if name in drifted else judged.at
            drifted[name] = Drift(name, compliant[name], since, judged.verdict)
    return tuple(drifted[name] for name in sorted(drifted))
