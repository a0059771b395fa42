"""Options that every command takes, at any place of the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer

_PANEL = "Options of every command"


class Format(StrEnum):
    """What stdout is written as."""

    TABLE = "table"
    JSON = "json"


class AuditFormat(StrEnum):
    """What an audit is written as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of every command; ``None`` where one was not given."""

    database: str | None = None
    format: Format | AuditFormat | None = None
    quiet: bool | None = None
    no_color: bool | None = None
    debug: bool | None = None

    def over(self, outer: Options) -> Options:
        """These, and where one was not given that of the outer command."""
        given = {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(outer, **given)


_SHARED: Mapping[str, Any] = {
    "database": Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="sqlite:///FILE or postgresql+psycopg://…; else "
            "ORCHESTRATOR_DATABASE, else a file in the state folder.",
            rich_help_panel=_PANEL,
        ),
    ],
    "format": Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="table for people, json for programs: one document on stdout.",
            rich_help_panel=_PANEL,
        ),
    ],
    "quiet": Annotated[
        bool | None,
        typer.Option("--quiet", help="No progress.", rich_help_panel=_PANEL),
    ],
    "no_color": Annotated[
        bool | None,
        typer.Option("--no-color", help="Plain text.", rich_help_panel=_PANEL),
    ],
    "debug": Annotated[
        bool | None,
        typer.Option(
            "--debug",
            help="Show where a fault of the program happened.",
            rich_help_panel=_PANEL,
        ),
    ],
}


def shared(
    body: Callable[..., Any],
    open_session: Callable[[typer.Context, Options], object],
    *,
    without: tuple[str, ...] = (),
) -> Callable[..., Any]:
    """A command with the shared options; its first parameter is the session.

    Args:
        body: called with what ``open_session`` returns, then its own parameters.
        open_session: makes that of the shared options.
        without: shared options that the command defines in its own way.
    """
    first, *own = inspect.signature(body, eval_str=True).parameters.values()
    taken = [name for name in _SHARED if name not in without]

    @wraps(body)
    def run(ctx: typer.Context, **given: Any) -> Any:
        options = Options(**{name: given.pop(name) for name in taken})
        return body(open_session(ctx, options), **given)

    context = first.replace(name="ctx", annotation=typer.Context)
    extra = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_SHARED[name],
        )
        for name in taken
    ]
    wanted = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own
    ]
    run.__signature__ = inspect.Signature([context, *wanted, *extra])  # type: ignore[attr-defined] # typer reads it
    run.__annotations__ = {
        parameter.name: parameter.annotation for parameter in (context, *wanted, *extra)
    }
    return run
