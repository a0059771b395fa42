"""Checkpoints: a run ends with one, and it binds every chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.adapters.database import open_storage
from orchestrator.application.apply import apply, status
from orchestrator.application.evidence import bind
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.storage import Storage
from orchestrator.application.survey import survey
from orchestrator.domain.evidence import Entry, Record, RecordKind
from orchestrator.domain.planning import PlanPolicy
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, World, world


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, ["fe1"]) as made:
        yield made


def checkpoints(made: World) -> list[Record]:
    with made.services.storage.read() as uow:
        return list(uow.evidence.records(kinds=(RecordKind.CHECKPOINT,)))


def test_a_run_ends_with_a_checkpoint_and_prints_its_hash(estate: World) -> None:
    survey(estate.services, Selection())
    made = plan(estate.services, ARTICLE, Selection(), PlanPolicy()).data.plan
    approve(estate.services, made, by="A. Manager", reason="change 1")
    report = apply(estate.services, made).data
    (last,) = checkpoints(estate)
    assert report.evidence_head == last.hash
    assert last.hash in report.evidence_heads.values()
    assert status(estate.services, report.run).data.evidence_head == ""


def test_a_checkpoint_names_the_end_of_every_chain(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/shared.db", FakeClock()
    entry = Entry(RecordKind.HOOK, "run-1", {"hook": "a test"})
    with (
        open_storage(url, writer="one", clock=clock.now) as first,
        open_storage(url, writer="two", clock=clock.now) as second,
        world(first, ["fe1"]) as here,
    ):
        survey(here.services, Selection())
        with second.begin() as uow:
            uow.evidence.append(entry)
            before = uow.evidence.heads()
        bind(here.services)
        (record,) = checkpoints(here)
    assert [head.writer for head in before] == ["one", "two"]
    assert record.payload == {
        "heads": {
            head.writer: {"sequence": head.sequence, "hash": head.hash}
            for head in before
        }
    }
