"""The symptom: whether a process leaks, as far as it was measured.

A leak is a slope of private bytes that lasts. The slope is Theil and Sen's: the median
over all pairs of samples, which one cache that fills or one burst of users does not
move. Its confidence interval is set against the least slope that is worth calling a
leak: wholly above it leaks, wholly below it does not, and one that holds it is
undecided. The interval takes samples as independent; private bytes are not quite, so
a short series says too much, and a least time span stands against that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HOUR = 3600.0  # seconds


class Leak(StrEnum):
    """What the samples say."""

    LEAKING = "leaking"
    NOT_LEAKING = "not-leaking"
    #: Too few samples, too short, or an interval that holds the least slope.
    UNDECIDED = "undecided"
    #: Counts as none.
    NOT_MEASURED = "not-measured"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When samples decide."""

    #: Fewer in one life of a process decide nothing.
    samples: int = 12
    #: Shorter decides nothing: caches fill and users log on.
    span: timedelta = timedelta(hours=1)
    #: Bytes an hour worth calling a leak; 1 MiB fills 2 GiB in three months.
    slope: float = 1024.0 * 1024.0
    #: Of the slope's interval.
    confidence: float = 0.95


DEFAULT_THRESHOLDS = Thresholds()
MAX_SAMPLES = 300  # of a longer life, evenly chosen; the work grows with the square


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process: its private bytes, and which life of it this was."""

    #: The service's name or the image's: ``RTCSRV``, ``lsass.exe``.
    process: str
    at: datetime
    process_id: int
    started: datetime
    private_bytes: int


@dataclass(frozen=True, slots=True)
class Symptom:
    """A measured leak with its slope in bytes an hour and a confidence interval."""

    leak: Leak = Leak.NOT_MEASURED
    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0
    samples: int = 0
    process: str = ""
    confidence: float = DEFAULT_THRESHOLDS.confidence


def lives(samples: Iterable[Sample]) -> list[list[Sample]]:
    """Samples apart by life of the process, the latest life last, each in order.

    A restart gives the memory back, so no slope goes across one.
    """
    apart: dict[tuple[datetime, int], dict[datetime, Sample]] = defaultdict(dict)
    for sample in samples:
        apart[sample.started, sample.process_id][sample.at] = sample
    return [[life[at] for at in sorted(life)] for _, life in sorted(apart.items())]


def measure(
    samples: Iterable[Sample], thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> Symptom:
    """Whether one process leaks, in the latest of its lives that says enough.

    Args:
        samples: of one process, in any order.
        thresholds: when they decide.
    """
    known = lives(samples)
    if not known:
        return Symptom(confidence=thresholds.confidence)
    enough = [life for life in known if _says_enough(life, thresholds)]
    if not enough:
        last = known[-1]
        return Symptom(
            Leak.UNDECIDED,
            samples=len(last),
            process=last[0].process,
            confidence=thresholds.confidence,
        )
    return _slope_of(_thinned(enough[-1]), thresholds)


def _says_enough(life: Sequence[Sample], thresholds: Thresholds) -> bool:
    span = life[-1].at - life[0].at
    return len(life) >= thresholds.samples and span >= thresholds.span


def _thinned(life: Sequence[Sample]) -> Sequence[Sample]:
    """At most ``MAX_SAMPLES``, over the whole span."""
    if len(life) <= MAX_SAMPLES:
        return life
    last = len(life) - 1
    return [life[place * last // (MAX_SAMPLES - 1)] for place in range(MAX_SAMPLES)]


def _slope_of(life: Sequence[Sample], thresholds: Thresholds) -> Symptom:
    # Loading scipy takes longer than most commands do, and few measure a slope.
    from scipy.stats import theilslopes  # noqa: PLC0415

    first = life[0]
    hours = [(sample.at - first.at).total_seconds() / HOUR for sample in life]
    # From the first sample on, so that no precision goes to what they all share.
    grown = [float(sample.private_bytes - first.private_bytes) for sample in life]
    found = theilslopes(grown, hours, alpha=thresholds.confidence)
    low, high = float(found.low_slope), float(found.high_slope)
    return Symptom(
        _judged(low, high, thresholds),
        slope=float(found.slope),
        low=low,
        high=high,
        samples=len(life),
        process=first.process,
        confidence=thresholds.confidence,
    )


def _judged(low: float, high: float, thresholds: Thresholds) -> Leak:
    if low >= thresholds.slope:
        return Leak.LEAKING
    return Leak.NOT_LEAKING if high < thresholds.slope else Leak.UNDECIDED


_WORST_FIRST = (Leak.LEAKING, Leak.UNDECIDED, Leak.NOT_LEAKING, Leak.NOT_MEASURED)


def worst(symptoms: Iterable[Symptom]) -> Symptom:
    """The symptom of a server from those of its processes: the worst, the steepest."""
    return min(
        symptoms,
        key=lambda each: (_WORST_FIRST.index(each.leak), -each.slope),
        default=Symptom(),
    )


class Cure(StrEnum):
    """What before against after says."""

    CURED = "cured"
    NOT_CURED = "not-cured"
    #: One of the two is undecided or not measured, or there was no leak to cure.
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A process before and after a change."""

    cure: Cure
    before: Symptom
    after: Symptom
    #: At least so sure are both intervals together (Bonferroni).
    confidence: float


def compare(before: Symptom, after: Symptom) -> Comparison:
    """Whether a leak that was there is gone."""
    match before.leak, after.leak:
        case _, Leak.LEAKING:
            cure = Cure.NOT_CURED
        case Leak.LEAKING, Leak.NOT_LEAKING:
            cure = Cure.CURED
        case _:
            cure = Cure.UNDECIDED
    doubt = (1 - before.confidence) + (1 - after.confidence)
    return Comparison(cure, before, after, confidence=max(0.0, 1 - doubt))


def before_and_after(
    samples: Sequence[Sample],
    earliest: datetime | None,
    latest: datetime | None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Comparison:
    """Compare a process's lives begun before a replacement with those begun after.

    A life that began before it runs the old code to its end, so it counts as before;
    one of which nobody knows counts as neither.

    Args:
        samples: of one process, in any order.
        earliest: the files were not replaced before, on the host's clock as starts are.
        latest: nor after.
        thresholds: when they decide.
    """
    old = [one for one in samples if earliest is not None and one.started < earliest]
    new = [one for one in samples if latest is not None and one.started >= latest]
    return compare(measure(old, thresholds), measure(new, thresholds))
