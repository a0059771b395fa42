"""Opens conversations: finds the endpoint, then offers the credential to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

from orchestrator.adapters.winrm.bounded import BoundedConnection
from orchestrator.adapters.winrm.faults import translated
from orchestrator.adapters.winrm.ladder import climb
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.reader import WinRmReader
from orchestrator.adapters.winrm.session import Session
from orchestrator.adapters.winrm.writer import WinRmWriter
from orchestrator.application.ports.secrets import Credential
from orchestrator.domain.server import Server

#: pypsrp logs whole bodies at DEBUG, and what goes to a host's standard input with
#: them; the authentication logs its tokens.
_TALKATIVE = ("pypsrp", "spnego")


class WinRmGateway:
    """A HostGateway over WinRM. May be shared by threads; conversations may not."""

    def __init__(
        self,
        limits: WinRmLimits,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is sent yet."""
        self._limits = limits
        self._now = clock
        self._sleep = sleep
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.INFO)

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[WinRmReader]:
        """A conversation that cannot write.

        Raises:
            HostFaultError: nothing there speaks WinRM.
        """
        where, connection = climb(server, self._limits, known)
        with (
            closing(connection),
            self._session(server, credential, connection) as session,
        ):
            yield WinRmReader(server.name, session, where, self._now)

    @contextmanager
    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[WinRmWriter]:
        """A conversation that can.

        Raises:
            HostFaultError: nothing there speaks WinRM.
        """
        where, connection = climb(server, self._limits, known)
        with (
            closing(connection),
            self._session(server, credential, connection) as session,
        ):
            yield WinRmWriter(server.name, session, where, self._now)

    def _session(
        self, server: Server, credential: Credential, connection: BoundedConnection
    ) -> Session:
        with translated(server.name):
            return Session(connection, credential, self._limits, self._sleep)
