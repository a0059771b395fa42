"""A thousand endpoints in one process."""

from __future__ import annotations

import resource
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.lab.wsman import Endpoint, Service
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.clients import Client, identify_masked
from tests.integration.lab_wsman.fake_computer import PASSWORD, FakeComputer

MANY = 1_000
GIGABYTE_KB = 1024 * 1024


def test_a_thousand_endpoints_start_in_seconds_and_fit_into_a_gigabyte() -> None:
    tables = FakeComputer().tables
    endpoints = [
        Endpoint(f"127.1.{n // 250}.{n % 250 + 1}", 0, FakeComputer(tables))
        for n in range(MANY)
    ]
    started = time.monotonic()
    with Service(endpoints) as service:
        assert time.monotonic() - started < 10
        assert len(service.listeners) == MANY
        for listener in service.listeners[::100]:
            assert identify_masked(listener).status_code == 200
        with Client(service.listeners[-1]) as client:
            assert "5.2.3790" in client.send(soap.IDENTIFY)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < GIGABYTE_KB


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.41"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "lab.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_https_serves_plain_soap_and_basic_where_it_is_allowed(
    certificate: Path,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    computer = FakeComputer()
    endpoint = Endpoint("127.0.0.41", 0, computer, tls=context, basic=True)
    with Service([endpoint]) as service:
        (listener,) = service.listeners
        for auth in ("ntlm", "basic"):
            with Client(
                listener,
                auth=auth,
                ssl=True,
                encryption="auto",
                cert_validation=str(certificate),
            ) as client:
                assert "5.2.3790" in client.send(soap.IDENTIFY)
        refused = requests.post(
            listener.url,
            auth=("LAB\\operator", "x"),
            verify=str(certificate),
            timeout=5,
        )
        assert refused.status_code == 401
        assert PASSWORD not in refused.text


def test_too_few_open_files_are_a_clear_error() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system sets no limit of open files")
    computer = FakeComputer()
    too_many = [Endpoint("127.0.0.51", 0, computer)] * hard
    with pytest.raises(Exception, match="raise the limit"):
        Service(too_many).start()
