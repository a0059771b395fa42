"""A worker that kills itself at a call to a host, as kill -9 would.

``DIES`` says where: ``before launch`` is after the intent was stored, ``after launch``
before its reply is. It stops itself there (SIGSTOP) where ``STOPS`` is set instead.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from typing_extensions import override

from orchestrator.application.ports.hosts import HostReader, HostWriter
from orchestrator.application.ports.secrets import Credential
from orchestrator.application.services import Progress, Services
from orchestrator.bootstrap import Program
from orchestrator.cli.main import main
from orchestrator.domain.server import Server

DIES = tuple(os.environ.get("DIES", "").split())
STOPS = tuple(os.environ.get("STOPS", "").split())


def reach(*place: str) -> None:
    """A place where this process may end, or stand still once."""
    global STOPS  # noqa: PLW0603 - it stops only once
    if place == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if place == STOPS:
        STOPS = ()
        os.kill(os.getpid(), signal.SIGSTOP)


class MortalHost:
    """A conversation whose process may end before and after each call."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name, getattr(self._inner, name))

    def _call(
        self, name: str, call: Callable[..., Any], *given: object, **named: object
    ) -> Any:
        reach("before", name)
        answer = call(*given, **named)
        reach("after", name)
        return answer


@dataclass(frozen=True, slots=True)
class MortalGateway:
    """Opens conversations that may end."""

    inner: Any

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostReader]:
        with self.inner.reader(server, credential, known) as host:
            yield MortalHost(host)

    @contextmanager
    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostWriter]:
        with self.inner.writer(server, credential, known) as host:
            yield MortalHost(host)


class MortalProgram(Program):
    """The program, with mortal conversations."""

    @override
    @contextmanager
    def services(
        self,
        progress: Progress | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Iterator[Services]:
        with super().services(progress, interrupted) as services:
            yield replace(services, hosts=MortalGateway(services.hosts))


if __name__ == "__main__":
    sys.exit(main(program=MortalProgram()))
