"""A whole run, disturbed in any order: hypothesis looks for a history that breaks it.

The process that carries the run out dies at any checkpoint, hosts cut a conversation
before or after any call, installers fail, operators pause, resume and abort. Whatever
happened, no installer was started twice, no more of the pool was away than it allows,
nothing was begun that was not to be, and in the end every server has an outcome that
its host bears out.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from orchestrator.adapters.database import open_storage
from orchestrator.application.apply import abort, apply, pause, resume
from orchestrator.application.judging import find_hotfix, load_estate
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.hosts import HostReader, HostWriter
from orchestrator.application.ports.secrets import Credential
from orchestrator.application.ports.storage import Storage, UnitOfWork
from orchestrator.application.results import RefusedError
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Attempt, AttemptState, Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Server
from orchestrator.domain.verdict import Verdict
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, World, world
from tests.fakes.hosts import FakeGateway, ScriptedFault

POOLED, ALONE = ("fe1", "fe2"), ("se1",)
NAMES = (*POOLED, *ALONE)
POLICY = PlanPolicy(
    activation=Activation.RESTART_SERVICE,
    growth=(len(NAMES),),
    budgets={},
    pool_wait_minutes=1,
    success_percent=0,
)
NEVER = 1 << 30
#: About as many checkpoints as an undisturbed run of three servers passes.
CHECKPOINTS = 150
VERBS = ("survey", "stage", "launch", "evidence", "restart_service", "clean_up")
#: As often as the run is taken up again at the end; each time settles something.
LAST_TRIES = 8


class Died(BaseException):
    """The process is gone: nothing of it does anything any more."""


@dataclass(slots=True)
class Doom:
    """Counts checkpoints; from one on the process is dead, in all its threads."""

    at: int
    reached: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self) -> None:
        with self._lock:
            self.reached += 1
            if self.reached >= self.at:
                raise Died


@dataclass(slots=True)
class DoomedStorage:
    """A storage whose process dies round a commit, and whose limits are looked at."""

    inner: Storage
    doom: Doom
    look: Callable[[UnitOfWork], None]

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        self.doom.reach()
        with self.inner.begin() as uow:
            yield uow
            self.look(uow)
        self.doom.reach()

    def read(self) -> AbstractContextManager[UnitOfWork]:
        self.doom.reach()
        return self.inner.read()


class DoomedHost:
    """A conversation that ends with its process, before or after a call."""

    def __init__(self, inner: object, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, getattr(self._inner, name))

    def _call(self, call: Callable[..., Any], *given: object, **named: object) -> Any:
        self._doom.reach()
        answer = call(*given, **named)
        self._doom.reach()
        return answer


@dataclass(slots=True)
class DoomedGateway:
    inner: FakeGateway
    doom: Doom

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostReader]:
        with self.inner.reader(server, credential, known) as host:
            yield DoomedHost(host, self.doom)

    @contextmanager
    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[HostWriter]:
        with self.inner.writer(server, credential, known) as host:
            yield DoomedHost(host, self.doom)


@dataclass(slots=True)
class DoomedClock:
    inner: FakeClock
    doom: Doom

    def now(self) -> datetime:
        return self.inner.now()

    def sleep(self, seconds: float) -> None:
        self.doom.reach()
        self.inner.sleep(seconds)


class RunMachine(RuleBasedStateMachine):
    """Operators, hosts and the kernel, each doing what they like."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.over = False
        self.processes = 0

    @initialize()
    def an_approved_plan(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(self.template, folder / "o.db")
        clock = FakeClock()
        storage = self._open.enter_context(
            open_storage(f"sqlite:///{folder}/o.db", writer="us", clock=clock.now)
        )
        self.world: World = self._open.enter_context(
            world(storage, NAMES, alone=ALONE, clock=clock)
        )
        survey(self.world.services, Selection())
        self.plan = plan(self.world.services, ARTICLE, Selection(), POLICY).data.plan
        approve(self.world.services, self.plan, by="A. Manager", reason="a test")

    @override
    def teardown(self) -> None:
        try:
            if hasattr(self, "plan"):
                self.the_end()
        finally:
            self._open.close()

    # -- what happens ---------------------------------------------------------

    @rule(dies_at=st.integers(1, CHECKPOINTS) | st.just(NEVER))
    def carry_out(self, dies_at: int) -> None:
        """Somebody applies or resumes, in a process that may die."""
        if self.over:
            return
        services = self.process(dies_at)
        begun_before = self.begun()
        with suppress(Died, RefusedError):
            run = self.run_state()
            if run is None:
                apply(services, self.plan)
            else:
                resume(services, None)
                if run in (RunState.ABORTING, RunState.ABORTED):
                    assert self.begun() == begun_before
        self.bury(services)

    @rule(
        server=st.sampled_from(NAMES),
        verb=st.sampled_from(VERBS),
        after=st.booleans(),
        ahead=st.integers(1, 3),
    )
    def lose_a_conversation(
        self, server: str, verb: str, after: bool, ahead: int
    ) -> None:
        host = self.world.hosts[server]
        call = host.calls.count(verb) + ahead
        host.faults.append(ScriptedFault(verb, after=after, call=call))

    @rule(server=st.sampled_from(NAMES))
    def an_installer_fails(self, server: str) -> None:
        host = self.world.hosts[server]
        if not host.installer_runs:
            host.installer = replace(host.installer, exit_code=1603)

    @rule(server=st.sampled_from(NAMES))
    def a_computer_restarts(self, server: str) -> None:
        """Somebody else does that; this tool never would."""
        self.world.hosts[server].restart()

    @rule()
    def pause_it(self) -> None:
        if self.run_state() is not None:
            with suppress(RefusedError):
                pause(self.world.services, None)

    @rule(now=st.booleans())
    def abort_it(self, now: bool) -> None:
        if self.run_state() in (RunState.PAUSED, RunState.PAUSING):
            with suppress(RefusedError):
                abort(self.world.services, None, now=now)

    @rule(seconds=st.sampled_from((1, 60, 600)))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    # -- what always holds ----------------------------------------------------

    @invariant()
    def no_installer_was_started_twice(self) -> None:
        if hasattr(self, "world"):
            assert all(runs <= 1 for runs in self.world.runs().values())

    @invariant()
    def what_ended_well_is_borne_out_by_its_host(self) -> None:
        for attempt in self.attempts():
            if attempt.outcome is Outcome.REMEDIATED:
                assert self.verdict(attempt.server) is Verdict.COMPLIANT

    def limits_hold(self, uow: UnitOfWork) -> None:
        """Before each commit: of the pool one is away, and no more."""
        away = [name for name in uow.runs.unsettled() if name in POOLED]
        assert len(away) <= 1, away

    def the_end(self) -> None:
        """Nothing disturbs any more: the run ends, and every server has an outcome."""
        for host in self.world.hosts.values():
            host.faults.clear()
        for _ in range(LAST_TRIES):
            self.carry_out(NEVER)
            if self.run_state() in (RunState.FINISHED, RunState.ABORTED):
                break
        self.over = True
        assert self.run_state() in (RunState.FINISHED, RunState.ABORTED)
        assert all(found.outcome is not None for found in self.attempts())
        self.what_ended_well_is_borne_out_by_its_host()
        self.no_installer_was_started_twice()

    # -- how it is done and looked at -----------------------------------------

    def process(self, dies_at: int) -> Services:
        """The ports of a new process; the ones before it are known to be gone."""
        self.processes += 1
        doom, services = Doom(dies_at), self.world.services
        owner = f"process-{self.processes}"
        return replace(
            services,
            storage=DoomedStorage(services.storage, doom, self.limits_hold),
            hosts=DoomedGateway(self.world.gateway, doom),
            clock=DoomedClock(self.world.clock, doom),
            owner=owner,
            is_gone=lambda other: other != owner,
            limits=replace(services.limits, apply_concurrency=2),
        )

    def bury(self, services: Services) -> None:
        """Whatever of a process still ran has met its end."""
        assert isinstance(services.storage, DoomedStorage)
        services.storage.doom.at = 0
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(10)

    def run_state(self) -> RunState | None:
        with self.world.services.storage.read() as uow:
            found = uow.runs.find(None)
        return found.state if found else None

    def attempts(self) -> tuple[Attempt, ...]:
        if not hasattr(self, "plan"):
            return ()
        with self.world.services.storage.read() as uow:
            run = uow.runs.find(None)
            return tuple(uow.runs.attempts(run.name)) if run else ()

    def begun(self) -> set[str]:
        return {
            found.server
            for found in self.attempts()
            if found.steps and found.state is not AttemptState.READY
        }

    def verdict(self, server: str) -> Verdict:
        services = self.world.services
        with services.storage.read() as uow:
            hotfix = find_hotfix(uow, ARTICLE)
            estate = load_estate(uow, hotfix, services.clock.now())
        return estate.judge(estate.inventory.servers[server]).verdict


@pytest.mark.timeout(300)
def test_no_history_of_a_run_breaks_it(tmp_path: Path) -> None:
    template = tmp_path / "template.db"
    open_storage(f"sqlite:///{template}", writer="t", clock=FakeClock().now).close()
    machine = type("Machine", (RunMachine,), {"template": template})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=30, stateful_step_count=10),
    )
