from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.domain.exposure import (
    AssumedPeers,
    Exposed,
    Exposure,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
    Shield,
    Topology,
)
from orchestrator.domain.facts import (
    Lacking,
)
from orchestrator.domain.hotfix import ExposureRule
from orchestrator.domain.server import (
    ExternalPeer,
    Firewall,
    Inventory,
    Pool,
    Protection,
    Server,
)
from tests.unit.domain.values import HOTFIX, server

ON, OFF, UNKNOWN = Protection.ON, Protection.OFF, Protection.UNKNOWN


def at(
    name: str, site: str, *, pool: str | None = None, retired: bool = False
) -> Server:
    return replace(server(name, peers=()), site=site, pool=pool, retired=retired)


def estate(
    *peers: str,
    servers: tuple[Server, ...] = (at("b", "bergen"),),
    walls: tuple[Firewall, ...] = (),
    external: Mapping[str, Protection] | None = None,
) -> tuple[Inventory, Server]:
    """Server ``a`` at Oslo, in pool ``front``, with these peers."""
    own = replace(at("a", "oslo", pool="front"), mtls_peers=peers)
    inventory = Inventory(
        servers={found.name: found for found in (own, *servers)},
        pools={name: Pool(name, "oslo") for name in ("front", "back", "empty")},
        firewalls=walls,
        external_peers={
            name: ExternalPeer(name, state) for name, state in (external or {}).items()
        },
    )
    return inventory, own


def shields(**states: Protection) -> dict[str, Shield]:
    return {
        name: Shield(state, f"seen {state.value}") for name, state in states.items()
    }


def exposure(
    found: tuple[Inventory, Server],
    seen: Mapping[str, Shield],
    assume: AssumedPeers | None = None,
    also: tuple[str, ...] = (),
) -> Exposure:
    inventory, own = found
    named = [(peer, "trusted server") for peer in also]
    return Topology(inventory, seen, assume).exposure_of(HOTFIX, own, named)


def test_a_protected_peer_exposes_and_the_path_names_it() -> None:
    found = exposure(estate("b"), shields(b=ON))
    assert found == Exposed("a → b: seen on", "inventory")


def test_only_the_one_that_opens_the_connection_is_exposed() -> None:
    inventory, own = estate("b")
    topology = Topology(inventory, shields(a=ON, b=ON))
    assert isinstance(topology.exposure_of(HOTFIX, own), Exposed)
    assert topology.exposure_of(HOTFIX, inventory.servers["b"]) == NotExposed(
        "opens MTLS to no peer"
    )


def test_its_own_protection_does_not_matter() -> None:
    assert isinstance(exposure(estate("b"), shields(a=ON, b=OFF)), NotExposed)


def test_no_peer_is_no_exposure() -> None:
    assert exposure(estate(), {}) == NotExposed("opens MTLS to no peer")


def test_one_protected_peer_among_many_is_enough() -> None:
    servers = (at("b", "oslo"), at("c", "oslo"), at("d", "oslo"))
    found = estate("b", "c", "d", servers=servers)
    seen = shields(b=OFF, d=ON)
    assert exposure(found, seen) == Exposed("a → d: seen on", "inventory")


def test_no_exposure_counts_the_peers_once() -> None:
    servers = (at("b", "oslo"), at("c", "oslo"))
    found = estate("b", "c", "b", servers=servers)
    assert exposure(found, shields(b=OFF, c=OFF), also=("c",)) == NotExposed(
        "no protection at or before its 2 MTLS peer(s)"
    )


def test_a_peer_that_the_server_itself_names_counts_too() -> None:
    found = estate(servers=(at("b", "oslo"),))
    assert exposure(found, shields(b=ON), also=("b",)) == Exposed(
        "a → b (trusted server): seen on", "trusted server"
    )


def test_an_edge_that_several_name_has_all_its_sources() -> None:
    found = estate("b", servers=(at("b", "oslo"),))
    assert exposure(found, shields(b=ON), also=("b", "b")) == Exposed(
        "a → b: seen on", "inventory, trusted server"
    )


def test_a_peer_that_only_the_server_names_and_nobody_knows_is_unknown() -> None:
    found = estate(servers=())
    assert exposure(found, {}, also=("x.example",)) == ExposureUnknown(
        "x.example (trusted server): not in the inventory"
    )


def test_a_hotfix_without_a_rule_of_exposure_reaches_every_server() -> None:
    inventory, own = estate()
    always = replace(HOTFIX, exposure=ExposureRule.ALWAYS)
    assert Topology(inventory, {}).exposure_of(always, own) == Exposed(
        "KB900001 applies without a peer"
    )


# Peers of the inventory that no survey has read.


def test_a_peer_that_was_never_surveyed_lacks() -> None:
    lacking = Lacking("syn-protection of peer b", "never read")
    assert exposure(estate("b"), {}) == ExposureLacking((lacking,))


def test_every_fact_that_lacks_is_named() -> None:
    servers = (at("b", "oslo"), at("c", "oslo"))
    found = exposure(estate("b", "c", servers=servers), {})
    assert isinstance(found, ExposureLacking)
    assert [each.fact for each in found.facts] == [
        "syn-protection of peer b",
        "syn-protection of peer c",
    ]


def test_what_lacks_comes_before_what_nobody_can_read() -> None:
    found = estate("b", "x", external={"x": UNKNOWN})
    assert isinstance(exposure(found, {}), ExposureLacking)


@pytest.mark.parametrize("assume", AssumedPeers)
def test_no_assumption_stands_in_for_a_survey(assume: AssumedPeers) -> None:
    assert isinstance(exposure(estate("b"), {}, assume), ExposureLacking)


def test_a_retired_peer_is_one_that_nobody_will_read() -> None:
    found = estate("b", servers=(at("b", "oslo", retired=True),))
    expected = ExposureUnknown("b: retired, no survey will read it")
    stale = Shield(UNKNOWN, "stale", Lacking("syn-protection of peer b", "stale"))
    assert exposure(found, {}) == expected
    assert exposure(found, {"b": stale}) == expected


@pytest.mark.parametrize(("state", "kind"), [(ON, Exposed), (OFF, NotExposed)])
def test_a_retired_peer_that_was_just_read_still_counts(
    state: Protection, kind: type[Exposure]
) -> None:
    found = estate("b", servers=(at("b", "oslo", retired=True),))
    assert isinstance(exposure(found, shields(b=state)), kind)


# Pools.


POOL = (
    at("b1", "oslo", pool="back"),
    at("b2", "oslo", pool="back"),
    at("b3", "oslo", pool="back", retired=True),
)


def test_a_pool_stands_for_its_members() -> None:
    found = estate("pool:back", servers=POOL)
    assert exposure(found, shields(b1=OFF, b2=ON)) == Exposed(
        "a → b2: seen on", "inventory"
    )
    assert exposure(found, shields(b1=OFF, b2=OFF)) == NotExposed(
        "no protection at or before its 2 MTLS peer(s)"
    )


def test_a_retired_member_is_no_peer() -> None:
    found = estate("pool:back", servers=POOL)
    assert isinstance(exposure(found, shields(b1=OFF, b2=OFF, b3=ON)), NotExposed)


def test_a_pool_that_the_server_belongs_to_stands_for_the_others() -> None:
    others = (at("a2", "oslo", pool="front"),)
    found = estate("pool:front", servers=others)
    assert exposure(found, shields(a=ON, a2=OFF)) == NotExposed(
        "no protection at or before its 1 MTLS peer(s)"
    )
    assert exposure(found, shields(a=OFF, a2=ON)) == Exposed(
        "a → a2: seen on", "inventory"
    )


def test_a_server_alone_in_its_pool_is_no_peer_of_itself() -> None:
    assert exposure(estate("pool:front", "a"), shields(a=ON)) == NotExposed(
        "opens MTLS to no peer"
    )


@pytest.mark.parametrize("pool", ["pool:empty", "pool:unheard-of"])
def test_a_pool_without_members_is_unknown_and_never_no_peer(pool: str) -> None:
    assert exposure(estate(pool), {}) == ExposureUnknown(
        f"{pool}: not in the inventory"
    )


# Peers outside and firewalls: what the inventory says of them.


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ON, Exposed("a → x: inventory says on", "inventory")),
        (OFF, NotExposed("no protection at or before its 1 MTLS peer(s)")),
        (UNKNOWN, ExposureUnknown("x: inventory says unknown")),
    ],
)
def test_an_outside_peer_is_what_the_inventory_says(
    state: Protection, expected: Exposure
) -> None:
    assert exposure(estate("x", external={"x": state}), {}) == expected


def test_a_peer_in_no_inventory_is_unknown() -> None:
    assert exposure(estate("z"), {}) == ExposureUnknown("z: not in the inventory")


def test_every_unknown_is_named() -> None:
    found = estate("y", "x", external={"x": UNKNOWN})
    assert exposure(found, {}) == ExposureUnknown(
        "y: not in the inventory; x: inventory says unknown"
    )


def wall(one: str, two: str, state: Protection = ON) -> Firewall:
    return Firewall("fw", (one, two), state)


@pytest.mark.parametrize(
    ("one", "two", "stands"),
    [
        ("oslo", "bergen", True),
        ("a", "b", True),
        ("a", "bergen", True),
        ("oslo", "b", True),
        ("oslo", "oslo", False),
        ("bergen", "bergen", False),
        ("oslo", "voss", False),
        ("voss", "bergen", False),
        ("a", "c", False),
        ("c", "b", False),
        ("a", "oslo", False),
        ("b", "bergen", False),
    ],
)
def test_a_firewall_stands_between_its_two_ends_in_both_directions(
    one: str, two: str, *, stands: bool
) -> None:
    for ends in ((one, two), (two, one)):
        found = exposure(estate("b", walls=(wall(*ends),)), shields(b=OFF))
        assert isinstance(found, Exposed) is stands
        if stands:
            assert found == Exposed(
                "a → firewall fw before b: inventory says on", "inventory"
            )


def test_a_firewall_within_a_site_stands_between_its_servers() -> None:
    found = estate("b", servers=(at("b", "oslo"),), walls=(wall("oslo", "oslo"),))
    assert isinstance(exposure(found, shields(b=OFF)), Exposed)


@pytest.mark.parametrize("here", ["oslo", "a"])
def test_a_firewall_stands_before_an_outside_peer(here: str) -> None:
    for ends in ((here, "x"), ("x", here)):
        found = estate("x", walls=(wall(*ends),), external={"x": OFF})
        assert isinstance(exposure(found, {}), Exposed)


def test_a_firewall_exposes_whatever_the_peer_behind_it_is() -> None:
    walls = (wall("oslo", "bergen"),)
    assert isinstance(exposure(estate("b", walls=walls), {}), Exposed)
    assert isinstance(exposure(estate("b", walls=walls), shields(b=UNKNOWN)), Exposed)


def test_a_firewall_that_nobody_can_read_is_unknown() -> None:
    walls = (wall("oslo", "bergen", UNKNOWN), wall("a", "b", OFF))
    found = exposure(estate("b", walls=walls), shields(b=OFF))
    assert found == ExposureUnknown("firewall fw before b: inventory says unknown")


def test_a_firewall_without_protection_hides_no_protected_peer() -> None:
    walls = (wall("oslo", "bergen", OFF),)
    assert isinstance(exposure(estate("b", walls=walls), shields(b=ON)), Exposed)
    assert isinstance(exposure(estate("b", walls=walls), shields(b=OFF)), NotExposed)


# Assumptions are about what nobody can read, and they show.


def test_an_assumed_protection_exposes_and_says_so() -> None:
    found = estate("x", external={"x": UNKNOWN})
    assert exposure(found, {}, AssumedPeers.PROTECTED) == Exposed(
        "a → x: inventory says unknown, assumed protected", "inventory"
    )


def test_an_assumed_absence_is_no_exposure_and_says_so() -> None:
    found = estate("b", "x", external={"x": UNKNOWN})
    assert exposure(found, shields(b=OFF), AssumedPeers.UNPROTECTED) == NotExposed(
        "no protection at or before its 2 MTLS peer(s); "
        "assumed unprotected: x: inventory says unknown"
    )


@pytest.mark.parametrize("assume", AssumedPeers)
def test_an_assumption_changes_nothing_that_is_known(assume: AssumedPeers) -> None:
    for state in (ON, OFF):
        seen = shields(b=state)
        assert exposure(estate("b"), seen, assume) == exposure(estate("b"), seen)


def test_unknown_is_never_taken_for_no() -> None:
    servers = (at("b", "oslo"), at("c", "oslo"))
    found = estate("b", "c", servers=servers)
    assert exposure(found, shields(b=UNKNOWN, c=OFF)) == ExposureUnknown(
        "b: seen unknown"
    )
