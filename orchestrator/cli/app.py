"""The command line as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.commands import (
    catalog,
    change,
    credential,
    evidence,
    inventory,
    lab,
    look,
    serve,
)
from orchestrator.cli.options import shared
from orchestrator.cli.registry import session_of
from orchestrator.cli.session import Session

_ABOUT = """Find the servers that need a hotfix, plan, install it, and prove it.

An estate goes through: catalog import, inventory import, survey, audit, plan,
approve, apply, audit. See each command's --help for examples; orchestrator demo shows
the whole way on a simulated estate.
"""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"orchestrator {version('orchestrator')}")
        raise typer.Exit


def _start(
    _: Session,
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Show the version.", callback=_version),
    ] = None,
) -> None:
    """Take the options that stand before the command."""


app = typer.Typer(
    name="orchestrator",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.callback(help=_ABOUT)(shared(_start, session_of))
for topic in (
    catalog.app,
    inventory.app,
    credential.app,
    look.app,
    evidence.app,
    change.plan_app,
    change.app,
    serve.app,
    lab.lab_app,
    lab.app,
):
    app.add_typer(topic)
