"""The chains: they hold, for each writer, whatever happens to a unit of work."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.database import SqlStorage
from orchestrator.adapters.database.evidence import PAGE_RECORDS
from orchestrator.domain.evidence import (
    Entry,
    Head,
    Record,
    RecordKind,
    fault_of,
    head_after,
)
from tests.fakes.clock import FakeClock
from tests.fixtures.storage import Opener, at_once
from tests.fixtures.values import entries


def verified_heads(records: Iterable[Record]) -> tuple[Head, ...]:
    """The heads of chains without a fault."""
    heads: dict[str, Head] = {}
    for record in records:
        head = heads.get(record.writer, Head(record.writer))
        assert fault_of(record, head) is None
        heads[record.writer] = head_after(record)
    return tuple(heads[name] for name in sorted(heads))


def step(number: int, subject: str = "a") -> Entry:
    return Entry(RecordKind.STEP, subject, {"number": number})


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(units=st.lists(st.tuples(st.lists(entries, max_size=4), st.booleans())))
def test_a_chain_of_any_entries_holds(
    storage: SqlStorage, units: list[tuple[list[Entry], bool]]
) -> None:
    """Units that fail leave no gap."""
    with storage.read() as uow:
        expected = [record.payload for record in uow.evidence.records()]
    for appended, fails in units:
        with suppress(ZeroDivisionError), storage.begin() as uow:
            for entry in appended:
                uow.evidence.append(entry)
            _ = 1 / (0 if fails else 1)
            expected += [entry.payload for entry in appended]
    with storage.read() as uow:
        found = tuple(uow.evidence.records())
        assert [record.payload for record in found] == expected
        assert verified_heads(found) == uow.evidence.heads()


def test_append_returns_the_head(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        assert uow.evidence.append() == Head("writer")
        first = uow.evidence.append(step(1), step(2))
        assert (first.writer, first.sequence) == ("writer", 2)
        assert uow.evidence.heads() == (first,)
    with storage.begin() as uow:
        assert uow.evidence.append(step(3)).sequence == 3


def test_a_record_comes_once_whatever_the_fraction_of_its_second(
    storage: SqlStorage, clock: FakeClock
) -> None:
    clock.moment = clock.moment.replace(microsecond=120_254)
    with storage.begin() as uow:
        uow.evidence.append(step(1), step(2))
    with storage.read() as uow:
        found = list(itertools.islice(uow.evidence.records(), 3))
        assert [record.at for record in found] == [clock.moment] * 2


def test_each_writer_has_a_chain_of_its_own(
    storage: SqlStorage, open_again: Opener
) -> None:
    other = open_again("another")
    for number in range(3):
        for one in (storage, other):
            with one.begin() as uow:
                uow.evidence.append(step(number))
    with storage.read() as uow:
        heads = uow.evidence.heads()
        assert [(head.writer, head.sequence) for head in heads] == [
            ("another", 3),
            ("writer", 3),
        ]
        assert verified_heads(uow.evidence.records()) == heads


def test_a_writer_goes_on_with_its_chain(
    storage: SqlStorage, open_again: Opener
) -> None:
    with storage.begin() as uow:
        uow.evidence.append(step(1))
    with open_again("writer").begin() as uow:
        assert uow.evidence.append(step(2)).sequence == 2


def test_threads_that_append_at_once_leave_chains_that_hold(
    storage: SqlStorage,
) -> None:
    def write(number: int) -> None:
        for count in range(10):
            with storage.begin() as uow:
                uow.evidence.append(step(count, f"srv{number}"))

    at_once(10, write)
    with storage.read() as uow:
        records = tuple(uow.evidence.records())
        assert verified_heads(records) == uow.evidence.heads()
    assert len(records) == 100
    by_server = defaultdict(list)
    for record in records:
        by_server[record.subject].append(record.payload)
    assert all(
        sorted(map(str, found)) == sorted(str({"number": n}) for n in range(10))
        for found in by_server.values()
    )


def test_records_are_found_by_subject_kind_and_time(
    storage: SqlStorage, clock: FakeClock
) -> None:
    begun = clock.now()
    for kind, subject in (
        (RecordKind.STEP, "a"),
        (RecordKind.OUTCOME, "a"),
        (RecordKind.STEP, "b"),
    ):
        with storage.begin() as uow:
            uow.evidence.append(Entry(kind, subject, None))
        clock.advance(60)

    def found(**wanted: object) -> list[int]:
        with storage.read() as uow:
            return [one.sequence for one in uow.evidence.records(**wanted)]  # type: ignore[arg-type]  # names of the port

    assert found() == [1, 2, 3]
    assert found(subject="a") == [1, 2]
    assert found(kinds=[RecordKind.STEP]) == [1, 3]
    assert found(subject="a", kinds=[RecordKind.STEP, RecordKind.RUN]) == [1]
    assert found(until=begun + timedelta(seconds=60)) == [1, 2]
    assert found(until=begun - timedelta(seconds=1)) == []


def test_records_come_in_the_order_of_time_over_all_writers(
    storage: SqlStorage, open_again: Opener, clock: FakeClock
) -> None:
    other = open_again("another")
    for one in (storage, other, storage, other):
        with one.begin() as uow:
            uow.evidence.append(step(0))
        clock.advance(1)
    with storage.read() as uow:
        order = [record.writer for record in uow.evidence.records()]
    assert order == ["writer", "another"] * 2


def test_records_are_streamed(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.evidence.append(*(step(number) for number in range(2_000)))
    with storage.read() as uow:
        first = next(iter(uow.evidence.records()))
    assert first.sequence == 1


@pytest.mark.parametrize("batch", [1, 100])
def test_appending_costs_less_than_a_millisecond(
    storage: SqlStorage, batch: int
) -> None:
    """By processor time, and by the clock with room for others: the best of rounds."""
    rounds = []
    for _ in range(5):
        begun, clock = time.process_time(), time.monotonic()
        with storage.begin() as uow:
            for _ in range(100 // batch):
                uow.evidence.append(*(step(number) for number in range(batch)))
        rounds.append((time.process_time() - begun, time.monotonic() - clock))
    spent, waited = map(min, zip(*rounds, strict=True))
    assert spent / 100 < 0.001
    assert waited / 100 < 0.01


def test_a_chain_is_read_in_its_own_order_whatever_the_clock_did(
    storage: SqlStorage, open_again: Opener, clock: FakeClock
) -> None:
    other = open_again("another")
    for number in range(3):
        with storage.begin() as uow:
            uow.evidence.append(step(2 * number), step(2 * number + 1))
        with other.begin() as uow:
            uow.evidence.append(step(100 + number))
        clock.advance(-60)
    with storage.read() as uow:
        end = next(head for head in uow.evidence.heads() if head.writer == "writer")
        records = list(uow.evidence.chain(end))
        half = list(uow.evidence.chain(Head("writer", 3)))
        assert list(uow.evidence.chain(Head("nobody", 9))) == []
    assert [record.payload for record in records] == [{"number": n} for n in range(6)]
    assert verified_heads(records) == (end,)
    assert half == records[:3]


def test_a_long_chain_is_read_page_by_page(storage: SqlStorage) -> None:
    count = 2 * PAGE_RECORDS + 1
    with storage.begin() as uow:
        end = uow.evidence.append(*(step(number) for number in range(count)))
        assert verified_heads(uow.evidence.chain(end)) == (end,)
