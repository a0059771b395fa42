"""``credential``: whom we are to the servers."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.application.ports.secrets import Credential, Mechanism
from orchestrator.cli.arguments import Server
from orchestrator.cli.registry import command, group
from orchestrator.cli.session import Answer, Session

app = group("credential", "Whom we are to the servers.")


@command(
    app,
    "set",
    kind="credential",
    examples=(
        "credential set fleet --username fleet@EXAMPLE.COM",
        "credential set lab --username USER --mechanism ntlm --password-stdin < FILE",
    ),
)
def set_credential(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As the inventory names it.")
    ],
    username: Annotated[
        str,
        typer.Option("--username", metavar="USER", help="Account on the servers."),
    ],
    mechanism: Annotated[
        list[Mechanism] | None,
        typer.Option(
            "--mechanism",
            help="How it may be shown to a server; may be repeated. "
            "kerberos if left out.",
        ),
    ] = None,
    *,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password from standard input instead of asking.",
        ),
    ] = False,
) -> Answer:
    """Keep a credential in the keyring or the private file."""
    from orchestrator.application import credentials
    from orchestrator.cli.asking import secret_for

    credential = Credential(
        name,
        username,
        secret_for(username, from_stdin=password_stdin),
        tuple(mechanism or (Mechanism.KERBEROS,)),
    )
    return credentials.keep(session.program.credentials, credential)


@command(
    app, "check", kind="credential-check", examples=("credential check lab lcs01fe1",)
)
def check_credential(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The credential.")],
    server: Server,
) -> Answer:
    """Sign in to one server and ask who it is."""
    from orchestrator.application import credentials

    with session.services() as services:
        return credentials.check(services, name, server)


@command(app, "list", kind="credential-list", examples=("credential list",))
def list_credentials(session: Session) -> Answer:
    """List every credential, never its secret."""
    from orchestrator.application import credentials

    return credentials.list_credentials(session.program.credentials)
