"""The schema and its versions: made at first use, upgraded, never guessed.

There is no downgrade: it would throw away what newer code recorded, and evidence is
append only. The way back is the backup from before the upgrade. Changes expand
first and contract a release later, so that old and new code can work side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from orchestrator.adapters.database.engine import READ_ONLY
from orchestrator.application.ports.storage import StorageError

#: The version of the schema that this code works with.
SCHEMA_VERSION = "0002"

#: Names the lock under which PostgreSQL's schema is changed.
_UPGRADE_LOCK = 0x6F726367


def migrations_folder() -> Path:
    """The migrations: in the wheel, or in a checkout beside the package."""
    package = Path(__file__).resolve().parents[2]
    shipped = package / "_data" / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def bring_up(engine: Engine, address: str, notice: Callable[[str], None]) -> None:
    """Make the schema, or upgrade an older one after saying so.

    Raises:
        StorageError: the database was made by a newer version of this program.
    """
    with engine.connect().execution_options(**{READ_ONLY: True}) as connection:
        if schema_version(connection) == SCHEMA_VERSION:
            return
    # One transaction: a failed upgrade leaves what was there, and of two processes
    # the second finds the work done.
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        _upgrade(connection, address, notice)


def schema_version(connection: Connection) -> str | None:
    """The version of a database's schema; ``None`` where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _upgrade(
    connection: Connection, address: str, notice: Callable[[str], None]
) -> None:
    # A command that finds its schema right does without this import.
    from alembic import command  # noqa: PLC0415 - slow, and rarely needed
    from alembic.config import Config  # noqa: PLC0415 - likewise
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    found = schema_version(connection)
    if found == SCHEMA_VERSION:
        return
    config = Config()
    config.set_main_option(
        "script_location", str(migrations_folder()).replace("%", "%%")
    )
    config.attributes["connection"] = connection
    known = {
        script.revision
        for script in ScriptDirectory.from_config(config).walk_revisions()
    }
    if found is not None and found not in known:
        raise StorageError(
            f"database {address} has schema {found}, expected {SCHEMA_VERSION} at most",
            "it was made by a newer version of this program; use that one",
        )
    if found is not None:
        notice(f"upgrading database {address} from schema {found} to {SCHEMA_VERSION}")
    command.upgrade(config, SCHEMA_VERSION)
