"""An estate follows from its scenario and its seed, and from nothing else."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.lab import estate, inventory_file, scenario
from orchestrator.lab.estate import Estate
from orchestrator.lab.scenario import Assignment, Scenario, ScenarioError
from orchestrator.lab.traits import Reach, Trait


def build(plan: Scenario | None = None, seed: int = 1) -> Estate:
    return estate.build(plan or scenario.default(), seed, "secret-of-the-test")


def test_the_same_seed_gives_the_same_estate_and_faults() -> None:
    plan = Scenario(
        servers=100, assignments=(Assignment(Trait.SLOW, share=0.2, value=1),)
    )
    assert build(plan, 7) == build(plan, 7)
    slow = [
        {one.name for one in build(plan, seed).members if one.wire.delay_seconds}
        for seed in (7, 8)
    ]
    assert slow[0] != slow[1]
    assert [len(names) for names in slow] == [20, 20]


def test_adding_a_row_leaves_the_choice_of_earlier_ones() -> None:
    rows = (Assignment(Trait.SLOW, share=0.3), Assignment(Trait.REFUSED, share=0.3))
    one, two = (build(Scenario(servers=80, assignments=rows[:n])) for n in (1, 2))
    assert [m.wire.delay_seconds for m in one.members] == [
        m.wire.delay_seconds for m in two.members
    ]


def test_the_demonstration_has_24_servers_in_3_pools_on_2_sites() -> None:
    found = build()
    pools = {one.profile.pool for one in found.members} - {""}
    assert len(found.members) == 24
    assert len(pools) == 3
    assert {one.site for one in found.members} == {"site-1", "site-2"}
    roles = {one.profile.role for one in found.members}
    assert roles >= {"front-end", "standard", "director", "access-proxy", "archiving"}


def test_the_demonstration_has_the_makings_of_every_verdict() -> None:
    found = build()
    profile = {one.name: one.profile for one in found.members}
    assert profile["lcs01fe1"].schannel == "original"
    assert profile["lcs01fe4"].registry_trace
    assert profile["lcs01fe4"].schannel == "original"
    assert profile["lcs01fe5"].schannel == "fixed"
    assert profile["lcs02fe2"].service_age_hours > profile["lcs01fe5"].service_age_hours
    assert profile["lcs02fe5"].service_pack == 2
    assert found.find("lcs02ap").wire.reach is Reach.FILTERED
    assert profile["lcs03fe1"].schannel == "later-gdr"
    assert profile["lcs03fe2"].language == "DEU"
    assert profile["lcs03fe3"].free_megabytes < 20
    peers = [profile[name] for name in found.find("lcs03se3").peers]
    assert [peer.syn_attack_protect for peer in peers] == [0, 0]
    assert {found.find(peer.name).site for peer in peers} == {
        found.find("lcs03se3").site
    }


def test_only_exposed_servers_leak() -> None:
    found = build()
    assert found.find("lcs01fe1").profile.leak_per_hour > 0
    assert found.find("lcs03se3").profile.leak_per_hour == 0
    assert found.find("lcs01arc").profile.leak_per_hour == 0


@given(st.integers(1, 120), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=25)
def test_names_and_addresses_are_unique_and_peers_exist(
    servers: int, sites: int, seed: int
) -> None:
    found = build(Scenario(servers=servers, sites=sites), seed)
    names = {one.name for one in found.members}
    addresses = {one.profile.address for one in found.members}
    assert len(names) == len(addresses) == servers
    for one in found.members:
        assert ipaddress.ip_address(one.profile.address).is_loopback
        assert set(one.peers) <= names - {one.name}
        assert len(one.name) <= 15


def test_many_addresses_stay_loopback_and_unique() -> None:
    found = {estate.address_of(index) for index in range(0, 200_000, 7)}
    assert len(found) == len(range(0, 200_000, 7))
    assert all(ipaddress.ip_address(one).is_loopback for one in found)


def test_a_trait_for_nobody_is_an_error() -> None:
    plan = Scenario(servers=24, assignments=(Assignment(Trait.SLOW, ("nobody",)),))
    with pytest.raises(ScenarioError, match=r"traits\[0\]: slow: no server 'nobody'"):
        build(plan)


def test_patterns_choose_servers() -> None:
    plan = Scenario(servers=24, assignments=(Assignment(Trait.SLOW, ("*ap",)),))
    slow = {one.name for one in build(plan).members if one.wire.delay_seconds}
    assert slow == {"lcs01ap", "lcs02ap"}


def test_later_traits_win() -> None:
    rows = (
        Assignment(Trait.LANGUAGE, ("lcs01fe1",), value="FRA"),
        Assignment(Trait.LANGUAGE, ("lcs01fe1",), value="JPN"),
    )
    found = build(replace(scenario.default(), assignments=rows))
    assert found.find("lcs01fe1").profile.language == "JPN"


def test_the_inventory_names_every_server_and_no_secret() -> None:
    found = build()
    text = inventory_file.dump(found)
    data = yaml.safe_load(text)
    assert {one["name"] for one in data["servers"]} == {m.name for m in found.members}
    assert {one["name"] for one in data["pools"]} == {"pool-01", "pool-02", "pool-03"}
    assert data["firewalls"][0]["syn_protection"] == "on"
    assert "secret-of-the-test" not in text
    assert "secret-of-the-test" not in repr(found)
