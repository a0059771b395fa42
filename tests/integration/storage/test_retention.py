"""Evidence of an older release: upgraded, then pruned, exported and looked back on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect

from orchestrator.adapters.database import open_storage, schema
from orchestrator.adapters.database.engine import make_engine, parse_url
from orchestrator.adapters.evidence_files.bundle import ZipBundles
from orchestrator.application.apply import apply
from orchestrator.application.audit import AuditReport, audit, audit_as_of
from orchestrator.application.codec import to_json
from orchestrator.application.evidence import export, verify
from orchestrator.application.plans import approve, plan
from orchestrator.application.results import ErrorCode, RefusedError, Result
from orchestrator.application.retention import prune
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.evidence import Entry, Head, RecordKind
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, HOTFIX, PACKAGE, World, world

ALL = Selection()
NAMES = ("fe1", "fe2", "fe3")
INDEX = "ix_evidence_kind_at_writer_sequence"


@dataclass(slots=True)
class Estate:
    """A database's URL, the hosts, and every answer that was given at its time."""

    url: str
    clock: FakeClock
    notices: list[str] = field(default_factory=list)
    answers: list[Result[AuditReport]] = field(default_factory=list)
    world: World | None = None

    @contextmanager
    def opened(self) -> Iterator[Services]:
        """The services of one process, by the estate's clock."""
        with open_storage(
            self.url, writer="w", clock=self.clock.now, notice=self.notices.append
        ) as storage:
            if self.world is None:
                with world(storage, NAMES, clock=self.clock) as self.world:
                    yield self.world.services
            else:
                yield replace(self.world.services, storage=storage)

    def ask(self, services: Services) -> None:
        """An audit now; then the clock moves on."""
        self.answers.append(audit(services, ARTICLE, ALL))
        self.clock.advance(60)

    def heads(self) -> tuple[Head, ...]:
        with self.opened() as services, services.storage.read() as uow:
            return tuple(uow.evidence.heads())


def record_imports(services: Services) -> None:
    with services.storage.begin() as uow:
        package = {"package": to_json(PACKAGE), "inside": None}
        uow.evidence.append(
            Entry(RecordKind.CATALOG, ARTICLE, to_json(HOTFIX)),
            Entry(RecordKind.CATALOG, ARTICLE, package),
            Entry(RecordKind.INVENTORY, "inventory", to_json(uow.inventory.load())),
        )


def live(estate: Estate, services: Services) -> datetime:
    """Surveys, a rollout and audits; the moment before the rollout."""
    record_imports(services)
    survey(services, ALL)
    estate.ask(services)
    survey(services, ALL)
    estate.ask(services)
    horizon = estate.clock.now()
    estate.clock.advance(60)
    policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
    made = plan(services, ARTICLE, ALL, policy).data.plan
    approve(services, made, by="A. Manager", reason="change 1")
    apply(services, made)
    survey(services, ALL)
    estate.ask(services)
    return horizon


def has_index(url: str) -> bool:
    engine = make_engine(parse_url(url))
    found = inspect(engine).get_indexes("evidence")
    engine.dispose()
    return INDEX in {one["name"] for one in found}


def test_evidence_of_an_older_schema_is_upgraded_pruned_and_still_proves_itself(
    empty_url: str, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate, files, bundle = Estate(empty_url, clock), ZipBundles(), tmp_path / "all.zip"
    with monkeypatch.context() as older:
        older.setattr(schema, "SCHEMA_VERSION", "0001")
        with estate.opened() as services:
            horizon = live(estate, services)
        before = estate.heads()
        assert not has_index(empty_url)
    assert estate.notices == []

    assert estate.heads() == before
    assert has_index(empty_url)
    (said,) = estate.notices
    assert f"from schema 0001 to {schema.SCHEMA_VERSION}" in said

    early, _, late = estate.answers
    clock.advance(3600)
    with estate.opened() as services:
        then = audit_as_of(services, ARTICLE, ALL, horizon)
        taken = prune(services, horizon, by="A", reason="rule 7", confirmed=True).data
        assert taken.pruned["observation"] > 0
        with pytest.raises(RefusedError) as refused:
            audit_as_of(services, ARTICLE, ALL, early.data.as_of)
        assert refused.value.problem.code is ErrorCode.PRUNED
        with pytest.raises(RefusedError):
            audit_as_of(services, ARTICLE, ALL, horizon - timedelta(seconds=1))
        assert audit_as_of(services, ARTICLE, ALL, horizon) == then
        again = audit_as_of(services, ARTICLE, ALL, late.data.as_of)
        assert again.data.summary == late.data.summary
        head = export(services, files, bundle).data.head

    checked = verify(files, bundle, head).data
    assert (checked.intact, checked.pruned) == (True, sum(taken.pruned.values()))
    assert verify(files, bundle, taken.head).data.intact
