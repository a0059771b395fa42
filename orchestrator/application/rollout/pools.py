"""Which members of a pool are away now."""

from __future__ import annotations

from orchestrator.application.attempt.drain import is_drained
from orchestrator.application.judging import (
    Estate,
)
from orchestrator.application.ports.storage import (
    UnitOfWork,
)
from orchestrator.application.rollout.leases import server_resource
from orchestrator.application.services import Services
from orchestrator.domain.availability import Away
from orchestrator.domain.facts import FactKind, ServiceState
from orchestrator.domain.server import Server


def away_of(
    services: Services, uow: UnitOfWork, estate: Estate, pool: str
) -> tuple[Away, ...]:
    """The members of a pool that do not serve now.

    A lease whose owner is known to have ended holds nobody up; an attempt that it
    left behind does.
    """
    now = services.clock.now()
    unsettled = {attempt.server: attempt.run for attempt in uow.runs.unsettled()}
    leased = {
        lease.resource: lease.owner
        for lease in uow.runs.leases()
        if lease.expires > now and not services.is_gone(lease.owner)
    }
    contacts = uow.facts.contacts()
    away: list[Away] = []
    for member in estate.inventory.members(pool):
        name = member.name
        if name in unsettled:
            away.append(Away(name, f"attempt of {unsettled[name]}"))
        elif server_resource(name) in leased:
            away.append(Away(name, f"held by {leased[server_resource(name)]}"))
        elif contacts.get(name, (None, None))[1]:
            away.append(Away(name, "unreachable"))
        elif _left_drained(uow, name):
            away.append(Away(name, "left drained"))
        elif _service_down(estate, member):
            away.append(Away(name, "service down"))
    return tuple(away)


def _left_drained(uow: UnitOfWork, server: str) -> bool:
    """Whether the last attempt on a server took it out and could not put it back."""
    attempts = uow.runs.attempts_on(server)
    return bool(attempts) and is_drained(attempts[0])


def _service_down(estate: Estate, member: Server) -> bool:
    facts = estate.facts_of(member.name)
    for name in estate.hotfix.services:
        seen = facts.find(FactKind.SERVICE, name)
        state = seen.value if seen else None
        if isinstance(state, ServiceState) and state.exists and not state.running:
            return True
    return False
