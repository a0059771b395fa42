"""The inventory in the form that Ansible's ``--list`` scripts print."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from orchestrator.domain.server import Inventory, Server


def to_ansible(inventory: Inventory) -> dict[str, Any]:
    """Active servers in groups by site, pool and role; no credential of any kind."""
    servers = inventory.active()
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for server in servers:
        groups["site", server.site].append(server.name)
        groups["role", server.role.value].append(server.name)
        if server.pool:
            groups["pool", server.pool].append(server.name)
    named = _group_names(groups)
    listed = {named[key]: {"hosts": hosts} for key, hosts in sorted(groups.items())}
    return {
        "_meta": {"hostvars": {server.name: _variables(server) for server in servers}},
        "all": {"children": sorted(listed)},
        **listed,
    }


def _variables(server: Server) -> dict[str, Any]:
    found = {
        "ansible_host": server.endpoint.address,
        "ansible_port": server.endpoint.port,
        "ansible_winrm_scheme": "https" if server.endpoint.tls else "http",
        "orchestrator_site": server.site,
        "orchestrator_pool": server.pool,
        "orchestrator_role": server.role.value,
        "orchestrator_product": server.product,
        "orchestrator_edition": server.edition,
        "orchestrator_users": server.users,
        "orchestrator_labels": dict(server.labels),
    }
    return {name: value for name, value in found.items() if value is not None}


def _group_names(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Names that Ansible takes; two pools never share one."""
    names: dict[tuple[str, str], str] = {}
    for kind, name in sorted(keys):
        group = re.sub(r"[^A-Za-z0-9_]", "_", f"{kind}_{name}")
        while group in names.values():
            group += "_"
        names[kind, name] = group
    return names
