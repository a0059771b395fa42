"""Carrying out an approved plan: wave after wave, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.application.attempt.turn import OvertakenError, Turn
from orchestrator.application.attempt.work import work
from orchestrator.application.judging import (
    Estate,
    find_hotfix,
    load_estate,
)
from orchestrator.application.plans import find_plan
from orchestrator.application.ports.storage import (
    LeaseHeld,
    UnitOfWork,
)
from orchestrator.application.rollout.leases import RunLease, server_resource
from orchestrator.application.rollout.pools import away_of
from orchestrator.application.rollout.refresh import judging_of, refresh
from orchestrator.application.rollout.runs import find_run, move_run, skip, unknown_end
from orchestrator.application.services import Services
from orchestrator.domain.availability import pool_full
from orchestrator.domain.planning import Plan, PlannedServer, Wave
from orchestrator.domain.remediation import (
    Attempt,
    AttemptState,
    Outcome,
)
from orchestrator.domain.rollout import (
    Run,
    RunEvent,
    RunState,
)

#: Outcomes of a server that was changed, or was about to be, and is not well.
BROKEN = frozenset(
    {
        Outcome.STAGING_FAILED,
        Outcome.INSTALL_FAILED,
        Outcome.PENDING_RESTART,
        Outcome.VERIFY_FAILED,
        Outcome.UNHEALTHY,
        Outcome.INTERRUPTED,
    }
)


@dataclass(slots=True)
class _Waiting:
    """A server that waits for its pool or its lease, since when and why."""

    since: datetime
    why: str


@dataclass(slots=True)
class Rollout:
    """One process's work on a run. The journal owns the truth; this only acts."""

    services: Services
    run: Run
    plan: Plan
    estate: Estate
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _renewed: datetime | None = None

    @classmethod
    def open(cls, services: Services, run: Run) -> Rollout:
        """Load what a run needs; facts past the plan's limit are taken again."""
        with services.storage.read() as uow:
            stored = find_plan(uow, run.plan)
        refresh(services, stored.plan)
        with services.storage.read() as uow:
            estate = load_estate(
                uow,
                find_hotfix(uow, stored.plan.article),
                services.clock.now(),
                judging_of(stored.plan),
            )
        return cls(services, run, stored.plan, estate)

    def carry_out(self) -> Run:
        """Wave after wave until the end, a stop, or a pause."""
        with self._leased():
            for wave in self.plan.waves:
                self._wave(wave)
                stopped = self._gate(wave)
                if stopped:
                    return self._move(RunEvent.STOP, stopped)
                if self._state() is not RunState.RUNNING:
                    return self._quiet()
            return self._move(RunEvent.FINISH)

    def _leased(self) -> RunLease:
        return RunLease(self.services, f"run:{self.run.name}")

    def _state(self) -> RunState:
        with self.services.storage.read() as uow:
            return find_run(uow, self.run.name).state

    def _move(self, event: RunEvent, reason: str = "") -> Run:
        self.run = move_run(self.services, self.run.name, event, reason)
        return self.run

    def _quiet(self) -> Run:
        if self._state() in (RunState.PAUSING, RunState.ABORTING):
            return self._move(RunEvent.QUIET)
        with self.services.storage.read() as uow:
            return find_run(uow, self.run.name)

    def _wave(self, wave: Wave) -> None:
        """Work through a wave; what cannot begin waits for its pool."""
        self._waiting.clear()
        open_servers = {planned.server: planned for planned in wave.servers}
        limit = self.services.limits.apply_concurrency
        with ThreadPoolExecutor(max_workers=limit) as pool:
            running: dict[Future[None], str] = {}
            while open_servers or running:
                self._dispatch(open_servers, running, pool, limit)
                if not running and self._state() is not RunState.RUNNING:
                    return
                self._reap(running)
                self._renew(running.values())

    def _dispatch(
        self,
        open_servers: dict[str, PlannedServer],
        running: dict[Future[None], str],
        pool: ThreadPoolExecutor,
        limit: int,
    ) -> None:
        if self._state() is not RunState.RUNNING:
            return
        for name, planned in list(open_servers.items()):
            if len(running) >= limit:
                return
            turn = self._begin(planned)
            if turn is None:
                continue
            del open_servers[name]
            if not turn.attempt.settled:
                running[pool.submit(self._work, turn)] = name

    def _reap(self, running: dict[Future[None], str]) -> None:
        if not running:
            self.services.clock.sleep(self.services.limits.dispatch_seconds)
            return
        done, _ = wait(
            running,
            timeout=self.services.limits.dispatch_seconds,
            return_when=FIRST_COMPLETED,
        )
        for future in done:
            name = running.pop(future)
            future.result()
            self.services.progress.advanced(name)

    def _renew(self, servers: Iterable[str]) -> None:
        """Keep our leases; a lease that is not renewed has lost its owner."""
        now = self.services.clock.now()
        every = timedelta(seconds=self.services.limits.lease_seconds / 4)
        if self._renewed is not None and now - self._renewed < every:
            return
        self._renewed = now
        until = now + timedelta(seconds=self.services.limits.lease_seconds)
        with self.services.storage.begin() as uow:
            for resource in (f"run:{self.run.name}", *map(server_resource, servers)):
                uow.runs.take_lease(resource, self.services.owner, now=now, until=until)

    def _begin(self, planned: PlannedServer) -> Turn | None:
        """A turn for a server that may begin now; ``None`` while it must wait."""
        now = self.services.clock.now()
        with self.services.storage.begin() as uow:
            attempt = uow.runs.attempt(self.run.name, planned.server)
            if not attempt.settled:
                held = self._held_up(uow, planned, attempt, now)
                if held is not None:
                    return self._wait_or_skip(uow, planned, attempt, held, now)
        server = self.estate.inventory.servers[planned.server]
        return Turn(
            self.services, self.plan, planned, server, self.estate, attempt, now
        )

    def _held_up(
        self,
        uow: UnitOfWork,
        planned: PlannedServer,
        attempt: Attempt,
        now: datetime,
    ) -> str | None:
        """Why a server may not begin now; otherwise its lease is ours."""
        other = [
            unsettled
            for unsettled in uow.runs.unsettled()
            if unsettled.server == planned.server and unsettled.run != self.run.name
        ]
        if other:
            return f"an attempt of {other[0].run} on it is not settled; resume that run"
        full = self._pool_full(uow, planned, now)
        if full is not None and attempt.state is AttemptState.READY:
            return full
        until = now + timedelta(seconds=self.services.limits.lease_seconds)
        lease = uow.runs.take_lease(
            server_resource(planned.server), self.services.owner, now=now, until=until
        )
        if isinstance(lease, LeaseHeld):
            held = lease.lease
            return f"{held.owner} holds it until {held.expires:%H:%M:%S}Z"
        return None

    def _pool_full(
        self, uow: UnitOfWork, planned: PlannedServer, now: datetime
    ) -> str | None:
        if planned.pool is None:
            return None
        away = away_of(uow, self.estate, planned.pool, now)
        limit = self.plan.pool_limits.get(planned.pool, 1)
        full = pool_full(planned.pool, limit, away, planned.server)
        return str(full) if full else None

    def _wait_or_skip(
        self,
        uow: UnitOfWork,
        planned: PlannedServer,
        attempt: Attempt,
        why: str,
        now: datetime,
    ) -> Turn | None:
        """Wait up to the plan's limit; then the server is skipped with the reason."""
        waiting = self._waiting.setdefault(planned.server, _Waiting(now, why))
        waiting.why = why
        limit = timedelta(minutes=self.plan.policy.pool_wait_minutes)
        if now - waiting.since < limit or attempt.state is not AttemptState.READY:
            self.services.progress.server(planned.server, "waiting", why)
            return None
        skipped = skip(uow, attempt, f"waited {limit}: {why}")
        server = self.estate.inventory.servers[planned.server]
        return Turn(
            self.services, self.plan, planned, server, self.estate, skipped, now
        )

    def _work(self, turn: Turn) -> None:
        try:
            work(turn)
        except OvertakenError:
            return
        finally:
            if turn.attempt.settled:
                with self.services.storage.begin() as uow:
                    uow.runs.release_lease(
                        server_resource(turn.server.name), self.services.owner
                    )

    def _gate(self, wave: Wave) -> str | None:
        """What stops the rollout after a wave and would let it go on; else nothing."""
        with self.services.storage.read() as uow:
            attempts = [
                attempt
                for attempt in uow.runs.attempts(self.run.name)
                if attempt.wave == wave.number
            ]
        bad = [found.server for found in attempts if found.outcome in BROKEN]
        bad += [found.server for found in attempts if unknown_end(found)]
        if len(bad) <= self.plan.policy.max_failed:
            return None
        return (
            f"wave {wave.number}: {', '.join(sorted(bad))} ended badly, "
            f"{self.plan.policy.max_failed} allowed; look at them, then "
            f"orchestrator resume {self.run.name}"
        )
