"""The estate as an inventory file, so that a client can find its servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from orchestrator.lab.estate import CREDENTIAL, PORT, Estate, Member


def inventory(estate: Estate, ports: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The estate's servers, pools, sites and firewalls, as plain data.

    ``ports`` are those of servers that do not listen on the usual one.
    """
    known = ports or {}
    pools = {
        member.profile.pool: member.site
        for member in estate.members
        if member.profile.pool
    }
    return {
        "sites": [{"name": name} for name in sorted({m.site for m in estate.members})],
        "pools": [
            {"name": name, "site": site, "max_unavailable": 1}
            for name, site in pools.items()
        ],
        "firewalls": [
            {
                "name": firewall.name,
                "between": list(firewall.between),
                "syn_protection": "on" if firewall.syn_protection else "off",
            }
            for firewall in estate.firewalls
        ],
        "servers": [
            _server(member, known.get(member.name, PORT)) for member in estate.members
        ],
    }


def _server(member: Member, port: int) -> dict[str, Any]:
    profile = member.profile
    server = {
        "name": profile.name,
        "fqdn": profile.fqdn,
        "site": member.site,
        "role": profile.role,
        "product": profile.product,
        "edition": profile.edition,
        "endpoint": {"address": profile.address, "port": port},
        "credential": CREDENTIAL,
        "mtls_peers": list(member.peers),
        "labels": {"lab": "simulated"},
    }
    return server | ({"pool": profile.pool} if profile.pool else {})


def dump(estate: Estate, ports: Mapping[str, int] | None = None) -> str:
    """The inventory as YAML."""
    head = "# Servers of the simulated estate of the lab; none of them is real.\n"
    return head + yaml.safe_dump(inventory(estate, ports), sort_keys=False)
