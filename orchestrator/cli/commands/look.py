"""Commands that look and judge, and change no server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.cli.arguments import (
    Article,
    Processes,
    Selection,
    Server,
    moment_at,
    said,
)
from orchestrator.cli.options import AuditFormat
from orchestrator.cli.registry import command
from orchestrator.cli.session import Answer, Session

if TYPE_CHECKING:
    from orchestrator.domain.selection import Selection as Servers

#: Of a watch, and the seconds between them: an hour, as much as decides.
ROUNDS = 13
INTERVAL = 300

app = typer.Typer()


@command(
    app,
    "survey",
    kind="survey",
    examples=(
        "survey",
        "survey pool:pool-01",
        "survey verdict:unknown",
        "survey verdict:needed --watch --rounds 13 --interval 300",
    ),
)
def survey(
    session: Session,
    selection: Selection = "",
    *,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Measure again and again how the memory of the article's processes "
            "grows; Ctrl-C ends it with what was measured.",
        ),
    ] = False,
    article: Annotated[
        str | None,
        typer.Option(
            "--article",
            metavar="KB",
            help="With --watch: names the processes; may be left out where the "
            "catalog has one.",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=1, help="With --watch: how often; 12 over an hour decide."
        ),
    ] = ROUNDS,
    interval: Annotated[
        int,
        typer.Option(
            "--interval", metavar="SECONDS", min=5, help="With --watch: how far apart."
        ),
    ] = INTERVAL,
    processes: Processes = None,
) -> Answer:
    """Read the servers and store what they say; changes nothing on them."""
    from orchestrator.application import survey as use_case
    from orchestrator.domain.selection import parse_selection

    wanted = parse_selection(selection)
    session.processes = processes
    if watch:
        session.kind = "watch"
        return _watched(session, wanted, article, rounds, timedelta(seconds=interval))
    with session.services() as services:
        return use_case.survey(services, wanted)


def _watched(
    session: Session,
    selection: Servers,
    article: str | None,
    rounds: int,
    interval: timedelta,
) -> Answer:
    """The last round that ended. Ctrl-C is how a watch ends, no failure of it."""
    from orchestrator.application.watching import watch
    from orchestrator.cli.output import glance
    from orchestrator.cli.render.memory import summary
    from orchestrator.cli.text import note

    ended: list[Answer] = []
    with session.program.services() as services:
        seen = watch(services, selection, article, rounds=rounds, interval=interval)
        try:
            for last in seen:
                ended = [last]
                glance(session, last)
                if not session.options.quiet:
                    note(f"round {last.data.round} of {rounds}: {summary(last.data)}")
        except KeyboardInterrupt:
            if not ended:
                raise
    return ended[-1]


@command(
    app,
    "audit",
    kind="audit",
    without=("format",),
    examples=(
        "audit KB903927",
        "audit KB903927 verdict:needed+site:site-1",
        "audit KB903927 --as-of 2027-06-30T12:00:00Z",
        "audit KB903927 --fresh --format html --output audit.html",
    ),
)
def audit(
    session: Session,
    article: Article,
    selection: Selection = "",
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Survey the servers first.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="Judge by what was recorded by then, as 2026-03-02T20:00:00Z; "
            "a day counts from its start. Records nothing.",
        ),
    ] = None,
    written_as: Annotated[
        AuditFormat | None,
        typer.Option("--format", help="What the audit is written as."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="Write to a file, not to stdout."
        ),
    ] = None,
) -> Answer:
    """Say of every server what it is, why, and how old the facts are."""
    from orchestrator.application import audit as use_case
    from orchestrator.domain.selection import parse_selection

    if as_of is not None and fresh:
        message = "found --fresh with --as-of, expected one: the past has no survey"
        raise RequestError(ErrorCode.BAD_INPUT, message)
    moment = None if as_of is None else moment_at(as_of, "--as-of")
    session.take_audit(written_as, output)
    chosen = parse_selection(selection)
    with session.services() as services:
        if moment is None:
            found = use_case.audit(services, article, chosen, fresh=fresh)
        else:
            found = use_case.audit_as_of(services, article, chosen, moment)
        if session.options.format == AuditFormat.HTML:
            from orchestrator.application.reporting import surroundings

            session.around = surroundings(services, found.data)
        return found


@command(
    app,
    "explain",
    kind="explanation",
    examples=("explain lcs01fe1", "explain lcs01fe1 KB903927"),
)
def explain(
    session: Session,
    server: Server,
    article: Annotated[
        str | None,
        typer.Argument(metavar="KB", help="May be left out where the catalog has one."),
    ] = None,
) -> Answer:
    """Show one server on one screen: verdict, proof, and the next command."""
    from orchestrator.application import explain as use_case

    with session.services() as services:
        return use_case.explain(services, server, article)


@command(
    app,
    "history",
    kind="history",
    examples=("history lcs01fe1", "history lcs01fe1 --step wait"),
)
def history(
    session: Session,
    server: Server,
    *,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            metavar="STEP",
            help="Only this step of its attempts, such as stage, and its log: that "
            "of the installer is in wait.",
        ),
    ] = None,
) -> Answer:
    """Show what was recorded of a server, oldest first."""
    from orchestrator.application import explain as use_case

    with session.services() as services:
        return use_case.history(services, server, step)


@command(
    app,
    "waive",
    kind="waiver",
    examples=(
        "waive lcs01fe4 KB903927 --owner 'A. Manager' --until 2027-06-30 --reason old",
    ),
)
def waive(
    session: Session,
    server: Server,
    article: Article,
    *,
    owner: Annotated[
        str, typer.Option("--owner", metavar="NAME", help="Who answers for it.")
    ],
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The day on which it ends, as 2027-06-30; or a time with offset.",
        ),
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it is accepted.")
    ],
) -> Answer:
    """Accept a server as it is, until a day; its verdict stays."""
    from orchestrator.application import waivers

    ends = moment_at(until, "--until")
    with session.services() as services:
        return waivers.waive(
            services,
            server,
            article,
            owner=said("--owner", owner),
            until=ends,
            reason=said("--reason", reason),
        )
