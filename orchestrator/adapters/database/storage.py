"""Units of work over SQLAlchemy: committed at the end of the block, or nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs
from sqlalchemy import URL, Connection, Engine

from orchestrator.adapters.database.catalog import Catalog
from orchestrator.adapters.database.engine import READ_ONLY, make_engine, parse_url
from orchestrator.adapters.database.errors import shown, translated
from orchestrator.adapters.database.evidence import Chain, Chains, Evidence
from orchestrator.adapters.database.facts import Facts
from orchestrator.adapters.database.groups import Groups
from orchestrator.adapters.database.inventory import Estate
from orchestrator.adapters.database.plans import Plans, Waivers
from orchestrator.adapters.database.runs import Runs
from orchestrator.adapters.database.schema import bring_up
from orchestrator.adapters.database.work import Work
from orchestrator.application.ports.storage import (
    CatalogRepository,
    EvidenceRepository,
    FactRepository,
    InventoryRepository,
    PlanRepository,
    RunRepository,
    UnitOfWork,
    WaiverRepository,
)

FILE_NAME = "orchestrator.db"

#: One state for all queries of a unit that reads, as SQLite gives by itself.
_POSTGRES_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def default_url(folder: Path | None = None) -> str:
    """SQLite in a folder, or else in the user's state folder."""
    where = folder or platformdirs.user_state_path("orchestrator")
    return URL.create("sqlite", database=str(where / FILE_NAME)).render_as_string()


def open_storage(
    url: str,
    *,
    writer: str,
    clock: Callable[[], datetime],
    notice: Callable[[str], None] = lambda _: None,
) -> SqlStorage:
    """Open a database, with its schema made or upgraded.

    Args:
        url: of SQLite or PostgreSQL.
        writer: names this process's chains of evidence; no other may have it.
        clock: the time of a record.
        notice: told before an existing schema is upgraded.

    Raises:
        StorageError: the URL or the database is not usable.
    """
    parsed = parse_url(url)
    engine = make_engine(parsed)
    try:
        with translated(parsed):
            bring_up(engine, shown(parsed), notice)
    except BaseException:
        engine.dispose()
        raise
    return SqlStorage(engine, writer=writer, clock=clock)


@dataclass(slots=True)
class Unit:
    """The repositories of one transaction."""

    catalog: CatalogRepository
    inventory: InventoryRepository
    facts: FactRepository
    plans: PlanRepository
    runs: RunRepository
    waivers: WaiverRepository
    evidence: EvidenceRepository


class SqlStorage:
    """Opens units of work; may be used from many threads."""

    def __init__(
        self, engine: Engine, *, writer: str, clock: Callable[[], datetime]
    ) -> None:
        """Use an engine whose schema is right."""
        self._engine = engine
        self._clock = clock
        self._chains = Chains(writer)
        sqlite = engine.dialect.name == "sqlite"
        self._writing = Groups(engine, Chain(writer)).unit if sqlite else self._alone
        self._reading = {READ_ONLY: True} if sqlite else dict(_POSTGRES_READING)

    def __enter__(self) -> Self:
        """Close it at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """One transaction: committed at the end of the block, or nothing is.

        Raises:
            StorageError: the database failed.
        """
        with translated(self._engine.url), self._writing() as (connection, chain):
            yield self._unit(Work(connection, writes=True), chain)

    @contextmanager
    def _alone(self) -> Iterator[tuple[Connection, Chain]]:
        """A transaction of its own; PostgreSQL groups the commits of many itself."""
        with (
            self._engine.connect() as connection,
            # Lent last: there are no more chains than connections.
            self._chains.lend() as chain,
            connection.begin(),
        ):
            yield connection, chain

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """One state of the database, for reading only; it waits for no writer.

        Raises:
            StorageError: the database failed, or something was written.
        """
        with translated(self._engine.url), self._engine.connect() as connection:
            connection.execution_options(**self._reading)
            with connection.begin():
                yield self._unit(Work(connection, writes=False), Chain(""))

    def _unit(self, work: Work, chain: Chain) -> Unit:
        return Unit(
            catalog=Catalog(work),
            inventory=Estate(work),
            facts=Facts(work),
            plans=Plans(work),
            runs=Runs(work),
            waivers=Waivers(work),
            evidence=Evidence(work, chain, self._clock),
        )
