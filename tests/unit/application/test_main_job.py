"""The main job on hosts in memory: survey, audit, plan, approve, apply, audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from orchestrator.application.apply import RunReport, apply, resume
from orchestrator.application.audit import audit
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    RefusedError,
    Result,
)
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.conduct import Rollout
from orchestrator.application.survey import survey
from orchestrator.application.waivers import waive
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection
from orchestrator.domain.symptom import Sample
from orchestrator.domain.verdict import Verdict
from orchestrator.domain.version import FileVersion
from tests.fakes.estate import ARTICLE, HOTFIX, NEW, PATH, World, world
from tests.fakes.hosts import ScriptedFault

ALL = Selection()
RESTART = PlanPolicy(activation=Activation.RESTART_SERVICE)
LEAVE = PlanPolicy()


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """Three leaking front ends of one pool."""
    with world(sqlite_storage, ["fe1", "fe2", "fe3"]) as made:
        yield made


def approved(made: World, policy: PlanPolicy = RESTART) -> str:
    """Survey, plan and approve; the plan's name."""
    survey(made.services, ALL)
    name = plan(made.services, ARTICLE, ALL, policy).data.plan
    approve(made.services, name, by="A. Manager", reason="change 1")
    return name


def outcomes(result: Result[RunReport]) -> dict[str, Outcome | None]:
    """Each server's outcome."""
    return {line.server: line.outcome for line in result.data.outcomes}


def verdicts(made: World) -> dict[str, Verdict]:
    """Each server's verdict now."""
    report = audit(made.services, ARTICLE, ALL).data
    return {line.server: line.verdict for line in report.servers}


def test_the_whole_job_ends_compliant(estate: World) -> None:
    survey(estate.services, ALL)
    assert set(verdicts(estate).values()) == {Verdict.NEEDED}
    result = apply(estate.services, approved(estate))
    assert set(outcomes(result).values()) == {Outcome.REMEDIATED}
    assert result.exit_code is ExitCode.DONE
    assert result.data.state is RunState.FINISHED
    assert set(verdicts(estate).values()) == {Verdict.COMPLIANT}
    assert set(estate.runs().values()) == {1}


def test_a_server_is_looked_for_where_it_was_found_last(estate: World) -> None:
    survey(estate.services, ALL)
    assert set(estate.gateway.known.values()) == {None}
    survey(estate.services, ALL)
    assert set(estate.gateway.known.values()) == {"http://127.0.0.1:80/wsman"}


def test_without_activation_the_new_code_is_not_in_effect(estate: World) -> None:
    result = apply(estate.services, approved(estate, LEAVE))
    assert set(outcomes(result).values()) == {Outcome.INSTALLED_NOT_ACTIVE}
    assert result.exit_code is ExitCode.DONE
    assert set(verdicts(estate).values()) == {Verdict.INSTALLED_NOT_ACTIVE}


def test_a_later_plan_activates_what_was_left(estate: World) -> None:
    apply(estate.services, approved(estate, LEAVE))
    result = apply(estate.services, approved(estate, RESTART))
    assert set(outcomes(result).values()) == {Outcome.REMEDIATED}
    assert set(estate.runs().values()) == {1}


def test_a_hotfix_that_needs_a_restart_stays_installed_not_active(
    sqlite_storage: Storage,
) -> None:
    demanding = replace(HOTFIX, restart_required=True)
    with world(sqlite_storage, ["fe1"], hotfix=demanding) as made:
        result = apply(made.services, approved(made, RESTART))
        assert outcomes(result) == {"fe1": Outcome.INSTALLED_NOT_ACTIVE}
        assert verdicts(made) == {"fe1": Verdict.INSTALLED_NOT_ACTIVE}
        assert "restart_service" not in made.hosts["fe1"].calls


def test_an_unapproved_plan_is_refused_and_nothing_is_touched(estate: World) -> None:
    survey(estate.services, ALL)
    name = plan(estate.services, ARTICLE, ALL, RESTART).data.plan
    with pytest.raises(RefusedError) as refused:
        apply(estate.services, name)
    assert refused.value.problem.code is ErrorCode.NOT_APPROVED
    assert set(estate.runs().values()) == {0}


def test_a_plan_runs_once(estate: World) -> None:
    name = approved(estate)
    apply(estate.services, name)
    with pytest.raises(RefusedError) as refused:
        apply(estate.services, name)
    assert refused.value.problem.code is ErrorCode.PLAN_STARTED
    assert "resume" in refused.value.problem.hint


def test_an_expired_approval_is_refused(estate: World) -> None:
    name = approved(estate)
    estate.clock.advance(8 * 24 * 3600)
    with pytest.raises(RefusedError) as refused:
        apply(estate.services, name)
    assert refused.value.problem.code is ErrorCode.APPROVAL_EXPIRED


def test_after_the_job_a_new_plan_has_nothing_to_do(estate: World) -> None:
    apply(estate.services, approved(estate))
    report = plan(estate.services, ARTICLE, ALL, RESTART).data
    assert report.waves == ()
    assert {gone.verdict for gone in report.excluded} == {Verdict.COMPLIANT}


def test_a_drifted_server_drops_out_and_the_others_go_on(estate: World) -> None:
    name = approved(estate)
    older = replace(NEW, version=FileVersion(5, 2, 3790, 1831))
    estate.hosts["fe2"].files[PATH] = older
    result = apply(estate.services, name)
    assert outcomes(result) == {
        "fe1": Outcome.REMEDIATED,
        "fe2": Outcome.DROPPED,
        "fe3": Outcome.REMEDIATED,
    }
    assert estate.runs()["fe2"] == 0


def test_an_unreachable_server_holds_up_its_pool_and_no_other(
    sqlite_storage: Storage,
) -> None:
    with world(sqlite_storage, ["fe1", "fe2", "proxy"], alone=["proxy"]) as made:
        name = approved(made, replace(RESTART, pool_wait_minutes=1, growth=(3,)))
        made.gateway.faults["fe1"] = HostFaultError(
            FaultKind.UNREACHABLE, "fe1", "no answer within 3 s"
        )
        result = apply(made.services, name)
        assert outcomes(result) == {
            "fe1": Outcome.UNREACHABLE,
            "fe2": Outcome.SKIPPED,
            "proxy": Outcome.REMEDIATED,
        }
        assert "fe1 (unreachable)" in result.data.outcomes[1].reason


def test_a_failed_install_stops_the_rollout_after_its_wave(estate: World) -> None:
    name = approved(estate)
    for host in estate.hosts.values():
        host.installer = replace(host.installer, exit_code=1603, files={})
    result = apply(estate.services, name)
    assert result.data.state is RunState.STOPPED
    assert result.exit_code is ExitCode.STOPPED
    assert sum(estate.runs().values()) == 1
    assert "resume" in result.data.reason


def test_an_installer_that_says_success_and_changes_nothing_is_found_out(
    estate: World,
) -> None:
    name = approved(estate)
    for host in estate.hosts.values():
        host.installer = replace(host.installer, files={})
    result = apply(estate.services, name)
    assert Outcome.VERIFY_FAILED in outcomes(result).values()


def test_a_hung_installer_stays_unknown_and_is_never_started_again(
    estate: World,
) -> None:
    name = approved(estate, replace(RESTART, pool_wait_minutes=1))
    for host in estate.hosts.values():
        host.installer = replace(host.installer, hangs=True)
    result = apply(estate.services, name)
    first = result.data.outcomes[0]
    assert first.outcome is Outcome.UNKNOWN
    resume(estate.services, result.data.run)
    assert estate.runs()[first.server] == 1


VERBS = (
    "survey",
    "file_resource",
    "stage",
    "launch",
    "evidence",
    "restart_service",
    "clean_up",
)


@pytest.mark.parametrize("after", [False, True], ids=["request", "reply"])
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("verb", VERBS)
def test_a_connection_lost_at_any_call_never_installs_twice(
    sqlite_storage: Storage, verb: str, call: int, after: bool
) -> None:
    with world(sqlite_storage, ["fe1"]) as made:
        name = approved(made)
        host = made.hosts["fe1"]
        host.calls.clear()
        host.faults = [ScriptedFault(verb, after=after, call=call)]
        result = apply(made.services, name)
        host.faults = []
        if result.data.state is not RunState.FINISHED:
            result = resume(made.services, result.data.run)
        line = result.data.outcomes[0]
        assert host.installer_runs <= 1
        assert line.outcome is not None
        if line.outcome is Outcome.REMEDIATED:
            assert verdicts(made) == {"fe1": Verdict.COMPLIANT}
            assert host.installer_runs == 1
        else:
            assert line.outcome in {Outcome.UNREACHABLE, Outcome.STAGING_FAILED}
            assert host.installer_runs == 0


def test_no_more_of_a_pool_is_away_than_it_allows(estate: World) -> None:
    services = replace(
        estate.services, limits=replace(estate.services.limits, apply_concurrency=3)
    )
    wide = replace(RESTART, growth=(3,))
    name = approved(estate, wide)
    result = apply(services, name)
    assert set(outcomes(result).values()) == {Outcome.REMEDIATED}
    turns = sorted(
        (line.steps[0].started, line.steps[-1].finished)
        for line in result.data.outcomes
    )
    for (_, ended), (begun, _) in pairwise(turns):
        assert ended is not None
        assert begun >= ended


def test_a_server_that_waits_too_long_for_its_pool_is_skipped(estate: World) -> None:
    name = approved(estate, replace(RESTART, pool_wait_minutes=1))
    estate.hosts["fe3"].services["RTCSRV"] = replace(
        estate.hosts["fe3"].services["RTCSRV"], state="Stopped", process_started=None
    )
    survey(estate.services, ALL)
    result = apply(estate.services, name)
    assert outcomes(result)["fe1"] is Outcome.SKIPPED
    assert "fe3 (service down)" in result.data.outcomes[0].reason


def watched(made: World, name: str, per_hour: int) -> None:
    """Two hours of samples of a server's service, from now on; the clock moves on."""
    started = made.hosts[name].services["RTCSRV"].process_started
    assert started is not None
    with made.services.storage.begin() as uow:
        uow.facts.put_samples(
            name,
            [
                Sample(
                    "RTCSRV",
                    made.clock.now() + timedelta(minutes=minute),
                    900,
                    started,
                    (50 << 20) + per_hour * minute // 60,
                )
                for minute in range(0, 121, 5)
            ],
        )
    made.clock.advance(2 * 3600)


def test_a_symptom_gate_stops_the_run_until_the_cure_is_measured(
    estate: World,
) -> None:
    name = approved(estate, replace(RESTART, symptom_gate=True))
    result = apply(estate.services, name)
    assert result.data.state is RunState.STOPPED
    assert "not measured to be cured: fe1 (not-measured)" in result.data.reason
    assert "orchestrator survey fe1 --watch" in result.data.reason


@pytest.mark.parametrize(("per_hour", "shut"), [(0, False), (80 << 20, True)])
def test_a_symptom_gate_weighs_what_was_measured_after_the_change(
    estate: World, per_hour: int, shut: bool
) -> None:
    name = approved(estate, replace(RESTART, symptom_gate=True))
    run = Rollout.open(estate.services, start(estate.services, name))
    run.carry_out()
    watched(estate, "fe1", per_hour)
    assert (run.gates.cured(run.plan.waves[0]) is not None) is shut


def test_a_waived_server_is_left_alone_with_the_reason(estate: World) -> None:
    survey(estate.services, ALL)
    waive(
        estate.services,
        "fe2",
        ARTICLE,
        owner="A. Manager",
        until=estate.clock.now() + timedelta(days=30),
        reason="retired in a month",
    )
    report = plan(estate.services, ARTICLE, ALL, RESTART).data
    assert [gone.server for gone in report.excluded] == ["fe2"]
    assert report.excluded[0].reason.startswith("waived by A. Manager until 2026-04-01")
    assert verdicts(estate)["fe2"] is Verdict.NEEDED


@pytest.mark.parametrize(
    ("installer", "outcome"),
    [
        ({"exit_code": 3010}, Outcome.PENDING_RESTART),
        ({"restarts_computer": True}, Outcome.INTERRUPTED),
    ],
)
def test_what_the_article_rules_out_is_never_remediated(
    estate: World, installer: dict[str, object], outcome: Outcome
) -> None:
    name = approved(estate)
    for host in estate.hosts.values():
        host.installer = replace(host.installer, **installer)  # type: ignore[arg-type] # each case names its own field
    result = apply(estate.services, name)
    assert result.data.outcomes[0].outcome is outcome
    assert result.data.state is RunState.STOPPED


def test_a_wanted_restart_stops_the_run_whatever_its_budgets(estate: World) -> None:
    lenient = replace(RESTART, budgets={}, success_percent=0, growth=(3,))
    name = approved(estate, lenient)
    estate.hosts["fe1"].installer = replace(
        estate.hosts["fe1"].installer, exit_code=3010
    )
    result = apply(estate.services, name)
    assert result.data.state is RunState.STOPPED
    assert "3010" in result.data.reason
    assert "decide, then orchestrator resume" in result.data.reason
