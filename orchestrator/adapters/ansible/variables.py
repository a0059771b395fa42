"""What a playbook is told, as variables that begin with ``orchestrator_``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.application.ports.hooks import Hook, HookCall
from orchestrator.domain.server import Inventory, Server

_OF_ONE_SERVER = frozenset({Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER})


def variables_of(call: HookCall, *, playbooks: Path, scratch: Path) -> dict[str, Any]:
    """The variables of a call; documented in docs/hooks.md."""
    servers = call.estate.active()
    told = {
        "orchestrator_hook": call.hook.value,
        "orchestrator_run": call.run,
        "orchestrator_plan": call.plan,
        "orchestrator_article": call.article,
        "orchestrator_wave": call.wave,
        "orchestrator_waves": call.waves,
        "orchestrator_servers": [server.name for server in servers],
        "orchestrator_pools": sorted({found.pool for found in servers if found.pool}),
        "orchestrator_sites": sorted({found.site for found in servers}),
        "orchestrator_outcomes": dict(call.outcomes),
        "orchestrator_reason": call.reason,
        "orchestrator_playbooks": str(playbooks),
        "orchestrator_scratch": str(scratch),
    }
    if call.hook in _OF_ONE_SERVER:
        told |= _of_server(servers[0], call.estate)
    return told


def _of_server(server: Server, estate: Inventory) -> dict[str, Any]:
    pool = estate.pools.get(server.pool or "")
    return {
        "orchestrator_server": server.name,
        "orchestrator_address": server.endpoint.address,
        "orchestrator_pool": pool.name if pool else "",
        "orchestrator_site": server.site,
    }
