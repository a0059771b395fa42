"""The database: SQLite in a file by default, PostgreSQL by URL, one code for both."""

from orchestrator.adapters.database.storage import (
    SqlStorage,
    default_url,
    open_storage,
)

__all__ = ["SqlStorage", "default_url", "open_storage"]
