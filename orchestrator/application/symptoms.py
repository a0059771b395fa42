"""Symptoms from stored samples: which processes of a server leak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.symptom import Sample, Symptom, measure, worst

#: Samples from longer ago say nothing of how a server is now.
WINDOW = timedelta(days=7)


def by_process(
    hotfix: Hotfix, samples: Iterable[Sample]
) -> Mapping[str, Sequence[Sample]]:
    """The samples of each process that a hotfix names."""
    named = {*hotfix.services, *hotfix.evidence_processes}
    apart: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.process in named:
            apart[sample.process].append(sample)
    return dict(sorted(apart.items()))


def symptoms(uow: UnitOfWork, hotfix: Hotfix, now: datetime) -> dict[str, Symptom]:
    """The symptom of every server that was watched lately."""
    return {
        server: worst(map(measure, by_process(hotfix, samples).values()))
        for server, samples in uow.facts.samples(since=now - WINDOW).items()
    }
