"""The coordinator's side: orders go out, and the journal says which are over."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from celery import Celery

from orchestrator.adapters.engine.distributed.broker import (
    CONFIRM_SECONDS,
    TASK,
    Broker,
    declare_refused,
    make_app,
    site_queue,
)
from orchestrator.adapters.engine.distributed.message import spell
from orchestrator.application.ports.engine import Delivery, Duties, Order

#: A connection that broke is made anew at once, so often; a broker that is away for
#: longer is the conductor's to wait for.
_RETRY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.5}


@contextmanager
def delivering(broker: Broker, duties: Duties) -> Iterator[Delivery]:
    """Deliver until the block ends; what is at work goes on.

    Raises:
        EngineError: the broker is not to be reached.
    """
    app = make_app(broker)
    # Between two orders nobody is there to answer the broker's heartbeats.
    app.conf.broker_heartbeat = 0
    with broker.translated(), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=_RETRY["max_retries"])
        declare_refused(connection.default_channel)
    try:
        yield _Sender(broker, app, duties)
    finally:
        app.close()


@dataclass(slots=True)
class _Sender:
    broker: Broker
    app: Celery
    duties: Duties
    _out: set[Order] = field(default_factory=set)

    def hand_out(self, orders: Sequence[Order]) -> None:
        """Send each, and wait until the broker has it on its disks."""
        for order in orders:
            with self.broker.translated():
                self.app.send_task(
                    TASK,
                    kwargs=spell(order),
                    queue=site_queue(order.site),
                    retry=True,
                    retry_policy=_RETRY,
                    confirm_timeout=CONFIRM_SECONDS,
                )
            self._out.add(order)

    def ended(self, seconds: float) -> Collection[Order]:
        """Ask the journal, and once more after a while if it names none."""
        over = self.duties.over(self._out)
        if not over:
            time.sleep(seconds)
            over = self.duties.over(self._out)
        self._out -= set(over)
        return over
