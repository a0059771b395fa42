"""A survey and a rollout that slow down, and say so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from typing_extensions import override

from orchestrator.application.apply import apply
from orchestrator.application.fan_out import fan_out
from orchestrator.application.pacing import Pacing
from orchestrator.application.ports.hosts import (
    FaultKind,
    HostFaultError,
    HostGateway,
    HostReader,
)
from orchestrator.application.ports.secrets import Credential
from orchestrator.application.ports.storage import Storage
from orchestrator.application.services import Limits, Silent
from orchestrator.application.survey import survey
from orchestrator.domain.budgets import Budget, FailureClass
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Server
from tests.fakes.estate import World, world
from tests.unit.application.test_main_job import approved

NAMES = [f"fe{number:02}" for number in range(60)]


class Notes(Silent):
    """Keeps what is said of the work itself."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @override
    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, NAMES, alone=NAMES) as made:
        yield made


def fault(name: str, kind: FaultKind, *, late: bool) -> HostFaultError:
    return HostFaultError(kind, name, "said the test", late=late)


LIMITS = Limits(survey_concurrency=8, apply_concurrency=8)


@pytest.mark.parametrize(
    ("kind", "late", "slows"),
    [
        (FaultKind.BUSY, False, True),
        (FaultKind.UNREACHABLE, True, True),
        (FaultKind.UNREACHABLE, False, False),
        (FaultKind.REFUSED, False, False),
        (FaultKind.PROTOCOL, False, False),
    ],
)
def test_a_survey_slows_for_what_may_be_too_much_and_nothing_else(
    estate: World, kind: FaultKind, late: bool, slows: bool
) -> None:
    for name in NAMES:
        estate.gateway.faults[name] = fault(name, kind, late=late)
    notes = Notes()
    survey(replace(estate.services, limits=LIMITS, progress=notes), Selection())
    said = "slowed to 4 at once: 20 of the last 20 timed out or were busy"
    assert (said in notes.said) is slows
    assert bool(notes.said) is slows


@dataclass(slots=True)
class Counting:
    """A gateway that keeps how many conversations were open at once, in order."""

    inner: HostGateway
    late: frozenset[str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: int = 0
    most: list[int] = field(default_factory=list)

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostReader]:
        with self.lock:
            self.busy += 1
            self.most.append(self.busy)
        try:
            if server.name in self.late:
                raise fault(server.name, FaultKind.UNREACHABLE, late=True)
            with self.inner.reader(server, credential, known) as reader:
                yield reader
        finally:
            with self.lock:
                self.busy -= 1


def test_after_it_slowed_fewer_are_read_at_once(estate: World) -> None:
    gateway = Counting(estate.gateway, frozenset(NAMES[:20]))
    services = replace(estate.services, limits=LIMITS, hosts=gateway)  # type: ignore[arg-type] # a survey opens readers only
    survey(services, Selection())
    assert max(gateway.most) <= 8
    assert max(gateway.most[-20:]) <= 5


@dataclass(frozen=True, slots=True)
class Said:
    strained: bool


def test_everything_is_worked_on_however_slow_it_gets() -> None:
    pacing = Pacing(3, Silent())
    found = fan_out(range(200), lambda n: Said(strained=n % 2 == 0), pacing)
    assert sorted(item for item, _ in found) == list(range(200))


def test_a_rollout_slows_when_hosts_answer_late(estate: World) -> None:
    policy = PlanPolicy(
        activation=Activation.RESTART_SERVICE,
        growth=(100,),
        budgets={FailureClass.UNREACHABLE: Budget(percent=100)},
        success_percent=0,
    )
    name = approved(estate, policy)
    for server in NAMES:
        estate.gateway.faults[server] = fault(server, FaultKind.UNREACHABLE, late=True)
    notes = Notes()
    services = replace(estate.services, limits=LIMITS, progress=notes)
    result = apply(services, name)
    assert {line.outcome for line in result.data.outcomes} <= {"unreachable"}
    assert "slowed to 4 at once: 20 of the last 20 timed out or were busy" in notes.said
