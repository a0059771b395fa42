"""The hash chain: what was recorded cannot be changed unseen.

A record's hash covers the hash before it, its header and the hash of its payload.
So a payload may be pruned and the chain still holds, and there is one chain per
writer, so that workers do not wait for one another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from orchestrator.domain.canonical import Json, canonical_json

#: The hash before a chain's first record.
GENESIS = "0" * 64


class RecordKind(StrEnum):
    """What a record is about."""

    CATALOG = "catalog"
    INVENTORY = "inventory"
    OBSERVATION = "observation"
    VERDICT = "verdict"
    AUDIT = "audit"
    PLAN = "plan"
    APPROVAL = "approval"
    RUN = "run"
    ATTEMPT = "attempt"
    STEP = "step"
    OUTCOME = "outcome"
    HOOK = "hook"
    WAIVER = "waiver"
    POLICY = "policy"
    RETENTION = "retention"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded: its kind, what it is about, and its content."""

    kind: RecordKind
    #: A server, a plan, a run or an article: what ``history`` looks for.
    subject: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Record:
    """An entry in its chain. ``payload`` is ``None`` once pruned."""

    writer: str
    sequence: int  # from 1, without gaps, per writer
    at: datetime
    kind: RecordKind
    subject: str
    payload_hash: str
    previous: str
    hash: str
    payload: Json = None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a writer's chain."""

    writer: str
    sequence: int = 0
    hash: str = GENESIS


def _hash(previous: str, header: Json, payload_hash: str) -> str:
    joined = b"\n".join(
        (previous.encode(), canonical_json(header), payload_hash.encode())
    )
    return hashlib.sha256(joined).hexdigest()


def payload_hash(payload: Json) -> str:
    """The SHA-256 of a payload's canonical JSON."""
    return hashlib.sha256(canonical_json(payload)).hexdigest()


def _header(
    writer: str, sequence: int, at: datetime, kind: RecordKind, subject: str
) -> Json:
    return {
        "writer": writer,
        "sequence": sequence,
        # A database may hand the same instant back in its own zone.
        "at": at.astimezone(UTC).isoformat(),
        "kind": kind.value,
        "subject": subject,
    }


def append(
    head: Head, entry: Entry, at: datetime, spelled: bytes | None = None
) -> Record:
    """The record that follows a head.

    Args:
        head: the chain's end.
        entry: what is recorded.
        at: when.
        spelled: the payload's canonical JSON, where the caller has it already.
    """
    sequence = head.sequence + 1
    if spelled is None:
        spelled = canonical_json(entry.payload)
    hashed = hashlib.sha256(spelled).hexdigest()
    header = _header(head.writer, sequence, at, entry.kind, entry.subject)
    return Record(
        writer=head.writer,
        sequence=sequence,
        at=at,
        kind=entry.kind,
        subject=entry.subject,
        payload_hash=hashed,
        previous=head.hash,
        hash=_hash(head.hash, header, hashed),
        payload=entry.payload,
    )


def fault_of(record: Record, head: Head) -> str | None:
    """What is wrong with a record that should follow a head; ``None`` if nothing.

    A pruned payload is no fault: its hash still stands in the chain.
    """
    if record.writer != head.writer:
        return f"found writer {record.writer}, expected {head.writer}"
    if record.sequence != head.sequence + 1:
        return f"found number {record.sequence}, expected {head.sequence + 1}"
    if record.previous != head.hash:
        return "does not follow the record before it"
    if record.payload is not None and payload_hash(record.payload) != (
        record.payload_hash
    ):
        return "its content was changed"
    header = _header(
        record.writer, record.sequence, record.at, record.kind, record.subject
    )
    if _hash(record.previous, header, record.payload_hash) != record.hash:
        return "its header was changed"
    return None


def head_after(record: Record) -> Head:
    """The head that a record makes."""
    return Head(record.writer, record.sequence, record.hash)
