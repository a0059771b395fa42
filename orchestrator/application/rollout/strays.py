"""Orders that no worker sees to: given back, handed out again, and in the end given up.

Where workers are elsewhere, a message may be lost, a site may have no worker, and a
worker may vanish without a word. The leases tell: one that is still the conductor's
was not taken up, one that has run out has lost its worker.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.application.codec import to_json
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import Lease, UnitOfWork
from orchestrator.application.rollout.leases import RENEWALS, lives, server_resource
from orchestrator.application.rollout.runs import find_run, settle_unbegun
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.remediation import (
    IN_FLIGHT,
    Attempt,
    AttemptEvent,
    AttemptState,
    Outcome,
    advance,
)
from orchestrator.domain.rollout import RunState


@dataclass(slots=True)
class Strays:
    """Looks after the orders of one run, now and then."""

    services: Services
    run: str
    #: Since when nobody sees to a server, as far as it was looked.
    _since: dict[str, datetime] = field(default_factory=dict)
    #: When a worker of a site was last seen at work.
    _seen: dict[str, datetime] = field(default_factory=dict)
    _looked: datetime | None = None

    def look(self, out: Collection[Order]) -> list[Order]:
        """Those to be handed out again; what was given up has no lease any more."""
        now = self.services.clock.now()
        every = timedelta(seconds=self.services.limits.lease_seconds / RENEWALS)
        if not out or (self._looked is not None and now - self._looked < every):
            return []
        self._looked = now
        with self.services.storage.begin() as uow:
            running = find_run(uow, self.run).state is RunState.RUNNING
            leases = {lease.resource: lease for lease in uow.runs.leases()}
            attempts = {found.server: found for found in uow.runs.attempts(self.run)}
            held = [
                (order, leases[server_resource(order.server)], attempts[order.server])
                for order in out
                if server_resource(order.server) in leases
            ]
            for order, lease, _ in held:
                if self._at_work(lease):
                    self._seen[order.site] = now
                    self._since.pop(order.server, None)
            return [
                order
                for order, lease, attempt in held
                if not self._at_work(lease)
                and self._is_lost(uow, order, lease, attempt, running=running)
            ]

    def _at_work(self, lease: Lease) -> bool:
        return lease.owner != self.services.owner and lives(self.services, lease)

    def _is_lost(
        self,
        uow: UnitOfWork,
        order: Order,
        lease: Lease,
        attempt: Attempt,
        *,
        running: bool,
    ) -> bool:
        """Whether to hand it out again; what is over or given up loses its lease."""
        ready = attempt.state is AttemptState.READY
        if attempt.settled or (ready and not running):
            pass
        elif self._waited(order):
            self._give_up(uow, order, attempt)
        elif lease.owner == self.services.owner:
            return False
        elif not ready:
            return True
        # What was not begun is given back: whether it has a place is decided anew.
        uow.runs.release_lease(lease.resource, lease.owner)
        return False

    def _waited(self, order: Order) -> bool:
        """Whether it waited its time, none of which its site was at work."""
        now = self.services.clock.now()
        since = self._since.setdefault(order.server, now)
        began = max(since, self._seen.get(order.site, since))
        limit = timedelta(seconds=self.services.limits.worker_wait_seconds)
        return now - began >= limit

    def _give_up(self, uow: UnitOfWork, order: Order, attempt: Attempt) -> None:
        """Settle what has touched nothing, else it is unknown; late workers are out."""
        taken = replace(attempt, fence=attempt.fence + 1)
        limit = f"{self.services.limits.worker_wait_seconds:.0f} s"
        if attempt.state in IN_FLIGHT:
            lost = replace(
                taken,
                state=advance(attempt.state, AttemptEvent.LOSE_CONTACT),
                reason=f"its worker vanished and no other of site {order.site} took it "
                f"over within {limit}; start one, then orchestrator resume {self.run} "
                "asks the host what became of it",
            )
            uow.runs.save_attempt(lost, fence=attempt.fence)
            uow.evidence.append(Entry(RecordKind.STEP, lost.server, to_json(lost)))
            return
        reason = (
            f"no worker of site {order.site} took it up within {limit}; "
            f"start one: orchestrator worker --site {order.site}"
        )
        settle_unbegun(uow, taken, Outcome.SKIPPED, reason, fence=attempt.fence)
