"""Commands that plan a change, approve it, carry it out and follow it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import typer

from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.cli.arguments import (
    Article,
    Engine,
    GoingRun,
    Plan,
    Processes,
    Run,
    RunOf,
    Selection,
    said,
)
from orchestrator.cli.registry import MAKE_PLAN, ArticleGroup, command, group
from orchestrator.cli.session import Answer, Session
from orchestrator.domain.budgets import DEFAULT_BUDGETS, Budget, FailureClass
from orchestrator.domain.exposure import AssumedPeers
from orchestrator.domain.planning import Activation, PlanPolicy, Scope

#: Between two looks at a run that is watched, in seconds.
WATCH_SECONDS = 2.0

_DEFAULTS = PlanPolicy()
_GROWTH = "1,5%,25%"
_PERCENT = 100
_PLAN_EXAMPLES = (
    "plan KB903927",
    "plan KB903927 site:site-1 --activate restart-service",
    "plan KB903927 --policy applicable --growth 1,10%,50% --budget install=1",
)

app = typer.Typer()
plan_app = group(
    "plan",
    "Make, show and list plans: plan KB [SELECTION], plan show PLAN, plan list. "
    "The options of plan KB are those of plan make KB.",
    cls=ArticleGroup,
    examples=_PLAN_EXAMPLES,
)


@command(
    plan_app,
    MAKE_PLAN,
    kind="plan",
    examples=_PLAN_EXAMPLES,
)
def make_plan(
    session: Session,
    article: Article,
    selection: Selection = "",
    *,
    policy: Annotated[
        Scope,
        typer.Option(
            "--policy",
            help="affected: servers with the problem, as the article asks; "
            "applicable: also unfixed ones not known to have it.",
        ),
    ] = _DEFAULTS.scope,
    activate: Annotated[
        Activation,
        typer.Option("--activate", help="Whether to restart the LCS service."),
    ] = _DEFAULTS.activation,
    assume_unknown_peers: Annotated[
        AssumedPeers | None,
        typer.Option(
            "--assume-unknown-peers",
            help="What a peer or firewall that nobody can read is taken for.",
        ),
    ] = None,
    growth: Annotated[
        str,
        typer.Option(
            "--growth",
            metavar="SIZES",
            help="Size of each wave, a count or a share; the last takes the rest.",
        ),
    ] = _GROWTH,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="CLASS=N",
            help="Failures of a class that are tolerated, a count or a share of the "
            f"plan; may be repeated. Classes: {', '.join(FailureClass)}.",
        ),
    ] = None,
    success_percent: Annotated[
        int,
        typer.Option(
            "--success-percent",
            min=0,
            max=100,
            help="So much of a wave must go well before the next begins.",
        ),
    ] = _DEFAULTS.success_percent,
    soak_minutes: Annotated[
        int,
        typer.Option("--soak-minutes", min=0, help="A wave proves itself for so long."),
    ] = _DEFAULTS.soak_minutes,
    manual_gates: Annotated[
        bool,
        typer.Option("--manual-gates", help="Somebody must resume after each wave."),
    ] = _DEFAULTS.manual_gates,
    symptom_gate: Annotated[
        bool,
        typer.Option(
            "--symptom-gate",
            help="A wave's servers must be measured not to leak; see survey --watch.",
        ),
    ] = _DEFAULTS.symptom_gate,
    approvals: Annotated[
        int,
        typer.Option(
            "--approvals", min=1, max=2, help="Different accounts that must approve."
        ),
    ] = _DEFAULTS.approvals,
    fact_limit_hours: Annotated[
        int,
        typer.Option("--fact-limit-hours", min=1, help="Older facts are stale."),
    ] = _DEFAULTS.fact_limit_hours,
    pool_wait_minutes: Annotated[
        int,
        typer.Option(
            "--pool-wait-minutes",
            min=0,
            help="How long a degraded pool may hold up its servers.",
        ),
    ] = _DEFAULTS.pool_wait_minutes,
) -> Answer:
    """Plan the change of the selected servers; changes nothing on them.

    The word "make" may be left out: orchestrator plan KB903927.
    """
    from orchestrator.application import plans
    from orchestrator.domain.selection import parse_selection

    wanted = PlanPolicy(
        scope=policy,
        activation=activate,
        assume_unknown_peers=assume_unknown_peers,
        growth=growth_of(growth),
        fact_limit_hours=fact_limit_hours,
        budgets=budgets_of(budget or ()),
        success_percent=success_percent,
        soak_minutes=soak_minutes,
        manual_gates=manual_gates,
        symptom_gate=symptom_gate,
        approvals=approvals,
        pool_wait_minutes=pool_wait_minutes,
    )
    with session.services() as services:
        return plans.plan(services, article, parse_selection(selection), wanted)


def budgets_of(words: Iterable[str]) -> dict[FailureClass, Budget]:
    """The usual budgets with those of the command line, such as ``install=1``.

    Raises:
        RequestError: a word names no class, or no number.
    """
    budgets = dict(DEFAULT_BUDGETS)
    for word in words:
        name, _, size = word.partition("=")
        try:
            budgets[FailureClass(name.strip())] = Budget.parse(size)
        except ValueError:
            raise RequestError(
                ErrorCode.BAD_INPUT,
                f"--budget: found {word!r}, expected CLASS=N or CLASS=N%, 0 to 100%",
                f"classes: {', '.join(FailureClass)}; for example --budget install=1",
            ) from None
    return budgets


def growth_of(text: str) -> tuple[float, ...]:
    """Read ``1,5%,25%``: whole servers, or shares of the plan below 100 %.

    Raises:
        RequestError: a size is neither.
    """
    return tuple(_size(word.strip()) for word in text.split(","))


def _size(word: str) -> float:
    number, percent = word.removesuffix("%"), word.endswith("%")
    whole = number.isascii() and number.isdigit() and int(number) > 0
    if whole and not percent:
        return int(number)
    if whole and int(number) < _PERCENT:
        return int(number) / _PERCENT
    raise RequestError(
        ErrorCode.BAD_INPUT,
        f"--growth: found {word!r}, expected a count of servers or a share "
        "from 1% to 99%",
        f"for example --growth {_GROWTH}",
    )


@command(plan_app, "show", kind="plan", examples=("plan show 3f9a0c12ab34",))
def show_plan(session: Session, plan: Plan) -> Answer:
    """Show a plan as an approver must see it."""
    from orchestrator.application import plans

    with session.services() as services:
        return plans.show(services, plan)


@command(plan_app, "list", kind="plan-list", examples=("plan list",))
def list_plans(session: Session) -> Answer:
    """List every plan, newest first."""
    from orchestrator.application import plans

    with session.services() as services:
        return plans.list_plans(services)


@command(
    app,
    "approve",
    kind="approval",
    examples=('approve 3f9a0c12ab34 --by "A. Manager" --reason "change 4711"',),
)
def approve(
    session: Session,
    plan: Plan,
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="The person who wants this.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, or which change.")
    ],
    days: Annotated[
        int, typer.Option("--days", min=1, max=365, help="How long it holds.")
    ] = 7,
) -> Answer:
    """Attest that a named person wants this very plan carried out."""
    from orchestrator.application import plans

    with session.services() as services:
        given = plans.approve(
            services,
            plan,
            by=said("--by", by),
            reason=said("--reason", reason),
            days=days,
        )
    return replace(given, kind="approval")


@command(
    app,
    "apply",
    kind="apply",
    examples=("apply 3f9a0c12ab34 --dry-run", "apply 3f9a0c12ab34"),
)
def apply(
    session: Session,
    plan: Plan,
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read the servers and say what would be done."),
    ] = False,
    processes: Processes = None,
    engine: Engine = None,
) -> Answer:
    """Carry out an approved plan; Ctrl-C pauses it when what is in flight is done."""
    from orchestrator.application import apply as use_case
    from orchestrator.application.dry_run import dry_run as rehearse

    session.with_engine(engine)
    session.processes = processes
    with session.pausable_services() as services:
        if dry_run:
            return rehearse(services, plan)
        return replace(use_case.apply(services, plan), kind="apply")


@command(app, "resume", kind="apply", examples=("resume", "resume run-1a2b3c4d"))
def resume(
    session: Session,
    run: GoingRun = None,
    *,
    processes: Processes = None,
    engine: Engine = None,
) -> Answer:
    """Go on with a run; what is unknown is settled by looking at the servers first."""
    from orchestrator.application import apply as use_case

    session.with_engine(engine)
    session.processes = processes
    with session.pausable_services() as services:
        return replace(use_case.resume(services, run), kind="apply")


@command(app, "pause", kind="status", examples=("pause", "pause run-1a2b3c4d"))
def pause(session: Session, run: GoingRun = None) -> Answer:
    """Begin no further server; what is in flight finishes."""
    from orchestrator.application import apply as use_case

    with session.services() as services:
        return replace(use_case.pause(services, run), kind="status")


@command(
    app,
    "abort",
    kind="status",
    examples=("abort", "abort run-1a2b3c4d --now"),
)
def abort(
    session: Session,
    run: GoingRun = None,
    *,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Leave what is in flight unknown; resume settles it."
        ),
    ] = False,
) -> Answer:
    """End a run for good; what is in flight finishes."""
    from orchestrator.application import apply as use_case

    with session.services() as services:
        return replace(use_case.abort(services, run, now=now), kind="status")


@command(app, "retry", kind="plan", examples=("retry run-1a2b3c4d",))
def retry(session: Session, run: RunOf) -> Answer:
    """Plan anew what a run did not bring to its aim; approved and applied again."""
    from orchestrator.application import retry as use_case

    with session.services() as services:
        return use_case.retry(services, run)


@command(
    app,
    "rollback",
    kind="plan",
    examples=("rollback run-1a2b3c4d", "rollback run-1a2b3c4d pool:pool-1"),
)
def rollback(session: Session, run: RunOf, selection: Selection = "") -> Answer:
    """Plan to take back what a run installed; approved and applied like any other."""
    from orchestrator.application import rollback as use_case
    from orchestrator.domain.selection import parse_selection

    with session.services() as services:
        return use_case.rollback(services, run, parse_selection(selection))


@command(
    app,
    "status",
    kind="status",
    examples=("status", "status run-1a2b3c4d --watch"),
)
def status(
    session: Session,
    run: Run = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the run until it ends or stops.")
    ] = False,
) -> Answer:
    """Show a run; without a name every run, or with --watch the newest."""
    from orchestrator.application import apply as use_case
    from orchestrator.cli.output import glance
    from orchestrator.cli.progress import Following
    from orchestrator.domain.rollout import RunState

    moving = (RunState.RUNNING, RunState.PAUSING, RunState.ABORTING)
    with session.services() as services:
        if run is None and not watch:
            return use_case.list_runs(services)
        seen = use_case.status(services, run)
        following = Following(services.progress)
        while watch and seen.data.state in moving:
            if not glance(session, replace(seen, kind="status")):
                following.look(seen.data)
            time.sleep(WATCH_SECONDS)
            seen = use_case.status(services, seen.data.run)
        return replace(seen, kind="status")
