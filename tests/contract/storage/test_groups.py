"""Group commit on SQLite: many units share a commit, and what its failure means."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.adapters.database import groups as groups_module
from orchestrator.adapters.database.engine import make_engine, parse_url
from orchestrator.adapters.database.evidence import Chain
from orchestrator.adapters.database.groups import Groups
from orchestrator.adapters.database.models import ContactRow
from orchestrator.application.ports.storage import StorageError
from orchestrator.domain.evidence import Entry, RecordKind
from tests.fakes.clock import FakeClock
from tests.fixtures.chains import chains_hold
from tests.fixtures.samples import AT
from tests.fixtures.storage import at_once

THREADS, UNITS = 24, 6
#: Seconds without a turn after which a test gives up.
PATIENCE_S = 0.2


@dataclass
class Disk:
    """Counts commits, and fails some as a broken disk would."""

    fails_at: frozenset[int] = frozenset()
    error: BaseException = field(default_factory=KeyboardInterrupt)
    commits: int = 0
    failed: list[int] = field(default_factory=list)

    def commit(self, _: Connection) -> None:
        self.commits += 1
        if self.commits in self.fails_at:
            self.failed.append(self.commits)
            raise self.error


@pytest.fixture
def engine(sqlite_url: str, clock: FakeClock) -> Iterator[Engine]:
    open_storage(sqlite_url, writer="first", clock=clock.now).close()
    made = make_engine(parse_url(sqlite_url))
    yield made
    made.dispose()


@pytest.fixture
def storage(engine: Engine, clock: FakeClock) -> SqlStorage:
    return SqlStorage(engine, writer="writer", clock=clock.now)


def write(storage: SqlStorage, name: str) -> str | None:
    """Write a contact and a record; the error if that raised."""
    try:
        with storage.begin() as uow:
            uow.evidence.append(Entry(RecordKind.STEP, name, {}))
            uow.facts.put_contact(name, AT, None)
    except StorageError as error:
        return error.message
    return None


def write_much(storage: SqlStorage) -> dict[str, str | None]:
    """What many threads wrote at once, and the errors they met."""

    def work(number: int) -> dict[str, str | None]:
        names = [f"srv{number}-{count}" for count in range(UNITS)]
        return {name: write(storage, name) for name in names}

    return {
        name: said for some in at_once(THREADS, work) for name, said in some.items()
    }


def assert_stored_as_told(storage: SqlStorage, told: dict[str, str | None]) -> None:
    """What was left without an error is there, and nothing else; the chain holds."""
    kept = {name for name, error in told.items() if error is None}
    with storage.read() as uow:
        assert set(uow.facts.contacts()) == kept
        assert {record.subject for record in uow.evidence.records()} == kept
        assert chains_hold(uow.evidence)
        assert len(uow.evidence.heads()) == 1


def test_units_of_many_threads_share_commits(
    storage: SqlStorage, engine: Engine
) -> None:
    disk = Disk()
    event.listen(engine, "commit", disk.commit)
    told = write_much(storage)
    assert_stored_as_told(storage, told)
    assert disk.commits < THREADS * UNITS / 2


@pytest.mark.parametrize("kind", [sqlite3.OperationalError, KeyboardInterrupt])
def test_where_a_commit_fails_each_unit_of_its_group_raises_and_none_is_stored(
    storage: SqlStorage, engine: Engine, kind: type[BaseException]
) -> None:
    disk = Disk(fails_at=frozenset({2, 4}), error=kind("disk I/O error"))
    event.listen(engine, "commit", disk.commit)
    told = write_much(storage)
    errors = [error for error in told.values() if error is not None]
    assert len(errors) > len(disk.failed) > 0
    assert {error.rpartition(": ")[2] for error in errors} == {"disk I/O error"}
    assert_stored_as_told(storage, told)


def test_where_sqlite_gives_up_the_transaction_the_whole_group_raises(
    storage: SqlStorage, engine: Engine
) -> None:
    """As it does on some errors, such as a full disk."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON contact "
                "WHEN NEW.server IN ('srv3-2', 'srv7-1') "
                "BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
            )
        )
    told = write_much(storage)
    assert told["srv3-2"] is not None
    assert told["srv7-1"] is not None
    errors = [error for error in told.values() if error is not None]
    assert {error.rpartition(": ")[2] for error in errors} == {
        "database or disk is full"
    }
    assert_stored_as_told(storage, told)


def test_a_lone_unit_that_is_undone_leaves_the_next_one_whole(
    storage: SqlStorage,
) -> None:
    with suppress(ZeroDivisionError), storage.begin() as uow:
        uow.evidence.append(Entry(RecordKind.STEP, "srv01", {}))
        _ = 1 / 0
    assert_stored_as_told(storage, {"srv02": write(storage, "srv02")})


def test_a_unit_is_committed_though_the_next_in_turn_gave_up(
    storage: SqlStorage, engine: Engine
) -> None:
    groups = Groups(engine, Chain("writer"))
    groups._turns._waiting.add(0)  # a thread that never comes
    with groups.unit() as (connection, _):
        connection.execute(
            insert(ContactRow).values(server="srv01", at=AT, fault="null")
        )
    with storage.read() as uow:
        assert set(uow.facts.contacts()) == {"srv01"}


def test_whoever_waits_in_a_line_that_moves_gets_a_turn(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "LOCK_SECONDS", PATIENCE_S)

    def hold(number: int) -> None:
        with storage.begin() as uow:
            time.sleep(PATIENCE_S / 2)
            uow.facts.put_contact(f"srv{number}", AT, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(8)))
    with storage.read() as uow:
        assert len(uow.facts.contacts()) == 8


def test_whoever_waits_in_a_line_that_stands_still_is_told(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "LOCK_SECONDS", PATIENCE_S)

    def write_one() -> None:
        with storage.begin():
            pass

    with (
        ThreadPoolExecutor(1) as pool,
        storage.begin(),
        pytest.raises(StorageError, match="no turn to write"),
    ):
        pool.submit(write_one).result()
