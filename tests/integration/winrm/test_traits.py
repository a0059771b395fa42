"""What a scenario makes of a server ends as a typed value, and never hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.adapters.engine.threads import Threads
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    FaultKind,
    HostFaultError,
    InstallerAction,
    LaunchOrder,
    LaunchReceipt,
    PackageSource,
    Route,
    StagingReport,
    SurveyScope,
)
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import ErrorCode, ExitCode
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.facts import FactKind, FactSet, ServiceEndpoint
from orchestrator.domain.remediation import (
    AttemptEvidence,
    Finished,
    Interrupted,
    KnownLaunch,
    settle,
)
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Site
from orchestrator.lab.scenario import Assignment, Scenario
from orchestrator.lab.serve import ARTICLE, Lab, Served
from orchestrator.lab.traits import Trait, Value
from orchestrator.lab.windows.package import make_lab_package
from orchestrator.lab.windows.profile import Timing
from tests.fakes.clock import FakeClock
from tests.fakes.estate import FakeCredentials
from tests.integration.winrm.conftest import (
    PASSWORD,
    credential_of,
    package_of,
    reached,
)
from tests.integration.winrm.wine_host import now

FOLDER = AttemptFolder("attempt-traits")
TIMING = Timing(install=20, boot=60)


@contextmanager
def server_with(trait: Trait, value: Value = None) -> Iterator[Served]:
    """The one server of a lab, with a trait."""
    plan = Scenario(
        servers=1,
        speed=100,
        timing=TIMING,
        assignments=(Assignment(trait, share=1.0, value=value),),
    )
    with Lab(plan, 1, PASSWORD, port=0) as lab:
        yield next(iter(lab.servers.values()))


def staged(gateway: WinRmGateway, served: Served, folder: Path) -> LaunchOrder:
    data = make_lab_package(ARTICLE, served.computer.profile.platform)
    path = folder / "package.exe"
    path.write_bytes(data)
    package = package_of(data)
    credential = credential_of(served.computer.profile)
    with gateway.writer(reached(served), credential) as host:
        report = host.stage(FOLDER, package, PackageSource(Route.PUSH, str(path)))
    assert isinstance(report, StagingReport), report
    return LaunchOrder(FOLDER, InstallerAction.INSTALL, ARTICLE, package)


def launched(
    gateway: WinRmGateway, served: Served, order: LaunchOrder
) -> LaunchReceipt:
    credential = credential_of(served.computer.profile)
    with gateway.writer(reached(served), credential) as host:
        return host.launch(order)


def evidence(gateway: WinRmGateway, served: Served) -> AttemptEvidence:
    credential = credential_of(served.computer.profile)
    with gateway.reader(reached(served), credential) as host:
        return host.evidence(FOLDER)


def wait_for_code(gateway: WinRmGateway, served: Served) -> AttemptEvidence:
    for _ in range(100):
        found = evidence(gateway, served)
        if found.exit_text is not None:
            return found
        time.sleep(0.1)
    raise AssertionError("the installer left no code")


def known(receipt: LaunchReceipt) -> KnownLaunch:
    return KnownLaunch(receipt.boot_time, receipt.process_id, receipt.started)


def test_a_survey_outlives_a_drop_at_a_request(gateway: WinRmGateway) -> None:
    with server_with(Trait.DROPS_AT_REQUEST, 5) as served:
        credential = credential_of(served.computer.profile)
        with gateway.reader(reached(served), credential) as host:
            facts = FactSet.of(host.survey(SurveyScope()))
    assert facts.find(FactKind.FREE_SPACE) is not None
    where = facts.find(FactKind.ENDPOINT)
    assert where is not None
    url = f"http://{served.listener.endpoint.address}:{served.listener.port}/wsman"
    assert where.value == ServiceEndpoint(url, "1.1", "ntlm")


def test_a_launch_whose_answer_is_lost_is_found_on_the_host(
    gateway: WinRmGateway, tmp_path: Path
) -> None:
    with server_with(Trait.DROPS_AFTER_LAUNCH) as served:
        order = staged(gateway, served, tmp_path)
        with pytest.raises(HostFaultError) as caught:
            launched(gateway, served, order)
        assert caught.value.kind is FaultKind.UNREACHABLE
        assert wait_for_code(gateway, served).exit_text == "0"


def test_a_full_quota_is_busy_after_bounded_patience() -> None:
    gateway = WinRmGateway(WinRmLimits(quota_retries=2, quota_wait_s=0.01), clock=now)
    with server_with(Trait.QUOTA_FULL) as served, pytest.raises(HostFaultError) as full:
        evidence(gateway, served)
    assert full.value.kind is FaultKind.BUSY


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_clock_that_steps_does_not_change_the_outcome(
    gateway: WinRmGateway, tmp_path: Path, seconds: float
) -> None:
    with server_with(Trait.CLOCK_STEP, seconds) as served:
        order = staged(gateway, served, tmp_path)
        receipt = launched(gateway, served, order)
        found = settle(wait_for_code(gateway, served), known(receipt))
    assert isinstance(found, Finished)


def test_a_power_loss_half_way_is_interrupted(
    gateway: WinRmGateway, tmp_path: Path
) -> None:
    with server_with(Trait.INSTALLER, "power-loss") as served:
        order = staged(gateway, served, tmp_path)
        receipt = launched(gateway, served, order)
        found = settle(back_again(gateway, served, receipt), known(receipt))
    assert isinstance(found, Interrupted)


def back_again(
    gateway: WinRmGateway, served: Served, receipt: LaunchReceipt
) -> AttemptEvidence:
    """The evidence after the restart; a fault, and no hang, while it is down."""
    for _ in range(100):
        with suppress(HostFaultError):
            found = evidence(gateway, served)
            if found.boot_time > receipt.boot_time:
                return found
        time.sleep(0.1)
    raise AssertionError("the computer did not come back")


@pytest.mark.parametrize("trait", [Trait.UNREACHABLE, Trait.REFUSED])
def test_a_server_that_cannot_be_reached_is_exit_code_6_of_a_survey(
    sqlite_storage: Storage, trait: Trait
) -> None:
    gateway = WinRmGateway(WinRmLimits(identify_timeout_s=0.5), clock=now)
    with server_with(trait) as served:
        server = reached(served)
        services = Services(
            storage=sqlite_storage,
            hosts=gateway,
            credentials=FakeCredentials(
                {"fleet": credential_of(served.computer.profile)}
            ),
            clock=FakeClock(),
            account="tester",
            owner="t-1-x",
            engine=Threads(),
        )
        with sqlite_storage.begin() as uow:
            site = Site(server.site, credential="fleet")
            uow.inventory.save(
                Inventory({server.name: server}, sites={site.name: site})
            )
        result = survey(services, Selection())
    assert result.exit_code is ExitCode.UNREACHABLE
    (problem,) = result.problems
    assert problem.code is ErrorCode.UNREACHABLE
    assert problem.hint
    with sqlite_storage.read() as uow:
        _, fault = uow.facts.contacts()[server.name]
    assert fault is not None
    assert fault.endswith(problem.hint)
