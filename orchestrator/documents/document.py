"""A file's data with its line numbers, and how errors repeat values of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.application.ports.files import BadInputError, Problem

MAX_BYTES = 16 * 1024 * 1024  # of one file; 20,000 servers are about 6 MB
MAX_SHOWN = 80  # characters of a value that an error repeats

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data, and the line on which each part of it begins."""

    file: str
    data: Any
    lines: Mapping[Location, int] = field(default_factory=dict)
    #: The text of comment lines at the head of a CSV file.
    comments: tuple[str, ...] = ()

    def where(self, location: Location) -> str:
        """``line 12, servers[3].port`` for a place in the data."""
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        parts = [
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in location
        ]
        name = printable("".join(parts).removeprefix("."))
        line = self.lines.get(known)
        return ", ".join(filter(None, [f"line {line}" if line else "", name]))


def shown(value: object) -> str:
    """A value as an error repeats it: printable, short, never hostile."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return printable(repr(value))


def printable(text: str) -> str:
    """At most ``MAX_SHOWN`` characters, none of which steers a terminal."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return clean if len(clean) <= MAX_SHOWN else f"{clean[:MAX_SHOWN]}…"


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252.

    Raises:
        BadInputError: it cannot be read, is too large or is not text.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem("", found, "a readable file", "check the path")
        raise BadInputError(path.name or str(path), [problem]) from error
    if len(raw) > limit:
        size = Problem("", f"more than {limit} bytes", f"at most {limit} bytes")
        raise BadInputError(path.name, [size])
    return _decode(raw, path.name)


def _decode(raw: bytes, file: str) -> str:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "cp1252"]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n")
    problem = Problem("", "bytes that are not text", "UTF-8 text", "save it as UTF-8")
    raise BadInputError(file, [problem])
