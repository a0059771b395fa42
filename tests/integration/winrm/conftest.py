from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.domain.hotfix import Package, Platform, Provenance
from orchestrator.domain.server import Endpoint as ServerEndpoint
from orchestrator.domain.server import Role, Server
from orchestrator.lab import scenario
from orchestrator.lab.scenario import Scenario
from orchestrator.lab.serve import Lab, Served
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.windows.profile import Profile
from orchestrator.lab.wsman import WINRM_1_1, Endpoint, Service
from tests.integration.winrm.wine_host import WINE, WineComputer, environment

PASSWORD = "Only-Here-7"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Scenario(servers=8), 1, PASSWORD, port=0) as running:
        yield running


@pytest.fixture(scope="module")
def default_lab() -> Iterator[Lab]:
    """The estate of the demo, one server for each thing that goes wrong."""
    with Lab(scenario.default(), 1, PASSWORD, port=0) as running:
        yield running


@pytest.fixture
def gateway() -> WinRmGateway:
    limits = WinRmLimits(identify_timeout_s=2.0, service_poll_s=0.05)
    return WinRmGateway(limits, clock=lambda: datetime.now(UTC))


def server_of(name: str, address: str, port: int) -> Server:
    return Server(
        name, ServerEndpoint(address, port), "site", Role.FRONT_END, "lcs-2005-sp1"
    )


def reached(served: Served) -> Server:
    listener = served.listener
    return server_of(served.member.name, listener.endpoint.address, listener.port)


def credential_of(profile: Profile, password: str | None = None) -> Credential:
    account, right = next(iter(profile.accounts.items()))
    return Credential("lab", account, Secret(password or right), (Mechanism.NTLM,))


def package_of(data: bytes, article: str = "KB903927") -> Package:
    return Package(
        article=article,
        name="LAB.exe",
        sha256=hashlib.sha256(data).hexdigest(),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        size=len(data),
        platform=Platform.X86,
        language="ENU",
        service_pack=1,
        pinned=True,
        provenance=Provenance("test", "test"),
        lab=True,
    )


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which(WINE) is None:
        pytest.skip("wine is not installed, so there is no foreign cmd to try")
    made = tmp_path_factory.mktemp("wine")
    subprocess.run(
        [WINE, "cmd", "/c", "ver"],
        env=environment(made),
        check=True,
        capture_output=True,
        timeout=90,
        stdin=subprocess.DEVNULL,
    )
    return made


@pytest.fixture
def wine_host(
    prefix: Path, lab: Lab
) -> Iterator[tuple[WineComputer, Server, Credential]]:
    profile = lab.estate.members[0].profile
    computer = WineComputer(SimulatedComputer(profile), prefix)
    with Service() as service:
        listener = service.add(Endpoint("127.0.0.31", 0, computer, WINRM_1_1))
        server = server_of("wine1", "127.0.0.31", listener.port)
        yield computer, server, credential_of(profile)
        computer.wait()
