"""The engine of many machines. Commands that deliver nothing do without Celery."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.application.ports.engine import Delivery, Duties

if TYPE_CHECKING:
    from orchestrator.adapters.engine.distributed.broker import Broker


@dataclass(frozen=True, slots=True)
class OverRabbitMq:
    """Hands orders to the workers of each site."""

    broker: Callable[[], Broker]
    elsewhere: bool = True

    def open(
        self,
        duties: Duties,
        at_once: int,  # noqa: ARG002 - the broker holds as many as there are
    ) -> AbstractContextManager[Delivery]:
        """Deliver until the block ends; what is at work goes on.

        Raises:
            EngineError: the broker is not to be reached.
            RequestError: the settings name none.
        """
        from orchestrator.adapters.engine.distributed.delivery import (  # noqa: PLC0415 - slow
            delivering,
        )

        return delivering(self.broker(), duties)
