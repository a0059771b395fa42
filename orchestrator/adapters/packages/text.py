"""Texts of hostile files, made fit to show."""

from __future__ import annotations

MAX_TEXT = 512  # characters


def printable(text: str) -> str:
    """A text without what steers a terminal, and not too long."""
    return "".join(letter for letter in text[:MAX_TEXT] if letter.isprintable())
