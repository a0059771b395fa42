"""Staging, launch and settling on a command interpreter that is not Microsoft's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    InstallerAction,
    LaunchOrder,
    PackageSource,
    Route,
    StagingFailure,
    StagingReport,
)
from orchestrator.application.ports.secrets import Credential
from orchestrator.domain.server import Server
from tests.integration.winrm.conftest import package_of
from tests.integration.winrm.wine_host import WineComputer

Host = tuple[WineComputer, Server, Credential]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_package_is_staged_where_certutil_only_pretends(
    wine_host: Host, gateway: WinRmGateway, tmp_path: Path
) -> None:
    computer, server, credential = wine_host
    data = bytes(range(256)) * 3
    package = package_of(data)
    (tmp_path / "p.exe").write_bytes(data)
    source = PackageSource(Route.PUSH, str(tmp_path / "p.exe"))
    folder = AttemptFolder("wine-stage-1")
    with gateway.writer(server, credential) as host:
        report = host.stage(folder, package, source)
        assert isinstance(report, StagingReport), report
        assert report.hash_tool == "cscript"
        staged = computer.attempts / folder.token / f"package-{package.sha1[:12]}.exe"
        assert staged.read_bytes() == data
        order = LaunchOrder(folder, InstallerAction.INSTALL, "KB903927", package)
        staged.write_bytes(data[:-1] + b"!")
        host.launch(order)
        computer.wait()
        evidence = host.evidence(folder)
        assert evidence.exit_text is None
        assert evidence.refusal is not None
        assert package.sha1 in evidence.refusal


def test_a_stub_is_no_tool_and_staging_says_so(
    wine_host: Host, gateway: WinRmGateway, tmp_path: Path
) -> None:
    computer, server, credential = wine_host
    cscript = computer.prefix / "drive_c/windows/system32/cscript.exe"
    hidden = cscript.with_suffix(".away")
    cscript.rename(hidden)
    try:
        data = b"MZ"
        (tmp_path / "p.exe").write_bytes(data)
        with gateway.writer(server, credential) as host:
            failed = host.stage(
                AttemptFolder("wine-stage-2"),
                package_of(data),
                PackageSource(Route.PUSH, str(tmp_path / "p.exe")),
            )
    finally:
        hidden.rename(cscript)
    assert isinstance(failed, StagingFailure)
    assert "cscript" in failed.found
    assert not list(computer.attempts.glob("wine-stage-2/package*.exe"))


def uninstaller(computer: WineComputer) -> None:
    """A program that ends with a code of its own: wine's reg, told nonsense."""
    windows = computer.prefix / "drive_c/windows"
    spuninst = windows / "$NtUninstallKB903927$/spuninst"
    spuninst.mkdir(parents=True, exist_ok=True)
    shutil.copy(windows / "system32/reg.exe", spuninst / "spuninst.exe")


def test_two_launches_run_once_and_the_code_is_the_program_s_own(
    wine_host: Host, gateway: WinRmGateway
) -> None:
    computer, server, credential = wine_host
    uninstaller(computer)
    folder = AttemptFolder("wine-launch-1")
    order = LaunchOrder(folder, InstallerAction.UNINSTALL, "KB903927", None)
    with gateway.writer(server, credential) as host:
        assert not host.evidence(folder).claimed
        host.launch(order)
        host.launch(order)
        computer.wait()
        evidence = host.evidence(folder)
        assert evidence.claimed
        assert evidence.exit_text == "1"
        assert host.take_claim(folder) is ClaimResult.WAS_TAKEN
        host.clean_up(folder)
        assert host.evidence(folder).exit_text == "1"
    left = {path.name for path in (computer.attempts / folder.token).iterdir()}
    assert left == {"claim"}


def test_a_claim_taken_by_a_settler_stops_a_late_launch(
    wine_host: Host, gateway: WinRmGateway
) -> None:
    computer, server, credential = wine_host
    uninstaller(computer)
    folder = AttemptFolder("wine-launch-2")
    order = LaunchOrder(folder, InstallerAction.UNINSTALL, "KB903927", None)
    with gateway.writer(server, credential) as host:
        assert host.take_claim(folder) is ClaimResult.TAKEN_NOW
        assert host.take_claim(folder) is ClaimResult.TAKEN_NOW
        host.launch(order)
        computer.wait()
        evidence = host.evidence(folder)
    assert evidence.exit_text is None
    assert not evidence.claimed


def test_a_claim_that_cannot_be_made_is_an_error_and_runs_nothing(
    wine_host: Host, gateway: WinRmGateway
) -> None:
    computer, server, credential = wine_host
    uninstaller(computer)
    folder = AttemptFolder("wine-launch-3")
    (computer.attempts / folder.token).mkdir(parents=True)
    (computer.attempts / folder.token / "claim").write_text("a file in the way")
    order = LaunchOrder(folder, InstallerAction.UNINSTALL, "KB903927", None)
    with gateway.writer(server, credential) as host:
        host.launch(order)
        computer.wait()
        evidence = host.evidence(folder)
    assert evidence.exit_text is None
    assert evidence.refusal is not None
