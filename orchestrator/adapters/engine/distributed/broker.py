"""The Celery application: where the broker is, and how messages are kept safe."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import KombuError, OperationalError

from orchestrator.adapters.engine.distributed.message import queue_of
from orchestrator.application.ports.engine import EngineError
from orchestrator.application.results import ErrorCode, RequestError

TASK = "orchestrator.turn"
#: Where messages end that no worker can read; a person looks at them.
REFUSED = "orchestrator.refused"
#: Messages that are kept there; the oldest go first.
MAX_REFUSED = 10_000
#: Seconds for the broker to accept a connection.
CONNECT_SECONDS = 10
#: Seconds for the broker to say that it has a message on its disks.
CONFIRM_SECONDS = 30.0
#: Seconds between signs of life of a worker's connection.
HEARTBEAT_SECONDS = 30

_EXPECTED = "amqp://USER:PASSWORD@HOST/VHOST or amqps://…"
_REFUSED = Queue(
    REFUSED,
    Exchange("", type="direct"),
    routing_key=REFUSED,
    durable=True,
    queue_arguments={
        "x-queue-type": "quorum",
        "x-max-length": MAX_REFUSED,
        "x-overflow": "drop-head",
    },
)


@dataclass(frozen=True, slots=True)
class Broker:
    """RabbitMQ as it is reached. The URL may hold a password and is never shown."""

    url: str = field(repr=False)
    #: Certificates that the broker's is checked against; else the system's.
    ca_file: Path | None = None
    #: Our own certificate, where the broker wants one, and its key.
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what is no broker's address.

        Raises:
            RequestError: it is not one of RabbitMQ.
        """
        scheme, host = urlsplit(self.url).scheme, urlsplit(self.url).hostname
        if scheme not in ("amqp", "amqps") or not host:
            # It may hold a password, so it is not repeated.
            raise RequestError(
                ErrorCode.BAD_INPUT,
                "setting broker: found no address of RabbitMQ",
                f"expected {_EXPECTED}",
            )

    @property
    def shown(self) -> str:
        """Its address as people may see it."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    def tls(self) -> dict[str, Any] | None:
        """How the broker is proven; ``None`` for a connection in the clear."""
        if urlsplit(self.url).scheme != "amqps":
            return None
        files = {
            "ca_certs": self.ca_file,
            "certfile": self.certificate_file,
            "keyfile": self.key_file,
        }
        named = {what: str(path) for what, path in files.items() if path}
        # kombu puts the URL's host where the name is none.
        return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None, **named}

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Let no error of the driver past.

        Raises:
            EngineError: in its place.
        """
        try:
            yield
        except (OperationalError, KombuError, OSError) as error:
            said = " ".join(str(error).split())
            password = urlsplit(self.url).password
            for secret in {password, unquote(password)} if password else ():
                said = said.replace(secret, "***")
            raise EngineError(
                f"broker {self.shown}: {said or type(error).__name__}",
                "see that RabbitMQ runs and that the setting broker names it",
            ) from error


def site_queue(site: str) -> Queue:
    """A site's queue, on the disks of the broker's majority."""
    name = queue_of(site)
    return Queue(
        name,
        Exchange("", type="direct"),
        routing_key=name,
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": REFUSED,
        },
    )


def make_app(broker: Broker, sites: Iterable[str] = ()) -> Celery:
    """A Celery application that keeps no state beside the broker's queues.

    Args:
        broker: where it is.
        sites: those whose queues are consumed.
    """
    app = Celery("orchestrator", broker=broker.url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_transport_options={"confirm_publish": True},
        broker_use_ssl=broker.tls(),
        result_backend=None,
        task_acks_late=True,
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_queues=[site_queue(site) for site in sites] or None,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        task_track_started=False,
        # What is at work goes on without the broker; the journal's lease has it.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_detect_quorum_queues=True,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
    )
    return app


def declare_refused(channel: Any) -> None:
    """See that there is a place for what nobody can read."""
    _REFUSED.bind(channel).declare()
