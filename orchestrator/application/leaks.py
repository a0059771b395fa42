"""How the memory of one server's processes went, as far as it was watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.symptoms import WINDOW, by_process
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.symptom import Sample, Symptom, lives, measure

#: Of a course; more would not fit a line.
MAX_POINTS = 40


@dataclass(frozen=True, slots=True)
class MeasuredProcess:
    """A process of a server: whether it leaks, and how its memory went."""

    process: str
    symptom: Symptom
    #: Private bytes in the latest life of the process, oldest first, evenly chosen.
    course: tuple[int, ...]
    since: datetime
    until: datetime


def measured(
    uow: UnitOfWork, hotfix: Hotfix, server: str, now: datetime
) -> tuple[MeasuredProcess, ...]:
    """Every process of a server that was watched lately."""
    samples = uow.facts.samples(since=now - WINDOW, server=server).get(server, ())
    apart = by_process(hotfix, samples)
    return tuple(_measured(name, of_it) for name, of_it in apart.items())


def _measured(name: str, samples: Sequence[Sample]) -> MeasuredProcess:
    life = lives(samples)[-1]
    points, last = min(MAX_POINTS, len(life)), len(life) - 1
    chosen = (life[place * last // max(1, points - 1)] for place in range(points))
    return MeasuredProcess(
        name,
        measure(samples),
        tuple(sample.private_bytes for sample in chosen),
        life[0].at,
        life[-1].at,
    )
