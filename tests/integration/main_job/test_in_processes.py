"""The main job by several processes of this machine, and one of them killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.adapters.system.process import process_name
from orchestrator.application.apply import apply
from orchestrator.application.results import ErrorCode, ExitCode
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.bootstrap import Program
from orchestrator.config import Settings
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Outcome
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL
from tests.integration.main_job.test_over_winrm import (
    ALL,
    PASSWORD,
    Job,
    hotfix,
    job,
)

__all__ = ["hotfix"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WIDE = PlanPolicy(activation=Activation.RESTART_SERVICE, growth=(3,))


@pytest.fixture
def storage(database_url: str) -> Iterator[SqlStorage]:
    """Each kind of database, by the real clock."""
    with open_storage(
        database_url, writer=process_name(), clock=lambda: datetime.now(UTC)
    ) as opened:
        yield opened


@contextmanager
def in_processes(url: str, folder: Path) -> Iterator[Services]:
    """The program as it is put together, with two processes."""
    settings = Settings(
        database=url,
        processes=2,
        poll_seconds=0.2,
        credentials_file=folder / "none.yml",
    )
    with Program(settings).services() as services:
        yield services


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's password where a child finds it too: in the environment."""
    named = f"ORCHESTRATOR_CREDENTIAL_{CREDENTIAL.upper()}"
    monkeypatch.setenv(f"{named}_USERNAME", ACCOUNT)
    monkeypatch.setenv(f"{named}_PASSWORD", PASSWORD)
    monkeypatch.setenv(f"{named}_MECHANISMS", "ntlm")


@pytest.mark.usefixtures("password")
def test_several_processes_do_the_whole_job(
    storage: SqlStorage, database_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    with (
        job(storage, tmp_path, hotfix) as made,
        in_processes(database_url, tmp_path) as services,
    ):
        many = Job(services, made.article)
        assert survey(services, ALL).exit_code is ExitCode.DONE
        result = apply(services, many.approved(WIDE))
        assert {line.outcome for line in result.data.outcomes} == {Outcome.REMEDIATED}
        with storage.read() as uow:
            # Turns are recorded by whoever took them: not by this process.
            writers = {head.writer for head in uow.evidence.heads()}
            assert writers > {services.owner}
            assert uow.runs.leases() == ()


@pytest.mark.usefixtures("password")
def test_a_child_that_is_killed_loses_nothing(
    storage: SqlStorage, database_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    with (
        job(storage, tmp_path, hotfix) as made,
        in_processes(database_url, tmp_path) as services,
        ThreadPoolExecutor(1) as aside,
    ):
        survey(services, ALL)
        name = Job(services, made.article).approved(WIDE)
        running = aside.submit(apply, services, name)
        os.kill(_child_with_a_server(storage), signal.SIGKILL)
        result = running.result(120)
        assert {line.outcome for line in result.data.outcomes} == {Outcome.REMEDIATED}
        launches = [
            sum(step.step == "launch" for step in line.steps)
            for line in result.data.outcomes
        ]
        assert launches == [1, 1, 1]


def _child_with_a_server(storage: SqlStorage) -> int:
    """The process of a child that has a server now."""
    children = {str(child.pid) for child in multiprocessing.active_children()}
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with storage.read() as uow:
            owners = [
                lease.owner.split("-")[-2]
                for lease in uow.runs.leases()
                if lease.resource.startswith("server:")
            ]
        for owner in owners:
            if owner in children:
                return int(owner)
        time.sleep(0.02)
    raise TimeoutError


def test_a_credential_that_would_be_asked_for_is_missing_and_says_why(
    sqlite_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    with (
        open_storage(
            sqlite_url, writer=process_name(), clock=lambda: datetime.now(UTC)
        ) as storage,
        job(storage, tmp_path, hotfix),
        in_processes(sqlite_url, tmp_path) as services,
    ):
        found = survey(services, ALL)
    assert {problem.code for problem in found.problems} == {ErrorCode.NO_CREDENTIAL}
    assert "use --processes 1" in found.problems[0].message
