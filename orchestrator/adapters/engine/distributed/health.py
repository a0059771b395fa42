"""What broker and workers answer when they are only asked how they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from amqp.exceptions import NotFound
from celery import Celery
from celery.worker.control import Panel

from orchestrator.adapters.engine.distributed.broker import (
    Broker,
    make_app,
)
from orchestrator.adapters.engine.distributed.message import queue_of
from orchestrator.application.doctor import BrokerSeen, QueueSeen, WorkerSeen

#: Seconds that workers have to answer.
ANSWER_SECONDS = 2.0
ASK = "orchestrator_health"


def answer(sites: Iterable[str], release: str, clock: Callable[[], datetime]) -> None:
    """Let this worker say how it is when it is asked."""
    served = sorted(sites)

    def health(_state: object, **_: object) -> Mapping[str, object]:
        return {"sites": served, "release": release, "time": clock().isoformat()}

    Panel.register(health, name=ASK, type="inspect")


def look(
    broker: Broker, sites: Iterable[str], clock: Callable[[], datetime]
) -> BrokerSeen:
    """Ask the broker for its queues, and every worker for its sites and its clock.

    Raises:
        EngineError: the broker does not answer.
    """
    app = make_app(broker)
    with broker.translated(), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1)
        properties = connection.connection.server_properties
        queues = {site: _queue(connection, queue_of(site)) for site in sites}
        workers = tuple(_workers(app, clock))
    app.close()
    return BrokerSeen(broker.shown, str(properties.get("version")), queues, workers)


def _queue(connection: Any, name: str) -> QueueSeen | None:
    try:
        # A channel of its own: one that asks for what is not there is closed.
        found = connection.channel().queue_declare(name, passive=True)
    except NotFound:
        return None
    return QueueSeen(found.message_count, found.consumer_count)


def _workers(app: Celery, clock: Callable[[], datetime]) -> Iterator[WorkerSeen]:
    asked = clock()
    replies = app.control.broadcast(ASK, reply=True, timeout=ANSWER_SECONDS) or ()
    for reply in replies:
        for name, said in reply.items():
            # It answered at some moment between; the first is about when it did.
            ahead = datetime.fromisoformat(said["time"]) - asked
            yield WorkerSeen(
                str(name),
                tuple(map(str, said["sites"])),
                str(said["release"]),
                ahead.total_seconds(),
            )
