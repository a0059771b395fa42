"""Peers that LCS itself names, by the names of the inventory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.audit import audit
from orchestrator.application.judging import observed_peers
from orchestrator.application.survey import survey
from orchestrator.domain.exposure import peers_of
from orchestrator.domain.facts import FactKind, FactSet, Observation, Product
from orchestrator.domain.hotfix import ExposureRule
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Endpoint, ExternalPeer, Inventory, Pool
from orchestrator.domain.verdict import Verdict
from tests.fakes.estate import ARTICLE, HOTFIX, world
from tests.unit.domain.values import server

OWN = replace(server("fe1", peers=("dir",)), pool="front")
INVENTORY = Inventory(
    servers={
        one.name: replace(one, endpoint=Endpoint("192.0.2.1"))
        for one in (OWN, replace(server("fe2"), pool="front"), server("dir"))
    },
    pools={"front": Pool("front", "oslo")},
    external_peers={"sip.partner.example": ExternalPeer("sip.partner.example")},
)


def test_peers_that_could_not_be_read_leave_the_verdict_unknown(
    sqlite_storage: SqlStorage,
) -> None:
    """Unknown, and not clear for want of the edges that were lost."""
    hotfix = replace(HOTFIX, exposure=ExposureRule.MTLS_TO_SYN_PROTECTED_PEER)
    with world(sqlite_storage, ["fe1", "fe2"], hotfix=hotfix) as made:
        failed = "InternalError: Provider load failure"
        made.hosts["fe1"].unreadable[FactKind.PRODUCT, ""] = failed
        survey(made.services, Selection())
        lines = audit(made.services, ARTICLE, Selection()).data.servers
    first, second = lines
    assert first.verdict is Verdict.UNKNOWN
    assert failed in first.reason
    assert second.verdict is Verdict.NOT_AFFECTED


def peers(product: Product) -> dict[str, str]:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    facts = FactSet.of([Observation(FactKind.PRODUCT, product, "WMI", at)])
    return dict(peers_of(INVENTORY, OWN, observed_peers(INVENTORY, facts)))


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (Product("lcs-2005"), {"dir": "inventory"}),
        (
            Product("lcs-2005", trusted=("dir.corp.example",)),
            {"dir": "inventory, trusted server"},
        ),
        (
            Product("lcs-2005", members=("fe1.corp.example", "fe2.corp.example")),
            {"dir": "inventory", "fe2": "pool member"},
        ),
        (
            Product("lcs-2005", next_hops=("front.corp.example",)),
            {"dir": "inventory", "fe2": "next hop"},
        ),
        (
            Product("lcs-2005", proxies=("sip.partner.example", "ap.corp.example")),
            {
                "dir": "inventory",
                "sip.partner.example": "proxy",
                "ap.corp.example": "proxy",
            },
        ),
    ],
)
def test_each_source_of_peers_is_kept_and_the_server_itself_is_none(
    product: Product, expected: dict[str, str]
) -> None:
    assert peers(product) == expected
