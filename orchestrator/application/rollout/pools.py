"""Which members of a pool are away now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.application.judging import Estate
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.rollout.leases import server_of
from orchestrator.application.services import Services
from orchestrator.domain.availability import Away
from orchestrator.domain.facts import FactKind, ServiceState
from orchestrator.domain.server import Server


@dataclass(frozen=True, slots=True)
class Standing:
    """What the journal says of all servers at one moment, read once.

    A lease whose owner is known to have ended holds nobody up; an attempt that it
    left behind does.
    """

    #: Server to the run that has an unsettled attempt on it.
    unsettled: Mapping[str, str]
    #: Servers whose lease holds, to its owner.
    leased: dict[str, str]
    out_of_reach: frozenset[str]
    #: Those that the last attempt took out and could not put back.
    left_drained: frozenset[str]

    @classmethod
    def read(cls, services: Services, uow: UnitOfWork) -> Standing:
        """As it is now."""
        now = services.clock.now()
        leases = [lease for lease in uow.runs.leases() if lease.expires > now]
        owners = {lease.owner for lease in leases}
        gone = {owner for owner in owners if services.is_gone(owner)}
        return cls(
            unsettled=uow.runs.unsettled(),
            leased={
                server: lease.owner
                for lease in leases
                if (server := server_of(lease.resource)) and lease.owner not in gone
            },
            out_of_reach=uow.facts.out_of_reach(),
            left_drained=uow.runs.left_drained(),
        )

    def is_busy(self, server: str) -> bool:
        """Whether somebody works on it, or nobody knows how its attempt ended."""
        return server in self.unsettled or server in self.leased

    def busy(self) -> frozenset[str]:
        """All of those."""
        return frozenset(self.unsettled) | frozenset(self.leased)

    def away(self, estate: Estate, members: Iterable[Server]) -> tuple[Away, ...]:
        """Those of a pool's members that do not serve."""
        found = ((member.name, self._why_away(estate, member)) for member in members)
        return tuple(Away(name, why) for name, why in found if why is not None)

    def _why_away(self, estate: Estate, member: Server) -> str | None:
        name = member.name
        if name in self.unsettled:
            return f"attempt of {self.unsettled[name]}"
        if name in self.leased:
            return f"held by {self.leased[name]}"
        if name in self.out_of_reach:
            return "unreachable"
        if _service_down(estate, member):
            return "service down"
        return "left drained" if name in self.left_drained else None


def _service_down(estate: Estate, member: Server) -> bool:
    facts = estate.facts_of(member.name)
    for name in estate.hotfix.services:
        seen = facts.find(FactKind.SERVICE, name)
        state = seen.value if seen else None
        if isinstance(state, ServiceState) and state.exists and not state.running:
            return True
    return False
