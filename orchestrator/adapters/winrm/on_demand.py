"""A gateway that loads what it needs when a first conversation is opened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.hosts import HostReader, HostWriter
from orchestrator.application.ports.secrets import Credential
from orchestrator.domain.server import Server

if TYPE_CHECKING:
    from orchestrator.adapters.winrm.gateway import WinRmGateway


class OnDemandGateway:
    """A HostGateway over WinRM, for processes that mostly need none."""

    def __init__(self, limits: WinRmLimits, clock: Callable[[], datetime]) -> None:
        """Nothing is loaded yet."""
        self._limits = limits
        self._clock = clock
        self._lock = Lock()
        self._gateway: WinRmGateway | None = None

    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> AbstractContextManager[HostReader]:
        """A conversation that cannot write."""
        return self._loaded().reader(server, credential, known)

    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> AbstractContextManager[HostWriter]:
        """A conversation that can."""
        return self._loaded().writer(server, credential, known)

    def _loaded(self) -> WinRmGateway:
        with self._lock:
            if self._gateway is None:
                # pypsrp and the authentication take longer to load than most
                # commands do, and those that only judge or show need neither.
                from orchestrator.adapters.winrm.gateway import (  # noqa: PLC0415 - see above
                    WinRmGateway,
                )

                self._gateway = WinRmGateway(self._limits, clock=self._clock)
            return self._gateway
