"""How a command is registered: shared options, its kind, and its examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from orchestrator.cli.options import Options, shared
from orchestrator.cli.session import Session

Body = Callable[..., Any]

#: The command that a plan's article stands for.
MAKE_PLAN = "make"


def session_of(ctx: typer.Context, options: Options) -> Session:
    """The session of this call, with the options given at this place."""
    session: Session = ctx.find_root().obj
    session.options = options.over(session.options)
    return session


def command(
    app: typer.Typer,
    name: str,
    *,
    kind: str,
    examples: Sequence[str],
    without: tuple[str, ...] = (),
) -> Callable[[Body], Body]:
    """Register a command.

    Args:
        app: the group that it belongs to.
        name: its word on the command line.
        kind: of the envelope, also where it fails.
        examples: command lines that work as they stand, without the program's name.
        without: shared options that it defines in its own way.
    """

    def entered(ctx: typer.Context, options: Options) -> Session:
        session = session_of(ctx, options)
        session.kind = kind
        return session

    def register(body: Body) -> Body:
        epilog = _epilog(examples)
        app.command(name, epilog=epilog)(shared(body, entered, without=without))
        return body

    return register


def _epilog(examples: Sequence[str]) -> str:
    lines = (f"  $ orchestrator {line}" for line in examples)
    # The mark keeps these lines as they are.
    return "\n".join(("\b", "Examples:", *lines))


def group(
    name: str,
    about: str,
    cls: type[TyperGroup] = TyperGroup,
    examples: Sequence[str] = (),
) -> typer.Typer:
    """A word that has commands below it; examples where it is itself a command."""
    made = typer.Typer(name=name, cls=cls)

    def entered(_: Session) -> None:
        """Take the options given here."""

    epilog = _epilog(examples) if examples else None
    made.callback(help=about, epilog=epilog)(shared(entered, session_of))
    return made


class ArticleGroup(TyperGroup):
    """A first word that is no command is an article: ``plan KB903927``."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before the article."""
        return super().parse_args(ctx, self._named(ctx, list(args)))

    def _named(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            _, words, _ = self.make_parser(ctx).parse_args(args=list(args))
        except typer.TyperException:
            # An option of the command itself, before the article.
            return [MAKE_PLAN, *args]
        if not words or words[0] in self.commands:
            return args
        before = len(args) - len(words)
        return [*args[:before], MAKE_PLAN, *words]
