"""Arguments that several commands take, with their completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.config import EngineName

if TYPE_CHECKING:
    from orchestrator.application.ports.storage import UnitOfWork


def _names_from(
    ask: Callable[[UnitOfWork], Iterable[str]],
) -> Callable[[str], list[str]]:
    """Completion from the database; a shell must never hear of what goes wrong."""

    def complete(incomplete: str) -> list[str]:
        from orchestrator.bootstrap import Program
        from orchestrator.cli.text import clean

        with suppress(Exception):
            program = Program()
            scheme, _, file = program.database.partition(":///")
            # Asking must not make a database.
            if scheme == "sqlite" and not Path(file).exists():
                return []
            with program.services() as services, services.storage.read() as uow:
                names = (clean(name) for name in ask(uow))
                return sorted(name for name in names if name.startswith(incomplete))
        return []

    return complete


def _selectable(uow: UnitOfWork) -> Iterable[str]:
    inventory = uow.inventory.load()
    yield from (server.name for server in inventory.active())
    yield from (f"pool:{name}" for name in inventory.pools)
    yield from (f"site:{name}" for name in inventory.sites)


Engine = Annotated[
    EngineName | None,
    typer.Option(
        "--engine",
        help="threads: of this process; celery: orchestrator worker of each site, "
        "over RabbitMQ. Else the setting engine.",
    ),
]
Article = Annotated[
    str,
    typer.Argument(
        metavar="KB",
        help="The article's number, such as KB903927.",
        autocompletion=_names_from(
            lambda uow: (hotfix.article for hotfix in uow.catalog.hotfixes())
        ),
    ),
]
Selection = Annotated[
    str,
    typer.Argument(
        metavar="SELECTION",
        help="Names, globs, pool:NAME, site:NAME, role:NAME, verdict:NAME; "
        "a comma is or, + is and. All servers if left out.",
        autocompletion=_names_from(_selectable),
    ),
]
Server = Annotated[
    str,
    typer.Argument(
        metavar="SERVER",
        help="A server of the inventory.",
        autocompletion=_names_from(
            lambda uow: (server.name for server in uow.inventory.load().active())
        ),
    ),
]
Plan = Annotated[
    str,
    typer.Argument(
        metavar="PLAN",
        help="A plan's name, or the start of its digest.",
        autocompletion=_names_from(
            lambda uow: (stored.plan.name for stored in uow.plans.all())
        ),
    ),
]
_run_names = _names_from(lambda uow: (run.name for run in uow.runs.all()))
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's name; the newest if left out.",
        autocompletion=_run_names,
    ),
]
GoingRun = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's name; the one that has not ended if left out.",
        autocompletion=_run_names,
    ),
]
RunOf = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's name.",
        autocompletion=_run_names,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        min=1,
        max=64,
        help="Processes of this machine that do the work, where one is the limit; "
        "a setting if left out, else 1. More than one ask for no password.",
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")]


def said(option: str, text: str) -> str:
    """What a person wrote, which must be something: it is kept as evidence.

    Raises:
        RequestError: there are only blanks.
    """
    if not text.strip():
        raise RequestError(
            ErrorCode.BAD_INPUT, f"{option}: found nothing, expected a few words"
        )
    return text.strip()


def moment_at(text: str, option: str) -> datetime:
    """A day or a time; without an offset it is UTC.

    Raises:
        RequestError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"{option}: found {text!r}, expected a day such as 2027-06-30",
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
