"""Addresses, files and errors, before and without a schema."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from orchestrator.adapters.database import SqlStorage, default_url, open_storage
from orchestrator.adapters.database.engine import make_engine, parse_url
from orchestrator.adapters.database.errors import shown
from orchestrator.application.ports.storage import StorageError
from tests.fakes.clock import FakeClock

SECRET = "hunter2-canary"


def opening(url: str) -> StorageError:
    """What is said of a database that does not open."""
    with pytest.raises(StorageError) as caught:
        open_storage(url, writer="w", clock=FakeClock().now)
    return caught.value


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with open_storage(default_url(folder), writer="w", clock=FakeClock().now) as made:
        with made.begin() as uow:
            uow.evidence.append()
        modes = {mode_of(path) for path in folder.iterdir()}
    assert mode_of(folder) == 0o700
    assert modes == {0o600}


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    open_storage(default_url(tmp_path), writer="w", clock=FakeClock().now).close()
    assert mode_of(tmp_path) == 0o755


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "ümlaut.db"])
def test_a_path_may_hold_any_character(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    open_storage(default_url(folder), writer="w", clock=FakeClock().now).close()
    assert (folder / "orchestrator.db").exists()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)],
)
def test_sqlite_is_set_up_so_that_a_commit_survives(
    tmp_path: Path, setting: str, expected: object
) -> None:
    engine = make_engine(parse_url(default_url(tmp_path)))
    with engine.connect() as connection:
        assert connection.scalar(text(f"PRAGMA {setting}")) == expected
        assert connection.scalar(text("PRAGMA busy_timeout")) >= 1_000
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "orchestrator.db", "sqlite://", "sqlite:///:memory:", "mysql://h/d"]
)
def test_an_address_that_cannot_be_used_says_what_is_expected(url: str) -> None:
    assert "sqlite:////path/to/file.db" in opening(url).hint


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "orchestrator.db"
    file.write_text("no database at all, but long enough to look at" * 40)
    error = opening(default_url(tmp_path))
    assert str(file) in error.message
    assert error.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = opening(default_url(tmp_path / "file" / "below"))
    assert str(tmp_path / "file") in error.message
    assert error.hint


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://anna:{SECRET}@127.0.0.1:1/fleet",
        f"postgres://anna@127.0.0.1:1/fleet?password={SECRET}",
        f"mysql://anna:{SECRET}@127.0.0.1/fleet",
        f"//anna:{SECRET}@127.0.0.1",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    error = opening(url)
    chain: BaseException | None = error
    while chain is not None:
        assert SECRET not in f"{chain!r} {chain}"
        chain = chain.__cause__ or chain.__context__
    assert SECRET not in error.message + error.hint


def test_a_server_that_does_not_answer_is_named_without_options() -> None:
    error = opening("postgresql://anna@127.0.0.1:1/fleet?sslmode=disable")
    assert "postgresql://anna@127.0.0.1:1/fleet:" in error.message
    assert error.hint == "check that the server runs and that the URL names it"


def test_an_address_is_shown_as_it_was_given_but_for_its_secrets() -> None:
    url = parse_url(f"postgresql://anna:{SECRET}@db/fleet?passfile=x")
    assert shown(url) == "postgresql://anna:***@db/fleet"


def test_a_unit_within_a_unit_is_a_mistake_and_not_a_deadlock(
    sqlite_storage: SqlStorage,
) -> None:
    with sqlite_storage.begin(), pytest.raises(RuntimeError, match="open in this"):
        sqlite_storage.begin().__enter__()
    with sqlite_storage.begin() as uow:
        assert uow.runs.leases() == ()
