"""Apply, resume, pause, abort, status: a run as operators drive and see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.application.evidence import bind
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import ExitCode, Result, strongest
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.conduct import carry_out
from orchestrator.application.rollout.leases import lives, run_resource
from orchestrator.application.rollout.runs import find_run, move_run
from orchestrator.application.services import Services
from orchestrator.domain.planning import Activation, Plan
from orchestrator.domain.remediation import (
    IN_FLIGHT,
    Action,
    Attempt,
    AttemptState,
    Outcome,
    StepRecord,
)
from orchestrator.domain.rollout import ENDED, NOT_DISPATCHING, Run, RunEvent, RunState

_OUT_OF_REACH = frozenset({Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """One server of a run."""

    server: str
    wave: int
    action: Action
    #: ``None`` while the server has not been begun, or is at work.
    outcome: Outcome | None
    state: AttemptState
    reason: str
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run with its servers in the order of the plan."""

    run: str
    plan: str
    article: str
    state: RunState
    reason: str
    started: datetime
    finished: datetime | None
    account: str
    summary: Mapping[str, int]
    outcomes: tuple[OutcomeLine, ...]
    #: The ends of the evidence chains, to be kept elsewhere.
    evidence_heads: Mapping[str, str]
    #: At a run's end: the hash of the checkpoint that binds them all.
    evidence_head: str = ""
    #: What to do where nobody is at work on a run that has not ended, or where one
    #: that has ended left a server unknown.
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A line of ``status`` without a run."""

    run: str
    plan: str
    state: RunState
    started: datetime
    summary: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunList:
    """Every run, newest first."""

    runs: tuple[RunSummary, ...]


def apply(services: Services, plan: str) -> Result[RunReport]:
    """Carry out an approved plan."""
    return conduct(services, start(services, plan))


def resume(services: Services, name: str | None) -> Result[RunReport]:
    """Go on with a run: what is unknown is settled by looking, then the rest."""
    return conduct(services, move_run(services, name, RunEvent.RESUME))


def conduct(services: Services, run: Run) -> Result[RunReport]:
    """Work on a run until it ends, stops or pauses.

    A person who asks to stop pauses it, and what is in flight finishes first. One
    who insists leaves at once: what is in flight is unknown until ``resume`` asks.
    """
    try:
        carry_out(services, run)
    except KeyboardInterrupt:
        _pause_after_interrupt(services, run.name)
        return _ended(services, run.name, interrupted=True)
    return _ended(services, run.name, interrupted=services.interrupted())


def _ended(services: Services, name: str, *, interrupted: bool) -> Result[RunReport]:
    """A run as this process leaves it, with a checkpoint that binds all evidence."""
    bound = bind(services).hash
    result = report(services, name, interrupted=interrupted)
    return replace(result, data=replace(result.data, evidence_head=bound))


def _pause_after_interrupt(services: Services, name: str) -> None:
    """Leave a state that ``resume`` takes up, however the interrupt came."""
    with services.storage.read() as uow:
        state = find_run(uow, name).state
    if state is RunState.RUNNING:
        state = move_run(services, name, RunEvent.PAUSE).state
    if state is RunState.PAUSING:
        move_run(services, name, RunEvent.QUIET, "interrupted")


def pause(services: Services, name: str | None) -> Result[RunReport]:
    """Begin no further server; what is in flight finishes."""
    run = move_run(services, name, RunEvent.PAUSE, "paused by an operator")
    return report(services, run.name)


def abort(
    services: Services, name: str | None, *, now: bool = False
) -> Result[RunReport]:
    """End a run for good; what is in flight finishes, or at once is left unknown."""
    if now:
        why = "aborted at once by an operator"
        return report(services, move_run(services, name, RunEvent.ABORT_NOW, why).name)
    run = move_run(services, name, RunEvent.ABORT, "aborted by an operator")
    return report(services, run.name)


def status(services: Services, name: str | None) -> Result[RunReport]:
    """A run as it stands, or the newest."""
    return report(services, name)


def list_runs(services: Services) -> Result[RunList]:
    """Every run, newest first."""
    with services.storage.read() as uow:
        return Result(
            "run-list",
            RunList(
                tuple(
                    RunSummary(
                        run.name,
                        run.plan[:12],
                        run.state,
                        run.started,
                        tally(uow.runs.attempts(run.name)),
                    )
                    for run in uow.runs.all()
                )
            ),
        )


def report(
    services: Services, name: str | None, *, interrupted: bool = False
) -> Result[RunReport]:
    """A run with its exit code."""
    with services.storage.read() as uow:
        run = find_run(uow, name)
        stored = uow.plans.find(run.plan)
        attempts = uow.runs.attempts(run.name)
        if stored is None:
            raise AssertionError("a run's plan is stored with it")
        data = replace(
            _report(uow, run, stored.plan, attempts),
            next_step=_next_step(services, uow, run, attempts),
        )
    code = (
        ExitCode.INTERRUPTED if interrupted else exit_code(run, attempts, stored.plan)
    )
    return Result("run", data, code)


def _next_step(
    services: Services, uow: UnitOfWork, run: Run, attempts: Iterable[Attempt]
) -> str:
    resume = f"orchestrator resume {run.name}"
    if run.state in ENDED:
        unknown = [found.server for found in attempts if found.state in IN_FLIGHT]
        names = ", ".join(unknown)
        return f"{resume} asks the hosts what became of {names}" if unknown else ""
    held = any(
        lives(services, lease)
        for lease in uow.runs.leases()
        if lease.resource == run_resource(run.name)
    )
    # What stopped a run says itself what lets it go on.
    said = held or resume in run.reason
    return "" if said else f"nobody is at work on it; {resume} goes on"


def _report(
    uow: UnitOfWork, run: Run, plan: Plan, attempts: Sequence[Attempt]
) -> RunReport:
    return RunReport(
        run=run.name,
        plan=plan.name,
        article=plan.article,
        state=run.state,
        reason=run.reason,
        started=run.started,
        finished=run.finished,
        account=run.account,
        summary=tally(attempts),
        outcomes=tuple(_line(run, attempt) for attempt in attempts),
        evidence_heads={head.writer: head.hash for head in uow.evidence.heads()},
    )


#: A server that such a run has not begun was skipped, as far as anyone can see now;
#: the journal keeps it ready, for ``resume``.
_LEFT = frozenset({RunState.STOPPED, RunState.PAUSED, RunState.ABORTED})


def _line(run: Run, attempt: Attempt) -> OutcomeLine:
    unknown = attempt.state is AttemptState.UNKNOWN
    if attempt.state is AttemptState.READY and run.state in _LEFT:
        attempt = replace(
            attempt,
            outcome=Outcome.SKIPPED,
            reason=f"the run {run.state.value} first: {run.reason}",
        )
    return OutcomeLine(
        server=attempt.server,
        wave=attempt.wave,
        action=attempt.action,
        outcome=Outcome.UNKNOWN if unknown else attempt.outcome,
        state=attempt.state,
        reason=attempt.reason,
        steps=attempt.steps,
    )


def tally(attempts: Sequence[Attempt]) -> dict[str, int]:
    """How many servers ended how; those without an outcome by their state."""
    found = Counter(
        attempt.outcome.value if attempt.outcome else attempt.state.value
        for attempt in attempts
    )
    return dict(sorted(found.items()))


def aims_of(plan: Plan) -> frozenset[Outcome]:
    """The outcomes that a plan was made for."""
    aims = {Outcome.REMEDIATED, Outcome.ALREADY_COMPLIANT, Outcome.ROLLED_BACK}
    if plan.policy.activation is Activation.LEAVE:
        aims.add(Outcome.INSTALLED_NOT_ACTIVE)
    return frozenset(aims)


def exit_code(run: Run, attempts: Sequence[Attempt], plan: Plan) -> ExitCode:
    """What a run earns: 4 if stopped, 3 short of the aim, 6 if only out of reach."""
    codes = []
    if run.state is RunState.STOPPED:
        codes.append(ExitCode.STOPPED)
    elif run.state in NOT_DISPATCHING and run.state is not RunState.FINISHED:
        codes.append(ExitCode.NOT_AS_IT_SHOULD_BE)
    aims = aims_of(plan)
    for attempt in attempts:
        if attempt.outcome in aims:
            continue
        if attempt.outcome in _OUT_OF_REACH:
            codes.append(ExitCode.UNREACHABLE)
        else:
            codes.append(ExitCode.NOT_AS_IT_SHOULD_BE)
    return strongest(codes)
