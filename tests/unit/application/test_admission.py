"""What apply refuses before anything is consumed, and what an approver is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.application.apply import apply
from orchestrator.application.explain import explain
from orchestrator.application.plans import (
    approve,
    find_plan,
    list_plans,
    plan,
    show,
)
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import ErrorCode, ExitCode, RefusedError
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.planning import PlanPolicy
from orchestrator.domain.selection import Selection, parse_selection
from orchestrator.domain.server import Freeze, MaintenanceWindow
from orchestrator.domain.symptom import Sample
from tests.fakes.estate import ARTICLE, World, world

ALL = Selection()
NIGHTLY = MaintenanceWindow("night", "*", "2026-01-01T22:00:00", "FREQ=DAILY", 120)


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """Two leaking front ends of one pool, surveyed."""
    with world(sqlite_storage, ["fe1", "fe2"]) as made:
        survey(made.services, ALL)
        yield made


def surround(made: World, **changes: Any) -> None:
    """Change what the inventory says round the servers."""
    with made.services.storage.begin() as uow:
        uow.inventory.save(replace(uow.inventory.load(), **changes))


def planned(made: World, policy: PlanPolicy | None = None) -> str:
    """A plan of everything; its name."""
    return plan(made.services, ARTICLE, ALL, policy or PlanPolicy()).data.plan


def approved(made: World) -> str:
    """An approved plan of everything; its name."""
    name = planned(made)
    approve(made.services, name, by="A. Manager", reason="change 1")
    return name


def refusal(made: World, name: str) -> RefusedError:
    """What apply refuses with."""
    with pytest.raises(RefusedError) as refused:
        apply(made.services, name)
    assert refused.value.exit_code is ExitCode.REFUSED
    return refused.value


def test_one_account_is_not_two_however_many_names_it_gives(estate: World) -> None:
    name = planned(estate, PlanPolicy(approvals=2))
    approve(estate.services, name, by="A. Manager", reason="change 1")
    approve(estate.services, name, by="B. Director", reason="change 1")
    assert show(estate.services, name).data.approvals_missing == 1
    assert not list_plans(estate.services).data.plans[0].approved
    refused = refusal(estate, name).problem
    assert refused.code is ErrorCode.NOT_APPROVED
    assert "2 different accounts, found only those of tester" in refused.message


def test_two_accounts_are_two(estate: World) -> None:
    name = planned(estate, PlanPolicy(approvals=2))
    other = replace(estate.services, account="another")
    approve(estate.services, name, by="A. Manager", reason="change 1")
    report = approve(other, name, by="A. Manager", reason="change 1").data
    assert report.approvals_missing == 0
    assert apply(estate.services, name).exit_code is ExitCode.DONE


def test_an_altered_plan_is_neither_shown_nor_approved_nor_applied(
    estate: World,
) -> None:
    name = approved(estate)
    with estate.services.storage.begin() as uow:
        stored = find_plan(uow, name)
        false = replace(stored.plan, digest="f" * 64)
        uow.plans.add(replace(stored, plan=false))

    def attest(services: Services, plan_name: str) -> None:
        approve(services, plan_name, by="A. Manager", reason="change 1")

    for use in (show, attest, apply):
        with pytest.raises(RefusedError) as refused:
            use(estate.services, false.name)
        assert refused.value.problem.code is ErrorCode.PLAN_CHANGED


def test_outside_its_window_a_plan_is_refused_and_kept(estate: World) -> None:
    surround(estate, windows=(NIGHTLY,))
    name = approved(estate)
    estate.clock.advance(_seconds_to(estate, hour=12))
    refused = refusal(estate, name).problem
    assert refused.code is ErrorCode.OUTSIDE_WINDOW
    assert "opens" in refused.message
    assert "22:00Z" in refused.message
    assert show(estate.services, name).data.run is None
    estate.clock.advance(_seconds_to(estate, hour=22))
    assert apply(estate.services, name).exit_code is ExitCode.DONE


def test_a_frozen_plan_is_refused_with_the_end_of_the_freeze(estate: World) -> None:
    now = estate.clock.now().replace(tzinfo=None)
    end = now + timedelta(days=2)
    surround(
        estate,
        freezes=(Freeze("year end", "*", now.isoformat(), end.isoformat(), "books"),),
    )
    refused = refusal(estate, approved(estate)).problem
    assert refused.code is ErrorCode.FROZEN
    assert f"until {end:%Y-%m-%d %H:%M}Z" in refused.message


def test_explain_says_from_when_a_plan_may_be_applied(estate: World) -> None:
    estate.clock.advance(_seconds_to(estate, hour=12))
    survey(estate.services, ALL)
    assert ";" not in explain(estate.services, "fe1", ARTICLE).data.next_command
    surround(estate, windows=(NIGHTLY,))
    said = explain(estate.services, "fe1", ARTICLE).data.next_command
    assert said.startswith(f"orchestrator plan {ARTICLE} fe1; it may be applied from")
    assert "22:00Z" in said


def _seconds_to(made: World, hour: int) -> float:
    now = made.clock.now()
    then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return ((then - now) % timedelta(days=1)).total_seconds()


def test_a_plan_forecasts_its_waves_from_earlier_turns(
    sqlite_storage: Storage,
) -> None:
    names = [f"fe{number}" for number in range(5)]
    with world(sqlite_storage, names, alone=names) as made:
        survey(made.services, ALL)
        first = plan(
            made.services, ARTICLE, parse_selection("fe0,fe1,fe2"), PlanPolicy()
        ).data
        assert first.waves[0].p50_seconds is None
        approve(made.services, first.plan, by="A. Manager", reason="change 1")
        apply(made.services, first.plan)
        report = plan(made.services, ARTICLE, ALL, PlanPolicy()).data
        p50, p95 = report.waves[0].p50_seconds, report.waves[0].p95_seconds
        assert p50 is not None
        assert p95 is not None
        assert 60 <= p50 <= p95
        short = replace(NIGHTLY, minutes=1)
        surround(made, windows=(short,))
        made.clock.advance(_seconds_to(made, hour=22) + 30)
        approve(made.services, report.plan, by="A. Manager", reason="change 2")
        refused = refusal(made, report.plan).problem
        assert refused.code is ErrorCode.OUTSIDE_WINDOW
        assert "its window closes" in refused.message


def test_a_measured_leak_goes_first(estate: World) -> None:
    now, mib = estate.clock.now(), 1 << 20
    born = now - timedelta(days=2)
    leaking = [
        Sample("RTCSRV", now - timedelta(hours=hours), 1, born, (100 - hours) * 9 * mib)
        for hours in range(30)
    ]
    with estate.services.storage.begin() as uow:
        uow.facts.put_samples("fe2", leaking)
    report = plan(estate.services, ARTICLE, ALL, PlanPolicy(growth=(2,))).data
    assert [line.server for line in report.waves[0].servers] == ["fe2", "fe1"]
