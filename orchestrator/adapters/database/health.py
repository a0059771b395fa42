"""What a database answers when it is only asked how it is; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from orchestrator.adapters.database.engine import READ_ONLY, make_engine, parse_url
from orchestrator.adapters.database.errors import shown, translated
from orchestrator.adapters.database.schema import SCHEMA_VERSION, schema_version
from orchestrator.application.doctor import DatabaseSeen


def look(text: str, clock: Callable[[], datetime]) -> DatabaseSeen:
    """Ask for its schema, and for its time where it has its own.

    Raises:
        StorageError: the URL is none, or nothing answers there.
    """
    url = parse_url(text)
    shared = url.get_backend_name() != "sqlite"
    if not shared and not Path(url.database or "").exists():
        return DatabaseSeen(shown(url), shared, None, SCHEMA_VERSION, None)
    engine = make_engine(url)
    try:
        with translated(url), engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            ahead = None
            if shared:
                before = clock()
                theirs = connection.execute(select(func.clock_timestamp())).scalar_one()
                middle = before + (clock() - before) / 2
                ahead = (theirs - middle).total_seconds()
            schema = schema_version(connection)
    finally:
        engine.dispose()
    return DatabaseSeen(shown(url), shared, schema, SCHEMA_VERSION, ahead)
