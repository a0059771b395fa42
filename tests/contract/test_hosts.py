"""What every HostGateway does, the one in memory and the one over WinRM alike."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    FaultKind,
    HostFaultError,
    HostGateway,
    InstallerAction,
    LaunchOrder,
    PackageSource,
    Route,
    StagingReport,
    SurveyScope,
)
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.domain.facts import (
    VALUE_TYPES,
    FactKind,
    FactSet,
    FileState,
    ServiceState,
    TraceName,
    Unreadable,
    trace_subject,
)
from orchestrator.domain.hotfix import Package, Platform, Provenance
from orchestrator.domain.remediation import AttemptEvidence
from orchestrator.domain.server import Endpoint, Role, Server
from orchestrator.domain.serving import Serving
from orchestrator.domain.version import FileVersion
from orchestrator.lab.scenario import Scenario
from orchestrator.lab.serve import ARTICLE, Lab
from orchestrator.lab.windows.package import FIXED_VERSION, make_lab_package
from tests.fakes.clock import FakeClock
from tests.fakes.hosts import FakeGateway, FakeInstaller, server_2003

FILE = r"%systemroot%\system32\schannel.dll"
SCOPE = SurveyScope(
    files=(FILE,),
    articles=(ARTICLE,),
    services=("RTCSRV", "NoSuchService"),
    processes=("lsass.exe",),
    inventory_product="lcs-2005-sp1",
)
FIXED = FileVersion.parse(FIXED_VERSION)


@dataclass(frozen=True, slots=True)
class Estate:
    """One gateway with one server that lacks the hotfix."""

    gateway: HostGateway
    server: Server
    credential: Credential
    package: Package
    source: PackageSource
    sleep: Callable[[float], None]


def package_at(folder: Path, platform: Platform) -> tuple[Package, PackageSource]:
    data = make_lab_package(ARTICLE, platform.value)
    path = folder / "package.exe"
    path.write_bytes(data)
    package = Package(
        article=ARTICLE,
        name="LAB.exe",
        sha256=hashlib.sha256(data).hexdigest(),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        size=len(data),
        platform=platform,
        language="ENU",
        service_pack=1,
        pinned=True,
        provenance=Provenance("test", "test"),
        lab=True,
    )
    return package, PackageSource(Route.PUSH, str(path))


def in_memory(folder: Path) -> Iterator[Estate]:
    clock = FakeClock()
    host = server_2003(clock)
    host.files[FILE] = FileState(exists=True, version=FileVersion(5, 2, 3790, 1830))
    right = FileState(exists=True, version=FIXED)
    host.installer = FakeInstaller(files={FILE: right})
    end = Endpoint("fake", 80)
    server = Server("fake", end, "site", Role.FRONT_END, "lcs-2005-sp1")
    credential = Credential("c", "lab\\operator", Secret("x"), (Mechanism.NTLM,))
    package, source = package_at(folder, Platform.X86)
    gateway = FakeGateway({"fake": host})
    yield Estate(gateway, server, credential, package, source, clock.sleep)


def over_winrm(folder: Path) -> Iterator[Estate]:
    with Lab(Scenario(servers=1, speed=60), 1, "Only-Here-7", port=0) as lab:
        served = next(iter(lab.servers.values()))
        account, password = next(iter(served.computer.profile.accounts.items()))
        end = Endpoint(served.listener.endpoint.address, served.listener.port)
        server = Server("lab", end, "site", Role.FRONT_END, "lcs-2005-sp1")
        credential = Credential("c", account, Secret(password), (Mechanism.NTLM,))
        platform = Platform(served.computer.profile.platform)
        package, source = package_at(folder, platform)
        gateway = WinRmGateway(
            WinRmLimits(service_poll_s=0.05), clock=lambda: datetime.now(UTC)
        )
        yield Estate(
            gateway, server, credential, package, source, lambda _: time.sleep(0.2)
        )


@pytest.fixture(params=[in_memory, over_winrm], ids=["memory", "winrm"])
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Estate]:
    yield from request.param(tmp_path)


def survey(estate: Estate) -> FactSet:
    with estate.gateway.reader(estate.server, estate.credential) as host:
        return FactSet.of(host.survey(SCOPE))


def test_a_survey_answers_each_subject_of_its_scope_once(estate: Estate) -> None:
    with estate.gateway.reader(estate.server, estate.credential) as host:
        seen = host.survey(SCOPE)
    keys = [(one.kind, one.subject) for one in seen]
    wanted = {
        (FactKind.OPERATING_SYSTEM, ""),
        (FactKind.PRODUCT, ""),
        (FactKind.SYN_PROTECTION, ""),
        (FactKind.PENDING_RENAMES, ""),
        (FactKind.FREE_SPACE, ""),
        (FactKind.ENDPOINT, ""),
        (FactKind.FILE, FILE),
        (FactKind.SERVICE, "RTCSRV"),
        (FactKind.SERVICE, "NoSuchService"),
        (FactKind.PROCESS, "lsass.exe"),
        (FactKind.INSTALLER_LOG, ARTICLE),
        *((FactKind.TRACE, trace_subject(ARTICLE, trace)) for trace in TraceName),
    }
    assert len(keys) == len(set(keys))
    assert set(keys) == wanted


def test_every_observation_holds_the_value_of_its_kind(estate: Estate) -> None:
    for seen in survey(estate).observations.values():
        assert isinstance(seen.value, VALUE_TYPES[seen.kind] | Unreadable)
        assert seen.at.tzinfo is not None
        assert seen.source


def test_a_service_that_is_not_there_is_a_value(estate: Estate) -> None:
    with estate.gateway.reader(estate.server, estate.credential) as host:
        assert host.service("NoSuchService") == ServiceState(exists=False)
        assert host.service("RTCSRV").running


def test_what_lcs_serves_with_is_up_and_of_its_kind(estate: Estate) -> None:
    with estate.gateway.reader(estate.server, estate.credential) as host:
        seen = host.serving()
    assert isinstance(seen.value, Serving)
    assert seen.kind is FactKind.SERVING
    assert 5061 in {one.port for one in seen.value.listeners}
    assert all(one.up for one in (*seen.value.applications, *seen.value.modules))


def test_a_claim_is_taken_once_and_the_taker_may_ask_again(estate: Estate) -> None:
    folder = AttemptFolder("contract-claim")
    with estate.gateway.writer(estate.server, estate.credential) as host:
        assert not host.evidence(folder).claimed
        assert host.take_claim(folder) is ClaimResult.TAKEN_NOW
        # Its first answer may have been lost; the claim is still nobody else's.
        assert host.take_claim(folder) is ClaimResult.TAKEN_NOW
        assert not host.evidence(folder).claimed


def staged(estate: Estate, token: str) -> LaunchOrder:
    folder = AttemptFolder(token)
    with estate.gateway.writer(estate.server, estate.credential) as host:
        report = host.stage(folder, estate.package, estate.source)
    assert isinstance(report, StagingReport), report
    assert report.host_hash == estate.package.sha1
    return LaunchOrder(folder, InstallerAction.INSTALL, ARTICLE, estate.package)


def finished(estate: Estate, folder: AttemptFolder) -> AttemptEvidence:
    with estate.gateway.reader(estate.server, estate.credential) as host:
        for _ in range(100):
            evidence = host.evidence(folder)
            if evidence.exit_text is not None:
                return evidence
            estate.sleep(10)
    raise AssertionError("the installer never ended")


def test_a_launch_repeated_installs_once_and_leaves_its_code(estate: Estate) -> None:
    order = staged(estate, "contract-launch")
    with estate.gateway.writer(estate.server, estate.credential) as host:
        receipt = host.launch(order)
        host.launch(order)
        assert host.evidence(order.folder).claimed
        assert host.take_claim(order.folder) is ClaimResult.WAS_TAKEN
    evidence = finished(estate, order.folder)
    assert evidence.exit_text == "0"
    assert evidence.ended is not None
    assert evidence.ended >= receipt.host_time
    file = survey(estate).find(FactKind.FILE, FILE)
    assert file is not None
    assert isinstance(file.value, FileState)
    assert file.value.version == FIXED


def test_after_a_settler_took_the_claim_a_late_launch_runs_nothing(
    estate: Estate,
) -> None:
    order = staged(estate, "contract-late")
    with estate.gateway.writer(estate.server, estate.credential) as host:
        assert host.take_claim(order.folder) is ClaimResult.TAKEN_NOW
        host.launch(order)
        estate.sleep(120)
        evidence = host.evidence(order.folder)
    assert evidence.exit_text is None
    assert not evidence.claimed


def test_clean_up_leaves_the_claim_and_what_it_holds(estate: Estate) -> None:
    order = staged(estate, "contract-clean")
    with estate.gateway.writer(estate.server, estate.credential) as host:
        host.launch(order)
    finished(estate, order.folder)
    with estate.gateway.writer(estate.server, estate.credential) as host:
        host.clean_up(order.folder)
        evidence = host.evidence(order.folder)
        assert evidence.claimed
        assert evidence.exit_text == "0"
        assert host.take_claim(order.folder) is ClaimResult.WAS_TAKEN


def test_a_restarted_service_has_a_new_process(estate: Estate) -> None:
    with estate.gateway.writer(estate.server, estate.credential) as host:
        before = host.service("RTCSRV")
        after = host.restart_service("RTCSRV", timeout_s=60)
    assert after.running
    assert before.process_started is not None
    assert after.process_started is not None
    assert after.process_started > before.process_started


def test_a_server_that_is_not_there_is_unreachable(estate: Estate) -> None:
    nowhere = Server(
        "gone", Endpoint("127.0.0.99", 9), "site", Role.FRONT_END, "lcs-2005-sp1"
    )
    with (
        pytest.raises(HostFaultError) as caught,
        estate.gateway.reader(nowhere, estate.credential) as host,
    ):
        host.identify()
    assert caught.value.kind is FaultKind.UNREACHABLE
    assert caught.value.server == "gone"
