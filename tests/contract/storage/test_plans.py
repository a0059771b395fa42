"""Plans, approvals and waivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.ports.storage import StorageError, StoredPlan
from orchestrator.domain.planning import Approval, Plan, seal
from orchestrator.domain.waiver import Waiver
from tests.fixtures.samples import AT, plan_of
from tests.fixtures.storage import Opener, at_once
from tests.fixtures.values import values_of

LATER = AT + timedelta(hours=1)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values_of(Plan))
def test_a_plan_still_matches_its_digest_when_it_comes_back(
    storage: SqlStorage, drawn: Plan
) -> None:
    plan = seal(drawn)
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
    with storage.read() as uow:
        found = uow.plans.find(plan.digest)
    assert found is not None
    assert seal(found.plan).digest == plan.digest


def test_a_plan_is_found_by_what_its_digest_begins_with(storage: SqlStorage) -> None:
    plan = plan_of("a")
    stored = StoredPlan(plan, AT, "operator")
    with storage.begin() as uow:
        uow.plans.add(stored)
    with storage.read() as uow:
        for name in (plan.digest, plan.name, plan.digest[:8], plan.name.upper()):
            assert uow.plans.find(name) == stored
        for name in ("", plan.digest[:7], plan.digest + "0", "%" * 8, "_" * 8):
            assert uow.plans.find(name) is None


def test_a_name_that_fits_two_plans_finds_neither(storage: SqlStorage) -> None:
    """Digests are forged here: real ones share eight digits once in a lifetime."""
    plan = plan_of("a")
    with storage.begin() as uow:
        for end in "01":
            digest = "ab" * 31 + "0" + end
            uow.plans.add(StoredPlan(_with_digest(plan, digest), AT, "operator"))
        assert uow.plans.find("ab" * 8) is None


def _with_digest(plan: Plan, digest: str) -> Plan:
    return Plan(plan.article, plan.waves, (), plan.policy, {}, "", digest)


def test_the_first_of_two_same_plans_stays(storage: SqlStorage) -> None:
    plan = plan_of("a")
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "anna"))
        uow.plans.consume(plan.digest, "run-1")
        uow.plans.add(StoredPlan(plan, LATER, "bert"))
        assert uow.plans.all() == (StoredPlan(plan, AT, "anna", "run-1"),)


def test_plans_come_newest_first(storage: SqlStorage) -> None:
    old, new, same = (plan_of(name) for name in "abc")
    with storage.begin() as uow:
        for plan, made in ((new, LATER), (old, AT), (same, LATER)):
            uow.plans.add(StoredPlan(plan, made, "operator"))
        assert [found.plan for found in uow.plans.all()] == [same, new, old]


def test_the_plan_before_is_the_last_earlier_one_on_its_article(
    storage: SqlStorage,
) -> None:
    other = seal(replace(plan_of("d"), article="KB000001"))
    made = [
        StoredPlan(plan, AT + timedelta(hours=hours), "operator")
        for hours, plan in enumerate((plan_of("a"), plan_of("b"), other, plan_of("c")))
    ]
    with storage.begin() as uow:
        for stored in reversed(made):
            uow.plans.add(stored)
        assert [uow.plans.before(stored) for stored in made] == [
            None,
            made[0],
            None,
            made[1],
        ]


def test_approvals_come_oldest_first(storage: SqlStorage) -> None:
    plan = plan_of("a")
    first, second = (
        Approval(plan.digest, by, "tested", by, at, LATER)
        for by, at in (("anna", AT), ("bert", LATER))
    )
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
        uow.plans.approve(second)
        uow.plans.approve(first)
        assert uow.plans.approvals(plan.digest) == (first, second)
        assert uow.plans.approvals("0" * 64) == ()


def test_an_approval_of_no_plan_is_refused(storage: SqlStorage) -> None:
    with pytest.raises(StorageError), storage.begin() as uow:
        uow.plans.approve(Approval("0" * 64, "anna", "", "anna", AT, LATER))


def test_a_plan_has_one_run(storage: SqlStorage) -> None:
    plan = plan_of("a")
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
        assert uow.plans.consume(plan.digest, "run-1")
        assert uow.plans.consume(plan.digest, "run-1")
        assert not uow.plans.consume(plan.digest, "run-2")
        found = uow.plans.find(plan.digest)
    assert found is not None
    assert found.run == "run-1"


def test_of_many_that_consume_a_plan_one_has_it(
    storage: SqlStorage, open_again: Opener
) -> None:
    plan = plan_of("a")
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
    storages = (storage, open_again())

    def consume(number: int) -> bool:
        with storages[number % 2].begin() as uow:
            return uow.plans.consume(plan.digest, f"run-{number}")

    assert sorted(at_once(10, consume)) == [False] * 9 + [True]


def test_the_newest_waiver_counts(storage: SqlStorage) -> None:
    old, new, other = (
        Waiver(server, "KB1", owner, LATER, "accepted", at, "operator")
        for server, owner, at in (
            ("a", "anna", AT),
            ("a", "bert", LATER),
            ("b", "anna", AT),
        )
    )
    with storage.begin() as uow:
        for waiver in (new, old, other):
            uow.waivers.add(waiver)
        assert uow.waivers.all("KB1") == {"a": new, "b": other}
        assert uow.waivers.all("KB2") == {}
