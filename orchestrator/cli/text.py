"""Text for people: inert whatever a name holds, plain wherever no terminal is."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Columns where no terminal sets a limit, so that a server stays on its line.
UNLIMITED_WIDTH = 10_000

_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: object) -> str:
    r"""A text in which nothing can steer a terminal or turn its direction.

    Line ends and tabs become spaces; every other control or formatting character is
    shown by its number, such as ``\u202e``.
    """
    return "".join(map(_inert, str(text)))


def _inert(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) in _CONTROLS:
        return f"\\u{ord(character):04x}"
    return character


def coloured(stream: TextIO, *, allowed: bool) -> bool:
    """Whether to write colours: a terminal that wants them, and nobody objects."""
    wanted = allowed and not os.environ.get("NO_COLOR")
    return wanted and stream.isatty() and os.environ.get("TERM") != "dumb"


def as_text(
    blocks: Iterable[RenderableType], *, width: int | None, colour: bool
) -> str:
    """Draw blocks; ``width`` is of the terminal, ``None`` where there is none."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        force_terminal=colour,
        color_system="standard" if colour else None,
        width=width or UNLIMITED_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for block in blocks:
            console.print(block)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def width_of(stream: TextIO) -> int | None:
    """The columns of a terminal; ``None`` for a pipe or a file."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def note(text: str) -> None:
    """Say something that is worth knowing, on stderr."""
    sys.stderr.write(f"note: {clean(text)}\n")
