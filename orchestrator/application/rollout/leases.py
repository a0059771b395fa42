"""Leases: who holds a run or a server, and until when."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.application.ports.storage import (
    LeaseHeld,
)
from orchestrator.application.results import (
    ErrorCode,
    RefusedError,
)
from orchestrator.application.services import Services


def server_resource(server: str) -> str:
    """The name of a server's lease."""
    return f"server:{server}"


class RunLease:
    """Holds a run, so that two processes never drive it at once."""

    def __init__(self, services: Services, resource: str) -> None:
        """Remember what to take and give back."""
        self._services = services
        self._resource = resource

    def __enter__(self) -> None:
        """Take it.

        Raises:
            RefusedError: another process has it.
        """
        services = self._services
        now = services.clock.now()
        until = now + timedelta(seconds=services.limits.lease_seconds)
        with services.storage.begin() as uow:
            found = uow.runs.take_lease(
                self._resource, services.owner, now=now, until=until
            )
        if isinstance(found, LeaseHeld):
            held = found.lease
            raise RefusedError(
                ErrorCode.LOCKED,
                f"{held.resource} is held by {held.owner} "
                f"until {held.expires:%Y-%m-%d %H:%M:%S}Z",
                "wait for it, or for the lease to expire",
            )

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        with self._services.storage.begin() as uow:
            uow.runs.release_lease(self._resource, self._services.owner)
