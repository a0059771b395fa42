"""A unit of work: all of it or nothing, from any number of threads."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from orchestrator.adapters.database import SqlStorage
from orchestrator.adapters.database.engine import LOCK_SECONDS
from orchestrator.application.ports.storage import StorageError
from orchestrator.domain.evidence import Entry, RecordKind
from tests.fixtures.chains import chains_hold
from tests.fixtures.samples import AT, free_space
from tests.fixtures.storage import Opener, at_once

ENTRY = Entry(RecordKind.STEP, "srv01", {"step": "stage"})


def test_what_a_block_wrote_is_there_for_others(
    storage: SqlStorage, open_again: Opener
) -> None:
    with storage.begin() as uow:
        uow.facts.put("srv01", [free_space(1)])
    with open_again().read() as uow:
        assert set(uow.facts.of_all()) == {"srv01"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_raises_leaves_nothing(
    storage: SqlStorage, error: type[BaseException]
) -> None:
    def change() -> None:
        with storage.begin() as uow:
            uow.facts.put("srv01", [free_space(1)])
            uow.evidence.append(ENTRY)
            raise error

    with pytest.raises(error):
        change()
    with storage.read() as uow:
        assert uow.facts.of_all() == {}
        assert uow.evidence.heads() == ()
    with storage.begin() as uow:
        assert uow.evidence.append(ENTRY).sequence == 1


def test_a_unit_sees_what_it_wrote_itself(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.evidence.append(ENTRY)
        assert [record.subject for record in uow.evidence.records()] == ["srv01"]


def test_what_is_not_committed_is_not_seen(storage: SqlStorage) -> None:
    with storage.begin() as writing:
        writing.facts.put_contact("srv01", AT, None)
        with storage.read() as reading:
            assert reading.facts.contacts() == {}


def test_a_reading_unit_sees_one_state_to_its_end(storage: SqlStorage) -> None:
    with storage.read() as reading:
        assert reading.facts.contacts() == {}
        with storage.begin() as writing:
            writing.facts.put_contact("srv01", AT, None)
        assert reading.facts.contacts() == {}


def test_a_reading_unit_refuses_to_write(storage: SqlStorage) -> None:
    for _ in range(2):
        with pytest.raises(StorageError), storage.read() as uow:
            uow.facts.put_contact("srv01", AT, None)
        # Its connection serves writers again.
        with storage.begin() as uow:
            uow.facts.put_contact("srv02", AT, None)


def test_a_name_that_is_no_text_is_an_error_of_ours(storage: SqlStorage) -> None:
    with pytest.raises(StorageError, match="not a text"), storage.read() as uow:
        uow.runs.find("run-\udcff")


def test_threads_do_not_get_in_each_others_way(storage: SqlStorage) -> None:
    def write(number: int) -> None:
        for count in range(5):
            with storage.begin() as uow:
                uow.facts.put(f"srv{number}", [free_space(count, AT)])
                uow.evidence.append(ENTRY)

    at_once(16, write)
    with storage.read() as uow:
        assert len(uow.facts.of_all()) == 16
        assert sum(head.sequence for head in uow.evidence.heads()) == 80


def test_processes_that_read_and_then_write_do_not_lose_updates(
    storage: SqlStorage, open_again: Opener
) -> None:
    """Counting up from what was read is right only if nobody came in between."""
    storages = [storage, open_again("b"), open_again("c"), open_again("d")]

    def count_up(number: int) -> None:
        for _ in range(5):
            with storages[number % 4].begin() as uow:
                held = {lease.resource: lease for lease in uow.runs.leases()}
                before = held["counter"].expires if "counter" in held else AT
                after = before + timedelta(seconds=1)
                uow.runs.take_lease("counter", "us", now=AT, until=after)

    at_once(8, count_up)
    with storage.read() as uow:
        assert uow.runs.leases()[0].expires == AT + timedelta(seconds=40)


def test_a_reader_does_not_wait_for_a_writer(storage: SqlStorage) -> None:
    wrote, done = threading.Event(), threading.Event()

    def write() -> None:
        with storage.begin() as uow:
            uow.runs.leases()
            uow.facts.put_contact("srv01", AT, None)
            wrote.set()
            assert done.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert wrote.wait(30)
        with storage.read() as uow:
            assert uow.runs.leases() == ()
    finally:
        done.set()
        writer.join(30)


def test_a_block_is_left_only_when_others_see_what_it_wrote(
    storage: SqlStorage, open_again: Opener
) -> None:
    other = open_again()

    def write(number: int) -> None:
        for count in range(5):
            name = f"srv{number}-{count}"
            with storage.begin() as uow:
                uow.facts.put_contact(name, AT, None)
            with other.read() as uow:
                assert name in uow.facts.contacts()

    at_once(16, write)


def test_a_unit_that_fails_among_many_is_undone_alone(storage: SqlStorage) -> None:
    def write(number: int) -> None:
        for count in range(8):
            with suppress(ZeroDivisionError), storage.begin() as uow:
                uow.facts.put_contact(f"srv{number}-{count}", AT, None)
                uow.evidence.append(Entry(RecordKind.STEP, f"srv{number}-{count}", {}))
                _ = 1 / ((number + count) % 2)

    at_once(16, write)
    kept = {
        f"srv{n}-{count}" for n in range(16) for count in range(8) if (n + count) % 2
    }
    with storage.read() as uow:
        assert set(uow.facts.contacts()) == kept
        assert {record.subject for record in uow.evidence.records()} == kept
        assert chains_hold(uow.evidence)


def test_another_process_gets_its_turn_while_many_threads_write(
    storage: SqlStorage, open_again: Opener
) -> None:
    other, stop = open_again(), threading.Event()

    def write(number: int) -> float:
        if number == 0:
            try:
                return longest_wait()
            finally:
                stop.set()
        while not stop.is_set():
            with storage.begin() as uow:
                uow.facts.put_contact(f"srv{number}", AT, None)
        return 0.0

    def longest_wait() -> float:
        waits = []
        for _ in range(10):
            begun = time.perf_counter()
            with other.begin() as uow:
                uow.facts.put_contact("other", AT, None)
            waits.append(time.perf_counter() - begun)
        return max(waits)

    assert at_once(16, write)[0] < LOCK_SECONDS / 2


def test_a_second_unit_in_a_units_block_is_refused(sqlite_storage: SqlStorage) -> None:
    """On SQLite it would wait for itself."""
    with sqlite_storage.begin() as uow:
        uow.facts.put_contact("srv01", AT, None)
        with pytest.raises(RuntimeError), sqlite_storage.begin():
            pass
    with sqlite_storage.read() as uow:
        assert set(uow.facts.contacts()) == {"srv01"}
