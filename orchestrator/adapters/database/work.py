"""What the repositories share: one transaction's connection and a few verbs.

They use SQLAlchemy's connection, not its session: values are immutable, so there is
no identity to map and nothing to flush.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Dialect, Executable, UpdateBase, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from orchestrator.adapters.database.models import Base
from orchestrator.application.codec import from_json, to_json
from orchestrator.domain.canonical import canonical_json

T = TypeVar("T")
Spelling = Callable[[Any], Any]

#: Names the lock under which PostgreSQL's writers decide, one after another.
_DECISION_LOCK = 0x6F726368  # "orch"


class Prepared:
    """A statement that writes, run on SQLite by the driver itself.

    For the hottest few: of each, SQLAlchemy's part costs five times what SQLite's
    does. ``benchmarks/journal.py`` measures it.
    """

    def __init__(self, statement: UpdateBase) -> None:
        """Compile it; each of its parameters has a name."""
        self.statement = statement
        dialect = sqlite.dialect(paramstyle="named")
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._spellings = {
            name: spelling
            for name, parameter in compiled.binds.items()
            if (spelling := _spelling(parameter.type, dialect)) is not None
        }

    def spelled(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row as SQLite's driver takes it."""
        changed = {name: as_(row[name]) for name, as_ in self._spellings.items()}
        return {**row, **changed}


def _spelling(kind: TypeEngine[Any], dialect: Dialect) -> Spelling | None:
    """How a type's values are spelled for a database, if not as they are."""
    return kind.dialect_impl(dialect).bind_processor(dialect)


@dataclass(slots=True)
class Work:
    """One transaction."""

    connection: Connection
    writes: bool
    _deciding: bool = False

    @property
    def postgres(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.connection.dialect.name == "postgresql"

    def decide(self) -> None:
        """What is read from here on cannot change before this transaction ends.

        SQLite has one writer at a time anyhow. On PostgreSQL those that read in order
        to decide wait for one another; the rest is guarded by conditions on its rows.
        """
        if self.writes and self.postgres and not self._deciding:
            self.connection.execute(select(func.pg_advisory_xact_lock(_DECISION_LOCK)))
            self._deciding = True

    def run(self, statement: Executable, *rows: Mapping[str, Any]) -> int:
        """Execute a statement that writes; how many rows it touched."""
        return self.connection.execute(statement, list(rows) or None).rowcount

    def write(self, prepared: Prepared, *rows: Mapping[str, Any]) -> int:
        """Execute a prepared statement; how many rows it touched."""
        if self.postgres:
            return self.run(prepared.statement, *rows)
        driver = self.connection.connection.driver_connection
        cursor = cast("sqlite3.Connection", driver).executemany(
            prepared.text, [prepared.spelled(row) for row in rows]
        )
        return cursor.rowcount

    def add_missing(self, row: type[Base], values: Mapping[str, Any]) -> None:
        """Insert a row unless its key is there."""
        self.run(_adding(row, self.insert), values)

    def put(
        self,
        row: type[Base],
        *values: Mapping[str, Any],
        unless_newer: str | None = None,
    ) -> None:
        """Insert rows, or replace those with the same key.

        Args:
            row: the table.
            values: each with every column.
            unless_newer: a column of time; a row whose time is later stays.
        """
        if values:
            self.run(_replacing(row, self.insert, unless_newer), *values)

    @property
    def insert(self) -> Insert:
        """Makes an insert that may say what happens on a conflict."""
        return postgresql.insert if self.postgres else sqlite.insert


Insert = Callable[[type[Base]], postgresql.Insert | sqlite.Insert]

# Statements are made once for each table: that costs more than running them.


@cache
def _adding(row: type[Base], insert: Insert) -> Executable:
    return insert(row).on_conflict_do_nothing()


@cache
def _replacing(row: type[Base], insert: Insert, unless_newer: str | None) -> Executable:
    inserting = insert(row)
    new = inserting.excluded
    table = row.__table__
    kept = None if unless_newer is None else table.c[unless_newer] <= new[unless_newer]
    return inserting.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={
            column.name: new[column.name]
            for column in table.columns
            if not column.primary_key
        },
        where=kept,
    )


def spell(value: object) -> str:
    """A value as it is stored."""
    return canonical_json(to_json(value)).decode("ascii")


def read(wanted: type[T], body: str) -> T:
    """A value as it was stored.

    Raises:
        DecodeError: the text spells anything else.
    """
    return from_json(wanted, json.loads(body))


def read_all(wanted: type[T], bodies: Sequence[str]) -> tuple[T, ...]:
    """Values as they were stored."""
    return tuple(read(wanted, body) for body in bodies)
