from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.database import open_storage
from orchestrator.application.ports.storage import Storage


@pytest.fixture
def sqlite_storage(tmp_path: Path) -> Iterator[Storage]:
    """A new SQLite database."""
    url = f"sqlite:///{tmp_path}/test.db"
    with open_storage(url, writer="test", clock=lambda: datetime.now(UTC)) as storage:
        yield storage
