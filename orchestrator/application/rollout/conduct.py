"""Carrying out an approved plan: wave after wave, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.application.judging import Estate
from orchestrator.application.pacing import Pacing
from orchestrator.application.plans import find_plan
from orchestrator.application.ports.engine import Delivery, Duties, Order
from orchestrator.application.rollout.dispatch import Dispatch
from orchestrator.application.rollout.gates import Gates, has_ended
from orchestrator.application.rollout.hooks import WaveHooks
from orchestrator.application.rollout.leases import Keeper, RunLease
from orchestrator.application.rollout.patience import outlast
from orchestrator.application.rollout.refresh import refresh
from orchestrator.application.rollout.runs import find_run, move_run
from orchestrator.application.rollout.strays import Strays
from orchestrator.application.rollout.turns import Turns, read_brief
from orchestrator.application.rollout.waiting import Waiting
from orchestrator.application.services import Services
from orchestrator.domain.planning import Plan, PlannedServer, Wave
from orchestrator.domain.remediation import IN_FLIGHT, AttemptState
from orchestrator.domain.rollout import Run, RunEvent, RunState


def carry_out(services: Services, run: Run) -> None:
    """Work on a run until its end, a stop or a pause.

    Where its turns are taken elsewhere they go on while database or broker is away
    from here, so the run is taken up again, as after a crash.

    Raises:
        RefusedError: another process has the run.
        StorageError: the database failed, and stays away.
        EngineError: the broker did.
    """

    def work() -> None:
        Rollout.open(services, run).carry_out()

    if services.engine.elsewhere:
        outlast(services, run.name, work)
    else:
        work()


@dataclass(slots=True)
class Rollout:
    """One process's work on a run. The journal owns the truth; this only acts."""

    services: Services
    run: Run
    plan: Plan
    estate: Estate
    gates: Gates
    dispatch: Dispatch
    hooks: WaveHooks
    keeper: Keeper
    turns: Turns
    pacing: Pacing
    strays: Strays
    #: What is handed out and has not ended, by server.
    _out: dict[str, Order] = field(default_factory=dict)

    @classmethod
    def open(cls, services: Services, run: Run) -> Rollout:
        """Load what a run needs; facts past the plan's limit are taken again."""
        with services.storage.read() as uow:
            plan = find_plan(uow, run.plan).plan
        refresh(services, plan)
        with services.storage.read() as uow:
            brief = read_brief(services, uow, run.plan)
            attempts = uow.runs.attempts(run.name)
        accepted = frozenset(found.server for found in attempts if has_ended(found))
        left = sum(not found.settled for found in attempts)
        services.progress.started(left, f"run {run.name}")
        estate, keeper, turns = (
            brief.estate,
            Keeper(services, run.name),
            Turns(services),
        )
        turns.know(run.name, brief)
        return cls(
            services,
            run,
            plan,
            estate,
            Gates(services, run, plan, estate, accepted),
            Dispatch(services, run, plan, estate),
            WaveHooks(services, run, plan, estate.inventory, keeper.keep),
            keeper,
            turns,
            Pacing(services.limits.apply_concurrency, services.progress),
            Strays(services, run.name),
        )

    def carry_out(self) -> Run:
        """Wave after wave until the end, a stop, or a pause.

        Raises:
            RefusedError: another process has the run.
        """
        with RunLease(self.services, self.run.name):
            if self._state() is RunState.ABORTING:
                self._settle()
                return self._quiet()
            for wave in self.plan.waves:
                self._carry_out_wave(wave)
                if self._state() is not RunState.RUNNING:
                    ended = self._quiet()
                    self.hooks.on_stop(wave, ended.reason or ended.state.value)
                    return ended
            return self._move(RunEvent.FINISH)

    def _carry_out_wave(self, wave: Wave) -> None:
        """One wave with its gates; a gate that is shut stops the run."""
        if self.gates.passed(wave):
            return
        shut = self.gates.before(wave) or self.hooks.before_wave(wave)
        if shut is None:
            self._work_through(wave.servers)
            if self._state() is not RunState.RUNNING:
                return
            shut = self.hooks.after_wave(wave) or self.gates.after(wave)
        if shut is None and wave is not self.plan.waves[-1]:
            shut = self._soak(wave)
        if shut is not None:
            self._move(RunEvent.STOP, shut)

    def _soak(self, wave: Wave) -> str | None:
        """Let a wave prove itself; then a person says go, if the plan wants one."""
        until = self.services.clock.now() + timedelta(
            minutes=self.plan.policy.soak_minutes
        )
        while self.services.clock.now() < until and self._goes_on():
            self.services.progress.server(f"wave {wave.number}", "soaking")
            self.services.clock.sleep(self.services.limits.dispatch_seconds)
            self.keeper.keep()
        if self._state() is not RunState.RUNNING:
            return None
        shut = self.gates.cured(wave)
        if shut is not None:
            return shut
        if self.plan.policy.manual_gates:
            return (
                f"wave {wave.number} is done and the plan wants a person's word; "
                f"orchestrator resume {self.run.name} gives it"
            )
        return None

    def _goes_on(self) -> bool:
        """Whether the run is to go on; an interrupt pauses it first."""
        self._heed_interrupt()
        return self._state() is RunState.RUNNING

    def _heed_interrupt(self) -> None:
        if self.services.interrupted() and self._state() is RunState.RUNNING:
            self._move(RunEvent.PAUSE, "interrupted")

    def _state(self) -> RunState:
        with self.services.storage.read() as uow:
            return find_run(uow, self.run.name).state

    def _move(self, event: RunEvent, reason: str = "") -> Run:
        self.run = move_run(self.services, self.run.name, event, reason)
        return self.run

    def _quiet(self) -> Run:
        """Nothing is in flight any more: a pause or an abort is complete."""
        if self._state() in (RunState.PAUSING, RunState.ABORTING):
            return self._move(RunEvent.QUIET)
        with self.services.storage.read() as uow:
            return find_run(uow, self.run.name)

    def _settle(self) -> None:
        """Of an aborted run only what is in flight is looked after."""
        with self.services.storage.read() as uow:
            attempts = uow.runs.attempts(self.run.name)
        flying = {found.server for found in attempts if found.state in IN_FLIGHT}
        self._work_through(
            [entry for entry in self.plan.servers() if entry.server in flying],
            during=RunState.ABORTING,
        )

    def _work_through(
        self,
        servers: Iterable[PlannedServer],
        during: RunState = RunState.RUNNING,
    ) -> None:
        """Begin servers while the run is so, and see through what is in flight.

        What cannot begin waits. A run that ended at once is not waited for.
        """
        waiting = Waiting(self._unsettled(servers), self.estate.inventory)
        self.dispatch.turn_of_others()
        duties = Duties(self.turns.take, self.turns.over)
        with self.services.engine.open(duties, self.pacing.maximum) as delivery:
            while waiting or self._out:
                self._heed_interrupt()
                state = self._state()
                room = self.pacing.room - len(self._out)
                if state is during and room > 0:
                    self._begin_more(waiting, delivery, room)
                elif not self._out or state is RunState.ABORTED:
                    return
                self._gather(delivery, waiting)
                self.keeper.keep(self._out)

    def _unsettled(self, servers: Iterable[PlannedServer]) -> list[PlannedServer]:
        with self.services.storage.read() as uow:
            attempts = uow.runs.attempts(self.run.name)
        settled = {found.server for found in attempts if found.settled}
        return [planned for planned in servers if planned.server not in settled]

    def _begin_more(self, waiting: Waiting, delivery: Delivery, room: int) -> None:
        orders, over = self.dispatch.begin(waiting, room)
        self._out |= {order.server: order for order in orders}
        delivery.hand_out(orders)
        for name in (*(order.server for order in orders), *over):
            waiting.drop(name)
        for name in over:
            self.services.progress.advanced(name)

    def _gather(self, delivery: Delivery, waiting: Waiting) -> None:
        """Wait a moment for turns to end; a budget that is overspent stops the run."""
        if not self._out:
            self.services.clock.sleep(self.services.limits.dispatch_seconds)
            return
        ended = [
            order.server
            for order in delivery.ended(self.services.limits.dispatch_seconds)
        ]
        if self.services.engine.elsewhere:
            delivery.hand_out(self.strays.look(self._out.values()))
        if not ended:
            return
        with self.services.storage.read() as uow:
            attempts = [uow.runs.attempt(self.run.name, name) for name in ended]
        for attempt in attempts:
            del self._out[attempt.server]
            if attempt.state is AttemptState.READY:
                # It came back without a turn: whether it has a place is decided anew.
                waiting.put_back(attempt.server)
                continue
            self.services.progress.advanced(attempt.server)
            self.pacing.heard(strained=attempt.strained)
        self.dispatch.turn_of_others()
        stop = self.gates.during(attempts)
        if stop is not None and self._state() in (RunState.RUNNING, RunState.PAUSING):
            self._move(RunEvent.STOP, stop)
