"""File tables: from CSV, from YAML, or inside a definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.adapters.articles.table_row import BranchCell, TableRow
from orchestrator.application.ports.files import (
    BadInputError,
    Problem,
    TableRead,
    implausible,
)
from orchestrator.documents.csv_text import load_csv
from orchestrator.documents.document import Document, Location, read_text
from orchestrator.documents.validation import validate
from orchestrator.documents.yaml_text import load_yaml
from orchestrator.domain.hotfix import (
    FileRow,
    FileTable,
    Platform,
    PlausibleWindow,
    Provenance,
)

MAX_TABLE_BYTES = 1024 * 1024
MAX_ROWS = 2_000  # a service pack's table; a hotfix has a dozen


class TableFile(BaseModel):
    """A file table with its origin."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    rows: Annotated[list[TableRow], Field(min_length=1, max_length=MAX_ROWS)]
    supplied_by: Annotated[str, Field(min_length=1, max_length=256)]
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    #: The table belongs to the simulated estate.
    lab: bool = False


def read_table(
    path: Path,
    *,
    supplied_by: str,
    source: str,
    plausible: PlausibleWindow | None,
) -> TableRead:
    """Read a table; what the file says of its own origin wins.

    A CSV file says it in comments at its head: ``# lab``, ``# supplied-by: …`` and
    ``# source: …``; a YAML file by keys beside ``rows``.

    Raises:
        BadInputError: a row is malformed, doubled or contradicts another.
    """
    text = read_text(path, limit=MAX_TABLE_BYTES)
    if path.suffix.lower() in {".yml", ".yaml"}:
        document = load_yaml(text, path.name)
    else:
        document = _from_csv(text, path.name)
    if isinstance(document.data, dict):
        document.data.setdefault("supplied_by", supplied_by)
        document.data.setdefault("source", source)
    table = build_table(validate(TableFile, document), document, ())
    return TableRead(table, tuple(implausible(table, plausible)))


def _from_csv(text: str, file: str) -> Document:
    document = load_csv(text, file, section="rows")
    for comment in document.comments:
        name, _, value = comment.partition(":")
        match name.strip().lower().replace("-", "_"):
            case "lab":
                document.data["lab"] = "true"
            case "supplied_by" | "source" as key if value.strip():
                document.data[key] = value.strip()
            case _:
                pass  # any other comment is for people
    return document


def build_table(model: TableFile, document: Document, at: Location) -> FileTable:
    """The domain's table from checked rows.

    Args:
        model: the rows.
        document: where they stand, for errors.
        at: the place of the table in the document.

    Raises:
        BadInputError: rows are doubled, contradict each other or name no platform.
    """
    wide = {row.platform for row in model.rows} - {Platform.X86}
    kept: dict[tuple[str, Platform, int | None, str], FileRow] = {}
    problems: list[Problem] = []
    for number, typed in enumerate(model.rows):
        where = document.where((*at, "rows", number))
        rows = list(_rows(typed, wide))
        if not rows:
            problems.append(_no_wide_platform(where))
        for row in rows:
            key = (row.path, row.platform, row.service_pack, row.branch)
            if key in kept:
                problems.append(_doubled(where, kept[key], row))
            kept.setdefault(key, row)
        problems += _pack_conflicts(typed, where)
    if problems:
        raise BadInputError(document.file, problems)
    provenance = Provenance(model.supplied_by, model.source)
    return FileTable(tuple(kept.values()), provenance, lab=model.lab)


def _rows(typed: TableRow, wide: set[Platform]) -> Iterator[FileRow]:
    """A 32-bit file under ``wow`` belongs to the 64-bit platforms of the table."""
    narrow = typed.wow and typed.platform is Platform.X86
    platforms: Sequence[Platform] = sorted(wide) if narrow else [typed.platform]
    for platform in platforms:
        for cell in typed.branch:
            yield FileRow(
                file=typed.file,
                path=typed.target,
                version=typed.version,
                platform=platform,
                branch=cell.branch,
                service_pack=_pack(typed, cell),
                size=typed.size,
                date=typed.date,
            )


def _pack(typed: TableRow, cell: BranchCell) -> int | None:
    return typed.service_pack if cell.service_pack is None else cell.service_pack


def _pack_conflicts(typed: TableRow, where: str) -> Iterator[Problem]:
    stated = typed.service_pack
    for cell in typed.branch:
        if stated is not None and cell.service_pack not in (None, stated):
            found = f"service_pack {stated} and branch SP{cell.service_pack}"
            yield Problem(where, found, "the same service pack in both")


def _no_wide_platform(where: str) -> Problem:
    return Problem(
        where,
        "a 32-bit wow row in a table without 64-bit rows",
        "x64 or ia64 as its platform",
        "name the platform of the server, not of the file",
    )


def _doubled(where: str, first: FileRow, again: FileRow) -> Problem:
    name = f"{first.path} for {first.platform} {first.branch}"
    if first == again:
        return Problem(where, f"{name} twice", "each row once", "remove this one")
    return Problem(
        where,
        f"{name} again, with other values",
        f"one row; an earlier one says {first.version}",
        "find out which is right and remove the other",
    )
