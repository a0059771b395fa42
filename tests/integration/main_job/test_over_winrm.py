"""The main job over real WinRM, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.articles.reader import Articles
from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.adapters.engine.threads import Threads
from orchestrator.adapters.inventory_files.reader import read_inventory
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.apply import apply
from orchestrator.application.audit import audit
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.application.results import ErrorCode, ExitCode, RefusedError
from orchestrator.application.rollback import rollback
from orchestrator.application.services import Limits, Services
from orchestrator.application.survey import survey
from orchestrator.bootstrap import SystemClock
from orchestrator.domain.hotfix import (
    FileRow,
    FileTable,
    Hotfix,
    Package,
    Platform,
    Provenance,
)
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Action, Outcome
from orchestrator.domain.selection import Selection
from orchestrator.domain.verdict import Verdict
from orchestrator.domain.version import Branch, FileVersion
from orchestrator.lab import inventory_file
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import Lab, write_package
from tests.fakes.estate import FakeCredentials

PASSWORD = "simulated only"
ALL = Selection()
SCENARIO = b"""
servers: 3
sites: 1
speed: 60
timing: {install: 20, service_start: 3, service_stop: 3, boot: 60}
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Job:
    """Services over a lab, with the catalog and inventory imported."""

    services: Services
    article: str

    def verdicts(self) -> set[Verdict]:
        """Which verdicts there are now."""
        servers = audit(self.services, self.article, ALL).data.servers
        return {line.verdict for line in servers}

    def approved(self, policy: PlanPolicy) -> str:
        """A plan of everything, approved."""
        made = plan(self.services, self.article, ALL, policy).data.plan
        approve(self.services, made, by="A. Manager", reason="a test")
        return made


def table(hotfix: Hotfix, path: str, service_pack: int) -> Hotfix:
    """The hotfix with the lab's file table, at a path of its own."""
    rows = tuple(
        FileRow(
            path.rpartition("\\")[2],
            path,
            FileVersion(5, 2, 3790, 2600),
            platform,
            Branch.QFE,
            service_pack,
        )
        for platform in (Platform.X86, Platform.X64)
    )
    provenance = Provenance("a test", "the lab")
    return replace(hotfix, file_table=FileTable(rows, provenance, lab=True))


def packages(hotfix: Hotfix, folder: Path) -> Iterator[tuple[Package, Path]]:
    """The lab's packages as they are imported."""
    for path in write_package(folder):
        raw = path.read_bytes()
        yield (
            Package(
                article=hotfix.article,
                name=path.name,
                sha256=hashlib.sha256(raw).hexdigest(),
                sha1=hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
                size=len(raw),
                platform=Platform.X64 if "x64" in path.name else Platform.X86,
                language="ENU",
                service_pack=None,
                pinned=True,
                provenance=Provenance("a test", path.name),
                lab=True,
            ),
            path,
        )


@contextmanager
def job(storage: SqlStorage, folder: Path, hotfix: Hotfix) -> Iterator[Job]:
    """A lab of three leaking servers, everything imported."""
    credential = Credential(CREDENTIAL, ACCOUNT, Secret(PASSWORD), (Mechanism.NTLM,))
    clock = SystemClock()
    with Lab(parse(SCENARIO, "a test"), 1, PASSWORD, port=0) as lab:
        ports = {name: one.listener.port for name, one in lab.servers.items()}
        estate = folder / "estate.yml"
        estate.write_text(inventory_file.dump(lab.estate, ports))
        with storage.begin() as uow:
            uow.catalog.put_hotfix(hotfix)
            for package, path in packages(hotfix, folder):
                uow.catalog.put_package(package, str(path))
            uow.inventory.save(read_inventory(estate))
        yield Job(
            Services(
                storage=storage,
                hosts=WinRmGateway(WinRmLimits(service_poll_s=0.05), clock=clock.now),
                credentials=FakeCredentials({CREDENTIAL: credential}),
                clock=clock,
                account="tester",
                owner="a-test-1-x",
                engine=Threads(),
                limits=Limits(poll_seconds=0.2, dispatch_seconds=0.1),
            ),
            hotfix.article,
        )


@pytest.fixture
def hotfix() -> Hotfix:
    """The shipped definition with the lab's table."""
    shipped = Articles().shipped("KB903927")
    assert shipped is not None
    return table(shipped, r"%systemroot%\system32\schannel.dll", 1)


@pytest.fixture
def storage(database_url: str) -> Iterator[SqlStorage]:
    """Each kind of database, by the real clock."""
    with open_storage(
        database_url, writer="a-test-1-x", clock=lambda: datetime.now(UTC)
    ) as opened:
        yield opened


def test_with_activation_every_server_ends_compliant(
    storage: SqlStorage, tmp_path: Path, hotfix: Hotfix
) -> None:
    with job(storage, tmp_path, hotfix) as made:
        assert survey(made.services, ALL).exit_code is ExitCode.DONE
        assert made.verdicts() == {Verdict.NEEDED}
        name = made.approved(PlanPolicy(activation=Activation.RESTART_SERVICE))
        result = apply(made.services, name)
        assert {line.outcome for line in result.data.outcomes} == {Outcome.REMEDIATED}
        assert result.exit_code is ExitCode.DONE
        assert made.verdicts() == {Verdict.COMPLIANT}
        with pytest.raises(RefusedError) as refused:
            apply(made.services, name)
        assert refused.value.problem.code is ErrorCode.PLAN_STARTED
        again = plan(made.services, made.article, ALL, PlanPolicy())
        assert again.data.waves == ()


def test_without_activation_the_old_code_still_runs(
    sqlite_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    with (
        open_storage(
            sqlite_url, writer="a-test-1-x", clock=lambda: datetime.now(UTC)
        ) as storage,
        job(storage, tmp_path, hotfix) as made,
    ):
        survey(made.services, ALL)
        result = apply(made.services, made.approved(PlanPolicy()))
        found = {line.outcome for line in result.data.outcomes}
        assert found == {Outcome.INSTALLED_NOT_ACTIVE}
        survey(made.services, ALL)
        assert made.verdicts() == {Verdict.INSTALLED_NOT_ACTIVE}


def test_another_hotfix_works_by_its_data_alone(
    sqlite_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    """Other article, other file, other products; one that requires a restart."""
    other = replace(
        table(hotfix, r"%systemroot%\system32\schannel.dll", 1),
        article="KB700555",
        title="Another one",
        products=("lcs-2005-sp1",),
        restart_required=True,
    )
    with (
        open_storage(
            sqlite_url, writer="a-test-1-x", clock=lambda: datetime.now(UTC)
        ) as storage,
        job(storage, tmp_path, other) as made,
    ):
        survey(made.services, ALL)
        assert made.verdicts() == {Verdict.NEEDED}
        policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
        result = apply(made.services, made.approved(policy))
        found = {line.outcome for line in result.data.outcomes}
        assert found == {Outcome.INSTALLED_NOT_ACTIVE}
        assert all(
            "the computer" in line.reason and "never" in line.reason
            for line in result.data.outcomes
        )


def test_a_rollback_brings_the_old_bytes_back(
    sqlite_url: str, tmp_path: Path, hotfix: Hotfix
) -> None:
    with (
        open_storage(
            sqlite_url, writer="a-test-1-x", clock=lambda: datetime.now(UTC)
        ) as storage,
        job(storage, tmp_path, hotfix) as made,
    ):
        survey(made.services, ALL)
        policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
        run = apply(made.services, made.approved(policy)).data.run
        report = rollback(made.services, run, ALL).data
        assert report.excluded == ()
        approve(made.services, report.plan, by="A. Manager", reason="back")
        result = apply(made.services, report.plan)
        assert {(line.outcome, line.action) for line in result.data.outcomes} == {
            (Outcome.ROLLED_BACK, Action.UNINSTALL)
        }, [line.reason for line in result.data.outcomes]
        assert result.exit_code is ExitCode.DONE
        survey(made.services, ALL)
        assert made.verdicts() == {Verdict.NEEDED}
