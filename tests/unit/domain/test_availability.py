"""Limits of pools, sites and links: who may go, and who would be one too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.availability import Away, Places, pool_full
from orchestrator.domain.server import Inventory, Link, Site
from tests.fakes.estate import server

AT_SITE = {"n1": "north", "n2": "north", "s1": "south", "e1": "east"}


def estate(*links: Link, **limits: int) -> Inventory:
    """Servers at three sites, with these limits."""
    return Inventory(
        servers={
            name: replace(server(name, None), site=site)
            for name, site in AT_SITE.items()
        },
        sites={
            name: Site(name, max_concurrent=limits.get(name))
            for name in ("north", "south", "east")
        },
        links=links,
    )


WAN = Link("wan", ("north", "south"), 2)


@pytest.mark.parametrize(
    ("busy", "candidate", "why"),
    [
        ([], "n1", None),
        (["n2"], "n1", "site north allows 1 at once"),
        (["s1"], "n1", None),
        (["s1", "n2"], "s1", "link wan allows 2 at once"),
        (["s1", "n2", "e1"], "e1", None),
    ],
)
def test_a_server_goes_when_its_site_and_every_link_to_it_have_room(
    busy: list[str], candidate: str, why: str | None
) -> None:
    places = Places(estate(WAN, north=1))
    assert places.full(candidate, places.count(busy)) == why


def test_two_links_to_one_site_hold_both() -> None:
    places = Places(estate(WAN, Link("modem", ("south",), 1)))
    assert places.full("s1", places.count(["n1", "n2"])) == "link wan allows 2 at once"
    assert places.full("s1", places.count(["s1"])) == "link modem allows 1 at once"


def test_a_link_that_names_a_site_twice_counts_its_servers_once() -> None:
    places = Places(estate(Link("wan", ("north", "north"), 2)))
    assert places.count(["n1"]) == {("link", "wan"): 1}


def test_without_limits_nothing_is_counted_and_nothing_is_full() -> None:
    places = Places(estate())
    assert places.count(AT_SITE) == Counter()
    assert places.full("n1", Counter()) is None


def test_who_is_not_in_the_inventory_is_at_no_place() -> None:
    places = Places(estate(WAN, north=1))
    assert places.count(["gone"]) == Counter()
    assert places.full("gone", places.count(["n1"])) is None


@given(
    arrivals=st.lists(st.sampled_from(sorted(AT_SITE))),
    north=st.integers(1, 3),
    wan=st.integers(1, 3),
)
def test_who_only_goes_when_nothing_is_full_never_exceeds_a_limit(
    arrivals: list[str], north: int, wan: int
) -> None:
    places = Places(estate(replace(WAN, max_concurrent=wan), north=north))
    gone: list[str] = []
    for name in arrivals:
        if places.full(name, places.count(gone)) is None:
            gone.append(name)
    count = places.count(gone)
    assert count["site", "north"] <= north
    assert count["link", "wan"] <= wan


def test_a_pool_is_full_of_others_and_names_them() -> None:
    away = [Away("b", "unreachable"), Away("a", "service down")]
    assert pool_full("p", 3, away, "c") is None
    assert pool_full("p", 2, away, "a") is None
    full = pool_full("p", 2, away, "c")
    assert str(full) == (
        "pool p allows 2 away; away: a (service down), b (unreachable)"
    )
