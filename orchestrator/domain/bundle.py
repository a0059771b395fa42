"""Checking an evidence bundle: an auditor reads this file and evidence.py, no more.

A bundle's records are lines of canonical JSON, writer after writer, each writer's from
number 1 on. A line is right if it is spelled as it was written, follows the line
before it in its writer's chain, and hashes to what it says. A checkpoint names the end
of every chain at its time, so it binds chains to one another: what one names must be
there. ``head`` is the hash of a record that somebody kept elsewhere; the chain up to
it, and for a checkpoint every chain up to what it names, can then neither have been
cut short nor written anew. A record of the kind retention names those that lost their
content; no other may be without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.domain.canonical import Json, canonical_json
from orchestrator.domain.evidence import (
    Entry,
    Head,
    Record,
    RecordKind,
    fault_of,
    head_after,
    payload_hash,
)

FORMAT = "orchestrator-evidence/1"
RECORDS, MANIFEST = "records.jsonl", "manifest.json"
#: More faults than these say nothing more; the first is where to look.
MAX_FAULTS = 100
_TEXTS = ("writer", "at", "kind", "subject", "payload_hash", "previous", "hash")
_FIELDS = frozenset((*_TEXTS, "sequence", "payload"))
_TELLING = re.compile(rb'"kind":"(checkpoint|retention)"')

#: Of a record that never had content.
_NOTHING = payload_hash(None)

Lines = Callable[[], Iterable[bytes]]
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class BundleFault:
    """What is wrong, and where."""

    member: str
    line: int | None
    writer: str | None
    sequence: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a bundle's records come to."""

    records: int
    #: Records without content: retention leaves their hashes.
    pruned: int
    heads: tuple[Head, ...]
    faults: tuple[BundleFault, ...]
    #: The record whose hash was kept elsewhere, if it was given and is there.
    kept: BundleFault | None = None
    #: Whether that record is a checkpoint, and so binds every chain.
    binds_all: bool = False


def checkpoint(heads: Iterable[Head]) -> Entry:
    """The entry that binds the ends of all chains."""
    bound: Json = {
        head.writer: {"sequence": head.sequence, "hash": head.hash} for head in heads
    }
    return Entry(RecordKind.CHECKPOINT, "heads", {"heads": bound})


def line_of(record: Record) -> bytes:
    """A record as a bundle has it."""
    named: dict[str, Json] = {
        name: getattr(record, name) for name in _FIELDS - {"at", "kind"}
    }
    named["at"] = record.at.astimezone(UTC).isoformat()
    named["kind"] = record.kind.value
    return canonical_json(named) + b"\n"


def record_of(line: bytes) -> Record:
    """The record that a line holds.

    Raises:
        ValueError: it holds none, or another spelling of one; the message says what.
    """
    try:
        data = json.loads(line)
        spelled = canonical_json(data) + b"\n"
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if spelled != line:
        raise ValueError("is not spelled as it was written")
    if not isinstance(data, dict) or data.keys() != _FIELDS:
        raise ValueError("does not have the fields of a record")
    if not all(isinstance(data[name], str) for name in _TEXTS) or (
        type(data["sequence"]) is not int
    ):
        raise ValueError("has a field of another type")
    try:
        at, kind = datetime.fromisoformat(data["at"]), RecordKind(data["kind"])
        spelled_at = at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise ValueError("has no time or no kind that there is") from None
    if spelled_at != data["at"]:
        raise ValueError("has a time in another spelling")
    return Record(**{**data, "at": at, "kind": kind})


def check(lines: Lines, head: str | None = None) -> Checked:
    """Check a bundle's records.

    Args:
        lines: begins to read them, as often as it is called; each with its end.
        head: the hash of a record, kept elsewhere.
    """
    state = _State(head)
    for number, record in _telling(lines()):
        if record.kind is RecordKind.CHECKPOINT:
            state.claims.update(_claims(number, record.payload))
        else:
            for place, last in _taken(record.payload):
                state.taken[place] = max(last, state.taken.get(place, last))
    for number, line in enumerate(lines(), 1):
        state.take(number, line)
    return state.result()


def _telling(lines: Iterable[bytes]) -> Iterator[tuple[int, Record]]:
    """The records that tell of others, each with its line."""
    for number, line in enumerate(lines, 1):
        if not _TELLING.search(line):
            continue
        try:
            record = record_of(line)
        except ValueError:
            continue  # named when its turn comes, as is one that was changed
        told = record.kind in (RecordKind.CHECKPOINT, RecordKind.RETENTION)
        if told and payload_hash(record.payload) == record.payload_hash:
            yield number, record


def _claims(line: int, payload: Json) -> Iterator[tuple[_Place, tuple[str, int]]]:
    """What a checkpoint says of chains: the hash at a place, and the line saying so."""
    match payload:
        case {"heads": dict(bound)}:
            for writer, end in bound.items():
                match end:
                    case {"sequence": int(sequence), "hash": str(hashed)}:
                        yield (writer, sequence), (hashed, line)
                    case _:
                        pass  # binds nothing
        case _:
            pass  # of another shape


def _taken(payload: Json) -> Iterator[tuple[_Place, int]]:
    """What retention took: where each span of a chain begins, and its last number."""
    match payload:
        case {"records": list(spans)}:
            for span in spans:
                match span:
                    case [str(writer), int(first), int(last)]:
                        yield (writer, first), last
                    case _:
                        pass  # names nothing
        case _:
            pass  # of another shape


@dataclass(slots=True)
class _State:
    wanted: str | None
    claims: dict[_Place, tuple[str, int]] = field(default_factory=dict)
    taken: dict[_Place, int] = field(default_factory=dict)
    #: The last number, per writer, of the spans that have begun.
    taken_until: dict[str, int] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    faults: list[BundleFault] = field(default_factory=list)
    records: int = 0
    pruned: int = 0
    last: str = ""
    kept: BundleFault | None = None
    binds_all: bool = False

    def take(self, number: int, line: bytes) -> None:
        self.records += 1
        try:
            record = record_of(line)
        except ValueError as error:
            head = self.heads.get(self.last, Head(self.last))
            self._fault(number, head.writer or None, head.sequence + 1, str(error))
            return
        self._check(number, record)
        self._check_content(number, record)
        self.heads[record.writer] = head_after(record)
        self.last = record.writer

    def _check(self, number: int, record: Record) -> None:
        place = (record.writer, record.sequence)
        what = fault_of(record, self.heads.get(record.writer, Head(record.writer)))
        if what is None and record.writer < self.last:
            what = f"stands after records of {self.last}, expected before them"
        if what is not None:
            self._fault(number, *place, what)
        said = self.claims.pop(place, None)
        if said is not None and said[0] != record.hash:
            self._fault(number, *place, f"the checkpoint in line {said[1]} has another")
        if self.wanted is not None and record.hash == self.wanted and what is None:
            self.kept = BundleFault(RECORDS, number, *place, "the head that was given")
            self.binds_all = record.kind is RecordKind.CHECKPOINT

    def _check_content(self, number: int, record: Record) -> None:
        place = (record.writer, record.sequence)
        until = max(self.taken_until.get(record.writer, 0), self.taken.pop(place, 0))
        self.taken_until[record.writer] = until
        if record.payload is None and record.payload_hash != _NOTHING:
            self.pruned += 1
            if record.sequence > until:
                what = "is without content, and no record of retention names it"
                self._fault(number, *place, what)

    def _fault(
        self, line: int, writer: str | None, sequence: int | None, what: str
    ) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(BundleFault(RECORDS, line, writer, sequence, what))

    def result(self) -> Checked:
        for (writer, sequence), (_, line) in sorted(self.claims.items()):
            what = f"is missing; the checkpoint in line {line} names it"
            self._fault(self.records + 1, writer, sequence, what)
        if self.wanted is not None and self.kept is None:
            what = f"no record has the hash {self.wanted}: cut short, or written anew"
            self._fault(self.records + 1, None, None, what)
        heads = tuple(self.heads[writer] for writer in sorted(self.heads))
        faults = tuple(self.faults)
        return Checked(
            self.records, self.pruned, heads, faults, self.kept, self.binds_all
        )


def manifest_of(members: Mapping[str, str], checked: Iterable[Head], head: str) -> Json:
    """The manifest: the SHA-256 of each other member, the chains' ends, the head."""
    ends: Json = [[end.writer, end.sequence, end.hash] for end in checked]
    return {"format": FORMAT, "members": members, "heads": ends, "head": head}


def check_manifest(
    manifest: bytes, members: Mapping[str, str], heads: Iterable[Head]
) -> Iterator[BundleFault]:
    """Whether a manifest tells of just these members and chains."""
    try:
        said = json.loads(manifest)
        known, head = said["members"], str(said["head"])
        expected = canonical_json(manifest_of(members, heads, head)) + b"\n"
    except (ValueError, RecursionError, KeyError, TypeError):
        yield BundleFault(MANIFEST, 1, None, None, "is no manifest")
        return
    for name in sorted(members):
        if not isinstance(known, dict) or known.get(name) != members[name]:
            what = f"its SHA-256 is {members[name]}, the manifest has another"
            yield BundleFault(name, None, None, None, what)
    if manifest != expected:
        what = "does not tell of just these members and chains"
        yield BundleFault(MANIFEST, 1, None, None, what)
