"""Stopping and starting a service, and waiting for it to say so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timezone

from orchestrator.adapters.winrm.facts import read_services
from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.wsman import WsMan
from orchestrator.domain.facts import ServiceState

#: Win32_Service: done; and "was so already" for stopping (5, 6) and starting (10).
_STOPPED_TOO = (0, 5, 6)
_STARTED_TOO = (0, 10)
_MEANING = {2: "access denied", 3: "services that depend on it run", 14: "disabled"}


@dataclass(frozen=True, slots=True)
class Restarter:
    """Restarts one service of one host."""

    wsman: WsMan
    zone: timezone
    sleep: Callable[[float], None]
    poll_s: float

    def restart(self, name: str, timeout_s: float) -> ServiceState:
        """Stop, wait, start, wait; the state when running or out of time.

        Raises:
            UnreadableError: Windows refuses to stop or to start it, and why.
        """
        until = time.monotonic() + timeout_s
        before = self._state(name)
        if not before.exists:
            return before
        self._ask(name, "StopService", _STOPPED_TOO)
        stopped = self._wait(name, "stopped", until)
        if stopped.state.lower() != "stopped":
            return stopped
        self._ask(name, "StartService", _STARTED_TOO)
        return self._wait(name, "running", until)

    def _ask(self, name: str, method: str, fine: tuple[int, ...]) -> None:
        answer = self.wsman.invoke("Win32_Service", method, selectors=[("Name", name)])
        code = answer.number("ReturnValue")
        if code not in fine:
            why = _MEANING.get(code or 0, "see Win32_Service's return values")
            raise UnreadableError(f"{method} of {name} answered {code}: {why}")

    def _wait(self, name: str, wanted: str, until: float) -> ServiceState:
        while True:
            state = self._state(name)
            if state.state.lower() == wanted or time.monotonic() >= until:
                return state
            self.sleep(self.poll_s)

    def _state(self, name: str) -> ServiceState:
        return read_services(self.wsman, [name], self.zone)[name]
