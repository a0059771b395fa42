"""Facts past a plan's limit are taken again before it is carried out."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.application.judging import (
    Judging,
    find_hotfix,
)
from orchestrator.application.services import Services
from orchestrator.application.survey import collect
from orchestrator.domain.exposure import POOL_PREFIX
from orchestrator.domain.planning import Plan
from orchestrator.domain.server import Inventory, Server


def judging_of(plan: Plan) -> Judging:
    """The policy that a plan's servers are judged under again."""
    return Judging(
        plan.policy.assume_unknown_peers,
        timedelta(hours=plan.policy.fact_limit_hours),
    )


def refresh(services: Services, plan: Plan) -> None:
    """Take the facts of the plan's peers again where they are past its limit.

    The servers of the plan themselves are read again in their own turns.
    """
    now = services.clock.now()
    with services.storage.read() as uow:
        inventory = uow.inventory.load()
        hotfixes = (find_hotfix(uow, plan.article),)
        facts = uow.facts.of_all()
    limit = timedelta(hours=plan.policy.fact_limit_hours)
    stale = [
        server
        for server in _peers(plan, inventory)
        if not server.retired
        and any(
            now - seen.at > limit
            for seen in (
                facts[server.name].observations.values() if server.name in facts else ()
            )
        )
    ]
    if stale:
        collect(services, inventory, hotfixes, stale)


def _peers(plan: Plan, inventory: Inventory) -> tuple[Server, ...]:
    names: set[str] = set()
    servers = inventory.servers
    for planned in plan.servers():
        known = servers.get(planned.server)
        for peer in known.mtls_peers if known else ():
            if peer.startswith(POOL_PREFIX):
                members = inventory.members(peer.removeprefix(POOL_PREFIX))
                names.update(member.name for member in members)
            else:
                names.add(peer)
    return tuple(servers[name] for name in sorted(names) if name in servers)
