"""The schema: made at first use, upgraded after saying so, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from orchestrator.adapters.database import open_storage, schema
from orchestrator.adapters.database.engine import make_engine, parse_url
from orchestrator.adapters.database.models import Base
from orchestrator.application.ports.storage import StorageError
from tests.fakes.clock import FakeClock
from tests.fixtures.storage import at_once

LAST = schema.SCHEMA_VERSION
NEXT = f"{int(LAST) + 1:04}"


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    made = make_engine(parse_url(empty_url))
    yield made
    made.dispose()


def open_and_close(url: str, said: list[str]) -> None:
    open_storage(url, writer="w", clock=FakeClock().now, notice=said.append).close()


def version_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return schema.schema_version(connection)


def set_version(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :v"), {"v": version}
        )


def test_migrations_make_the_tables_that_the_code_knows(
    empty_url: str, engine: Engine
) -> None:
    open_and_close(empty_url, [])
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_new_database_is_made_without_a_word(empty_url: str, engine: Engine) -> None:
    said: list[str] = []
    open_and_close(empty_url, said)
    open_and_close(empty_url, said)
    assert version_of(engine) == schema.SCHEMA_VERSION
    assert said == []


def test_the_code_knows_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.SCHEMA_VERSION]


def test_a_newer_schema_is_refused_and_left_alone(
    empty_url: str, engine: Engine
) -> None:
    open_and_close(empty_url, [])
    set_version(engine, "9999")
    with pytest.raises(StorageError, match="schema 9999") as caught:
        open_and_close(empty_url, [])
    assert "newer version" in caught.value.hint
    assert version_of(engine) == "9999"


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations with one more; the code expects it."""
    folder = tmp_path / "migrations"
    versions = folder / "versions"
    versions.mkdir(parents=True)
    ours = schema.migrations_folder()
    for made in (ours / "env.py", *(ours / "versions").glob("0*.py")):
        (folder / made.relative_to(ours)).write_text(made.read_text())
    (versions / f"{NEXT}_more.py").write_text(
        f'revision, down_revision = "{NEXT}", "{LAST}"\n'
        "def upgrade():\n"
        "    from alembic import op\n"
        '    op.execute("CREATE TABLE more (id INTEGER)")\n'
    )
    monkeypatch.setattr(schema, "migrations_folder", lambda: folder)
    return versions / f"{NEXT}_more.py"


def test_an_older_schema_is_upgraded_after_saying_so(
    empty_url: str,
    engine: Engine,
    next_version: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert next_version.exists()
    said: list[str] = []
    open_and_close(empty_url, said)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", NEXT)
    open_and_close(empty_url, said)
    assert version_of(engine) == NEXT
    (line,) = said
    assert f"from schema {LAST} to {NEXT}" in line


def test_an_upgrade_that_fails_leaves_the_schema_as_it_was(
    empty_url: str,
    engine: Engine,
    next_version: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_and_close(empty_url, [])
    body = next_version.read_text()
    next_version.write_text(f'{body}    op.execute("DROP TABLE none_such")\n')
    monkeypatch.setattr(schema, "SCHEMA_VERSION", NEXT)
    with pytest.raises(StorageError):
        open_and_close(empty_url, [])
    assert version_of(engine) == LAST
    next_version.write_text(body)
    open_and_close(empty_url, [])
    assert version_of(engine) == NEXT


def test_of_many_that_open_a_new_database_each_finds_it_whole(empty_url: str) -> None:
    at_once(6, lambda _: open_and_close(empty_url, []))
