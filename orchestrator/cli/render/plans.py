"""Plans as an approver must see them, and runs as an operator drives them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from orchestrator.application.apply import OutcomeLine, RunList, RunReport
from orchestrator.application.dry_run import DryRunReport
from orchestrator.application.plans import PlanList, PlanReport
from orchestrator.cli.render.parts import (
    counts,
    fields,
    heading,
    listed,
    moment,
    table,
    text,
    word,
)
from orchestrator.domain.budgets import Budget
from orchestrator.domain.planning import Approval, PlanPolicy


def plan(report: PlanReport) -> Iterator[RenderableType]:
    """Waves, who is left out and why, how far it reaches, what is new."""
    yield heading(f"plan {report.plan} for {report.article}")
    yield fields(
        (
            ("digest", report.digest),
            ("made", moment(report.made)),
            ("policy", _policy(report.policy)),
            ("gates", _gates(report.policy)),
            ("budgets", _budgets(report.policy)),
            *_reach(report),
            *(("approved", _approval(each)) for each in report.approvals),
            ("missing", _missing(report)),
            *_forecast(report),
            ("run", report.run),
        )
    )
    if report.waves:
        yield table(
            ("wave", "server", "action", "pool", "site", "reason"), _planned(report)
        )
    else:
        yield text("nothing to do: no server is in this plan", "bold")
    if report.excluded:
        yield heading("left alone")
        yield table(
            ("server", "verdict", "reason"),
            (
                (gone.server, word(gone.verdict), gone.reason)
                for gone in report.excluded
            ),
        )


def approval(report: PlanReport) -> Iterator[RenderableType]:
    """Who wants which plan, what it still lacks, and the command that is next."""
    yield fields(
        (
            ("plan", f"{report.plan} for {report.article}"),
            ("digest", report.digest),
            *(("approved", _approval(each)) for each in report.approvals),
            ("missing", _missing(report)),
        )
    )
    if not report.approvals_missing:
        yield text("next: ", "bold").append(
            text(f"orchestrator apply {report.plan}", "cyan")
        )


def _planned(report: PlanReport) -> Iterator[Sequence[object]]:
    for wave in report.waves:
        for line in wave.servers:
            yield (
                wave.number,
                line.server,
                line.action.value,
                line.pool or "",
                line.site,
                line.reason,
            )


def _policy(policy: PlanPolicy) -> str:
    peers = policy.assume_unknown_peers
    words = [
        policy.scope.value,
        f"activate {policy.activation.value}",
        f"waves of {listed(map(_size, policy.growth))} and the rest",
        f"facts up to {policy.fact_limit_hours} h",
        f"pool wait {policy.pool_wait_minutes} min",
    ]
    if peers is not None:
        words.append(f"unknown peers taken for {peers.value}")
    return listed(words)


def _gates(policy: PlanPolicy) -> str:
    words = [f"{policy.success_percent}% of a wave", f"soak {policy.soak_minutes} min"]
    if policy.symptom_gate:
        words.append("measured not to leak")
    if policy.manual_gates:
        words.append("a person's word after each wave")
    return listed(words)


def _budgets(policy: PlanPolicy) -> str:
    return listed(
        f"{failure.value} {_allowed(budget)}"
        for failure, budget in policy.budgets.items()
    )


def _allowed(budget: Budget) -> str:
    if budget.count is not None:
        return f"{budget.count}"
    return "any" if budget.percent is None else f"{budget.percent:g}%"


def _size(size: float) -> str:
    return f"{size:.0%}" if size < 1 else f"{size:.0f}"


def _reach(report: PlanReport) -> Iterator[tuple[str, object]]:
    radius = report.radius
    users = "" if radius.users is None else f", {radius.users} users"
    yield "reach", f"{radius.servers} servers{users}"
    yield "pools", listed(radius.pools)
    yield "sites", listed(radius.sites)
    change = report.difference
    if change is not None:
        gone = listed(change.removed) or "none"
        new = listed(change.added) or "none"
        yield f"against {change.previous}", f"added {new}; removed {gone}"


def _approval(given: Approval) -> str:
    return (
        f"by {given.by} ({given.account}) until {moment(given.expires)}: {given.reason}"
    )


def _missing(report: PlanReport) -> str:
    count = report.approvals_missing
    if not count or report.run:
        return ""
    other = "another account" if report.approvals else "an account"
    each = f", each of {other}" if report.policy.approvals > 1 else ""
    return f"{count} of {report.policy.approvals} approvals{each}"


def _forecast(report: PlanReport) -> Iterator[tuple[str, object]]:
    for wave in report.waves:
        if wave.p50_seconds is not None and wave.p95_seconds is not None:
            likely, late = _minutes(wave.p50_seconds), _minutes(wave.p95_seconds)
            yield f"wave {wave.number}", f"{likely} min, or up to {late} (95 of 100)"


def _minutes(seconds: float) -> int:
    return math.ceil(seconds / 60)


def plans(found: PlanList) -> Iterator[RenderableType]:
    """Every plan, newest first."""
    yield table(
        ("plan", "article", "made", "servers", "waves", "approved", "run"),
        (
            (
                line.plan,
                line.article,
                moment(line.made),
                line.servers,
                line.waves,
                "yes" if line.approved else "no",
                line.run or "",
            )
            for line in found.plans
        ),
    )


def run(report: RunReport) -> Iterator[RenderableType]:
    """Each server of a run, then what it came to and why it stopped."""
    yield heading(f"{report.run} of plan {report.plan} for {report.article}")
    yield table(
        ("wave", "server", "action", "outcome", "last step", "reason"),
        (_outcome(line) for line in report.outcomes),
    )
    yield fields(
        (
            ("state", report.state.value),
            ("because", report.reason),
            ("next", report.next_step),
            ("started", f"{moment(report.started)} by {report.account}"),
            ("finished", moment(report.finished)),
            ("servers", counts(report.summary)),
            ("evidence head", report.evidence_head),
        )
    )


def _outcome(line: OutcomeLine) -> Sequence[object]:
    end = word(line.outcome) if line.outcome else text(line.state.value, "dim")
    step = line.steps[-1].step.value if line.steps else ""
    return (line.wave, line.server, line.action.value, end, step, line.reason)


def dry_run(report: DryRunReport) -> Iterator[RenderableType]:
    """What an apply would do to each server as it is now."""
    yield heading(f"dry run of plan {report.plan} for {report.article}")
    yield table(
        ("wave", "server", "action", "begins", "reason"),
        (
            (
                line.wave,
                line.server,
                line.action.value,
                text("yes", "green") if line.begins else text("no", "yellow"),
                line.reason,
            )
            for line in report.servers
        ),
    )
    begun = sum(line.begins for line in report.servers)
    yield heading(f"{begun} of {len(report.servers)} servers would be begun")
    if report.obstacle:
        yield text(f"an apply would be refused: {report.obstacle}", "yellow")


def runs(found: RunList) -> Iterator[RenderableType]:
    """Every run, newest first."""
    yield table(
        ("run", "plan", "state", "started", "servers"),
        (
            (
                line.run,
                line.plan,
                line.state.value,
                moment(line.started),
                counts(line.summary),
            )
            for line in found.runs
        ),
    )
