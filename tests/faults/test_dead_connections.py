"""Whichever request of an apply its connection dies at, the outcome is settled rightly.

Twice for each request: before the host saw it, and after it did what was asked. The
host counts its own installers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from orchestrator.adapters.articles.reader import Articles
from orchestrator.adapters.database import open_storage
from orchestrator.adapters.engine.threads import Threads
from orchestrator.adapters.inventory_files.reader import read_inventory
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.apply import OutcomeLine, apply, resume
from orchestrator.application.audit import audit
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.application.services import Limits, Services
from orchestrator.application.survey import survey
from orchestrator.bootstrap import SystemClock
from orchestrator.domain.hotfix import ExposureRule
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection
from orchestrator.domain.verdict import Verdict
from orchestrator.lab import inventory_file
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import ARTICLE, Lab, Served
from orchestrator.lab.wsman import Faults
from tests.fakes.estate import FakeCredentials
from tests.integration.main_job.test_over_winrm import packages, table

PASSWORD = "simulated only"
ALL = Selection()
SCENARIO = b"""
servers: 1
sites: 1
speed: 400
timing: {install: 20, service_start: 4, service_stop: 4, boot: 60}
"""
POLICY = PlanPolicy(activation=Activation.RESTART_SERVICE)
#: About as many as an apply of one server sends; polling makes it vary.
REQUESTS = 190
#: Requests that a quick run tries, drawn with a seed.
SAMPLE = 6
SEED = 903927

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def tried() -> list[int]:
    """The requests at which the connection dies."""
    every = range(1, REQUESTS + 1)
    if os.environ.get("ORCHESTRATOR_ALL_FAULTS"):
        return list(every)
    return sorted(Random(SEED).sample(every, SAMPLE))  # noqa: S311 - repeatable


@dataclass(frozen=True, slots=True)
class Job:
    """One server that needs the hotfix, and an approved plan for it."""

    services: Services
    served: Served
    plan: str

    def installs(self) -> int:
        """How often an installer was started on the host."""
        return self.served.computer.host.processes.starts["update.exe"]

    def verdict(self) -> Verdict:
        """What an audit of fresh facts says."""
        survey(self.services, ALL)
        (line,) = audit(self.services, ARTICLE, ALL).data.servers
        return line.verdict

    def apply_and_resume(self) -> OutcomeLine:
        """Apply while the connection may die; once it is whole, resume."""
        result = apply(self.services, self.plan)
        self.served.listener.inject(Faults())
        if result.data.state is not RunState.FINISHED:
            result = resume(self.services, result.data.run)
        (line,) = result.data.outcomes
        return line


@pytest.fixture
def job(sqlite_url: str, tmp_path: Path) -> Iterator[Job]:
    clock = SystemClock()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(parse(SCENARIO, "x"), 1, PASSWORD, port=0))
        storage = stack.enter_context(
            open_storage(sqlite_url, writer="t-1-x", clock=lambda: datetime.now(UTC))
        )
        (served,) = lab.servers.values()
        credential = Credential(
            CREDENTIAL, ACCOUNT, Secret(PASSWORD), (Mechanism.NTLM,)
        )
        services = Services(
            storage=storage,
            hosts=WinRmGateway(WinRmLimits(service_poll_s=0.02), clock=clock.now),
            credentials=FakeCredentials({CREDENTIAL: credential}),
            clock=clock,
            account="tester",
            owner="t-1-x",
            engine=Threads(),
            limits=Limits(
                poll_seconds=0.05, dispatch_seconds=0.02, lost_contact_seconds=2
            ),
        )
        yield Job(services, served, planned(services, lab, tmp_path))


def planned(services: Services, lab: Lab, folder: Path) -> str:
    shipped = Articles().shipped(ARTICLE)
    assert shipped is not None
    leaks = replace(shipped, exposure=ExposureRule.ALWAYS)
    hotfix = table(leaks, r"%systemroot%\system32\schannel.dll", 1)
    ports = {name: one.listener.port for name, one in lab.servers.items()}
    estate = folder / "estate.yml"
    estate.write_text(inventory_file.dump(lab.estate, ports))
    with services.storage.begin() as uow:
        uow.catalog.put_hotfix(hotfix)
        for package, path in packages(hotfix, folder):
            uow.catalog.put_package(package, str(path))
        uow.inventory.save(read_inventory(estate))
    survey(services, ALL)
    name = plan(services, ARTICLE, ALL, POLICY).data.plan
    approve(services, name, by="A. Manager", reason="a test")
    return name


def check(job: Job, line: OutcomeLine) -> None:
    """The outcome says what is so on the host, and nothing ran twice."""
    told = f"{line.outcome}: {line.reason}; {job.installs()} installs"
    verdict = job.verdict()
    if line.outcome is Outcome.REMEDIATED:
        assert (job.installs(), verdict) == (1, Verdict.COMPLIANT), told
    else:
        assert line.outcome in {Outcome.UNREACHABLE, Outcome.STAGING_FAILED}, told
        assert (job.installs(), verdict) == (0, Verdict.NEEDED), told


@pytest.mark.parametrize("number", tried())
def test_the_connection_dies_before_a_request_arrives(job: Job, number: int) -> None:
    doomed = job.served.listener.requests + number
    job.served.listener.inject(Faults(drop_before=frozenset({doomed})))
    check(job, job.apply_and_resume())


@pytest.mark.parametrize("number", tried())
def test_the_connection_dies_before_an_answer_arrives(job: Job, number: int) -> None:
    doomed = job.served.listener.requests + number
    job.served.listener.inject(Faults(drop_after=frozenset({doomed})))
    check(job, job.apply_and_resume())


@pytest.mark.parametrize("lost", ["StopService", "StartService"])
def test_a_service_that_was_stopped_is_started_whatever_answer_was_lost(
    job: Job, lost: str
) -> None:
    job.served.listener.inject(Faults(lose_reply_to=lost))
    line = job.apply_and_resume()
    check(job, line)
    assert line.outcome is Outcome.REMEDIATED


def test_an_undisturbed_apply_sends_about_as_many_requests_as_are_tried(
    job: Job,
) -> None:
    before = job.served.listener.requests
    line = job.apply_and_resume()
    sent = job.served.listener.requests - before
    check(job, line)
    assert line.outcome is Outcome.REMEDIATED
    assert REQUESTS * 0.6 <= sent <= REQUESTS, f"{sent} requests were sent"
