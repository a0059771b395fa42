"""Batch files: where one is, and the ways out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from orchestrator.lab.windows.cmd.expansion import Arguments
from orchestrator.lab.windows.cmd.jobs import Leave
from orchestrator.lab.windows.cmd.parser import DELIMITERS

MAX_CALLS = 200
"""Batch files and labels called within one another; Windows runs out of stack."""

END_OF_FILE = b"\x1a"
_LABEL_ENDS = re.compile(r"[ \t,;=:+|&<>]")


class Exit(Leave):
    """``exit``: the whole cmd ends."""


class EndFrame(Leave):
    """``exit /b``, ``goto :eof``: one batch file or called label ends."""


class Goto(Leave):
    """A jump within the batch file."""

    def __init__(self, position: int) -> None:
        """``position`` is the byte where reading goes on."""
        super().__init__(0)
        self.position = position


@dataclass(slots=True)
class Frame:
    """A batch file, or a label of one, that is being run.

    ``position`` is in bytes: cmd reads line by line, so a file that changes while
    it runs changes what is run.
    """

    arguments: Arguments
    position: int = 0
    saved: list[Any] = field(default_factory=list)

    def next_line(self, content: bytes, codec: str) -> str | None:
        """The line at the position, without its end; ``None`` at the file's end."""
        limit = content.find(END_OF_FILE)
        limit = len(content) if limit < 0 else limit
        if self.position >= limit:
            return None
        end = content.find(b"\n", self.position, limit)
        end = limit if end < 0 else end
        line = content[self.position : end]
        self.position = end + 1
        return line.decode(codec, "replace").rstrip("\r")


def find_label(content: bytes, label: str, start: int) -> int | None:
    """Where the line after a label begins: looked for from ``start``, then before."""
    lines: list[tuple[int, str]] = []
    position = 0
    for raw in content.split(b"\n"):
        position += len(raw) + 1
        lines.append((position, raw.decode("cp437").strip(DELIMITERS + "\r")))
    found = [end for end, line in lines if _is_label(line, label)]
    later = [end for end in found if end > start]
    return next(iter(later or found), None)


def _is_label(line: str, label: str) -> bool:
    if not line.startswith(":"):
        return False
    name = _LABEL_ENDS.split(line[1:].lstrip(DELIMITERS), maxsplit=1)[0]
    return bool(name) and name.lower() == label.lower()
