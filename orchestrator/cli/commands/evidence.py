"""``evidence``: what was recorded, for others to check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.arguments import moment_at, said
from orchestrator.cli.registry import command, group
from orchestrator.cli.session import Answer, Session

app = group("evidence", "What was recorded, for others to check.")


@command(
    app,
    "export",
    kind="evidence-export",
    examples=(
        "evidence export evidence.zip",
        "evidence export evidence.zip --sign-key operator.pem",
    ),
)
def export(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    *,
    sign_key: Annotated[
        Path | None,
        typer.Option(
            "--sign-key",
            metavar="FILE",
            help="Sign with this Ed25519 private key, in PEM.",
        ),
    ] = None,
) -> Answer:
    """Bind all chains by a checkpoint and write every record into one bundle."""
    from orchestrator.application import evidence as use_case

    with session.services() as services:
        bundles = session.program.bundles
        return use_case.export(services, bundles, file, sign_key)


@command(
    app,
    "verify",
    kind="evidence-check",
    examples=(
        "evidence verify evidence.zip",
        "evidence verify evidence.zip --public-key operator.pub",
    ),
)
def verify(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    *,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help="A hash that a run or an export printed, kept elsewhere since.",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="Check the signature by this Ed25519 public key, in PEM.",
        ),
    ] = None,
) -> Answer:
    """Check a bundle without any database, and name what is wrong and where."""
    from orchestrator.application import evidence as use_case

    return use_case.verify(session.program.bundles, file, head, public_key)


@command(
    app,
    "prune",
    kind="evidence-prune",
    examples=(
        "evidence prune --before 2025-01-01 --by 'A. Manager' --reason 'rule 7'",
        "evidence prune --before 2025-01-01 --by 'A. Manager' --reason 'rule 7' --yes",
    ),
)
def prune(
    session: Session,
    *,
    before: Annotated[
        str,
        typer.Option(
            "--before",
            metavar="TIME",
            help="The horizon; nobody can look back past it any more.",
        ),
    ],
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who answers for it.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Which rule asks for it.")
    ],
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do it. Without this it is only counted."),
    ] = False,
) -> Answer:
    """Take the content of what was superseded before a day; the hashes stay.

    What is in force on that day and who decided what stay whole. It cannot be undone:
    export first.
    """
    from orchestrator.application import retention

    horizon = moment_at(before, "--before")
    with session.services() as services:
        return retention.prune(
            services,
            horizon,
            by=said("--by", by),
            reason=said("--reason", reason),
            confirmed=yes,
        )
