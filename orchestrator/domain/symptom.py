"""The symptom: whether a process leaks, as far as it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Leak(StrEnum):
    """What the samples say."""

    LEAKING = "leaking"
    NOT_LEAKING = "not-leaking"
    #: Too few samples, too short, or an interval that holds zero.
    UNDECIDED = "undecided"
    #: Counts as none.
    NOT_MEASURED = "not-measured"


@dataclass(frozen=True, slots=True)
class Symptom:
    """A measured leak with its slope in bytes an hour and a confidence interval."""

    leak: Leak = Leak.NOT_MEASURED
    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0
    samples: int = 0
