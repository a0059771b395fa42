from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain.exposure import AssumedPeers
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.planning import (
    Activation,
    Plan,
    PlanPolicy,
    Scope,
    seal,
)
from orchestrator.domain.version import Branch
from tests.unit.domain.candidates import candidate, plan
from tests.unit.domain.values import HOTFIX, package, row, table

APPLICABLE = PlanPolicy(scope=Scope.APPLICABLE)
ACTIVATING = PlanPolicy(activation=Activation.RESTART_SERVICE)

BASE = [candidate("a", pool="p"), candidate("b"), candidate("c", "os=sp2")]


def test_the_digest_is_the_name() -> None:
    made = plan(BASE)
    assert len(made.digest) == 64
    assert made.name == made.digest[:12]


@pytest.mark.parametrize(
    "changed",
    [
        plan(BASE, APPLICABLE),
        plan(BASE, ACTIVATING),
        plan(BASE, PlanPolicy(assume_unknown_peers=AssumedPeers.PROTECTED)),
        plan(BASE, PlanPolicy(assume_unknown_peers=AssumedPeers.UNPROTECTED)),
        plan(BASE, PlanPolicy(growth=(1, 0.05))),
        plan(BASE, PlanPolicy(growth=())),
        plan(BASE, PlanPolicy(fact_limit_hours=23)),
        plan(BASE, PlanPolicy(soak_minutes=1)),
        plan(BASE, PlanPolicy(pool_wait_minutes=59)),
        plan(BASE, limit=2),
        plan(BASE[1:]),
        plan(BASE[:2]),
        plan([*BASE, candidate("d")]),
        plan([*BASE[:2], candidate("c", "package=none")]),
        plan([candidate("a", pool="q"), *BASE[1:]]),
        plan([candidate("a"), *BASE[1:]]),
        plan([candidate("a", "file=missing", pool="p"), *BASE[1:]]),
        plan([BASE[0], candidate("b", leak=5.0), BASE[2]]),
        plan(
            [replace(BASE[0], package=replace(package(), sha256="0" * 64)), *BASE[1:]]
        ),
        plan(BASE, hotfix=replace(HOTFIX, file_table=table(row("5.2.3790.2501")))),
        plan(BASE, hotfix=replace(HOTFIX, file_table=table(row(branch=Branch.GDR)))),
        plan(BASE, hotfix=replace(HOTFIX, file_table=table(row(service_pack=None)))),
        plan(BASE, hotfix=replace(HOTFIX, file_table=table(row(service_pack=2)))),
        plan(BASE, hotfix=replace(HOTFIX, file_table=table(row(path="c:\\x")))),
        plan(
            BASE,
            hotfix=replace(HOTFIX, file_table=table(row(platform=Platform.X64))),
        ),
        plan(BASE, hotfix=replace(HOTFIX, file_table=None)),
        plan(BASE, hotfix=replace(HOTFIX, article="KB900002")),
        seal(replace(plan(BASE), retry_of="run-1")),
    ],
)
def test_what_a_plan_binds_changes_its_digest(changed: Plan) -> None:
    assert changed.digest != plan(BASE).digest


def test_the_age_of_a_fact_does_not_count() -> None:
    first = plan([*BASE, candidate("z", "limit=1h ~os")])
    second = plan([*BASE, candidate("z", "limit=2h ~os")])
    assert first.excluded != second.excluded
    assert first.digest == second.digest


def test_a_measurement_of_an_excluded_server_does_not_count() -> None:
    first = plan([*BASE, candidate("z", "space=1")])
    second = plan([*BASE, candidate("z", "space=2")])
    assert first.excluded != second.excluded
    assert first.digest == second.digest


def test_an_edit_of_the_inventory_that_changes_no_decision_changes_no_plan() -> None:
    edited = [
        replace(
            each,
            server=replace(
                each.server, users=99, labels={"rack": "7"}, credential="other"
            ),
        )
        for each in BASE
    ]
    assert plan(edited).digest == plan(BASE).digest


def test_a_plan_comes_back_from_storage_with_its_digest() -> None:
    """Storage hands numbers back as it keeps them: 1 as 1.0."""
    made = plan(BASE)
    growth = tuple(float(size) for size in made.policy.growth)
    again = seal(replace(made, policy=replace(made.policy, growth=growth)))
    assert again.digest == made.digest


def test_a_table_for_one_and_for_any_service_pack_has_a_digest() -> None:
    both = (row(service_pack=None), row(service_pack=1))
    one = plan(BASE, hotfix=replace(HOTFIX, file_table=table(*both)))
    other = plan(BASE, hotfix=replace(HOTFIX, file_table=table(*both[::-1])))
    assert one.digest == other.digest
