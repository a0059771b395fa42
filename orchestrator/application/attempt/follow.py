"""After the launch: wait for the installer, and settle what contact was lost with.

The truth waits on the host. Nothing here launches anything, and a hung installer is
never killed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from orchestrator.application.attempt.prepare import new_token
from orchestrator.application.attempt.turn import MAX_LAUNCHES, Turn
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    HostFaultError,
    HostWriter,
)
from orchestrator.domain.exit_codes import extended_code
from orchestrator.domain.remediation import (
    Action,
    AttemptEvent,
    AttemptEvidence,
    Finished,
    Interrupted,
    KnownLaunch,
    NotLaunched,
    Outcome,
    RefusedByWrapper,
    Step,
    StillRunning,
    settle,
)


def wait(turn: Turn, host: HostWriter) -> None:
    """Look at a running installer until it ends, or for as long as is allowed."""
    deadline = turn.now() + timedelta(seconds=turn.services.limits.installer_seconds)
    with turn.step(Step.WAIT):
        while True:
            evidence = host.evidence(AttemptFolder(turn.attempt.token))
            turn.last_contact = turn.now()
            found = settle(evidence, _known(turn))
            match found:
                case Finished() | RefusedByWrapper():
                    _installer_ended(
                        turn, evidence, found, AttemptEvent.INSTALLER_ENDED
                    )
                    return
                case StillRunning():
                    if turn.now() >= deadline:
                        _lose(turn, "the installer still runs past its limit")
                        return
                case NotLaunched() | Interrupted():
                    _lose(turn, _reason(found))
                    return
                case _:
                    assert_never(found)
            turn.services.clock.sleep(turn.services.limits.poll_seconds)
            turn.still_ours()


def probe(turn: Turn, host: HostWriter) -> None:
    """Settle an unknown attempt by what the host says, never by guessing."""
    if turn.attempt.action is Action.ACTIVATE or turn.attempt.installed_at is not None:
        turn.take_over(AttemptEvent.CONFIRM_AGAIN)
        return
    evidence = host.evidence(AttemptFolder(turn.attempt.token))
    found = settle(evidence, _known(turn))
    match found:
        case NotLaunched():
            _not_launched(turn, host)
        case StillRunning():
            turn.take_over(AttemptEvent.FOUND_RUNNING)
        case Finished() | RefusedByWrapper():
            _installer_ended(turn, evidence, found, AttemptEvent.FOUND_FINISHED)
        case Interrupted(reason, tail):
            _interrupted(turn, reason, tail)
        case _:
            assert_never(found)


def lose_contact(turn: Turn, fault: HostFaultError) -> None:
    """Contact was lost after an intent: unknown, until the host is asked."""
    turn.save(
        AttemptEvent.LOSE_CONTACT,
        reason=fault.message,
        steps=turn.closed_steps(fault.message),
        details=turn.details_after(fault),
    )


def _lose(turn: Turn, reason: str) -> None:
    turn.save(AttemptEvent.LOSE_CONTACT, reason=reason, steps=turn.closed_steps(reason))


def _known(turn: Turn) -> KnownLaunch:
    if turn.attempt.launch is None:
        raise AssertionError("the boot time is stored with the intent")
    return turn.attempt.launch


def _reason(found: NotLaunched | Interrupted) -> str:
    if isinstance(found, NotLaunched):
        return "the launch did not reach its claim"
    return found.reason


def _not_launched(turn: Turn, host: HostWriter) -> None:
    """Take the claim before anything else, so that a late launch does nothing."""
    claim = host.take_claim(AttemptFolder(turn.attempt.token))
    if claim is ClaimResult.WAS_TAKEN:
        turn.save(reason="launched while it was being settled")
        return
    if turn.run_is_aborted():
        turn.take_over(AttemptEvent.FOUND_NOT_LAUNCHED, launch=None)
        reason = "its launch never arrived, and the run was aborted"
        turn.settle(AttemptEvent.SETTLE, Outcome.SKIPPED, reason)
        return
    launches = int(turn.attempt.details.get("launches", "1"))
    if launches >= MAX_LAUNCHES:
        turn.take_over(
            AttemptEvent.FOUND_INTERRUPTED,
            outcome=Outcome.INTERRUPTED,
            reason=f"launched {launches} times without reaching its claim",
        )
        return
    turn.take_over(
        AttemptEvent.FOUND_NOT_LAUNCHED,
        token=new_token(),
        launch=None,
        reason="",
        details={**turn.attempt.details, "launches": str(launches + 1)},
    )


def _installer_ended(
    turn: Turn,
    evidence: AttemptEvidence,
    found: Finished | RefusedByWrapper,
    event: AttemptEvent,
) -> None:
    if isinstance(found, RefusedByWrapper):
        changes = {"refusal": found.reason}
        result = f"the wrapper refused: {found.reason}"
    else:
        changes = {
            "exit_code": str(found.exit_code),
            "extended_code": extended_code(found.log_tail) or "",
            "log_tail": "\n".join(found.log_tail),
        }
        result = f"exit code {found.exit_code}"
    turn.save(
        event,
        installed_at=_ended(evidence, found),
        details={**turn.attempt.details, **changes},
        steps=turn.closed_steps(result),
        reason="",
    )


def _ended(
    evidence: AttemptEvidence, found: Finished | RefusedByWrapper
) -> datetime | None:
    """The installer's end on the host's clock; none where it never ran."""
    if isinstance(found, RefusedByWrapper):
        return None
    return found.ended or evidence.host_time


def _interrupted(turn: Turn, reason: str, tail: tuple[str, ...]) -> None:
    turn.take_over(
        AttemptEvent.FOUND_INTERRUPTED,
        outcome=Outcome.INTERRUPTED,
        reason=f"{reason}; look at its files and log, then make a new plan",
        details={**turn.attempt.details, "log_tail": "\n".join(tail)},
    )
