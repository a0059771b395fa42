"""From a URL to an engine, set up so that what is committed survives."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Pool,
    QueuePool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError

from orchestrator.adapters.database.errors import shown
from orchestrator.application.ports.storage import StorageError

#: How long one waits for another process's lock, in seconds.
LOCK_SECONDS = 30
#: How long the server may take to accept a connection, in seconds.
CONNECT_SECONDS = 10
#: How long one statement may take on a server, in seconds.
STATEMENT_SECONDS = 120
#: How long a transaction may stand still before a server ends it, in seconds.
IDLE_SECONDS = 60
#: Connections kept, and further ones under load; more threads wait their turn.
POOL_SIZE = 10
POOL_OVERFLOW = 20

#: Marks a transaction that only reads.
READ_ONLY = "orchestrator_read_only"

_EXAMPLES = "sqlite:////path/to/file.db or postgresql://user@host/name"


def parse_url(text: str) -> URL:
    """A database's URL, with the driver that this program brings.

    Raises:
        StorageError: it is not one, or names another kind of database.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        # The text may hold a password, so it is not repeated.
        raise StorageError(
            "the database's address is not a URL", f"expected {_EXAMPLES}"
        ) from None
    match url.get_backend_name():
        case "sqlite":
            return _sqlite_url(url)
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise StorageError(f"{other} is not supported", f"expected {_EXAMPLES}")


def _sqlite_url(url: URL) -> URL:
    if not url.database or ":memory:" in url.database:
        raise StorageError(
            "a database in memory would be lost", f"expected a file: {_EXAMPLES}"
        )
    return url.set(drivername="sqlite+pysqlite")


def make_engine(url: URL) -> Engine:
    """An engine for many threads; nothing is connected yet.

    Raises:
        StorageError: the file or its folder cannot be made.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite:
        _make_file(url)
    engine = create_engine(
        url,
        # Parameters hold what was read of hosts; no error repeats them.
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=not sqlite,
        connect_args=_sqlite_options() if sqlite else _postgres_options(url),
    )
    if sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_options() -> dict[str, Any]:
    # Without an isolation level the driver leaves BEGIN to us.
    return {
        "timeout": LOCK_SECONDS,
        "isolation_level": None,
        "check_same_thread": False,
    }


def _postgres_options(url: URL) -> dict[str, Any]:
    """Bounds on every wait; a process that stands still loses its locks."""
    limits = {
        "lock_timeout": f"{LOCK_SECONDS}s",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "timezone": "UTC",
    }
    ours = " ".join(f"-c {name}={value}" for name, value in limits.items())
    given = str(url.query.get("options", ""))
    return {
        "connect_timeout": CONNECT_SECONDS,
        "options": f"{ours} {given}".strip(),
        "keepalives_idle": LOCK_SECONDS,
        "tcp_user_timeout": LOCK_SECONDS * 1_000,  # milliseconds
    }


def _make_file(url: URL) -> None:
    """An empty file that only its owner may read, in a folder that is the same."""
    path = Path(url.database or "").absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(
            f"database {shown(url)}: {error.strerror}",
            "check the path, and the rights on the folder",
        ) from error


def _set_up_sqlite(connection: Any, _: Pool | object) -> None:
    cursor = connection.cursor()
    for setting in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start, so that nothing fails half-way.

    A transaction that reads first and then writes would be refused where another
    process wrote in between, and waiting does not help it.
    """
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    driver.execute(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
    driver.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
