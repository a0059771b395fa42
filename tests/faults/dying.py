"""A process that kills itself at its n-th checkpoint, as kill -9 would.

Checkpoints stand before and after every commit that records something, and before
and after every call to a host. Production code knows nothing of them: they are put
round its ports.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.adapters.database import open_storage
from orchestrator.adapters.engine.threads import Threads
from orchestrator.adapters.system.process import is_gone
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.apply import RunReport, apply, resume, status
from orchestrator.application.ports.hosts import HostReader, HostWriter
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.application.ports.storage import Storage, UnitOfWork
from orchestrator.application.services import Limits, Services
from orchestrator.bootstrap import SystemClock
from orchestrator.domain.rollout import RunState
from orchestrator.domain.server import Server
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL
from tests.fakes.estate import FakeCredentials

PASSWORD = "simulated only"
#: The simulated services stop and start in hundredths of a second.
QUICK = WinRmLimits(service_poll_s=0.02)
LIMITS = Limits(
    apply_concurrency=2,
    poll_seconds=0.05,
    dispatch_seconds=0.02,
    lost_contact_seconds=20,
    lease_seconds=60,
)


@dataclass(slots=True)
class Mortal:
    """Counts checkpoints, and dies at one."""

    dies_at: int
    reached: int = 0

    def reach(self) -> None:
        """A checkpoint."""
        self.reached += 1
        if self.reached == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class MortalStorage:
    """A storage whose process may die round every commit."""

    inner: Storage
    mortal: Mortal

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """A unit of work with a checkpoint before and after its commit.

        Units that record nothing (looking whether a server may begin, renewing a
        lease) are many, and dying there is dying before the next one that does.
        """
        with self.inner.begin() as uow:
            before = tuple(uow.evidence.heads())
            yield uow
            recorded = tuple(uow.evidence.heads()) != before
            if recorded:
                self.mortal.reach()
        if recorded:
            self.mortal.reach()

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Reading leaves nothing behind to die between."""
        return self.inner.read()


class MortalHost:
    """A conversation whose process may die before and after each call."""

    def __init__(self, inner: object, mortal: Mortal) -> None:
        self._inner = inner
        self._mortal = mortal

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, getattr(self._inner, name))

    def _call(self, call: Callable[..., Any], *given: object, **named: object) -> Any:
        self._mortal.reach()
        answer = call(*given, **named)
        self._mortal.reach()
        return answer


@dataclass(slots=True)
class MortalGateway:
    """Opens conversations that may die."""

    inner: WinRmGateway
    mortal: Mortal

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostReader]:
        """A conversation that cannot write."""
        with self.inner.reader(server, credential, known) as host:
            yield MortalHost(host, self.mortal)

    @contextmanager
    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostWriter]:
        """A conversation that can."""
        with self.inner.writer(server, credential, known) as host:
            yield MortalHost(host, self.mortal)


@contextmanager
def mortal_services(url: str, mortal: Mortal) -> Iterator[Services]:
    """The ports of this process, each call a checkpoint."""
    owner = f"{socket.gethostname()}-{os.getpid()}-{mortal.dies_at}"
    clock = SystemClock()
    credential = Credential(CREDENTIAL, ACCOUNT, Secret(PASSWORD), (Mechanism.NTLM,))
    with open_storage(url, writer=owner, clock=lambda: datetime.now(UTC)) as storage:
        yield Services(
            storage=MortalStorage(storage, mortal),
            hosts=MortalGateway(WinRmGateway(QUICK, clock=clock.now), mortal),
            credentials=FakeCredentials({CREDENTIAL: credential}),
            clock=clock,
            account="tester",
            owner=owner,
            engine=Threads(),
            limits=LIMITS,
            is_gone=is_gone,
        )


def go_on(services: Services, plan: str) -> RunReport:
    """What an operator does next: resume the run, or apply if there is none."""
    with services.storage.read() as uow:
        run = uow.runs.find(None)
    if run is None:
        return apply(services, plan).data
    if run.state is RunState.FINISHED:
        return status(services, run.name).data
    return resume(services, run.name).data


def go_on_and_die(url: str, plan: str, dies_at: int, count_file: str) -> None:
    """Carry out a plan and die on the way; else write how many checkpoints it had."""
    mortal = Mortal(dies_at)
    with mortal_services(url, mortal) as services:
        go_on(services, plan)
    Path(count_file).write_text(str(mortal.reached))
