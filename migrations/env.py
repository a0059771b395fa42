"""Runs migrations on the connection it is handed, within that one's transaction.

The caller holds the lock, opens the transaction and knows the address, so that no
URL, and no password in it, is ever part of a configuration.
"""

from alembic import context

from orchestrator.adapters.database.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
context.run_migrations()
