"""Leases: who holds a run or a server, and until when.

A lease that is not renewed has lost its owner. The lease of a process that is known
to have ended is taken over at once. Either way the server's attempt is settled first:
that is the attempt's own rule, not the lease's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.application.ports.storage import Lease, LeaseHeld, UnitOfWork
from orchestrator.application.results import ErrorCode, RefusedError
from orchestrator.application.services import Services

#: A lease is renewed this many times before it would run out.
RENEWALS = 4


_SERVER = "server:"


def server_resource(server: str) -> str:
    """The name of a server's lease."""
    return f"{_SERVER}{server}"


def server_of(resource: str) -> str | None:
    """The server that a lease is for; ``None`` for the lease of a run."""
    return resource.removeprefix(_SERVER) if resource.startswith(_SERVER) else None


def run_resource(run: str) -> str:
    """The name of a run's lease."""
    return f"run:{run}"


def take(services: Services, uow: UnitOfWork, resource: str) -> Lease | LeaseHeld:
    """Take or renew a lease for this process, or say who has it."""
    now = services.clock.now()
    until = now + timedelta(seconds=services.limits.lease_seconds)
    found = uow.runs.take_lease(resource, services.owner, now=now, until=until)
    if isinstance(found, LeaseHeld) and services.is_gone(found.lease.owner):
        uow.runs.release_lease(resource, found.lease.owner)
        found = uow.runs.take_lease(resource, services.owner, now=now, until=until)
    return found


def lives(services: Services, lease: Lease) -> bool:
    """Whether a lease holds; that of this process does until another takes it."""
    if lease.owner == services.owner:
        return True
    return lease.expires > services.clock.now() and not services.is_gone(lease.owner)


def renew(services: Services, resources: Iterable[str]) -> None:
    """Hold on to those of these that are still ours."""
    until = services.clock.now() + timedelta(seconds=services.limits.lease_seconds)
    with services.storage.begin() as uow:
        uow.runs.renew_leases(resources, services.owner, until=until)


class RunLease:
    """Holds a run, so that two processes never drive it at once."""

    def __init__(self, services: Services, run: str) -> None:
        """Remember what to take and give back."""
        self._services = services
        self._resource = run_resource(run)

    def __enter__(self) -> None:
        """Take it.

        Raises:
            RefusedError: another process has it.
        """
        with self._services.storage.begin() as uow:
            found = take(self._services, uow, self._resource)
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


@dataclass(slots=True)
class Keeper:
    """Renews the leases of servers in flight, and of a run, in time.

    What has passed to another, or was given back, stays so.
    """

    services: Services
    run: str | None = None
    _renewed: datetime | None = None

    def keep(self, servers: Iterable[str] = ()) -> None:
        """Renew if it is time to."""
        now = self.services.clock.now()
        every = timedelta(seconds=self.services.limits.lease_seconds / RENEWALS)
        if self._renewed is not None and now - self._renewed < every:
            return
        self._renewed = now
        run = () if self.run is None else (run_resource(self.run),)
        renew(self.services, (*run, *map(server_resource, servers)))
