"""Taking back what a run installed, on hosts in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.application.apply import RunReport, apply, resume
from orchestrator.application.audit import audit
from orchestrator.application.plans import PlanReport, approve, plan
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import ExitCode, Result
from orchestrator.application.rollback import rollback
from orchestrator.application.survey import survey
from orchestrator.domain.facts import (
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Action, Attempt, Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.selection import Selection, parse_selection
from orchestrator.domain.verdict import Verdict
from orchestrator.domain.version import FileVersion
from tests.fakes.estate import ARTICLE, NEW, OLD, PATH, World, world
from tests.fakes.hosts import ScriptedFault

ALL = Selection()
RESTART = PlanPolicy(activation=Activation.RESTART_SERVICE)
FOLDER = trace_subject(ARTICLE, TraceName.UNINSTALL_FOLDER)


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """Two leaking front ends of one pool."""
    with world(sqlite_storage, ["fe1", "fe2"]) as made:
        yield made


def carried_out(made: World, name: str) -> Result[RunReport]:
    """Approve and apply a plan."""
    approve(made.services, name, by="A. Manager", reason="change 1")
    return apply(made.services, name)


def installed(made: World, policy: PlanPolicy = RESTART) -> str:
    """Survey, plan, apply; the run's name."""
    survey(made.services, ALL)
    name = plan(made.services, ARTICLE, ALL, policy).data.plan
    return carried_out(made, name).data.run


def outcomes(result: Result[RunReport]) -> dict[str, Outcome | None]:
    """Each server's outcome."""
    return {line.server: line.outcome for line in result.data.outcomes}


def verdicts(made: World) -> set[Verdict]:
    """The verdicts now."""
    return {line.verdict for line in audit(made.services, ARTICLE, ALL).data.servers}


def attempt(made: World, run: str, server: str) -> Attempt:
    """An attempt as the journal has it."""
    with made.services.storage.read() as uow:
        return uow.runs.attempt(run, server)


def reasons(report: PlanReport) -> dict[str, str]:
    """Why each excluded server is left alone."""
    return {gone.server: gone.reason for gone in report.excluded}


def test_an_install_keeps_what_the_files_were_and_became(estate: World) -> None:
    kept = attempt(estate, installed(estate), "fe1")
    before, after = kept.files_before[PATH], kept.files_after[PATH]
    assert (before.version, after.version) == (OLD.version, NEW.version)
    assert before.sha256
    assert after.sha256
    assert before.sha256 != after.sha256


def test_a_rollback_puts_the_old_files_back_and_needs_its_own_approval(
    estate: World,
) -> None:
    run = installed(estate)
    report = rollback(estate.services, run, ALL).data
    lines = [line for wave in report.waves for line in wave.servers]
    assert {line.action for line in lines} == {Action.UNINSTALL}
    assert report.approvals_missing == 1
    result = carried_out(estate, report.plan)
    assert set(outcomes(result).values()) == {Outcome.ROLLED_BACK}
    assert result.exit_code is ExitCode.DONE
    assert {host.files[PATH] for host in estate.hosts.values()} == {OLD}
    assert verdicts(estate) == {Verdict.NEEDED}


def test_after_a_rollback_the_hotfix_can_be_installed_and_rolled_back_again(
    estate: World,
) -> None:
    first = installed(estate)
    carried_out(estate, rollback(estate.services, first, ALL).data.plan)
    second = installed(estate)
    assert verdicts(estate) == {Verdict.COMPLIANT}
    assert set(reasons(rollback(estate.services, first, ALL).data).values()) == {
        f"{second} changed it after {first}"
    }
    again = carried_out(estate, rollback(estate.services, second, ALL).data.plan)
    assert set(outcomes(again).values()) == {Outcome.ROLLED_BACK}


def test_only_the_selected_servers_are_rolled_back(estate: World) -> None:
    run = installed(estate)
    report = rollback(estate.services, run, parse_selection("fe2")).data
    assert [line.server for line in report.waves[0].servers] == ["fe2"]
    assert report.excluded == ()


def test_what_the_run_did_not_install_is_left_alone(estate: World) -> None:
    estate.hosts["fe2"].free_bytes = 1
    run = installed(estate)
    report = rollback(estate.services, run, ALL).data
    assert [line.server for line in report.waves[0].servers] == ["fe1"]


def test_a_file_that_is_newer_than_what_was_left_refuses_the_server(
    estate: World,
) -> None:
    run = installed(estate)
    later = replace(NEW, version=FileVersion(5, 2, 3790, 3000))
    estate.hosts["fe1"].files[PATH] = later
    survey(estate.services, ALL)
    report = rollback(estate.services, run, ALL).data
    assert [line.server for line in report.waves[0].servers] == ["fe2"]
    assert "5.2.3790.3000 now" in reasons(report)["fe1"]


def test_without_an_uninstall_folder_the_server_is_refused(estate: World) -> None:
    run = installed(estate)
    estate.hosts["fe1"].traces[FOLDER] = TraceState(present=False)
    survey(estate.services, ALL)
    report = rollback(estate.services, run, ALL).data
    assert "uninstall folder" in reasons(report)["fe1"]


def test_an_uninstall_folder_that_goes_after_the_plan_blocks_the_server(
    estate: World,
) -> None:
    name = rollback(estate.services, installed(estate), ALL).data.plan
    for host in estate.hosts.values():
        host.traces[FOLDER] = TraceState(present=False)
    result = carried_out(estate, name)
    assert Outcome.BLOCKED in outcomes(result).values()
    assert set(estate.runs().values()) == {1}


def test_an_install_that_leaves_no_uninstall_folder_says_so(estate: World) -> None:
    for host in estate.hosts.values():
        host.installer = replace(host.installer, leaves_traces=False)
    kept = attempt(estate, installed(estate), "fe1")
    assert "cannot be rolled back" in kept.reason


def test_a_file_that_nobody_can_hash_blocks_the_install(estate: World) -> None:
    survey(estate.services, ALL)
    name = plan(estate.services, ARTICLE, ALL, RESTART).data.plan
    for host in estate.hosts.values():
        host.unhashable = True
    result = carried_out(estate, name)
    assert set(outcomes(result).values()) <= {Outcome.BLOCKED, Outcome.SKIPPED}
    assert "could not be read to its end" in result.data.outcomes[0].reason
    assert set(estate.runs().values()) == {0}


def test_an_uninstaller_that_brings_other_bytes_is_found_out(estate: World) -> None:
    name = rollback(estate.services, installed(estate), ALL).data.plan
    forged = replace(OLD, sha256="0" * 64)
    for host in estate.hosts.values():
        host.uninstaller = replace(host.uninstaller, files={PATH: forged})
    result = carried_out(estate, name)
    assert Outcome.VERIFY_FAILED in outcomes(result).values()
    assert Outcome.ROLLED_BACK not in outcomes(result).values()


@pytest.mark.parametrize("after", [False, True], ids=["request", "reply"])
@pytest.mark.parametrize("verb", ["survey", "file_resource", "launch", "evidence"])
def test_a_lost_connection_never_uninstalls_twice(
    sqlite_storage: Storage, verb: str, after: bool
) -> None:
    with world(sqlite_storage, ["fe1"]) as made:
        name = rollback(made.services, installed(made), ALL).data.plan
        host = made.hosts["fe1"]
        host.calls.clear()
        host.faults = [ScriptedFault(verb, after=after)]
        result = carried_out(made, name)
        host.faults = []
        if result.data.state is not RunState.FINISHED:
            result = resume(made.services, result.data.run)
        assert host.installer_runs <= 2
        ended = outcomes(result)["fe1"]
        assert ended in {Outcome.ROLLED_BACK, Outcome.UNREACHABLE}
        assert (ended is Outcome.ROLLED_BACK) == (host.files[PATH] == OLD)
