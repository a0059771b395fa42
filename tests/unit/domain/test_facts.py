from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FreeSpace,
    FreshFacts,
    Lacking,
    Observation,
    Product,
    ServiceState,
    Unreadable,
)
from orchestrator.domain.version import Branch
from tests.unit.domain.values import DLL, NOW, file, system

LIMIT = timedelta(hours=24)
SPACE = FactKind.FREE_SPACE


def seen(value: FreeSpace | Unreadable | Product, hours: float = 0) -> Observation:
    return Observation(SPACE, value, "test", NOW - timedelta(hours=hours))


def fresh(*found: Observation, limit: timedelta = LIMIT) -> FreshFacts:
    return FreshFacts(FactSet.of(found), NOW, limit)


def test_the_newest_observation_counts() -> None:
    facts = fresh(seen(FreeSpace(1), 2), seen(FreeSpace(2), 1), seen(FreeSpace(3), 3))
    assert facts.value(SPACE, FreeSpace) == FreeSpace(2)


def test_a_newer_failure_to_read_hides_an_older_value() -> None:
    facts = fresh(seen(FreeSpace(1), 2), seen(Unreadable("no"), 1))
    assert facts.value(SPACE, FreeSpace) == Lacking("free-space", "unreadable, no")


def test_at_the_same_instant_what_says_more_counts() -> None:
    plain = Observation(FactKind.FILE, file("5.2.3790.2924"), "wmi", NOW, DLL)
    named = Observation(
        FactKind.FILE, file("5.2.3790.2924", Branch.GDR), "type", NOW, DLL
    )
    denied = Observation(FactKind.FILE, Unreadable("no"), "type", NOW, DLL)
    for order in ((plain, named, denied), (denied, named, plain)):
        assert FactSet.of(order).find(FactKind.FILE, DLL) == named
    for pair in ((plain, denied), (denied, plain)):
        assert FactSet.of(pair).find(FactKind.FILE, DLL) == plain


@given(st.permutations([seen(FreeSpace(size)) for size in range(5)]))
def test_a_tie_has_the_same_winner_in_any_order(order: list[Observation]) -> None:
    ordered = [seen(FreeSpace(size)) for size in range(5)]
    assert FactSet.of(order) == FactSet.of(ordered)


@pytest.mark.parametrize(
    ("age", "is_fresh"),
    [
        (timedelta(), True),
        (LIMIT, True),
        (LIMIT + timedelta(microseconds=1), False),
        (-timedelta(hours=1), True),
    ],
)
def test_a_fact_is_fresh_up_to_and_at_the_limit(
    age: timedelta, *, is_fresh: bool
) -> None:
    found = fresh(Observation(SPACE, FreeSpace(1), "test", NOW - age))
    assert isinstance(found.value(SPACE, FreeSpace), FreeSpace) is is_fresh


def test_what_lacks_says_why() -> None:
    assert str(fresh().value(SPACE, FreeSpace)) == "free-space: never read"
    assert str(fresh(seen(FreeSpace(1), 25)).value(SPACE, FreeSpace)) == (
        "free-space: stale, read 2006-08-31 11:00Z"
    )
    assert str(fresh(seen(Unreadable("no"), 25)).value(SPACE, FreeSpace)) == (
        "free-space: stale, read 2006-08-31 11:00Z"
    )


def test_nobody_can_read_what_was_asked_for_lately_and_not_given() -> None:
    assert fresh(seen(Unreadable("no"), 24)).nobody_can_read(SPACE)
    assert not fresh(seen(Unreadable("no"), 25)).nobody_can_read(SPACE)
    assert not fresh(seen(FreeSpace(1))).nobody_can_read(SPACE)
    assert not fresh().nobody_can_read(SPACE)


def test_a_value_of_another_kind_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="free-space holds Product"):
        fresh(seen(Product(None))).value(SPACE, FreeSpace)


def test_a_fact_with_a_subject_is_named_with_it() -> None:
    found = Observation(FactKind.SERVICE, ServiceState(exists=False), "t", NOW, "X")
    assert (found.name, seen(FreeSpace(1)).name) == ("service X", "free-space")


@pytest.mark.parametrize(
    ("state", "running", "stopped"),
    [
        ("Running", True, False),
        ("running", True, False),
        ("Stopped", False, True),
        ("Paused", False, False),
        ("Stop Pending", False, False),
        ("", False, False),
    ],
)
def test_only_a_stopped_service_has_no_process(
    state: str, *, running: bool, stopped: bool
) -> None:
    found = ServiceState(exists=True, state=state)
    assert (found.running, found.stopped) == (running, stopped)


def test_a_path_of_a_table_is_resolved_on_the_host() -> None:
    assert system().resolve(r"%SystemRoot%\System32\X.dll") == (
        r"c:\windows\system32\x.dll"
    )
