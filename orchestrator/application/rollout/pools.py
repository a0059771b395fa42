"""Which members of a pool are away now."""

from __future__ import annotations

from datetime import datetime

from orchestrator.application.judging import (
    Estate,
)
from orchestrator.application.ports.storage import (
    UnitOfWork,
)
from orchestrator.application.rollout.leases import server_resource
from orchestrator.domain.availability import Away
from orchestrator.domain.facts import FactKind, ServiceState
from orchestrator.domain.server import Server


def away_of(
    uow: UnitOfWork, estate: Estate, pool: str, now: datetime
) -> tuple[Away, ...]:
    """The members of a pool that do not serve now."""
    unsettled = {attempt.server: attempt.run for attempt in uow.runs.unsettled()}
    leased = {
        lease.resource: lease.owner
        for lease in uow.runs.leases()
        if lease.expires > now
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
        elif _service_down(estate, member):
            away.append(Away(name, "service down"))
    return tuple(away)


def _service_down(estate: Estate, member: Server) -> bool:
    facts = estate.facts_of(member.name)
    for name in estate.hotfix.services:
        seen = facts.find(FactKind.SERVICE, name)
        state = seen.value if seen else None
        if isinstance(state, ServiceState) and state.exists and not state.running:
            return True
    return False
