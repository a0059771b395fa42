"""Which server may begin now: its lease, its pool, its site; else it waits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.application.attempt.turn import Turn
from orchestrator.application.judging import Estate
from orchestrator.application.ports.storage import LeaseHeld, UnitOfWork
from orchestrator.application.rollout.leases import server_resource, take
from orchestrator.application.rollout.pools import away_of
from orchestrator.application.rollout.runs import settle_unbegun
from orchestrator.application.services import Services
from orchestrator.domain.availability import pool_full
from orchestrator.domain.planning import Plan, PlannedServer
from orchestrator.domain.remediation import Attempt, AttemptState, Outcome
from orchestrator.domain.rollout import Run


@dataclass(slots=True)
class Dispatch:
    """Hands out turns.

    Every limit is asked of the journal within one transaction, so that it holds
    across processes.
    """

    services: Services
    run: Run
    plan: Plan
    estate: Estate
    _waiting: dict[str, datetime] = field(default_factory=dict)

    def begin(self, planned: PlannedServer, running: Collection[str]) -> Turn | None:
        """A turn for a server that may begin; ``None`` while it must wait.

        A turn that is settled already had nothing to begin.

        Args:
            planned: the server.
            running: the servers that this process works on.
        """
        now = self.services.clock.now()
        with self.services.storage.begin() as uow:
            attempt = uow.runs.attempt(self.run.name, planned.server)
            if not attempt.settled and attempt.state is AttemptState.READY:
                attempt = self._drop_retired(uow, attempt)
            if not attempt.settled:
                why = self._held_up(uow, planned, attempt, running)
                if why is not None:
                    skipped = self._wait(uow, planned, attempt, why, now)
                    if skipped is None:
                        return None
                    attempt = skipped
        server = self.estate.inventory.servers[planned.server]
        return Turn(
            self.services, self.plan, planned, server, self.estate, attempt, now
        )

    def _drop_retired(self, uow: UnitOfWork, attempt: Attempt) -> Attempt:
        if not self.estate.inventory.servers[attempt.server].retired:
            return attempt
        reason = "retired from the inventory since the plan was made"
        return settle_unbegun(uow, attempt, Outcome.DROPPED, reason)

    def _held_up(
        self,
        uow: UnitOfWork,
        planned: PlannedServer,
        attempt: Attempt,
        running: Collection[str],
    ) -> str | None:
        """Why a server may not begin now; otherwise its lease is ours.

        An attempt that is under way is settled whatever its pool is like.
        """
        if attempt.state is AttemptState.READY:
            why = (
                self._unsettled_elsewhere(uow, planned)
                or self._site_full(planned, running)
                or self._pool_full(uow, planned)
            )
            if why is not None:
                return why
        lease = take(self.services, uow, server_resource(planned.server))
        if isinstance(lease, LeaseHeld):
            held = lease.lease
            return f"{held.owner} holds it until {held.expires:%H:%M:%S}Z"
        return None

    def _unsettled_elsewhere(
        self, uow: UnitOfWork, planned: PlannedServer
    ) -> str | None:
        for other in uow.runs.unsettled():
            if other.server == planned.server and other.run != self.run.name:
                return f"an attempt of {other.run} is not settled; resume that run"
        return None

    def _site_full(
        self, planned: PlannedServer, running: Collection[str]
    ) -> str | None:
        servers = self.estate.inventory.servers
        site = self.estate.inventory.sites.get(servers[planned.server].site)
        if site is None or site.max_concurrent is None:
            return None
        there = [name for name in running if servers[name].site == site.name]
        if len(there) < site.max_concurrent:
            return None
        return f"site {site.name} allows {site.max_concurrent} at once"

    def _pool_full(self, uow: UnitOfWork, planned: PlannedServer) -> str | None:
        if planned.pool is None:
            return None
        away = away_of(self.services, uow, self.estate, planned.pool)
        limit = self.plan.pool_limits.get(planned.pool, 1)
        full = pool_full(planned.pool, limit, away, planned.server)
        return str(full) if full else None

    def _wait(
        self,
        uow: UnitOfWork,
        planned: PlannedServer,
        attempt: Attempt,
        why: str,
        now: datetime,
    ) -> Attempt | None:
        """Wait up to the plan's limit; then the server is skipped with the reason."""
        since = self._waiting.setdefault(planned.server, now)
        limit = timedelta(minutes=self.plan.policy.pool_wait_minutes)
        if now - since < limit or attempt.state is not AttemptState.READY:
            self.services.progress.server(planned.server, "waiting", why)
            return None
        reason = f"waited {limit}: {why}"
        return settle_unbegun(uow, attempt, Outcome.SKIPPED, reason)

    def turn_of_others(self) -> None:
        """Somebody's turn ended: whoever waits, waits anew from now."""
        now = self.services.clock.now()
        self._waiting = dict.fromkeys(self._waiting, now)
