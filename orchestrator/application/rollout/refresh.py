"""Facts past a plan's limit are taken again before it is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from orchestrator.application.judging import (
    Judging,
    find_hotfix,
    observed_peers,
)
from orchestrator.application.services import Services
from orchestrator.application.survey import collect
from orchestrator.domain.exposure import peers_of
from orchestrator.domain.facts import FactSet
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
        for server in _peers(plan, inventory, facts)
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


def _peers(
    plan: Plan, inventory: Inventory, facts: Mapping[str, FactSet]
) -> tuple[Server, ...]:
    servers = inventory.servers
    names: set[str] = set()
    for planned in plan.servers():
        if known := servers.get(planned.server):
            observed = observed_peers(inventory, facts.get(known.name, FactSet()))
            names.update(peers_of(inventory, known, observed))
    return tuple(servers[name] for name in sorted(names) if name in servers)
