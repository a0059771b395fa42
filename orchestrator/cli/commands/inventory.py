"""``inventory``: servers, pools, sites and who talks to whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from orchestrator.application.results import Result
from orchestrator.cli.arguments import File, Selection, Server
from orchestrator.cli.registry import command, group
from orchestrator.cli.session import Answer, Session


class ExportFormat(StrEnum):
    """Programs that an inventory can be handed to."""

    ANSIBLE = "ansible"


app = group("inventory", "Servers, pools, sites and who talks to whom.")


@command(
    app,
    "import",
    kind="inventory-change",
    examples=("inventory import estate.yml", "inventory import estate.csv --prune"),
)
def import_inventory(
    session: Session,
    file: File,
    *,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Retire servers that the file lacks."),
    ] = False,
) -> Answer:
    """Take a file (.yml or .csv) as the estate; twice changes nothing."""
    from orchestrator.application import estate

    with session.services() as services:
        return estate.import_inventory(
            services, session.program.inventories, file, prune=prune
        )


@command(
    app,
    "list",
    kind="inventory",
    examples=("inventory list", "inventory list pool:pool-01+role:front-end"),
)
def list_servers(session: Session, selection: Selection = "") -> Answer:
    """List the servers that are not retired."""
    from orchestrator.application import estate
    from orchestrator.domain.selection import parse_selection

    with session.services() as services:
        return estate.list_servers(services, parse_selection(selection))


@command(app, "show", kind="server", examples=("inventory show lcs01fe1",))
def show_server(session: Session, server: Server) -> Answer:
    """Show all that the inventory says of a server."""
    from orchestrator.application import estate

    with session.services() as services:
        return estate.show_server(services, server)


@command(
    app,
    "export",
    kind="ansible-inventory",
    examples=("inventory export --to ansible > inventory.json",),
)
def export(
    session: Session,
    to: Annotated[ExportFormat, typer.Option("--to", help="For which program.")],
) -> Answer:
    """Print the inventory as another program wants it."""
    from orchestrator.application.estate import AnsibleView

    with session.services() as services, services.storage.read() as uow:
        inventory = uow.inventory.load()
    match to:
        case ExportFormat.ANSIBLE:
            view = AnsibleView(session.program.to_ansible(inventory))
            return Result("ansible-inventory", view)
