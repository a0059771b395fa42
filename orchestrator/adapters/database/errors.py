"""The driver's errors, translated once, with what an operator can do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from orchestrator.application.codec import DecodeError
from orchestrator.application.ports.storage import StorageError

#: A part of the driver's message, and what an operator can do.
_HINTS = (
    ("database is locked", "another process is writing; try again when it is done"),
    ("lock timeout", "another process holds it; try again when it is done"),
    ("deadlock", "another process was in the way; the command can be repeated"),
    ("disk is full", "free some space on the volume of the database"),
    ("no space left", "free some space on the volume of the database"),
    ("readonly database", "check the rights on the file and on its folder"),
    ("unable to open", "check the path, and the rights on the folder"),
    ("not a database", "the file is something else; name another one"),
    ("malformed", "the file is damaged; restore it from a backup"),
    ("no such table", "the schema is incomplete; restore it from a backup"),
    ("does not exist", "create it, or correct the URL"),
    ("password authentication", "correct the user or password in the URL"),
    ("connection", "check that the server runs and that the URL names it"),
)


def shown(url: URL) -> str:
    """A database's address as people may see it: no password, no options."""
    plain = url.set(drivername=url.get_backend_name(), query={})
    return plain.render_as_string(hide_password=True)


def failure(url: URL, error: BaseException) -> StorageError:
    """What the driver said, in one line, without a password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    line = " ".join(said.split())
    for secret in _secrets(url):
        line = line.replace(secret, "***")
    if isinstance(error, PoolTimeoutError):
        line = "no connection became free in time"
    lower = line.lower()
    hint = next((hint for part, hint in _HINTS if part in lower), "")
    return StorageError(f"database {shown(url)}: {line}", hint)


def _secrets(url: URL) -> tuple[str, ...]:
    options = (
        value
        for name, value in url.query.items()
        if "pass" in name and isinstance(value, str)
    )
    return tuple(value for value in (url.password, *options) if value)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Let no error of the driver past.

    Raises:
        StorageError: in its place.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise failure(url, error) from error
    except UnicodeEncodeError as error:
        raise StorageError(
            f"found {error.object!r}, which is not a text",
            "check the terminal's encoding",
        ) from error
    except DecodeError as error:
        raise StorageError(
            f"database {shown(url)} holds a value that cannot be read: {error}",
            "restore it from a backup, or use the version that wrote it",
        ) from error
