"""What arrives over the broker is validated, and what is secret never shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from orchestrator.adapters.engine.distributed.broker import Broker, make_app
from orchestrator.adapters.engine.distributed.message import (
    VERSION,
    MessageError,
    queue_of,
    read,
    spell,
)
from orchestrator.application.ports.engine import EngineError, Order
from orchestrator.application.results import RequestError

ORDER = Order("run-1", "lcs-fe01", "Köln / Süd")
SITES = frozenset({ORDER.site})
SECRET = "amqp://us:p%2Fw@broker.example:5671/vhost"


def test_an_order_arrives_as_it_was_sent() -> None:
    assert read(spell(ORDER), SITES) == ORDER


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": VERSION + 1}, "of one release"),
        ({"version": None}, "of one release"),
        ({"password": "x"}, "nothing else"),
        ({"server": ""}, "server"),
        ({"server": "x" * 254}, "server"),
        ({"run": 7}, "run"),
        ({"site": "elsewhere"}, "not served here"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(
    change: dict[str, object], why: str
) -> None:
    with pytest.raises(MessageError, match=why):
        read({**spell(ORDER), **change}, SITES)


def test_a_message_without_a_server_is_refused() -> None:
    with pytest.raises(MessageError, match="nothing else"):
        read({"version": VERSION, "run": "r", "site": ORDER.site}, SITES)


def test_a_site_of_any_name_has_a_queue_of_its_own() -> None:
    names = ["a", "a,b", "a b", "ä", "x" * 253, "x" * 252 + "y", "*", "a.b#"]
    queues = {queue_of(name) for name in names}
    assert len(queues) == len(names)
    assert all(len(name) <= 255 and name.isascii() for name in queues)


def test_each_version_has_queues_of_its_own() -> None:
    assert queue_of("a", VERSION) != queue_of("a", VERSION + 1)


def test_a_brokers_password_shows_nowhere() -> None:
    broker = Broker(SECRET)
    assert broker.shown == "amqp://broker.example:5671/vhost"
    assert "p%2Fw" not in repr(broker)
    with pytest.raises(EngineError) as failed, broker.translated():
        raise OperationalError(f"cannot reach {SECRET}, password p/w")
    assert "p%2Fw" not in failed.value.message
    assert "p/w" not in failed.value.message


@pytest.mark.parametrize("url", ["redis://host", "p/w", "amqp://", "http://us:pw@host"])
def test_what_is_no_address_of_rabbitmq_is_refused_without_repeating_it(
    url: str,
) -> None:
    with pytest.raises(RequestError) as refused:
        Broker(url)
    assert url not in str(refused.value)


def test_a_broker_over_tls_is_proven_by_its_certificate_and_name() -> None:
    files = (Path("ca.pem"), Path("our.pem"), Path("our.key"))
    app = make_app(Broker("amqps://us:pw@broker.example/", *files))
    tls = app.conf.broker_use_ssl
    assert tls["cert_reqs"].name == "CERT_REQUIRED"
    assert tls["ca_certs"] == "ca.pem"
    assert "server_hostname" in tls


def test_no_message_is_trusted_beyond_json_nor_kept_beside_the_queues() -> None:
    conf = make_app(Broker(SECRET), ["a"]).conf
    assert conf.accept_content == ["json"]
    assert conf.result_backend is None
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.task_queues[0].queue_arguments["x-queue-type"] == "quorum"
