"""Before any effect: precheck against the plan, stage, and store the intent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import assert_never

from orchestrator.application.attempt.fingerprints import (
    fingerprints,
    uninstall_folder,
)
from orchestrator.application.attempt.serving import SERVED, what_serves
from orchestrator.application.attempt.turn import Turn
from orchestrator.application.plans import package_of
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    FaultKind,
    HostFaultError,
    HostWriter,
    InstallerAction,
    LaunchOrder,
    PackageSource,
    Route,
    StagingFailure,
)
from orchestrator.application.survey import read_with, store_fault
from orchestrator.domain.drift import drift
from orchestrator.domain.facts import FactKind, Fingerprint, ServiceState, TraceState
from orchestrator.domain.hotfix import Package
from orchestrator.domain.planning import basis_of
from orchestrator.domain.remediation import (
    Action,
    AttemptEvent,
    KnownLaunch,
    Outcome,
    Step,
)
from orchestrator.domain.rollback import unproven
from orchestrator.domain.verdict import Judgement, Verdict

_SETTLE = AttemptEvent.SETTLE


def new_token() -> str:
    """A name for an attempt that no other has: its folder on the host."""
    return secrets.token_hex(8)


def prepare(turn: Turn, host: HostWriter) -> None:
    """Take a turn to its first effect, or settle it before one."""
    if not _precheck(turn, host):
        return
    match turn.attempt.action:
        case Action.INSTALL:
            _install(turn, host)
        case Action.ACTIVATE:
            turn.save(AttemptEvent.INTEND_ACTIVATE)
        case Action.UNINSTALL:
            _launch(turn, host, None)
        case _:
            assert_never(turn.attempt.action)


def settle_fault(turn: Turn, fault: HostFaultError) -> None:
    """A conversation failed before any effect: the outcome says how."""
    staging = turn.attempt.steps and turn.attempt.steps[-1].step is Step.STAGE
    if fault.kind is FaultKind.REFUSED:
        outcome = Outcome.REFUSED
    elif staging:
        outcome = Outcome.STAGING_FAILED
    else:
        outcome = Outcome.UNREACHABLE
    with turn.services.storage.begin() as uow:
        store_fault(uow, turn.server.name, fault, turn.now())
    hint = f"; {fault.hint}" if fault.hint else ""
    steps = turn.closed_steps(fault.message) if turn.attempt.steps else ()
    turn.save(
        _SETTLE,
        outcome=outcome,
        reason=f"{fault.message}{hint}",
        steps=steps,
        details=turn.details_after(fault),
    )


def _precheck(turn: Turn, host: HostWriter) -> bool:
    """Whether the server is still as the plan has it."""
    with turn.step(Step.PRECHECK):
        found = read_with(host, (turn.estate.hotfix,), turn.server)
        judgement = turn.learn(found)
        refused = _refusal(turn, judgement)
        if refused is not None:
            outcome, reason = refused
            turn.save(
                _SETTLE, outcome=outcome, reason=reason, steps=turn.closed_steps(reason)
            )
            return False
        before = fingerprints(turn, host) if _changes_files(turn) else {}
        blind = _cannot_be_undone(turn, before)
        if blind is not None:
            turn.save(
                _SETTLE,
                outcome=Outcome.BLOCKED,
                reason=blind,
                steps=turn.closed_steps(blind),
            )
            return False
        turn.save(
            details={
                **turn.attempt.details,
                "services": _running_services(turn),
                SERVED: "\n".join(what_serves(turn, host)),
            },
            files_before=before,
            steps=turn.closed_steps(f"as planned: {judgement.verdict.value}"),
        )
        return True


def _changes_files(turn: Turn) -> bool:
    return turn.attempt.action is not Action.ACTIVATE


def _cannot_be_undone(turn: Turn, before: Mapping[str, Fingerprint]) -> str | None:
    """Why an install could not be rolled back, or an uninstall be done."""
    match turn.attempt.action:
        case Action.INSTALL:
            path = unproven(before)
            if path is None:
                return None
            return (
                f"{path} could not be read to its end and hashed, so that nobody could "
                "prove a rollback; see that the account may read it"
            )
        case Action.UNINSTALL:
            folder = uninstall_folder(turn)
            if isinstance(folder, TraceState) and folder.present:
                return None
            return "the uninstall folder is not there, so nothing can be put back"
        case Action.ACTIVATE:
            return None
        case _:
            assert_never(turn.attempt.action)


def _refusal(turn: Turn, judgement: Judgement) -> tuple[Outcome, str] | None:
    action = turn.attempt.action
    if action is not Action.UNINSTALL and judgement.verdict is Verdict.COMPLIANT:
        return Outcome.ALREADY_COMPLIANT, judgement.reason
    changed = drift(turn.planned, basis_of(judgement, _planned_package(turn)))
    if changed is None:
        return None
    if judgement.verdict is Verdict.BLOCKED:
        return Outcome.BLOCKED, judgement.reason
    return Outcome.DROPPED, f"{changed}: {judgement.reason}"


def _planned_package(turn: Turn) -> Package | None:
    """The package that the server would get now; none for other actions."""
    if turn.attempt.action is not Action.INSTALL:
        return None
    return package_of(turn.estate, turn.server)


def _running_services(turn: Turn) -> str:
    """The services that ran before, which must run afterwards."""
    facts = turn.estate.facts_of(turn.server.name)
    names = []
    for name in turn.estate.hotfix.services:
        seen = facts.find(FactKind.SERVICE, name)
        if seen and isinstance(seen.value, ServiceState) and seen.value.running:
            names.append(name)
    return ",".join(names)


def _install(turn: Turn, host: HostWriter) -> None:
    package = _planned_package(turn)
    if package is None:
        raise AssertionError("an install that passed its precheck has a package")
    if _stage(turn, host, package):
        _launch(turn, host, package)


def _stage(turn: Turn, host: HostWriter, package: Package) -> bool:
    with turn.services.storage.read() as uow:
        location = uow.catalog.package_location(package.sha256)
    if location is None:
        raise AssertionError("a stored package has a location")
    with turn.step(Step.STAGE):
        report = host.stage(
            AttemptFolder(turn.attempt.token),
            package,
            PackageSource(Route.PUSH, turn.services.package_at(location)),
        )
        if isinstance(report, StagingFailure):
            reason = f"found {report.found}, expected {report.expected}; {report.hint}"
            turn.save(
                _SETTLE,
                outcome=Outcome.STAGING_FAILED,
                reason=reason,
                steps=turn.closed_steps(reason),
            )
            return False
        turn.end_step(
            f"{report.bytes_sent} bytes in {report.seconds:.1f} s and "
            f"{report.round_trips} round trips; {report.hash_tool} "
            f"{report.host_hash}; owner {report.owner}, "
            f"allowed {', '.join(report.allowed)}"
        )
        return True


def _launch(turn: Turn, host: HostWriter, package: Package | None) -> None:
    """Store the intent, then launch. What fails in between is unknown."""
    system = turn.system()
    if system is None:
        raise AssertionError("a server that passed its precheck has a system")
    turn.save(
        AttemptEvent.INTEND_LAUNCH, launch=KnownLaunch(boot_time=system.boot_time)
    )
    action = InstallerAction.UNINSTALL if package is None else InstallerAction.INSTALL
    order = LaunchOrder(
        AttemptFolder(turn.attempt.token), action, turn.estate.hotfix.article, package
    )
    with turn.step(Step.LAUNCH):
        receipt = host.launch(order)
        launch = KnownLaunch(receipt.boot_time, receipt.process_id, receipt.started)
        turn.save(
            AttemptEvent.LAUNCHED,
            launch=launch,
            steps=turn.closed_steps(f"process {receipt.process_id}"),
        )
