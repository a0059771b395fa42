"""One HTTP connection against listeners that do what they like."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.adapters.winrm.bounded import Address, Answer, BoundedConnection
from orchestrator.adapters.winrm.faults import (
    AdapterError,
    ConnectionLostError,
    MalformedError,
    foreign,
)
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.ports.secrets import Mechanism
from orchestrator.domain.server import Endpoint as ServerEndpoint
from orchestrator.domain.server import Server
from orchestrator.lab.serve import Lab
from orchestrator.lab.wsman import Endpoint, Service
from tests.integration.winrm.conftest import credential_of, server_of

LIMITS = WinRmLimits(answer_bytes=1000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ADDRESS = "127.0.0.71"


@contextmanager
def speaking(say: Callable[[socket.socket], None]) -> Iterator[BoundedConnection]:
    """A connection to a listener that says this on each connection, then hangs up."""

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                say(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = Address("127.0.0.1", listener.getsockname()[1], tls=False)
        with closing(BoundedConnection(address, LIMITS)) as connection:
            yield connection
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def post(
    connection: BoundedConnection,
    body: bytes = b"",
    *,
    seconds: float = 2,
    anew: bool = True,
) -> Answer:
    end = time.monotonic() + seconds
    with foreign():
        return connection.post((), body, silence_s=seconds, deadline=end, anew=anew)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    def say(peer: socket.socket) -> None:
        for answer in answers:
            peer.recv(65_536)
            peer.sendall(answer)

    return say


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\n\r\nok",
    ],
    ids=["length", "chunked", "after-100", "until-the-end"],
)
def test_an_answer_is_read_however_it_is_framed(answer: bytes) -> None:
    with speaking(answering(answer)) as connection:
        found = post(connection)
    assert (found.status, found.body) == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok", ConnectionLostError),
        (b"", ConnectionLostError),
        (b"220 mail.example.invalid ESMTP\r\n\r\n", MalformedError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, MalformedError),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 200_000, MalformedError),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"1;x=y\r\nz\r\n" * 20_000,
            MalformedError,
        ),
    ],
    ids=["cut", "nothing", "not-http", "long-head", "long-body", "many-chunks"],
)
def test_an_answer_that_is_none_is_a_failure_of_ours(
    answer: bytes, failure: type[AdapterError]
) -> None:
    with speaking(answering(answer)) as connection, pytest.raises(failure):
        post(connection)


def test_silence_and_dripping_end_in_time() -> None:
    def drip(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
        try:
            while True:
                peer.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return

    begun = time.monotonic()
    with speaking(drip) as connection, pytest.raises(ConnectionLostError):
        post(connection, seconds=0.3)
    with (
        speaking(lambda _: time.sleep(0.6)) as connection,
        pytest.raises(ConnectionLostError),
    ):
        post(connection, seconds=0.3)
    assert time.monotonic() - begun < 3


def test_bytes_that_nobody_asked_for_are_never_the_next_answer() -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    with speaking(answering(OK + forged)) as connection:
        assert post(connection).body == b"ok"
        assert post(connection).body == b"ok"
        with pytest.raises(ConnectionLostError) as caught:
            post(connection, anew=False)
        assert not caught.value.sent


def test_a_connection_that_ended_is_replaced_only_where_it_may_be() -> None:
    with speaking(answering(OK)) as connection:
        assert post(connection).body == b"ok"
        time.sleep(0.1)
        with pytest.raises(ConnectionLostError) as caught:
            post(connection, anew=False)
        assert not caught.value.sent
        assert post(connection).body == b"ok"


def test_a_refusal_before_the_whole_request_is_read_is_heard() -> None:
    def refuse(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65_536):
            pass

    with speaking(refuse) as connection:
        assert post(connection, b"x" * 150_000).status == 413


@pytest.fixture
def https(lab: Lab, tmp_path: Path) -> Iterator[tuple[Server, Lab, Path]]:
    """A server of the lab behind TLS, and its certificate."""
    file = tmp_path / "host.pem"
    file.write_bytes(certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    served = next(iter(lab.servers.values()))
    with Service() as service:
        listener = service.add(
            Endpoint(ADDRESS, 0, served.computer, tls=context, basic=True)
        )
        server = server_of("https", ADDRESS, listener.port)
        end = ServerEndpoint(ADDRESS, listener.port, tls=True)
        yield replace(server, endpoint=end), lab, file


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, plain) + made.public_bytes(pem)


@pytest.mark.parametrize("mechanism", [Mechanism.NTLM, Mechanism.BASIC])
def test_a_trusted_host_over_tls_is_read(
    https: tuple[Server, Lab, Path], mechanism: Mechanism
) -> None:
    server, lab, file = https
    gateway = WinRmGateway(WinRmLimits(ca_file=file), clock=lambda: datetime.now(UTC))
    credential = credential_of(next(iter(lab.servers.values())).computer.profile)
    with gateway.reader(server, replace(credential, mechanisms=(mechanism,))) as host:
        assert host.service("RTCSRV").running
        assert host._session.mechanism == mechanism


def test_a_host_that_is_not_trusted_is_shown_no_credential(
    gateway: WinRmGateway, https: tuple[Server, Lab, Path]
) -> None:
    server, lab, _ = https
    credential = credential_of(next(iter(lab.servers.values())).computer.profile)
    with (
        pytest.raises(HostFaultError) as caught,
        gateway.reader(server, credential),
    ):
        pytest.fail("its certificate is its own")
    assert caught.value.kind is FaultKind.UNSUPPORTED


def test_no_proxy_and_no_netrc_of_the_environment_is_used(
    gateway: WinRmGateway, lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("default login other password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    served = next(iter(lab.servers.values()))
    end = served.listener
    server = server_of("plain", end.endpoint.address, end.port)
    credential = credential_of(served.computer.profile)
    with gateway.reader(server, credential) as host:
        assert host.service("RTCSRV").running
