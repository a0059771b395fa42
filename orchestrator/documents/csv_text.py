"""CSV with a heading line, as plain data that knows its line numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from orchestrator.application.ports.files import BadInputError, Problem
from orchestrator.documents.document import Document, Location, printable


def load_csv(text: str, file: str, *, section: str) -> Document:
    """Read a CSV file with a heading line; empty cells are left out.

    Lines that begin with ``#`` are comments. Comma, semicolon or tab separates,
    whichever the heading line has most of. The rows stand under ``section``.

    Raises:
        BadInputError: no heading, a row of the wrong length, broken quoting.
    """
    comments = tuple(_head_comments(text))
    lines: dict[Location, int] = {}
    rows: list[dict[str, str]] = []
    try:
        for line, row in _csv_rows(text, file):
            lines[(section, len(rows))] = line
            rows.append(row)
    except csv.Error as error:
        found = printable(str(error))
        raise BadInputError(file, [Problem("", found, "valid CSV")]) from None
    return Document(file, {section: rows}, lines, comments)


def _head_comments(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.lstrip("#").strip()


def _csv_rows(text: str, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    # A comment becomes an empty line, so that line numbers stay those of the file.
    lines = ["\n" if line.startswith("#") else f"{line}\n" for line in text.split("\n")]
    first = next((line for line in lines if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    heading: list[str] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if heading is None:
            heading = _heading(cells, file)
            continue
        yield reader.line_num, _csv_row(heading, cells, file, reader.line_num)
    if heading is None:
        missing = Problem("line 1", "nothing", "a heading line with column names")
        raise BadInputError(file, [missing])


def _heading(cells: list[str], file: str) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    if len(set(names)) == len(names):
        return names
    problem = Problem("the heading line", "a column twice", "each column once")
    raise BadInputError(file, [problem])


def _csv_row(
    heading: list[str], cells: list[str], file: str, line: int
) -> dict[str, str]:
    if len(cells) > len(heading):
        problem = Problem(
            f"line {line}",
            f"{len(cells)} cells",
            f"at most {len(heading)}, one per column",
            'put a value that holds the separator in "quotes"',
        )
        raise BadInputError(file, [problem])
    filled = zip(heading, cells, strict=False)
    return {name: cell.strip() for name, cell in filled if cell.strip()}
