"""Symptoms from stored samples: which processes of a server leak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.domain.facts import Observation, Processes, ServiceState
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.symptom import (
    Sample,
    Symptom,
    before_and_after,
    measure,
    worst,
)

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


def samples_of(observations: Iterable[Observation]) -> Iterator[Sample]:
    """The private bytes that a survey saw."""
    for seen in observations:
        match seen.value:
            case ServiceState(
                process_id=int(process_id),
                process_started=datetime() as started,
                private_bytes=int(size),
            ):
                yield Sample(seen.subject, seen.at, process_id, started, size)
            case Processes(running):
                for one in running:
                    if one.private_bytes is not None:
                        yield Sample(
                            seen.subject,
                            seen.at,
                            one.process_id,
                            one.started,
                            one.private_bytes,
                        )
            case _:
                pass  # another fact, or one without the number


def leak_since(hotfix: Hotfix, samples: Iterable[Sample], moment: datetime) -> Symptom:
    """Whether a server leaks since its files were replaced; the worst process."""
    return worst(
        before_and_after(of_one, moment, moment).after
        for of_one in by_process(hotfix, samples).values()
    )


def symptoms(
    hotfix: Hotfix, watched: Mapping[str, Sequence[Sample]]
) -> dict[str, Symptom]:
    """The symptom of every server that was watched lately."""
    return {
        server: worst(map(measure, by_process(hotfix, samples).values()))
        for server, samples in watched.items()
    }
