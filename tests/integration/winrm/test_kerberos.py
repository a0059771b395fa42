"""Kerberos with sealed messages: a real KDC, our client, the lab's acceptor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.domain.server import Server
from orchestrator.lab.serve import Lab
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.wsman import Endpoint, Service
from tests.integration.winrm import kdc
from tests.integration.winrm.conftest import server_of

PASSWORD = "Ticket-Please-4"
USER = "operator"
NAME = "localhost"


@dataclass(frozen=True, slots=True)
class Domain:
    """A host of a domain, and who may administer it."""

    server: Server
    service: Service
    credential: Credential
    kdc: kdc.Kdc


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kdc.Kdc]:
    if kdc.missing():
        pytest.skip(f"no Kerberos KDC here: {kdc.missing()} not found (krb5-kdc)")
    if find_spec("gssapi") is None or find_spec("krb5") is None:
        pytest.skip("the extra 'kerberos' is not installed")
    with kdc.running(tmp_path_factory.mktemp("kdc")) as running:
        running.add_user(USER, PASSWORD)
        running.add_user("stranger", PASSWORD)
        running.add_host(NAME)
        yield running


@pytest.fixture
def domain(
    realm: kdc.Kdc, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Domain]:
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    account = rf"{kdc.REALM}\{USER}".lower()
    profile = replace(lab.estate.members[0].profile, accounts={account: "not this one"})
    computer = SimulatedComputer(profile)
    credential = Credential(
        "fleet", f"{USER}@{kdc.REALM}", Secret(PASSWORD), (Mechanism.KERBEROS,)
    )
    with Service() as service:
        listener = service.add(Endpoint("127.0.0.1", 0, computer, kerberos=True))
        server = server_of("kerberised", NAME, listener.port)
        yield Domain(server, service, credential, realm)


def kind_and_message(
    gateway: WinRmGateway, server: Server, credential: Credential
) -> tuple[FaultKind, str]:
    with (
        pytest.raises(HostFaultError) as caught,
        gateway.reader(server, credential) as host,
    ):
        host.service("RTCSRV")
    assert PASSWORD not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    return caught.value.kind, caught.value.message


def test_a_ticket_opens_a_sealed_conversation(
    gateway: WinRmGateway, domain: Domain
) -> None:
    with gateway.reader(domain.server, domain.credential) as host:
        assert host.identify().os_version == "5.2.3790"
        assert host.service("RTCSRV").running
        sealed = host._session._transport.encryption
    assert sealed is not None
    assert sealed.context.negotiated_protocol == "kerberos"


def test_a_ticket_without_the_right_is_refused(
    gateway: WinRmGateway, domain: Domain
) -> None:
    other = replace(domain.credential, username=f"stranger@{kdc.REALM}")
    kind, _ = kind_and_message(gateway, domain.server, other)
    assert kind is FaultKind.REFUSED


def test_a_wrong_password_is_the_kdcs_refusal(
    gateway: WinRmGateway, domain: Domain
) -> None:
    wrong = replace(domain.credential, secret=Secret("another"))
    kind, message = kind_and_message(gateway, domain.server, wrong)
    assert kind is FaultKind.REFUSED
    assert "the KDC did not take the password" in message


def test_a_host_that_the_kdc_does_not_know_is_named_as_such(
    gateway: WinRmGateway, domain: Domain
) -> None:
    end = replace(domain.server.endpoint, address="127.0.0.1")
    by_number = replace(domain.server, endpoint=end)
    kind, message = kind_and_message(gateway, by_number, domain.credential)
    assert kind is FaultKind.REFUSED
    assert "full name" in message


def test_no_kdc_is_told_from_a_refusal(
    gateway: WinRmGateway, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CONFIG", "/dev/null")
    kind, message = kind_and_message(gateway, domain.server, domain.credential)
    assert kind is FaultKind.REFUSED
    assert "KDC" in message


def test_where_kerberos_fails_ntlm_is_offered_only_if_it_is_allowed(
    gateway: WinRmGateway, domain: Domain
) -> None:
    both = replace(
        domain.credential,
        username=rf"{kdc.REALM}\{USER}",
        secret=Secret("not this one"),
        mechanisms=(Mechanism.KERBEROS, Mechanism.NTLM),
    )
    with gateway.reader(domain.server, both) as host:
        assert host.service("RTCSRV").running
        assert host._session.mechanism == "ntlm"
