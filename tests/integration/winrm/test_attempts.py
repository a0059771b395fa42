"""Staging, launching and settling on hosts of the lab."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from platform import node

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    HostFaultError,
    InstallerAction,
    LaunchOrder,
    PackageSource,
    Route,
    StagingFailure,
    StagingReport,
)
from orchestrator.domain.hotfix import Package
from orchestrator.domain.remediation import (
    Finished,
    KnownLaunch,
    NotLaunched,
    StillRunning,
    settle,
)
from orchestrator.lab.scenario import Assignment, Scenario
from orchestrator.lab.serve import ARTICLE, Lab, Served
from orchestrator.lab.traits import Trait
from orchestrator.lab.windows.package import make_lab_package
from orchestrator.lab.wsman import Faults
from tests.integration.winrm.conftest import (
    PASSWORD,
    credential_of,
    package_of,
    reached,
)


@pytest.fixture
def fresh() -> Lab:
    return Lab(Scenario(servers=1), 3, PASSWORD, port=0)


@pytest.fixture
def package(tmp_path: Path, fresh: Lab) -> tuple[Package, PackageSource]:
    platform = fresh.estate.members[0].profile.platform
    return package_at(tmp_path, make_lab_package(ARTICLE, platform))


def package_at(folder: Path, data: bytes) -> tuple[Package, PackageSource]:
    path = folder / "package.exe"
    path.write_bytes(data)
    return package_of(data), PackageSource(Route.PUSH, str(path))


def only(lab: Lab) -> Served:
    return next(iter(lab.servers.values()))


def test_a_push_takes_no_more_sends_than_the_envelope_requires(
    gateway: WinRmGateway, fresh: Lab, tmp_path: Path
) -> None:
    data = make_lab_package(ARTICLE, "x86", padding=3_000_000)
    pinned, source = package_at(tmp_path, data)
    with fresh as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        with gateway.writer(reached(served), credential) as host:
            report = host.stage(AttemptFolder("attempt-push"), pinned, source)
            assert isinstance(report, StagingReport)
            again = host.stage(AttemptFolder("attempt-push"), pinned, source)
    sends = -(-report.bytes_sent // 113_000)
    assert report.round_trips <= sends + 40
    assert report.host_hash == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert set(report.allowed) == {"S-1-5-32-544", "S-1-5-18"}
    assert isinstance(again, StagingReport)
    assert again.bytes_sent < 10_000


def test_a_push_that_broke_off_goes_on_where_it_was(
    gateway: WinRmGateway, fresh: Lab, tmp_path: Path
) -> None:
    data = make_lab_package(ARTICLE, "x86", padding=2_000_000)
    pinned, source = package_at(tmp_path, data)
    folder = AttemptFolder("attempt-resume")
    with fresh as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        served.listener.inject(Faults(drop_before=frozenset({46})))
        with (
            pytest.raises(HostFaultError),
            gateway.writer(reached(served), credential) as host,
        ):
            host.stage(folder, pinned, source)
        served.listener.inject(Faults())
        with gateway.writer(reached(served), credential) as host:
            report = host.stage(folder, pinned, source)
    assert isinstance(report, StagingReport)
    assert report.bytes_sent < len(data) * 1.2


def test_another_file_than_the_pinned_one_never_leaves_here(
    gateway: WinRmGateway, fresh: Lab, tmp_path: Path
) -> None:
    pinned, source = package_at(tmp_path, b"MZ the pinned one")
    Path(source.location).write_bytes(b"MZ another one!!!")
    with fresh as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        with gateway.writer(reached(served), credential) as host:
            failed = host.stage(AttemptFolder("attempt-other"), pinned, source)
    assert isinstance(failed, StagingFailure)
    assert pinned.sha256 in failed.expected


def test_a_file_that_is_not_there_is_named_with_the_machine_that_lacks_it(
    gateway: WinRmGateway, fresh: Lab, tmp_path: Path
) -> None:
    pinned, source = package_at(tmp_path, b"MZ the pinned one")
    Path(source.location).unlink()
    with fresh as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        with gateway.writer(reached(served), credential) as host:
            failed = host.stage(AttemptFolder("attempt-missing"), pinned, source)
    assert isinstance(failed, StagingFailure)
    lacking = f"no readable file {source.location} on {node()} (FileNotFoundError)"
    assert failed.found == lacking
    assert failed.hint


def test_a_folder_that_everyone_can_write_is_not_used(
    gateway: WinRmGateway, tmp_path: Path
) -> None:
    plan = Scenario(servers=1, assignments=(Assignment(Trait.OPEN_STAGING, share=1.0),))
    pinned, source = package_at(tmp_path, make_lab_package(ARTICLE, "x86"))
    with Lab(plan, 3, PASSWORD, port=0) as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        with gateway.writer(reached(served), credential) as host:
            failed = host.stage(AttemptFolder("attempt-open"), pinned, source)
    assert isinstance(failed, StagingFailure)
    assert "S-1-1-0" in failed.found


def apply_once(
    gateway: WinRmGateway, served: Served, order: LaunchOrder, source: PackageSource
) -> None:
    assert order.package is not None
    credential = credential_of(served.computer.profile)
    with gateway.writer(reached(served), credential) as host:
        staged = host.stage(order.folder, order.package, source)
        assert isinstance(staged, StagingReport), staged
        host.launch(order)
        host.evidence(order.folder)


def before(number: int) -> Faults:
    return Faults(drop_before=frozenset({number}))


def after(number: int) -> Faults:
    return Faults(drop_after=frozenset({number}))


@pytest.mark.slow
@pytest.mark.parametrize("lost", [before, after])
@pytest.mark.parametrize("number", range(1, 90, 8))
def test_a_connection_that_dies_anywhere_leaves_at_most_one_installation(
    gateway: WinRmGateway,
    fresh: Lab,
    package: tuple[Package, PackageSource],
    lost: Callable[[int], Faults],
    number: int,
) -> None:
    pinned, source = package
    folder = AttemptFolder("attempt-killed")
    order = LaunchOrder(folder, InstallerAction.INSTALL, ARTICLE, pinned)
    with fresh as lab:
        served = only(lab)
        credential = credential_of(served.computer.profile)
        served.listener.inject(lost(number))
        with suppress(HostFaultError):
            apply_once(gateway, served, order, source)
        served.listener.inject(Faults())
        with gateway.writer(reached(served), credential) as host:
            evidence = host.evidence(folder)
            found = settle(evidence, KnownLaunch(evidence.boot_time))
            if isinstance(found, NotLaunched):
                assert host.take_claim(folder) is ClaimResult.TAKEN_NOW
                assert isinstance(
                    settle(host.evidence(folder), KnownLaunch(evidence.boot_time)),
                    NotLaunched,
                )
            else:
                assert isinstance(found, StillRunning | Finished)
                assert host.take_claim(folder) is ClaimResult.WAS_TAKEN
