from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.server import (
    Endpoint,
    Freeze,
    Inventory,
    MaintenanceWindow,
    Role,
    Server,
    Site,
)
from orchestrator.domain.windows import Closed, Frozen, Open, next_open, opening

SERVER = Server(
    "fe1", Endpoint("127.0.0.1"), "berlin", Role.FRONT_END, "lcs-2005", pool="p"
)
NIGHTLY = MaintenanceWindow("nightly", "*", "2026-01-01T22:00", "FREQ=DAILY", 240)


def estate(
    *windows: MaintenanceWindow,
    zone: str = "Europe/Berlin",
    freeze: Freeze | None = None,
) -> Inventory:
    return Inventory(
        sites={"berlin": Site("berlin", zone)},
        windows=windows,
        freezes=(freeze,) if freeze else (),
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_server_that_no_window_names_is_always_open() -> None:
    other = replace(NIGHTLY, applies_to="site:paris")
    assert opening(estate(other), SERVER, at("2026-06-01T12:00")) == Open(None)


@pytest.mark.parametrize("names", ["*", "site:berlin", "pool:p", "fe1"])
def test_a_window_names_servers_by_site_pool_name_or_all(names: str) -> None:
    named = replace(NIGHTLY, applies_to=names)
    assert isinstance(opening(estate(named), SERVER, at("2026-06-01T12:00")), Closed)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # In summer 22:00 in Berlin is 20:00 UTC, in winter 21:00.
        ("2026-06-01T19:59", Closed(at("2026-06-01T20:00"))),
        ("2026-06-01T20:00", Open(at("2026-06-02T00:00"), "nightly")),
        ("2026-06-01T23:59", Open(at("2026-06-02T00:00"), "nightly")),
        ("2026-06-02T00:00", Closed(at("2026-06-02T20:00"))),
        ("2026-01-10T20:30", Closed(at("2026-01-10T21:00"))),
        ("2026-01-10T21:00", Open(at("2026-01-11T01:00"), "nightly")),
    ],
)
def test_a_window_stays_at_its_local_hour(now: str, expected: object) -> None:
    assert opening(estate(NIGHTLY), SERVER, at(now)) == expected


def test_a_window_over_the_change_of_clocks_keeps_its_real_length() -> None:
    # Clocks in Berlin go forward at 02:00 local on 2026-03-29.
    over = replace(NIGHTLY, start="2026-03-28T23:00")
    found = opening(estate(over), SERVER, at("2026-03-28T23:00"))
    assert found == Open(at("2026-03-29T02:00"), "nightly")


def test_the_longest_of_overlapping_windows_counts() -> None:
    longer = replace(NIGHTLY, name="longer", minutes=600)
    found = opening(estate(NIGHTLY, longer), SERVER, at("2026-06-01T21:00"))
    assert found == Open(at("2026-06-02T06:00"), "longer")


def test_a_rule_that_has_ended_opens_no_more() -> None:
    once = replace(NIGHTLY, rrule="FREQ=DAILY;COUNT=1")
    assert opening(estate(once), SERVER, at("2026-06-01T12:00")) == Closed(None)


FREEZE = Freeze("year end", "*", "2026-12-20T00:00", "2027-01-05T00:00", "books")


def test_a_freeze_closes_an_open_window() -> None:
    found = opening(estate(NIGHTLY, freeze=FREEZE), SERVER, at("2026-12-24T22:00"))
    assert found == Frozen("year end", at("2027-01-04T23:00"), "books")


def test_a_window_ends_where_a_freeze_begins() -> None:
    found = opening(estate(NIGHTLY, freeze=FREEZE), SERVER, at("2026-12-19T22:00"))
    assert found == Open(at("2026-12-19T23:00"), "nightly")


def test_a_freeze_of_another_site_changes_nothing() -> None:
    elsewhere = replace(FREEZE, applies_to="site:paris")
    found = opening(estate(freeze=elsewhere), SERVER, at("2026-12-24T22:00"))
    assert found == Open(None)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),  # noqa: DTZ001 - UTC is added
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY"]),
    st.integers(1, 2000),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_the_next_opening_is_open(
    naive: datetime, rule: str, minutes: int, zone: str
) -> None:
    now = naive.replace(tzinfo=UTC)
    window = replace(NIGHTLY, rrule=rule, minutes=minutes)
    inventory = estate(window, zone=zone)
    found = opening(inventory, SERVER, now)
    if isinstance(found, Closed):
        assert found.opens is not None
        assert found.opens > now
        assert isinstance(opening(inventory, SERVER, found.opens), Open)
        before = found.opens - timedelta(seconds=1)
        assert not isinstance(opening(inventory, SERVER, max(now, before)), Open)
    else:
        assert isinstance(found, Open)
        assert found.until is not None
        assert found.until > now


def test_the_next_opening_lies_behind_freeze_and_closed_time_alike() -> None:
    freeze = Freeze("f", "*", "2026-06-01T08:00", "2026-06-03T06:00", "books")
    found = next_open(estate(NIGHTLY, freeze=freeze), SERVER, at("2026-06-01T12:00"))
    assert found == at("2026-06-03T20:00")


def test_an_open_server_opens_now_and_one_whose_windows_are_over_never() -> None:
    now = at("2026-06-01T21:00")
    assert next_open(estate(NIGHTLY), SERVER, now) == now
    over = replace(NIGHTLY, rrule="FREQ=DAILY;COUNT=3")
    assert next_open(estate(over), SERVER, now) is None
