"""One server's attempt as a state table, and how an unknown end is settled.

Everything that decides where an attempt may go next lives in this file. Intent is
stored before each effect, so that a crash at any instant leaves a state from which
looking at the host, never guessing, finds the way on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.domain.facts import Fingerprint


class Action(StrEnum):
    """What a plan does to a server."""

    INSTALL = "install"
    ACTIVATE = "activate"
    UNINSTALL = "uninstall"


class Step(StrEnum):
    """The steps of an attempt, in order; an action leaves out what it lacks."""

    PRECHECK = "precheck"
    STAGE = "stage"
    LAUNCH = "launch"
    WAIT = "wait"
    CONFIRM = "confirm"
    ACTIVATE = "activate"
    HEALTH = "health"
    RECORD = "record"


class Outcome(StrEnum):
    """How a server's part in a run ended."""

    REMEDIATED = "remediated"
    INSTALLED_NOT_ACTIVE = "installed-not-active"
    ALREADY_COMPLIANT = "already-compliant"
    ROLLED_BACK = "rolled-back"
    DROPPED = "dropped"
    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    STAGING_FAILED = "staging-failed"
    INSTALL_FAILED = "install-failed"
    PENDING_RESTART = "pending-restart"
    VERIFY_FAILED = "verify-failed"
    UNHEALTHY = "unhealthy"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class AttemptState(StrEnum):
    """Where an attempt stands."""

    #: In the run, not begun.
    READY = "ready"
    #: Working before any effect on the installed software: safe to begin again.
    PREPARING = "preparing"
    #: The intent to launch is stored; whether the launch arrived is not known.
    LAUNCH_INTENDED = "launch-intended"
    #: The host took the launch; the installer runs or has ended.
    LAUNCHED = "launched"
    #: The installer's end is known; the result is being confirmed.
    CONFIRMING = "confirming"
    #: The intent to restart a service is stored.
    ACTIVATING = "activating"
    #: Contact was lost after an intent; the host must be asked.
    UNKNOWN = "unknown"
    #: Done, with an outcome.
    SETTLED = "settled"


class AttemptEvent(StrEnum):
    """What moves an attempt on."""

    BEGIN = "begin"
    INTEND_LAUNCH = "intend-launch"
    LAUNCHED = "launched"
    INSTALLER_ENDED = "installer-ended"
    INTEND_ACTIVATE = "intend-activate"
    LOSE_CONTACT = "lose-contact"
    FOUND_NOT_LAUNCHED = "found-not-launched"
    FOUND_RUNNING = "found-running"
    FOUND_FINISHED = "found-finished"
    FOUND_INTERRUPTED = "found-interrupted"
    CONFIRM_AGAIN = "confirm-again"
    SETTLE = "settle"


_S, _E = AttemptState, AttemptEvent

#: Illegal is what this table lacks.
TRANSITIONS: Mapping[AttemptState, Mapping[AttemptEvent, AttemptState]] = {
    _S.READY: {_E.BEGIN: _S.PREPARING, _E.SETTLE: _S.SETTLED},
    _S.PREPARING: {
        _E.BEGIN: _S.PREPARING,
        _E.INTEND_LAUNCH: _S.LAUNCH_INTENDED,
        _E.INTEND_ACTIVATE: _S.ACTIVATING,
        _E.SETTLE: _S.SETTLED,
    },
    _S.LAUNCH_INTENDED: {
        _E.LAUNCHED: _S.LAUNCHED,
        _E.LOSE_CONTACT: _S.UNKNOWN,
    },
    _S.LAUNCHED: {
        _E.INSTALLER_ENDED: _S.CONFIRMING,
        _E.LOSE_CONTACT: _S.UNKNOWN,
    },
    _S.CONFIRMING: {
        _E.INTEND_ACTIVATE: _S.ACTIVATING,
        _E.LOSE_CONTACT: _S.UNKNOWN,
        _E.SETTLE: _S.SETTLED,
    },
    _S.ACTIVATING: {_E.LOSE_CONTACT: _S.UNKNOWN, _E.SETTLE: _S.SETTLED},
    _S.UNKNOWN: {
        _E.FOUND_NOT_LAUNCHED: _S.PREPARING,
        _E.FOUND_RUNNING: _S.LAUNCHED,
        _E.FOUND_FINISHED: _S.CONFIRMING,
        _E.CONFIRM_AGAIN: _S.CONFIRMING,
        _E.FOUND_INTERRUPTED: _S.SETTLED,
        _E.LOSE_CONTACT: _S.UNKNOWN,
    },
    _S.SETTLED: {},
}

#: In these the installer may be at work or a service may be down.
IN_FLIGHT = frozenset(
    {_S.LAUNCH_INTENDED, _S.LAUNCHED, _S.CONFIRMING, _S.ACTIVATING, _S.UNKNOWN}
)


class IllegalTransitionError(RuntimeError):
    """An event that the table lacks: a fault of this program."""

    def __init__(self, state: AttemptState, event: AttemptEvent) -> None:
        """Keep both; say what would have been legal."""
        self.state = state
        self.event = event
        legal = ", ".join(TRANSITIONS[state]) or "nothing"
        super().__init__(f"{event} in state {state}; legal: {legal}")


def advance(state: AttemptState, event: AttemptEvent) -> AttemptState:
    """The next state.

    Raises:
        IllegalTransitionError: the table lacks the event; nothing changes.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(state, event) from None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of an attempt as it went; times are ours, in UTC."""

    step: Step
    started: datetime
    finished: datetime | None = None
    result: str = ""


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process on the host that may belong to an attempt."""

    process_id: int
    started: datetime
    image: str
    command_line: str


@dataclass(frozen=True, slots=True)
class AttemptEvidence:
    """What a host tells of an attempt, read in this order.

    ``mentioning`` are processes whose command line names the attempt's folder;
    ``installers`` are processes called update.exe or spuninst.exe.
    """

    host_time: datetime
    boot_time: datetime
    mentioning: tuple[ProcessSeen, ...]
    installers: tuple[ProcessSeen, ...]
    claimed: bool
    #: The text of the exit file; ``None`` where there is none yet.
    exit_text: str | None = None
    #: Written by the wrapper where the package's hash was not right any more.
    refusal: str | None = None
    #: When the exit file was written, on the host's clock.
    ended: datetime | None = None
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownLaunch:
    """What the journal holds of the launch; ids only where the reply arrived."""

    boot_time: datetime
    process_id: int | None = None
    process_started: datetime | None = None

    @property
    def by_identity(self) -> bool:
        """Whether the process can be told from one that got its id later."""
        return self.process_id is not None and self.process_started is not None


@dataclass(frozen=True, slots=True)
class NotLaunched:
    """No claim. Settled only once the settler has taken the claim itself."""


@dataclass(frozen=True, slots=True)
class StillRunning:
    """The wrapper or the installer is at work."""

    processes: tuple[ProcessSeen, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The installer ended with this full 32-bit code."""

    exit_code: int
    ended: datetime | None
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedByWrapper:
    """The wrapper found another package than the one staged, and ran nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Claimed, no code, and nothing left that could still write one."""

    reason: str
    log_tail: tuple[str, ...] = ()


Settlement = NotLaunched | StillRunning | Finished | RefusedByWrapper | Interrupted

#: Boot time moves with clock corrections; less than this is no restart.
BOOT_TIME_TOLERANCE = timedelta(minutes=1)


_CODE_DIGITS = len("4294967295")


def restarted(
    before: datetime, after: datetime, tolerance: timedelta = BOOT_TIME_TOLERANCE
) -> bool:
    """Whether two boot times are of two different starts of the computer."""
    return abs(after - before) > tolerance


def settle(evidence: AttemptEvidence, known: KnownLaunch) -> Settlement:
    """What became of an attempt, from the host's evidence alone.

    A process that is known by id and start decides: while it lives the attempt runs,
    and a process that got its id later is not it. What names the attempt's folder
    belongs to the attempt too. Where the reply to the launch was lost, any installer
    may be ours until the computer restarts.

    A text that is no code counts as none: whatever could still write one is gone.
    """
    if evidence.refusal is not None:
        return RefusedByWrapper(evidence.refusal)
    code = _code(evidence.exit_text)
    if code is not None:
        return Finished(code, evidence.ended, evidence.log_tail)
    own = _own_processes(evidence, known)
    if own:
        return StillRunning(own)
    if not evidence.claimed and evidence.exit_text is None:
        return NotLaunched()
    return _claimed_without_code(evidence, known)


def _claimed_without_code(
    evidence: AttemptEvidence, known: KnownLaunch
) -> StillRunning | Interrupted:
    if restarted(known.boot_time, evidence.boot_time):
        return Interrupted(
            f"the computer restarted at {evidence.boot_time:%Y-%m-%d %H:%M}Z "
            "before the installer wrote its code",
            evidence.log_tail,
        )
    if evidence.installers and not known.by_identity:
        return StillRunning(evidence.installers)
    return Interrupted(_no_code(evidence.exit_text), evidence.log_tail)


def _own_processes(
    evidence: AttemptEvidence, known: KnownLaunch
) -> tuple[ProcessSeen, ...]:
    """The launched process, and what names the attempt's folder."""
    launched = (
        process
        for process in evidence.installers
        if known.by_identity
        and process not in evidence.mentioning
        and process.process_id == known.process_id
        and process.started == known.process_started
    )
    return (*evidence.mentioning, *launched)


def _code(text: str | None) -> int | None:
    """The 32-bit code of an exit file, signed or not; ``None`` if it holds none."""
    stripped = (text or "").strip()
    digits = stripped.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > _CODE_DIGITS:
        return None
    code = int(stripped)
    return code if -(2**31) <= code < 2**32 else None


def _no_code(text: str | None) -> str:
    held = "no exit code" if text is None else f"the exit file holds {text[:40]!r}"
    return f"claimed, {held}, and no process of the attempt is left"


#: The detail of an attempt whose end the article rules out: a restart of the
#: computer, or files that wait for one.
CONTRADICTS = "contradicts"
#: The detail of an attempt that stored the intent to drain, and not its undoing.
DRAINED = "drained"
#: The detail of an attempt whose host took too long to answer, or was out of a quota.
STRAINED = "strained"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One server's part in a run. A change is a new value."""

    token: str
    run: str
    server: str
    wave: int
    action: Action
    state: AttemptState = AttemptState.READY
    outcome: Outcome | None = None
    reason: str = ""
    steps: tuple[StepRecord, ...] = ()
    #: Stored with the launch intent: the host's boot time then.
    launch: KnownLaunch | None = None
    #: The installer's end on the host's clock; the moment of replacement.
    installed_at: datetime | None = None
    #: How often the attempt was begun; a worker that wakes late sees it has moved.
    fence: int = 0
    details: Mapping[str, str] = field(default_factory=dict)
    #: The files of the table as they were at the precheck of an install.
    files_before: Mapping[str, Fingerprint] = field(default_factory=dict)
    #: And as the installer left them.
    files_after: Mapping[str, Fingerprint] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether its outcome is final."""
        return self.state is AttemptState.SETTLED

    @property
    def drained(self) -> bool:
        """Whether the server is out of its load balancer, or may be, by this."""
        return DRAINED in self.details

    @property
    def strained(self) -> bool:
        """Whether the host took too long, or was out of a quota, at some time."""
        return STRAINED in self.details
