"""Reading hosts of the lab, the healthy and the sick."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import Port, WinRmLimits
from orchestrator.application.ports.hosts import (
    FaultKind,
    HostFaultError,
    SurveyScope,
)
from orchestrator.application.ports.secrets import Credential, Mechanism
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FileState,
    InstallerLog,
    OperatingSystem,
    Product,
    ServiceState,
    TraceName,
    TraceState,
    Unreadable,
    trace_subject,
)
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.server import Endpoint
from orchestrator.lab.scenario import Assignment, Scenario
from orchestrator.lab.serve import Lab, Served
from orchestrator.lab.traits import Reach, Trait
from orchestrator.lab.wsman import WINRM_0_5, WINRM_2_0, Faults, Service
from orchestrator.lab.wsman import Endpoint as LabEndpoint
from tests.integration.winrm.conftest import PASSWORD, credential_of, reached, server_of
from tests.integration.winrm.test_traits import server_with
from tests.integration.winrm.wine_host import now

FILE = r"%systemroot%\system32\schannel.dll"
SCOPE = SurveyScope(
    files=(FILE, r"%systemroot%\system32\nothing-of-that-name.dll"),
    articles=("KB903927",),
    services=("RTCSRV", "NoSuchService"),
    processes=("lsass.exe",),
    inventory_product="lcs-2003",
)


@pytest.fixture
def served(lab: Lab) -> Served:
    return next(iter(lab.servers.values()))


@contextmanager
def sick(served: Served, faults: Faults) -> Iterator[None]:
    served.listener.inject(faults)
    try:
        yield
    finally:
        served.listener.inject(Faults())


def credential(served: Served) -> Credential:
    return credential_of(served.computer.profile)


def survey(gateway: WinRmGateway, served: Served) -> FactSet:
    with gateway.reader(reached(served), credential(served)) as host:
        return FactSet.of(host.survey(SCOPE))


def test_a_survey_reads_every_fact_of_its_scope(
    gateway: WinRmGateway, served: Served
) -> None:
    facts = survey(gateway, served)
    values = {key: seen.value for key, seen in facts.observations.items()}
    system = values[FactKind.OPERATING_SYSTEM, ""]
    assert isinstance(system, OperatingSystem)
    assert (system.version, system.service_pack) == ("5.2.3790", 1)
    assert system.platform in (Platform.X86, Platform.X64)
    assert system.language == served.computer.profile.language
    product = values[FactKind.PRODUCT, ""]
    assert isinstance(product, Product)
    assert product.name == "lcs-2005-sp1"
    file = values[FactKind.FILE, FILE]
    assert isinstance(file, FileState)
    assert str(file.version).startswith("5.2.3790.")
    assert values[FactKind.FILE, SCOPE.files[1]] == FileState(exists=False)
    service = values[FactKind.SERVICE, "RTCSRV"]
    assert isinstance(service, ServiceState)
    assert service.process_started is not None
    assert values[FactKind.SERVICE, "NoSuchService"] == ServiceState(exists=False)
    assert values[FactKind.INSTALLER_LOG, "KB903927"] == InstallerLog(exists=False)
    for trace in TraceName:
        found = values[FactKind.TRACE, trace_subject("KB903927", trace)]
        assert isinstance(found, TraceState)
        assert not found.present


def peers_named_by(gateway: WinRmGateway, lab: Lab, name: str) -> set[tuple[str, str]]:
    seen = survey(gateway, lab.servers[name]).find(FactKind.PRODUCT)
    assert seen is not None
    assert isinstance(seen.value, Product)
    return {(peer.partition(".")[0], word) for peer, word in seen.value.peers()}


def test_the_peers_that_lcs_itself_names_are_read_from_each_of_its_classes(
    gateway: WinRmGateway,
) -> None:
    with Lab(Scenario(servers=8), 1, PASSWORD, port=0) as lab:
        assert peers_named_by(gateway, lab, "lcs01dir") == {
            ("lcs01dir", "pool member"),
            *((name, "trusted server") for name in ("lcs01fe1", "lcs01fe2")),
            ("lcs01ap", "trusted server"),
            ("lcs01ap", "proxy"),
        }
        assert peers_named_by(gateway, lab, "lcs01ap") == {
            ("lcs01dir", "trusted server"),
            ("lcs01dir", "next hop"),
        }
        fellows = {(f"lcs01fe{n}", "pool member") for n in range(1, 6)}
        assert fellows <= peers_named_by(gateway, lab, "lcs01fe1")


def test_a_class_of_lcs_that_fails_makes_the_product_unreadable_and_nothing_else(
    gateway: WinRmGateway,
) -> None:
    """Else its peers would be lost, and a server that leaks be called clear."""
    with server_with(Trait.FAILING_CLASS) as served:
        found = survey(gateway, served).observations.values()
    unreadable = {one.kind: one for one in found if isinstance(one.value, Unreadable)}
    assert set(unreadable) == {FactKind.PRODUCT}
    reason = unreadable[FactKind.PRODUCT].value
    assert isinstance(reason, Unreadable)
    assert "Provider load failure" in reason.reason


def test_a_host_without_lcs_classes_names_no_peer(gateway: WinRmGateway) -> None:
    with Lab(Scenario(servers=24), 1, PASSWORD, port=0) as lab:
        assert lab.servers["lcs03se3"].computer.profile.product == "lcs-2003"
        assert peers_named_by(gateway, lab, "lcs03se3") == set()


def test_an_installed_host_shows_traces_log_and_folder(gateway: WinRmGateway) -> None:
    plan = Scenario(servers=1, assignments=(Assignment(Trait.FIXED, share=1.0),))
    with Lab(plan, 1, PASSWORD, port=0) as lab:
        facts = survey(gateway, next(iter(lab.servers.values())))
    log = facts.find(FactKind.INSTALLER_LOG, "KB903927")
    assert log is not None
    assert isinstance(log.value, InstallerLog)
    assert log.value.succeeded
    assert log.value.ended is not None
    for trace in TraceName:
        found = facts.find(FactKind.TRACE, trace_subject("KB903927", trace))
        assert found is not None
        assert isinstance(found.value, TraceState)
        assert found.value.present


def test_rows_beyond_the_first_page_are_read(
    gateway: WinRmGateway, served: Served
) -> None:
    with gateway.reader(reached(served), credential(served)) as host:
        rows = host._wsman.query("SELECT Name FROM Win32_Service")
        assert len(rows) == len({row.text("Name") for row in rows})
        rest = host._wsman.query("SELECT Name FROM CIM_DataFile")
    assert len(rest) > 20


def test_nothing_listens_is_noticed_at_once(gateway: WinRmGateway) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = server_of("gone", "127.0.0.1", port)
    anyone = Credential("c", "x\\y", None, (Mechanism.NTLM,))
    begun = time.monotonic()
    with pytest.raises(HostFaultError) as caught, gateway.reader(server, anyone):
        pytest.fail("nothing listens there")
    assert caught.value.kind is FaultKind.UNREACHABLE
    assert "quickconfig" in caught.value.hint
    assert time.monotonic() - begun < 2


def kind_of(gateway: WinRmGateway, served: Served, who: Credential) -> FaultKind:
    with (
        pytest.raises(HostFaultError) as caught,
        gateway.reader(reached(served), who) as host,
    ):
        host.survey(SCOPE)
    assert caught.value.server == served.member.name
    return caught.value.kind


def test_a_wrong_password_is_refused_and_does_not_show(
    gateway: WinRmGateway, served: Served
) -> None:
    wrong = credential_of(served.computer.profile, "Wrong-Canary-1")
    with (
        pytest.raises(HostFaultError) as caught,
        gateway.reader(reached(served), wrong) as host,
    ):
        host.survey(SCOPE)
    assert caught.value.kind is FaultKind.REFUSED
    assert "Canary" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_ntlm_is_not_offered_where_the_credential_does_not_allow_it(
    gateway: WinRmGateway, served: Served
) -> None:
    kerberos = replace(credential(served), mechanisms=(Mechanism.KERBEROS,))
    assert kind_of(gateway, served, kerberos) is FaultKind.REFUSED


def test_basic_is_never_offered_without_tls(
    gateway: WinRmGateway, served: Served
) -> None:
    basic = replace(credential(served), mechanisms=(Mechanism.BASIC,))
    assert kind_of(gateway, served, basic) is FaultKind.REFUSED


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (Faults(silent=True), FaultKind.UNREACHABLE),
        (Faults(refuse=True), FaultKind.UNREACHABLE),
    ],
    ids=["silent", "closed"],
)
def test_a_sick_host_ends_as_its_kind(
    gateway: WinRmGateway, served: Served, faults: Faults, kind: FaultKind
) -> None:
    begun = time.monotonic()
    with sick(served, faults):
        assert kind_of(gateway, served, credential(served)) is kind
    assert time.monotonic() - begun < 5


def test_a_host_that_answers_garbage_is_known(
    gateway: WinRmGateway, default_lab: Lab
) -> None:
    sick_ones = [
        served
        for served in default_lab.servers.values()
        if served.member.wire.reach is Reach.GARBAGE
    ]
    for served in sick_ones:
        kind = kind_of(gateway, served, credential(served))
        assert kind in (FaultKind.UNSUPPORTED, FaultKind.PROTOCOL)


def test_shells_that_stay_taken_are_busy_after_a_bounded_wait(served: Served) -> None:
    limits = WinRmLimits(quota_retries=2, quota_wait_s=0.01)
    gateway = WinRmGateway(limits, clock=now)
    with (
        sick(served, Faults(shells_elsewhere=2)),
        gateway.reader(reached(served), credential(served)) as host,
        pytest.raises(HostFaultError) as caught,
    ):
        host.file_resource(FILE, _size(host.survey(SCOPE)))
    assert caught.value.kind is FaultKind.BUSY


def _size(observations: tuple[object, ...]) -> int:
    facts = FactSet.of(observations)  # type: ignore[arg-type]  # the survey's own
    file = facts.find(FactKind.FILE, FILE)
    assert file is not None
    assert isinstance(file.value, FileState)
    assert file.value.size is not None
    return file.value.size


@pytest.mark.parametrize("request_number", range(1, 22, 2))
def test_a_survey_survives_a_connection_that_dies_anywhere(
    gateway: WinRmGateway, served: Served, request_number: int
) -> None:
    doomed = served.listener.requests + request_number
    with sick(served, Faults(drop_before=frozenset({doomed}))):
        facts = survey(gateway, served)
    assert facts.find(FactKind.SYN_PROTECTION) is not None


def test_winrm_0_5_is_told_from_what_is_not_winrm(
    gateway: WinRmGateway, served: Served
) -> None:
    with Service() as service:
        old = service.add(LabEndpoint("127.0.0.32", 0, served.computer, WINRM_0_5))
        server = server_of("r2", "127.0.0.32", old.port)
        with (
            pytest.raises(HostFaultError) as caught,
            gateway.reader(server, credential(served)),
        ):
            pytest.fail("0.5 has no WQL")
    assert caught.value.kind is FaultKind.UNSUPPORTED
    assert "KB936059" in caught.value.hint


def test_the_ladder_is_climbed_to_the_port_that_speaks(served: Served) -> None:
    with Service() as service:
        new = service.add(LabEndpoint("127.0.0.33", 0, served.computer, WINRM_2_0))
        with socket.socket() as free:
            free.bind(("127.0.0.33", 0))
            closed = free.getsockname()[1]
        limits = WinRmLimits(
            ladder=(Port(closed, tls=False), Port(new.port, tls=False))
        )
        gateway = WinRmGateway(limits, clock=now)
        server = replace(server_of("new", "x", 1), endpoint=Endpoint("127.0.0.33"))
        with gateway.reader(server, credential(served)) as host:
            identity = host.identify()
    assert identity.stack == "2.0"
    assert identity.os_version == "5.2.3790"
    assert identity.url.endswith(f":{new.port}/wsman")


def test_a_known_endpoint_is_tried_first_and_the_others_where_it_is_gone(
    served: Served,
) -> None:
    with Service() as service:
        both = [
            service.add(LabEndpoint("127.0.0.34", 0, served.computer)) for _ in range(2)
        ]
        first, second = both
        limits = WinRmLimits(ladder=tuple(Port(one.port, tls=False) for one in both))
        gateway = WinRmGateway(limits, clock=now)
        server = replace(server_of("moved", "x", 1), endpoint=Endpoint("127.0.0.34"))
        with gateway.reader(server, credential(served), second.url) as host:
            assert host.identify().url == second.url
        assert first.requests == 0
        second.inject(Faults(refuse=True))
        with gateway.reader(server, credential(served), second.url) as host:
            assert host.identify().url == first.url


@contextmanager
def dripping(pause_s: float) -> Iterator[int]:
    """A listener that answers one byte at a time, for ever."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
                while not stop.wait(pause_s):
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        listener.close()
        thread.join(5)


def test_a_host_that_drips_is_cut_off_in_time(gateway: WinRmGateway) -> None:
    begun = time.monotonic()
    anyone = Credential("c", "x\\y", None, (Mechanism.NTLM,))
    with dripping(0.05) as port:
        server = server_of("slow", "127.0.0.1", port)
        with pytest.raises(HostFaultError), gateway.reader(server, anyone):
            pytest.fail("it never answers")
    assert time.monotonic() - begun < 5
