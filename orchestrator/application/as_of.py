"""The estate as it was known at a past moment, from the evidence alone.

The records appended by then are read once, in order of time, and only what is still
in force is kept: the last definition, the newest observation of each fact, the last
waiver. So memory grows with the estate, never with its history. What was known is
judged by today's rules, with the clock at that moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.application.codec import from_json
from orchestrator.application.judging import (
    Estate,
    Judging,
    article_name,
    estate_of,
    own_records,
)
from orchestrator.application.ports.storage import FirstSeen, UnitOfWork
from orchestrator.application.results import ErrorCode, RefusedError, not_found
from orchestrator.application.retention import PRUNABLE, horizon
from orchestrator.application.survey import FIRST_SEEN, SAMPLED
from orchestrator.application.symptoms import WINDOW, samples_of
from orchestrator.domain.canonical import Json
from orchestrator.domain.compliance import Judged
from orchestrator.domain.evidence import Record, RecordKind
from orchestrator.domain.facts import FactKey, FactSet, Observation
from orchestrator.domain.hotfix import Hotfix, Package
from orchestrator.domain.remediation import Attempt
from orchestrator.domain.server import Inventory
from orchestrator.domain.symptom import Sample
from orchestrator.domain.verdict import Verdict
from orchestrator.domain.waiver import Waiver

_Payload = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """A verdict as it was recorded."""

    verdict: Verdict
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """All that an audit rests on, at one moment."""

    estate: Estate
    waivers: Mapping[str, Waiver]
    #: Why the last contact with a server failed; those that answered are left out.
    faults: Mapping[str, str]
    #: The verdict recorded last, per server; of a past moment only.
    then: Mapping[str, RecordedVerdict] = field(default_factory=dict)
    #: The changes of verdicts that were recorded, in order of time.
    history: Sequence[Judged] = ()
    #: When the estate was audited.
    looks: Sequence[datetime] = ()


def known_at(uow: UnitOfWork, article: str, moment: datetime) -> Known:
    """What was known at a moment.

    Args:
        uow: an open unit of work; records are streamed from it.
        article: with or without ``KB``.
        moment: later records do not count.

    Raises:
        RequestError: the catalog did not hold the article then.
        RefusedError: what was recorded by then has been pruned.
    """
    pruned = horizon(uow)
    if pruned is not None and moment < pruned:
        raise _refused(pruned, moment)
    replay = _Replay(article_name(article), moment)
    for record in uow.evidence.records(kinds=tuple(_TAKE), until=moment):
        if record.payload is None and _superseded(record, pruned):
            continue
        replay.take(record)
    looks = uow.evidence.times(RecordKind.AUDIT, replay.article, moment)
    return replace(replay.known(), looks=looks)


def _superseded(record: Record, pruned: datetime | None) -> bool:
    """Whether retention took what a record held: another one says what counts."""
    return record.kind in PRUNABLE and pruned is not None and record.at < pruned


def _refused(gone: datetime, moment: datetime) -> RefusedError:
    return RefusedError(
        ErrorCode.PRUNED,
        f"what was recorded before {gone:%Y-%m-%d %H:%M:%S}Z has been pruned, "
        f"so {moment:%Y-%m-%d %H:%M:%S}Z cannot be judged any more",
        "ask about a later time, or look into an older export",
    )


@dataclass(slots=True)
class _Replay:
    """What is in force after the records so far."""

    article: str
    moment: datetime
    hotfix: Json = None
    packages: dict[str, Package] = field(default_factory=dict)
    inventory: Json = None
    facts: dict[str, dict[FactKey, Observation]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    samples: dict[str, dict[tuple[object, ...], Sample]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    faults: dict[str, str] = field(default_factory=dict)
    seen: dict[str, FirstSeen] = field(default_factory=dict)
    #: The article of each plan, and the place of each run of this article.
    plans: dict[str, Json] = field(default_factory=dict)
    runs: dict[str, tuple[Json, int]] = field(default_factory=dict)
    installs: dict[str, Attempt] = field(default_factory=dict)
    waivers: dict[str, Waiver] = field(default_factory=dict)
    then: dict[str, RecordedVerdict] = field(default_factory=dict)
    history: list[Judged] = field(default_factory=list)

    def take(self, record: Record) -> None:
        """Let a record take the place of what it supersedes.

        Raises:
            RefusedError: its content has been pruned.
        """
        if not isinstance(record.payload, Mapping):
            raise _refused(record.at, self.moment)
        _TAKE[record.kind](self, record, record.payload)

    def catalog(self, _: Record, payload: _Payload) -> None:
        """A definition with its table, or a package."""
        match payload:
            case {"package": {"article": self.article} as package}:
                found = from_json(Package, package)
                self.packages[found.sha256] = found
            case {"article": self.article}:
                self.hotfix = payload
            case _:
                pass  # of another article

    def estate(self, _: Record, payload: _Payload) -> None:
        """An inventory is recorded whole."""
        self.inventory = payload

    def observation(self, record: Record, payload: _Payload) -> None:
        """A fact, a failed contact, or when files were first seen."""
        server = record.subject
        match payload:
            case {"fault": _, "message": str(message)}:
                self.faults[server] = message
            case {"kind": str(kind), "subject": article, "value": value} if (
                kind == FIRST_SEEN
            ):
                if article == self.article:
                    self.seen[server] = from_json(FirstSeen, value)
            case _:
                self.faults.pop(server, None)
                found = from_json(Observation, payload)
                self._fact(server, found)
                if SAMPLED in payload:
                    self._sample(server, found)

    def _fact(self, server: str, found: Observation) -> None:
        known = self.facts[server]
        key = (found.kind, found.subject)
        before = known.get(key)
        if before is None:
            known[key] = found
        else:
            known.update(FactSet.of((before, found)).observations)

    def _sample(self, server: str, found: Observation) -> None:
        if found.at >= self.moment - WINDOW:
            for sample in samples_of((found,)):
                which = (sample.process, sample.at, sample.process_id)
                self.samples[server][which] = sample

    def plan(self, record: Record, payload: _Payload) -> None:
        """A plan says which article its runs are about."""
        match payload:
            case {"plan": {"article": article}}:
                self.plans[record.subject] = article
            case _:
                pass  # not of a shape that a run could follow

    def run(self, record: Record, payload: _Payload) -> None:
        """A run's first record gives it its place among the others."""
        if self.plans.get(str(payload["plan"])) == self.article:
            place = (payload["started"], len(self.runs))
            self.runs.setdefault(record.subject, place)

    def outcome(self, record: Record, payload: _Payload) -> None:
        """An attempt whose installer ran to its end; that of the newest run counts."""
        if payload["installed_at"] is None or payload["run"] not in self.runs:
            return
        attempt = from_json(Attempt, payload)
        before = self.installs.get(record.subject)
        if before is None or self._place(before) <= self._place(attempt):
            self.installs[record.subject] = attempt

    def _place(self, attempt: Attempt) -> tuple[str, int]:
        started, number = self.runs[attempt.run]
        return str(started), number

    def waiver(self, record: Record, payload: _Payload) -> None:
        """The newest waiver of a server counts."""
        if payload["article"] == self.article:
            self.waivers[record.subject] = from_json(Waiver, payload)

    def verdict(self, record: Record, payload: _Payload) -> None:
        """What was said of a server at the time."""
        if payload["article"] == self.article:
            verdict = Verdict(str(payload["verdict"]))
            self.then[record.subject] = RecordedVerdict(verdict, record.at)
            self.history.append(Judged(record.at, record.subject, verdict))

    def known(self) -> Known:
        """What all of it comes to.

        Raises:
            RequestError: there is no definition of the article yet.
        """
        if self.hotfix is None:
            when = f"{self.article} as of {self.moment:%Y-%m-%d %H:%M}Z"
            raise not_found("article", when, "ask about a time after its import")
        inventory = self.inventory
        packages = self.packages.values()
        estate = estate_of(
            from_json(Hotfix, self.hotfix),
            self.moment,
            Judging(),
            inventory=from_json(Inventory, inventory) if inventory else Inventory(),
            facts={name: FactSet(known) for name, known in self.facts.items()},
            packages=sorted(packages, key=lambda found: (found.name, found.sha256)),
            own=own_records(self.installs, self.seen),
            watched={
                name: sorted(samples.values(), key=lambda sample: sample.at)
                for name, samples in self.samples.items()
            },
        )
        return Known(estate, self.waivers, self.faults, self.then, self.history)


#: What each kind of record changes; the other kinds change nothing that is judged.
_TAKE: Mapping[RecordKind, Callable[[_Replay, Record, _Payload], None]] = {
    RecordKind.CATALOG: _Replay.catalog,
    RecordKind.INVENTORY: _Replay.estate,
    RecordKind.OBSERVATION: _Replay.observation,
    RecordKind.PLAN: _Replay.plan,
    RecordKind.RUN: _Replay.run,
    RecordKind.OUTCOME: _Replay.outcome,
    RecordKind.WAIVER: _Replay.waiver,
    RecordKind.VERDICT: _Replay.verdict,
}
