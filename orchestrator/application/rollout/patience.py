"""Outlasting a database or broker that is away, where the work can begin anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from orchestrator.application.ports.engine import EngineError
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.services import Services

T = TypeVar("T")

#: Seconds between the first two tries; each pause is twice the one before.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


def outlast(services: Services, what: str, work: Callable[[], T]) -> T:
    """Do it again, from what the journal holds, when database or broker failed.

    Raises:
        StorageError: the database stays away for longer than a host's contact may.
        EngineError: the broker does.
    """
    limit = services.limits.lost_contact_seconds
    pause, waited = FIRST_PAUSE, 0.0
    while True:
        began = services.clock.now()
        try:
            return work()
        except (StorageError, EngineError) as error:
            if (services.clock.now() - began).total_seconds() > limit:
                pause, waited = FIRST_PAUSE, 0.0
            if waited >= limit:
                raise
            services.progress.server(
                what, "waiting", f"again in {pause:.0f} s: {error.message}"
            )
        services.clock.sleep(pause)
        waited += pause
        pause = min(2 * pause, LONGEST_PAUSE)
