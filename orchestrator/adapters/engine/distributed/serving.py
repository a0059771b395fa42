"""A worker's side: consumes its sites' queues until it is asked to leave."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from types import FrameType
from typing import Any

from celery import Celery
from celery.app.trace import setup_worker_optimizations
from celery.exceptions import Reject
from celery.worker import WorkController, state
from celery.worker.consumer import Consumer
from typing_extensions import override

from orchestrator.adapters.engine.distributed.broker import (
    HEARTBEAT_SECONDS,
    TASK,
    Broker,
    declare_refused,
    make_app,
)
from orchestrator.adapters.engine.distributed.message import MessageError, read
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.results import ExitCode

_LOOK_SECONDS = 0.2
_DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


@dataclass(slots=True)
class Serving:
    """One process that takes orders of some sites."""

    broker: Broker
    sites: frozenset[str]
    #: Takes a turn, and says in a word what became of the order.
    take: Callable[[Order], str]
    tell: Callable[[str], None]
    name: str
    concurrency: int
    #: One may be there twice: its order came again.
    _at_work: list[str] = field(default_factory=list)
    _leaving: Event = field(default_factory=Event)
    taken: int = 0
    refused: int = 0

    def run(self) -> None:
        """Take orders until a signal; what is at work then is finished first."""
        app = make_app(self.broker, sorted(self.sites))
        app.conf.broker_heartbeat = HEARTBEAT_SECONDS
        self._register(app)
        setup_worker_optimizations(app, self.name)
        controller = WorkController(
            app=app,
            hostname=self.name,
            pool="threads",
            concurrency=self.concurrency,
            consumer_cls=_Consumer,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=lambda _: self.tell("taking orders"),
        )
        with _plain_log(self.tell), self._signals(controller):
            controller.start()
        app.close()

    def _register(self, app: Celery) -> None:
        def turn(*given: object, **message: object) -> None:
            self._turn({} if given else message)

        app.task(turn, name=TASK, ignore_result=True, typing=False)

    def _turn(self, message: Mapping[str, object]) -> None:
        """One message: done, or put back, or put aside for a person to look at."""
        if self._leaving.is_set():
            raise Reject("leaving", requeue=True)
        try:
            order = read(message, self.sites)
        except MessageError as error:
            raise self._aside(f"a message was put aside: {error}") from error
        self._at_work.append(order.server)
        self.tell(f"{order.server}: order of {order.run}")
        try:
            became = self.take(order)
        except StorageError as error:
            self.tell(f"{order.server}: put back: {error.message}")
            raise Reject("storage", requeue=True) from error
        except Exception as error:
            # A fault of the program in one turn ends neither the worker nor the others.
            what = f"{type(error).__name__}: {error}"
            raise self._aside(f"{order.server}: order put aside: {what}") from error
        finally:
            self._at_work.remove(order.server)
        self.taken += 1
        self.tell(f"{order.server}: {became}")

    def _aside(self, why: str) -> Reject:
        self.refused += 1
        self.tell(why)
        return Reject(why, requeue=False)

    @contextmanager
    def _signals(self, controller: WorkController) -> Iterator[None]:
        def heard(_number: int, _frame: FrameType | None) -> None:
            if self._leaving.is_set():
                self.tell("leaving at once; another worker asks the hosts what became")
                os._exit(ExitCode.INTERRUPTED)
            self._leaving.set()
            self.tell(
                f"leaving when what is at work is done ({len(self._at_work)}); "
                "a second signal leaves at once"
            )
            controller.consumer.call_soon(_take_no_more, controller.consumer)
            Thread(target=self._stop_when_done, daemon=True).start()

        before = {
            number: signal.signal(number, heard)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        state.should_stop = None
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_when_done(self) -> None:
        while self._at_work:
            time.sleep(_LOOK_SECONDS)
        state.should_stop = ExitCode.DONE


def _take_no_more(consumer: Consumer) -> None:
    if consumer.task_consumer is not None:
        consumer.task_consumer.cancel()


class _Consumer(Consumer):  # type: ignore[misc] # it ships no types
    """Celery's own, without what these orders need not."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # likewise
        """No order is ever delayed: that would take 28 queues on the broker."""

        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if step != _DELAYED
        )

    @override
    def connect(self) -> Any:
        """Connect, and see that there is a place for what is refused."""
        connection = super().connect()
        declare_refused(connection.default_channel)
        return connection

    @override
    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """What is not even JSON is put aside, too."""
        message.reject()


@contextmanager
def _plain_log(tell: Callable[[str], None]) -> Iterator[None]:
    """Celery's warnings as lines of ours, without their traces."""

    class Plain(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            lines = record.getMessage().strip().splitlines()
            tell(f"celery: {lines[0] if lines else record.msg}")

    handler = Plain(logging.WARNING)
    logger = logging.getLogger("celery")
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
