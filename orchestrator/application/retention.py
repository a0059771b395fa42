"""Retention: what was superseded before a day loses its content; its hash stays.

What was in force on that day stays whole, so that every later moment is judged as
before: the newest inventory, tables, packages and facts, samples that still decide,
and the last step of an attempt without an outcome. Who decided and what came of it
(verdicts, plans, approvals, runs, outcomes, hooks, waivers) is never taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from orchestrator.application.codec import from_json, time_text
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import ErrorCode, RequestError, Result
from orchestrator.application.services import Services
from orchestrator.application.survey import FIRST_SEEN, SAMPLED
from orchestrator.application.symptoms import WINDOW
from orchestrator.domain.canonical import Json
from orchestrator.domain.evidence import Entry, Record, RecordKind
from orchestrator.domain.facts import FactSet, Observation

#: Records of these kinds may lose their content, once another supersedes them.
PRUNABLE = (
    RecordKind.CATALOG,
    RecordKind.INVENTORY,
    RecordKind.OBSERVATION,
    RecordKind.STEP,
)
_SUBJECT = "evidence"


@dataclass(frozen=True, slots=True)
class Retention:
    """What retention takes, or would take."""

    #: What was superseded before it is taken; nobody can look back past it.
    before: datetime
    #: Records that lose their content, by kind.
    pruned: Mapping[str, int]
    #: Whether it was done; without ``--yes`` nothing is.
    done: bool
    #: The hash of the record that says so; keep it as the newest head.
    head: str = ""


def prune(
    services: Services, before: datetime, *, by: str, reason: str, confirmed: bool
) -> Result[Retention]:
    """Take the content of what was superseded before a moment, or only count it.

    Args:
        services: the ports.
        before: the horizon.
        by: who answers for it.
        reason: why, such as the rule that asks for it.
        confirmed: whether to do it. It cannot be undone: export first.

    Raises:
        RequestError: the horizon has not passed yet.
    """
    now = services.clock.now()
    if before > now:
        message = f"found {before:%Y-%m-%d %H:%M}Z, expected a time that has passed"
        raise RequestError(ErrorCode.BAD_INPUT, message)
    # Read apart, so that no writer waits: what comes after the horizon decides nothing.
    with services.storage.read() as uow:
        gone = _superseded(uow, before)
    counts = Counter(record.kind.value for record in gone)
    if not (confirmed and gone):
        return Result("evidence-prune", Retention(before, counts, done=False))
    spans = tuple(_spans(gone))
    said: Json = {
        "before": time_text(before),
        "records": [list(span) for span in spans],
        "by": by,
        "account": services.account,
        "reason": reason,
    }
    with services.storage.begin() as uow:
        head = uow.evidence.append(Entry(RecordKind.RETENTION, _SUBJECT, said))
        for span in spans:
            uow.evidence.forget(*span)
    return Result(
        "evidence-prune", Retention(before, counts, done=True, head=head.hash)
    )


def horizon(uow: UnitOfWork) -> datetime | None:
    """Before this nobody can look back any more; ``None`` if nothing was pruned."""
    records = uow.evidence.records(kinds=(RecordKind.RETENTION,))
    said = (record.payload for record in records)
    days = [str(each["before"]) for each in said if isinstance(each, Mapping)]
    return max(map(datetime.fromisoformat, days), default=None)


def _spans(gone: Iterable[_Place]) -> Iterator[tuple[str, int, int]]:
    """What is taken: a writer, and the first and last number of a span."""
    places = sorted((place.writer, place.sequence) for place in gone)
    for _, run in groupby(
        enumerate(places), key=lambda each: (each[1][0], each[1][1] - each[0])
    ):
        span = [place for _, place in run]
        yield (*span[0], span[-1][1])


def _superseded(uow: UnitOfWork, before: datetime) -> list[_Place]:
    """The records from before a moment that do not count at it any more."""
    sieve = _Sieve(before)
    for record in uow.evidence.records(
        kinds=(*PRUNABLE, RecordKind.OUTCOME), until=before
    ):
        if record.at < before and isinstance(record.payload, Mapping):
            sieve.take(record, record.payload)
    return sieve.gone


@dataclass(frozen=True, slots=True)
class _Place:
    writer: str
    sequence: int
    kind: RecordKind


@dataclass(slots=True)
class _Sieve:
    """What counts after the records so far, and what does not any more."""

    before: datetime
    kept: dict[Hashable, _Place] = field(default_factory=dict)
    facts: dict[Hashable, Observation] = field(default_factory=dict)
    gone: list[_Place] = field(default_factory=list)

    def take(self, record: Record, payload: Mapping[str, Json]) -> None:
        """Let a record take the place of what it supersedes."""
        place = _Place(record.writer, record.sequence, record.kind)
        match record.kind:
            case RecordKind.OBSERVATION:
                self._observation(record.subject, payload, place)
            case RecordKind.STEP:
                self._keep(("step", record.subject, payload["run"]), place)
            case RecordKind.OUTCOME:
                self._drop(("step", record.subject, payload["run"]))
            case RecordKind.CATALOG:
                self._keep((record.subject, *_package(payload)), place)
            case _:
                self._keep(record.kind, place)

    def _observation(
        self, server: str, payload: Mapping[str, Json], place: _Place
    ) -> None:
        if "fault" in payload:
            self._keep(("fault", server), place)
        elif payload["kind"] == FIRST_SEEN:
            self._keep((FIRST_SEEN, server, payload["subject"]), place)
        else:
            self._drop(("fault", server))
            self._fact(server, payload, place)

    def _fact(self, server: str, payload: Mapping[str, Json], place: _Place) -> None:
        found = from_json(Observation, dict(payload))
        key = (server, found.kind, found.subject)
        before = self.facts.get(key)
        newest = found
        if before is not None:
            (newest,) = FactSet.of((before, found)).observations.values()
        self.facts[key] = newest
        sampled = SAMPLED in payload and found.at >= self.before - WINDOW
        if newest is not found:
            if not sampled:
                self.gone.append(place)
            return
        self._drop(key)
        if not sampled:
            self.kept[key] = place

    def _keep(self, key: Hashable, place: _Place) -> None:
        self._drop(key)
        self.kept[key] = place

    def _drop(self, key: Hashable) -> None:
        before = self.kept.pop(key, None)
        if before is not None:
            self.gone.append(before)


def _package(payload: Mapping[str, Json]) -> tuple[Json, ...]:
    """Tells packages from one another, and from the definition.

    What was read from a package's bytes counts until it is read again.
    """
    match payload:
        case {"package": {"sha256": sha256}}:
            return (sha256, payload.get("inside") is not None)
        case _:
            return ()
