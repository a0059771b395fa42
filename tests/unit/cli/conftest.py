"""The command line in this process, on an estate in memory and a new database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from typing_extensions import override

from orchestrator.application.ports.secrets import CredentialStore
from orchestrator.application.ports.storage import Storage
from orchestrator.application.services import Progress, Services, Silent
from orchestrator.bootstrap import Program
from orchestrator.cli.main import main
from tests.fakes.estate import World, world


@dataclass(frozen=True, slots=True)
class FakeProgram(Program):
    """Readers as always; hosts, credentials and clock in memory."""

    world: World | None = None

    @property
    @override
    def credentials(self) -> CredentialStore:
        return self._world.services.credentials

    @property
    def _world(self) -> World:
        assert self.world is not None
        return self.world

    @override
    @contextmanager
    def services(
        self,
        progress: Progress | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Iterator[Services]:
        yield replace(
            self._world.services,
            progress=progress or Silent(),
            interrupted=interrupted,
        )


@dataclass(frozen=True, slots=True)
class Called:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document of stdout, valid against its kind's schema."""
        found = json.loads(self.out)
        schema = files("orchestrator.cli") / "schemas" / f"{found['kind']}.json"
        jsonschema.validate(
            found,
            json.loads(schema.read_text()),
            format_checker=jsonschema.FormatChecker(),
        )
        return found


Call = Callable[..., Called]


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """Three leaking front ends of one pool."""
    with world(sqlite_storage, ["fe1", "fe2", "fe3"]) as made:
        yield made


@pytest.fixture
def call(estate: World, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command line on the estate."""

    def run(*words: str) -> Called:
        code = main(words, program=FakeProgram(world=estate))
        written = capsys.readouterr()
        return Called(code, written.out, written.err)

    return run


@pytest.fixture
def ask(call: Call) -> Callable[..., Any]:
    """Runs a command line for its JSON document."""

    def run(*words: str) -> Any:
        return call(*words, "--format", "json").document

    return run
