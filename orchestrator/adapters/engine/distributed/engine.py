"""The engine of many machines. Commands that deliver nothing do without Celery."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.application.ports.engine import Delivery, Duties
from orchestrator.application.results import ErrorCode, RequestError

if TYPE_CHECKING:
    from orchestrator.adapters.engine.distributed.broker import Broker


def find_broker(url: str | None, database: str, **files: Path | None) -> Broker:
    """RabbitMQ as the settings name it.

    Args:
        url: its address; may hold a password.
        database: the URL of the journal, which workers elsewhere must reach.
        files: certificates and keys, as :class:`Broker` names them.

    Raises:
        RequestError: the settings name none, or what one needs is missing.
    """
    if url is None:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            "no broker is set",
            "set ORCHESTRATOR_BROKER, or broker in the settings file",
        )
    if database.startswith("sqlite"):
        raise RequestError(
            ErrorCode.BAD_INPUT,
            "the database is SQLite, a file of one machine",
            "workers elsewhere need PostgreSQL: set ORCHESTRATOR_DATABASE",
        )
    try:
        from orchestrator.adapters.engine.distributed.broker import (  # noqa: PLC0415 - slow, and an extra
            Broker,
        )
    except ImportError as error:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"the engine celery is not installed: {error}",
            "pip install 'orchestrator[distributed]'",
        ) from error
    return Broker(url, **files)


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
