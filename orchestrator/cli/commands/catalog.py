"""``catalog``: articles, file tables and packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.arguments import Article, File
from orchestrator.cli.registry import command, group
from orchestrator.cli.session import Answer, Session

app = group("catalog", "Articles, file tables and packages.")


@command(
    app,
    "import",
    kind="catalog",
    examples=("catalog import KB903927", "catalog import KB903927.txt"),
)
def import_article(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An article's text, a definition (.yml), or the number of an "
            "article whose definition is shipped.",
        ),
    ],
) -> Answer:
    """Take in an article or a definition, and say what it lacks."""
    from orchestrator.application import catalog

    with session.services() as services:
        return catalog.import_article(services, session.program.articles, file)


@command(
    app,
    "table",
    kind="catalog",
    examples=(
        'catalog table KB903927 table.csv --by "J. Doe" --source "support case 7"',
        'catalog table KB903927 extracted/ --by "J. Doe"',
    ),
)
def import_table(
    session: Session,
    article: Article,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="A table (.csv, .yml), or the folder of a package that was extracted "
            "on Windows: its files' versions, branches and sizes are read.",
        ),
    ],
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who supplied the table.")
    ] = "",
    source: Annotated[
        str,
        typer.Option("--source", metavar="TEXT", help="Where it was read."),
    ] = "",
) -> Answer:
    """Take in the files and versions that prove the hotfix."""
    from orchestrator.application import catalog

    with session.services() as services:
        return catalog.import_table(
            services,
            session.program.tables,
            article,
            file,
            supplied_by=by or services.account,
            source=source or file.name,
        )


@command(
    app,
    "package",
    kind="catalog",
    examples=(
        "catalog package KB903927 WindowsServer2003-KB903927-x86-ENU.exe --sha256 HASH",
    ),
)
def import_package(
    session: Session,
    article: Article,
    file: File,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256",
            metavar="HASH",
            help="What the file must hash to; without it no plan can use it.",
        ),
    ] = None,
) -> Answer:
    """Take in an installer file: its name, hash and pin."""
    from orchestrator.application import catalog

    with session.services() as services:
        return catalog.import_package(
            services, session.program.packages, article, file, sha256
        )


@command(app, "show", kind="catalog", examples=("catalog show KB903927",))
def show(session: Session, article: Article) -> Answer:
    """Show a hotfix with its table, its packages and where each came from."""
    from orchestrator.application import catalog

    with session.services() as services:
        return catalog.show(services, article)


@command(app, "list", kind="catalog-list", examples=("catalog list",))
def list_catalog(session: Session) -> Answer:
    """List every hotfix."""
    from orchestrator.application import catalog

    with session.services() as services:
        return catalog.list_catalog(services)
