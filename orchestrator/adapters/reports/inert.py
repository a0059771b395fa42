"""Text from outside, made so that it only ever shows."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Control, formatting, surrogate, private and unassigned characters, and the
#: separators of lines and paragraphs: they steer whatever shows them, or show nothing.
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def inert(text: str) -> str:
    """The text with every character that steers shown by its number, ``⟨U+202E⟩``.

    Markup and formulas stay: each format defuses its own.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) in _STEERING:
        return f"⟨U+{ord(character):04X}⟩"
    return character
