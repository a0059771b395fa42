"""What a DNS name stands for in the inventory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain.server import Endpoint, ExternalPeer, Inventory, Pool
from tests.unit.domain.values import server

INVENTORY = Inventory(
    servers={
        "LCS01": replace(server("LCS01"), endpoint=Endpoint("192.0.2.1")),
        "ap1": replace(server("ap1"), endpoint=Endpoint("ap1.corp.example")),
        "both": server("both"),
    },
    pools={name: Pool(name, "oslo") for name in ("Front", "both")},
    external_peers={"SIP.partner.example": ExternalPeer("SIP.partner.example")},
)


@pytest.mark.parametrize(
    ("name", "stands_for"),
    [
        ("lcs01", "LCS01"),
        ("lcs01.corp.example", "LCS01"),
        ("AP1.corp.example", "ap1"),
        ("ap1", "ap1"),
        # A partner's server of the same first label is not ours.
        ("ap1.partner.example", "ap1.partner.example"),
        ("sip.Partner.example", "SIP.partner.example"),
        ("front.corp.example", "pool:Front"),
        # A server comes before a pool of its name.
        ("both", "both"),
        ("nobody.example", "nobody.example"),
    ],
)
def test_a_dns_name_stands_for_one_end_whatever_its_case(
    name: str, stands_for: str
) -> None:
    assert INVENTORY.end(name) == stands_for
