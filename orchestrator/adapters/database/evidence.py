"""The hash chains, and who of this process appends to which."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from orchestrator.adapters.database.models import EvidenceRow, Instant
from orchestrator.adapters.database.work import Prepared, Work
from orchestrator.domain.canonical import canonical_json
from orchestrator.domain.evidence import (
    Entry,
    Head,
    Record,
    RecordKind,
    append,
    head_after,
)

#: Records that are held at once while they are streamed.
PAGE_RECORDS = 500


@dataclass(slots=True)
class Chain:
    """A chain, and its head as long as no unit of work that appended failed."""

    writer: str
    head: Head | None = None


class Chains:
    """Lends a chain to each transaction that writes, so that none waits for another.

    A chain that was given back is lent again first: where one transaction follows
    another, as on SQLite, there is one chain.
    """

    def __init__(self, writer: str) -> None:
        """Name them after this process."""
        self._writer = writer
        self._made = 0
        self._free: list[Chain] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Chain]:
        """A chain that nobody else appends to until the block ends."""
        chain = self._take()
        try:
            yield chain
        except BaseException:
            chain.head = None
            raise
        finally:
            with self._lock:
                self._free.append(chain)
                self._free.sort(key=attrgetter("writer"), reverse=True)

    def _take(self) -> Chain:
        with self._lock:
            if self._free:
                return self._free.pop()
            self._made += 1
            first = self._made == 1
            return Chain(self._writer if first else f"{self._writer}.{self._made:03d}")


class Evidence:
    """The chains in their table."""

    def __init__(self, work: Work, chain: Chain, clock: Callable[[], datetime]) -> None:
        """Append to one chain, at the clock's times."""
        self._work = work
        self._chain = chain
        self._clock = clock

    def append(self, *entries: Entry) -> Head:
        """Append in order; the new head."""
        head = self._chain.head or self._stored_head()
        rows = []
        for entry in entries:
            payload = canonical_json(entry.payload)
            record = append(head, entry, self._clock(), payload)
            rows.append(_row(record, payload))
            head = head_after(record)
        if rows:
            self._work.write(_APPEND, *rows)
        self._chain.head = head
        return head

    def forget(self, writer: str, first: int, last: int) -> None:
        """Take the content of a chain's records, from one number to another."""
        self._work.run(
            update(EvidenceRow)
            .where(EvidenceRow.writer == writer)
            .where(EvidenceRow.sequence.between(first, last))
            .values(payload=None)
        )

    def _stored_head(self) -> Head:
        writer = self._chain.writer
        row = self._work.connection.execute(
            select(EvidenceRow.sequence, EvidenceRow.hash)
            .where(EvidenceRow.writer == writer)
            .order_by(EvidenceRow.sequence.desc())
            .limit(1)
        ).first()
        return Head(writer) if row is None else Head(writer, *row)

    def heads(self) -> Sequence[Head]:
        """The head of every chain, by writer."""
        last = (
            select(EvidenceRow.writer, func.max(EvidenceRow.sequence).label("last"))
            .group_by(EvidenceRow.writer)
            .subquery()
        )
        rows = self._work.connection.execute(
            select(EvidenceRow.writer, EvidenceRow.sequence, EvidenceRow.hash)
            .join(
                last,
                (EvidenceRow.writer == last.c.writer)
                & (EvidenceRow.sequence == last.c.last),
            )
            .order_by(EvidenceRow.writer)
        )
        return tuple(
            Head(writer, sequence, hashed) for writer, sequence, hashed in rows
        )

    def chain(self, head: Head) -> Iterator[Record]:
        """A writer's records up to a head, in order of number; streamed."""
        place = EvidenceRow.sequence
        mine = (EvidenceRow.writer == head.writer, place <= head.sequence)
        page = self._page(mine, place)
        while page:
            yield from page
            page = self._page((*mine, place > page[-1].sequence), place)

    def records(
        self,
        *,
        subject: str | None = None,
        kinds: Sequence[RecordKind] = (),
        until: datetime | None = None,
    ) -> Iterator[Record]:
        """Records in order of time, then writer and number; streamed.

        Page by page, so that no cursor outlives the unit whoever stops reading.
        """
        wanted: list[ColumnElement[bool]] = []
        if subject is not None:
            wanted.append(EvidenceRow.subject == subject)
        if len(kinds) == 1:
            wanted.append(EvidenceRow.kind == kinds[0].value)
        elif kinds:
            # No column, lest the index by kind is taken and every page sorted anew.
            column = EvidenceRow.kind.concat("")
            wanted.append(column.in_([kind.value for kind in kinds]))
        if until is not None:
            wanted.append(EvidenceRow.at <= until)
        page = self._page(wanted, *_ORDER)
        while page:
            yield from page
            page = self._page([*wanted, _after(page[-1])], *_ORDER)

    def times(
        self, kind: RecordKind, subject: str, until: datetime
    ) -> Sequence[datetime]:
        """When records of a kind on a subject were appended, in order."""
        found = self._work.connection.scalars(
            select(EvidenceRow.at)
            .where(EvidenceRow.subject == subject, EvidenceRow.kind == kind.value)
            .where(EvidenceRow.at <= until)
            .order_by(*_ORDER)
        )
        return tuple(found)

    def _page(
        self, wanted: Iterable[ColumnElement[bool]], *order: InstrumentedAttribute[Any]
    ) -> list[Record]:
        rows = self._work.connection.execute(
            select(*_COLUMNS).where(*wanted).order_by(*order).limit(PAGE_RECORDS)
        )
        return [_record(row) for row in rows.all()]


_APPEND = Prepared(insert(EvidenceRow))
_ORDER = (EvidenceRow.at, EvidenceRow.writer, EvidenceRow.sequence)


def _after(last: Record) -> ColumnElement[bool]:
    place = (
        literal(last.at, Instant()),
        literal(last.writer),
        literal(last.sequence),
    )
    return tuple_(*_ORDER) > tuple_(*place)


_COLUMNS = (
    EvidenceRow.writer,
    EvidenceRow.sequence,
    EvidenceRow.at,
    EvidenceRow.kind,
    EvidenceRow.subject,
    EvidenceRow.payload_hash,
    EvidenceRow.previous,
    EvidenceRow.hash,
    EvidenceRow.payload,
)


def _record(row: Row[*tuple[Any, ...]]) -> Record:
    writer, sequence, at, kind, subject, hashed, previous, own, payload = row
    return Record(
        writer=writer,
        sequence=sequence,
        at=at,
        kind=RecordKind(kind),
        subject=subject,
        payload_hash=hashed,
        previous=previous,
        hash=own,
        payload=None if payload is None else json.loads(payload),
    )


def _row(record: Record, payload: bytes) -> dict[str, object]:
    return {
        "writer": record.writer,
        "sequence": record.sequence,
        "at": record.at,
        "kind": record.kind.value,
        "subject": record.subject,
        "payload_hash": record.payload_hash,
        "previous": record.previous,
        "hash": record.hash,
        "payload": payload.decode("ascii"),
    }
