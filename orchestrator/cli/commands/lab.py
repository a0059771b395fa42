"""``lab`` and ``demo``: a simulated estate, and the whole way through it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from orchestrator.application.results import Result
from orchestrator.cli.registry import command, group
from orchestrator.cli.session import Answer, Session

app = typer.Typer()
lab_app = group("lab", "A simulated estate that speaks WinRM 1.1 on loopback.")


@command(
    lab_app,
    "serve",
    kind="lab",
    examples=(
        "lab serve --write-inventory lab.yml",
        "lab serve --servers 200 --seed 7 --scenario faults.yml",
    ),
)
def serve(
    session: Session,
    *,
    servers: Annotated[
        int | None,
        typer.Option("--servers", min=1, help="How many; as the scenario says."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same estate.")
    ] = 1,
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", metavar="FILE", help="Who is peculiar, and how."),
    ] = None,
    write_inventory: Annotated[
        Path | None,
        typer.Option(
            "--write-inventory",
            metavar="FILE",
            help="Write the inventory once all servers answer.",
        ),
    ] = None,
    write_packages: Annotated[
        Path | None,
        typer.Option(
            "--write-packages",
            metavar="FOLDER",
            help="Write the lab's own packages and their file table.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, help="Of every server; 0 takes free ones."
        ),
    ] = 5985,
) -> None:
    """Serve simulated servers until Ctrl-C.

    They let in the credential "lab", which is made where there is none.
    """
    from orchestrator.cli.output import show
    from orchestrator.cli.serving import account_of_lab, report_of, write_kit
    from orchestrator.lab import scenario as scenarios
    from orchestrator.lab.serve import Lab

    chosen = scenarios.load(scenario) if scenario else scenarios.default()
    if servers is not None:
        chosen = replace(chosen, servers=servers)
    password = account_of_lab(session.program.credentials)
    with Lab(chosen, seed, password, port=port) as lab:
        write_kit(lab, write_inventory, write_packages)
        report = report_of(lab, write_inventory)
        show(session, Result("lab", report))
        with suppress(KeyboardInterrupt):
            Event().wait()


@command(app, "demo", kind="demo", examples=("demo", "demo --folder /tmp/demo --keep"))
def demo(
    session: Session,
    folder: Annotated[
        Path,
        typer.Option(
            "--folder", metavar="FOLDER", help="Begun anew; kept for a look around."
        ),
    ] = Path(".demo"),
    *,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the servers up until Ctrl-C, to go on."),
    ] = False,
) -> Answer:
    """Run the main job on a simulated estate, through the commands you would use."""
    from orchestrator.cli.demo import Demo
    from orchestrator.cli.output import show

    stage = Demo.open(folder, json=session.json, no_color=session.options.no_color)
    with stage.serving():
        result = Result("demo", stage.play())
        if keep:
            show(session, result)
            stage.wait()
    return result
