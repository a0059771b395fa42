"""Commands of an installation on several machines."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.application.results import Result, not_found
from orchestrator.cli.registry import command
from orchestrator.cli.session import Answer, Session

app = typer.Typer()


@command(
    app,
    "worker",
    kind="worker",
    examples=("worker --site site-1", "worker --site site-1 --concurrency 32"),
)
def worker(
    session: Session,
    *,
    site: Annotated[
        list[str],
        typer.Option(
            "--site", metavar="NAME", help="Whose servers; may be given again."
        ),
    ],
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency", min=1, help="Servers that are worked on at once."
        ),
    ] = 8,
) -> Answer:
    """Work on servers for apply --engine celery, until Ctrl-C or SIGTERM.

    What is at work is finished first; a second signal leaves at once. Credentials are
    resolved here, from this machine's own store.
    """
    from orchestrator.cli.progress import reporter
    from orchestrator.cli.text import note

    program, sites = session.program, frozenset(site)
    # Without a broker and PostgreSQL there is nothing to open.
    _ = program.broker
    lines = reporter(quiet=bool(session.options.quiet), color=False)
    with program.services(lines) as services:
        with services.storage.read() as uow:
            known = uow.inventory.load().sites
        for name in sorted(sites - known.keys()):
            raise not_found("site", name, f"the inventory has {', '.join(known)}")
        note(f"worker {services.owner} serves {', '.join(sorted(sites))}")
        report = program.work(services, sites, concurrency, note)
    return Result("worker", report)


@command(app, "doctor", kind="doctor", examples=("doctor", "doctor --format json"))
def doctor(session: Session) -> Answer:
    """Check database, broker, workers, clocks, secrets and hooks; say what to mend."""
    return session.program.examine()
