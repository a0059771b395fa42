"""After the installer: what it did is read from the host, not believed."""

from __future__ import annotations

from typing import assert_never

from orchestrator.application.attempt.drain import drain, left_drained, undrain
from orchestrator.application.attempt.fingerprints import (
    fingerprints,
    uninstall_folder,
)
from orchestrator.application.attempt.serving import still_serving
from orchestrator.application.attempt.turn import Turn
from orchestrator.application.ports.hosts import AttemptFolder, HostWriter
from orchestrator.application.survey import read_with
from orchestrator.domain.exit_codes import CodeMeaning, ExitCode, read_exit_code
from orchestrator.domain.facts import (
    FactKind,
    Lacking,
    PendingRenames,
    ServiceState,
    TraceState,
)
from orchestrator.domain.planning import Activation
from orchestrator.domain.remediation import (
    CONTRADICTS,
    Action,
    AttemptEvent,
    Outcome,
    Step,
    restarted,
)
from orchestrator.domain.rollback import not_restored
from orchestrator.domain.verdict import (
    Cause,
    Judgement,
    Verdict,
    pending_target,
)

_SETTLE = AttemptEvent.SETTLE


def confirm(turn: Turn, host: HostWriter) -> None:
    """Prove what the installer left behind; then activate, or settle."""
    with turn.step(Step.CONFIRM):
        failed = _failure(turn)
        if failed is not None:
            end = _contradict if failed[0] is Outcome.PENDING_RESTART else _end
            end(turn, *failed)
            return
        judgement = turn.learn(read_with(host, (turn.estate.hotfix,), turn.server))
        if turn.attempt.action is not Action.ACTIVATE:
            turn.save(files_after=fingerprints(turn, host))
        contradiction = _contradiction(turn)
        if contradiction is not None:
            _contradict(turn, *contradiction)
            return
        outcome, reason = _reached(turn, judgement)
        inactive = outcome is Outcome.INSTALLED_NOT_ACTIVE or _left_stopped(turn)
        if inactive and _activates(turn):
            turn.save(AttemptEvent.INTEND_ACTIVATE, steps=turn.closed_steps(reason))
            return
        turn.end_step(reason)
    _finish(turn, host, outcome, reason)


def activate(turn: Turn, host: HostWriter) -> None:
    """Restart the services that count, then prove that the new code is in effect."""
    with turn.step(Step.ACTIVATE):
        undrained = drain(turn)
        if undrained is not None:
            _end(turn, *undrained)
            return
        for name in _services_before(turn):
            state = host.restart_service(
                name, timeout_s=turn.services.limits.service_seconds
            )
            if not state.running:
                _end(
                    turn,
                    Outcome.UNHEALTHY,
                    f"service {name} is {state.state or 'gone'} after its restart, "
                    "expected running; see the computer's event log",
                )
                return
        judgement = turn.learn(read_with(host, (turn.estate.hotfix,), turn.server))
        outcome, reason = _reached(turn, judgement)
        turn.end_step(reason)
    _finish(turn, host, outcome, reason)


def _failure(turn: Turn) -> tuple[Outcome, str] | None:
    """What the exit code or the wrapper says went wrong."""
    refusal = turn.attempt.details.get("refusal")
    if refusal:
        return Outcome.STAGING_FAILED, f"the wrapper refused: {refusal}"
    code = _exit_code(turn)
    if code is None:
        return None
    match code.meaning:
        case CodeMeaning.FAILURE:
            return Outcome.INSTALL_FAILED, code.phrase
        case CodeMeaning.RESTART_WANTED:
            return Outcome.PENDING_RESTART, f"{code.phrase}; an operator decides"
        case CodeMeaning.SUCCESS:
            return None
        case _:
            assert_never(code.meaning)


def _exit_code(turn: Turn) -> ExitCode | None:
    text = turn.attempt.details.get("exit_code")
    extended = turn.attempt.details.get("extended_code")
    return None if text is None else read_exit_code(int(text), extended or None)


def _contradict(turn: Turn, outcome: Outcome, reason: str) -> None:
    """End a turn that the article rules out; the run stops for an operator."""
    turn.save(details={**turn.attempt.details, CONTRADICTS: reason})
    _end(turn, outcome, reason)


def _contradiction(turn: Turn) -> tuple[Outcome, str] | None:
    """What the article rules out: a restart, or files that wait for one."""
    system = turn.system()
    launch = turn.attempt.launch
    if system and launch and restarted(launch.boot_time, system.boot_time):
        when = f"{system.boot_time:%Y-%m-%d %H:%M}Z"
        return Outcome.VERIFY_FAILED, f"the computer restarted at {when}, expected none"
    fresh = turn.estate.case(turn.server).fresh
    renames = fresh.value(FactKind.PENDING_RENAMES, PendingRenames)
    if isinstance(renames, Lacking) or system is None:
        return None
    findings = turn.estate.judge(turn.server).files
    pending = pending_target(findings, renames, system)
    if pending is None:
        return None
    return (
        Outcome.PENDING_RESTART,
        f"{pending} waits for a restart of the computer; an operator decides",
    )


def _reached(turn: Turn, judgement: Judgement) -> tuple[Outcome, str]:
    """The outcome that a judgement after the change stands for."""
    if turn.attempt.action is Action.UNINSTALL:
        return _rolled_back(turn, judgement)
    if judgement.verdict is Verdict.COMPLIANT:
        return Outcome.REMEDIATED, f"{judgement.reason}{_no_way_back(turn)}"
    unprovable = judgement.cause is Cause.REPLACEMENT_UNPROVABLE
    if judgement.verdict is Verdict.INSTALLED_NOT_ACTIVE or unprovable:
        left = f"{judgement.reason}; restart {_left_to_restart(turn)} to activate it"
        return Outcome.INSTALLED_NOT_ACTIVE, f"{left}{_no_way_back(turn)}"
    found = f"found {judgement.verdict.value} after the change, expected compliant"
    return Outcome.VERIFY_FAILED, f"{found}: {judgement.reason}"


def _left_to_restart(turn: Turn) -> str:
    if turn.estate.hotfix.restart_required:
        return "the computer, which this tool never does,"
    return ", ".join(turn.estate.hotfix.services)


def _no_way_back(turn: Turn) -> str:
    """What to add where an install cannot be rolled back."""
    if turn.attempt.action is not Action.INSTALL:
        return ""
    folder = uninstall_folder(turn)
    if isinstance(folder, TraceState) and folder.present:
        return ""
    return "; it left no uninstall folder, so it cannot be rolled back"


def _rolled_back(turn: Turn, judgement: Judgement) -> tuple[Outcome, str]:
    """Only the old files, to the byte, prove it; and nothing may claim otherwise."""
    wrong = not_restored(turn.planned.restores, turn.attempt.files_after)
    if wrong is not None:
        return Outcome.VERIFY_FAILED, f"after the uninstall {wrong}"
    if judgement.verdict in (Verdict.CONTRADICTED, Verdict.UNKNOWN):
        return (
            Outcome.VERIFY_FAILED,
            f"found {judgement.verdict.value} after the uninstall: {judgement.reason}",
        )
    return (
        Outcome.ROLLED_BACK,
        f"every file is as it was before; restart {_left_to_restart(turn)} to run it",
    )


def _activates(turn: Turn) -> bool:
    wanted = turn.plan.policy.activation is Activation.RESTART_SERVICE
    # A restart of the service cannot stand in for one of the computer.
    return wanted and not turn.estate.hotfix.restart_required


def _left_stopped(turn: Turn) -> bool:
    """Whether contact was lost in the middle of a restart, the service stopped."""
    begun = any(step.step is Step.ACTIVATE for step in turn.attempt.steps)
    return begun and bool(_down(turn))


def _services_before(turn: Turn) -> tuple[str, ...]:
    names = turn.attempt.details.get("services", "")
    return tuple(name for name in names.split(",") if name)


def _finish(turn: Turn, host: HostWriter, outcome: Outcome, reason: str) -> None:
    """Health, then record: the outcome stands once all serves that did before."""
    with turn.step(Step.HEALTH):
        missing, found = _down(turn), ""
        if not missing:
            missing, found = still_serving(turn, host)
        if missing:
            told = f"up before the change and not now: {missing}; {reason}"
            _end(turn, Outcome.UNHEALTHY, told)
            return
        out = undrain(turn)
        if out is not None:
            _end(turn, *out)
            return
        turn.end_step(f"the services that ran before run{found}")
    with turn.step(Step.RECORD):
        host.clean_up(AttemptFolder(turn.attempt.token))
        _end(turn, outcome, reason)


def _down(turn: Turn) -> str:
    facts = turn.estate.facts_of(turn.server.name)
    down = []
    for name in _services_before(turn):
        seen = facts.find(FactKind.SERVICE, name)
        state = seen.value if seen else None
        if not isinstance(state, ServiceState) or not state.running:
            down.append(f"service {name}")
    return ", ".join(down)


def _end(turn: Turn, outcome: Outcome, reason: str) -> None:
    reason += left_drained(turn)
    turn.save(_SETTLE, outcome=outcome, reason=reason, steps=turn.closed_steps(reason))
