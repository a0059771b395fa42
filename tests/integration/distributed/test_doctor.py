"""``orchestrator doctor`` on real servers, over TLS, with and without a worker."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestrator.adapters.engine.distributed.broker import (
    REFUSED,
    TASK,
    Broker,
    make_app,
    site_queue,
)
from orchestrator.adapters.engine.distributed.message import VERSION, spell
from orchestrator.application.ports.engine import EngineError, Order
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import Lab
from tests.fixtures.fleet import PASSWORD, Fleet, wait_until
from tests.fixtures.rabbitmq import NoRabbitError, RabbitServer, free_port

SITE = "site-1"
SCENARIO = b"{servers: 1, sites: 1, speed: 400}"

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture
def fleet(postgres_url: str, broker_url: str, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet.of(
        postgres_url, broker_url, tmp_path, {"ORCHESTRATOR_ENGINE": "celery"}
    )
    made.let_in(PASSWORD)
    with Lab(parse(SCENARIO, "a test"), 1, PASSWORD, port=0) as lab:
        made.prepare(lab)
    try:
        yield made
    finally:
        made.end()


def test_the_doctor_sees_database_broker_workers_and_clocks(fleet: Fleet) -> None:
    data, code = fleet.call("doctor")
    checks = {one["subject"]: one for one in data["checks"]}
    assert code == 0, checks
    assert checks[f"site {SITE}"]["health"] == "warn"
    assert SITE in checks[f"site {SITE}"]["hint"]
    worker = fleet.worker(SITE)
    data, code = fleet.call("doctor")
    checks = {one["subject"]: one for one in data["checks"]}
    assert code == 0, checks
    assert checks[f"site {SITE}"]["health"] == "ok", worker.said()
    # Of all this only what RabbitMQ tells nobody from afar is not seen.
    not_ok = {name: one for name, one in checks.items() if one["health"] != "ok"}
    assert {one["health"] for one in not_ok.values()} == {"unseen"}, not_ok
    assert len(not_ok) == 1
    clocks = [name for name in checks if name.startswith("clock of ")]
    assert len(clocks) == 2
    worker.kill()


def test_a_message_of_a_newer_version_is_put_aside_and_said(
    fleet: Fleet, broker_url: str
) -> None:
    worker = fleet.worker(SITE)
    app = make_app(Broker(broker_url))
    newer = {**spell(Order("run-1", "lcs-fe01", SITE)), "version": VERSION + 1}
    app.send_task(TASK, kwargs=newer, queue=site_queue(SITE))
    app.send_task("another.task", queue=site_queue(SITE))
    wait_until("it to be said", lambda: "put aside" in worker.said())
    assert f"expected {VERSION}" in worker.said()
    wait_until("both to be put aside", lambda: waiting(app) == 2)


def waiting(app: Celery) -> int:
    """How many messages were put aside."""
    with app.connection_for_write() as connection:
        found = connection.default_channel.queue_declare(REFUSED, passive=True)
        return int(found.message_count)


def signed(folder: Path) -> None:
    """A certificate for 127.0.0.1 by an authority that nobody else knows."""
    authority = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])

    def certificate(
        subject: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.Certificate:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
            .add_extension(x509.SubjectAlternativeName([address]), False)
            .sign(authority, hashes.SHA256())
        )

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    pem = serialization.Encoding.PEM
    made = {
        "ca.pem": certificate(issuer, authority.public_key(), ca=True),
        "broker.pem": certificate(name, key.public_key(), ca=False),
    }
    for file, one in made.items():
        (folder / file).write_bytes(one.public_bytes(pem))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "broker.key").write_bytes(key.private_bytes(pem, form, plain))


def test_a_broker_over_tls_is_let_in_by_its_authority_alone(tmp_path: Path) -> None:
    signed(tmp_path)
    port = free_port()
    more = (
        f"listeners.ssl.1 = 127.0.0.1:{port}\n"
        f"ssl_options.cacertfile = {tmp_path}/ca.pem\n"
        f"ssl_options.certfile = {tmp_path}/broker.pem\n"
        f"ssl_options.keyfile = {tmp_path}/broker.key\n"
    )
    try:
        server = RabbitServer.create(more)
    except NoRabbitError as error:
        pytest.skip(str(error))
    try:
        url = server.url.replace("amqp:", "amqps:").replace(
            f":{server.port}", f":{port}"
        )
        ask(Broker(url, ca_file=tmp_path / "ca.pem"))
        with pytest.raises(EngineError, match="certificate"):
            ask(Broker(url))
    finally:
        server.remove()


def ask(broker: Broker) -> None:
    """Connect once."""
    app = make_app(broker)
    with broker.translated(), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=0)
