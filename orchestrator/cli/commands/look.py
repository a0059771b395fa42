"""Commands that look and judge, and change no server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.cli.arguments import Article, Selection, Server
from orchestrator.cli.options import AuditFormat
from orchestrator.cli.registry import command
from orchestrator.cli.session import Answer, Session

app = typer.Typer()


@command(
    app,
    "survey",
    kind="survey",
    examples=("survey", "survey pool:pool-01", "survey verdict:unknown"),
)
def survey(session: Session, selection: Selection = "") -> Answer:
    """Read the servers and store what they say; changes nothing on them."""
    from orchestrator.application import survey as use_case
    from orchestrator.domain.selection import parse_selection

    with session.services() as services:
        return use_case.survey(services, parse_selection(selection))


@command(
    app,
    "audit",
    kind="audit",
    without=("format",),
    examples=(
        "audit KB903927",
        "audit KB903927 verdict:needed+site:site-1",
        "audit KB903927 --fresh --format csv --output audit.csv",
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

    session.take_audit(written_as, output)
    with session.services() as services:
        return use_case.audit(
            services, article, parse_selection(selection), fresh=fresh
        )


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


@command(app, "history", kind="history", examples=("history lcs01fe1",))
def history(session: Session, server: Server) -> Answer:
    """Show what was recorded of a server, oldest first."""
    from orchestrator.application import explain as use_case

    with session.services() as services:
        return use_case.history(services, server)


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

    ends = _moment(until)
    with session.services() as services:
        return waivers.waive(
            services, server, article, owner=owner, until=ends, reason=reason
        )


def _moment(text: str) -> datetime:
    """A day or a time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"--until: found {text!r}, expected a day such as 2027-06-30",
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
