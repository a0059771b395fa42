"""What the use cases are handed: the ports, who runs them, and the limits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.application.ports.clock import Clock
from orchestrator.application.ports.engine import Engine
from orchestrator.application.ports.hooks import HookRunner, NoHooks
from orchestrator.application.ports.hosts import HostGateway
from orchestrator.application.ports.secrets import CredentialStore
from orchestrator.application.ports.storage import Storage


class Progress(Protocol):
    """Hears of long work as it goes; the command line draws it."""

    def started(self, total: int, what: str) -> None:
        """Work on so many servers begins."""

    def server(self, name: str, state: str, detail: str = "") -> None:
        """A server's state changed."""

    def advanced(self, name: str) -> None:
        """A server is done."""

    def note(self, text: str) -> None:
        """What is worth saying of the work itself."""


class Silent:
    """Progress that nobody watches."""

    def started(self, total: int, what: str) -> None:
        """Say nothing."""

    def server(self, name: str, state: str, detail: str = "") -> None:
        """Say nothing."""

    def advanced(self, name: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of long work, with their units."""

    #: Servers that are read at once.
    survey_concurrency: int = 32
    #: Servers that are changed at once, over all pools and sites.
    apply_concurrency: int = 32
    #: Between two looks at a running installer.
    poll_seconds: float = 5.0
    #: Past this an installer counts as hung: it is left alone, and unknown.
    installer_seconds: float = 3600.0
    #: How long contact with a host may be lost before its attempt is unknown.
    lost_contact_seconds: float = 300.0
    #: For a service to stop and start again.
    service_seconds: float = 300.0
    #: For its listeners and applications to be up again once it runs.
    serving_seconds: float = 120.0
    #: A lease that is not renewed for so long has lost its owner.
    lease_seconds: float = 120.0
    #: An order that no worker of its site takes up in so long, and an attempt whose
    #: worker vanished and that no other takes over, are given up.
    worker_wait_seconds: float = 300.0
    #: Between two looks of the dispatcher at what is waiting.
    dispatch_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Services:
    """The ports of this process."""

    storage: Storage
    hosts: HostGateway
    credentials: CredentialStore
    clock: Clock
    #: The operating-system account; recorded with whatever it does.
    account: str
    #: Names this process among others that work on the same database.
    owner: str
    #: Brings servers' turns to workers.
    engine: Engine
    #: Has servers read by other processes; ``None`` where this one does.
    elsewhere: Callable[[object], Future[Any]] | None = None
    limits: Limits = field(default_factory=Limits)
    progress: Progress = field(default_factory=Silent)
    hooks: HookRunner = field(default_factory=NoHooks)
    #: Where this machine has a package's file, by where it was imported.
    package_at: Callable[[str], str] = lambda stored: stored
    #: Whether a person asked this process to stop; it pauses its run then.
    interrupted: Callable[[], bool] = lambda: False
    #: Whether the process of that name is known to have ended. A process of another
    #: machine is never known to: its lease must expire.
    is_gone: Callable[[str], bool] = lambda _owner: False
