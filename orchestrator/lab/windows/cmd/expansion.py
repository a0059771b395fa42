"""What cmd replaces in a line: variables, arguments, loop variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from orchestrator.lab.windows.filesystem import Attribute, FileSystem
from orchestrator.lab.windows.paths import FileError, full_path

_MODIFIERS = "fdpnxszta"
_SUBSTRING = re.compile(r"~\s*([+-]?\d+)?(?:,\s*([+-]?\d+))?")
Lookup = Callable[[str], str | None]


class Environment:
    """Variables: found without letter case, listed with it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Copy the values."""
        self._values = {name.lower(): (name, value) for name, value in values.items()}

    def get(self, name: str) -> str | None:
        """A variable's value."""
        found = self._values.get(name.lower())
        return found[1] if found else None

    def set(self, name: str, value: str) -> None:
        """Give a variable a value; an empty one removes it."""
        if not value:
            self._values.pop(name.lower(), None)
            return
        kept = self._values.get(name.lower(), (name, ""))[0]
        self._values[name.lower()] = (kept, value)

    def as_dict(self) -> dict[str, str]:
        """All, as :class:`Environment` takes them."""
        return dict(self._values.values())

    def listing(self, prefix: str = "") -> list[str]:
        """``NAME=value`` of those that begin so, in order."""
        return [
            f"{name}={value}"
            for key, (name, value) in sorted(self._values.items())
            if key.startswith(prefix.lower())
        ]


class Locator:
    """Answers what the ``~`` modifiers ask of a path."""

    def __init__(
        self,
        files: FileSystem,
        folder: str,
        lookup: Lookup,
        local: Callable[[datetime], datetime],
    ) -> None:
        """``folder`` is the working folder; ``local`` turns UTC into local time."""
        self._files, self._folder, self._lookup = files, folder, lookup
        self._local = local

    def modified(self, value: str, modifiers: str) -> str:
        """A value without quotes, as a path where modifiers ask for it."""
        value = value.strip('"')
        if modifiers.startswith("$"):
            name, _, modifiers = modifiers[1:].partition(":")
            value = self._search(value, name)
            modifiers = modifiers or "f"
        if not modifiers or not value:
            return value
        path = full_path(value, self._folder)
        with suppress(FileError):
            path = self._files.true_path(path)
        return self._parts(path, modifiers)

    def _parts(self, path: str, modifiers: str) -> str:
        folder, _, base = path.rpartition("\\")
        stem, dot, extension = base.rpartition(".")
        drive = path[:2]
        words = [self._fact(path, letter) for letter in "atz" if letter in modifiers]
        if "f" in modifiers:
            modifiers = "dpnx"
        out = drive if "d" in modifiers else ""
        out += folder[2:] + "\\" if "p" in modifiers else ""
        out += (stem if dot else base) if "n" in modifiers else ""
        out += dot + extension if "x" in modifiers and dot else ""
        return " ".join([*(word for word in words if word), *([out] if out else [])])

    def _fact(self, path: str, letter: str) -> str:
        node = self._files.find(path)
        if node is None:
            return ""
        if letter == "z":
            return str(len(node.content))
        if letter == "t":
            return f"{self._local(node.modified):%m/%d/%Y %I:%M %p}"
        return attribute_text(node.attributes)

    def _search(self, name: str, variable: str) -> str:
        for folder in (self._lookup(variable) or "").split(";"):
            path = full_path(name, folder) if folder else ""
            if path and self._files.exists(path):
                return path
        return ""


def attribute_text(attributes: Attribute) -> str:
    """Nine places, as ``%~a`` prints them."""
    letters = "drahs"
    flags = (
        Attribute.DIRECTORY,
        Attribute.READ_ONLY,
        Attribute.ARCHIVE,
        Attribute.HIDDEN,
        Attribute.SYSTEM,
    )
    shown = (
        one if attributes & flag else "-"
        for one, flag in zip(letters, flags, strict=True)
    )
    return "".join(shown) + "----"


def expand(
    text: str, lookup: Lookup, arguments: Arguments | None, locator: Locator
) -> str:
    """Replace ``%…%`` and, in a batch file (``arguments``), ``%1`` and ``%%``."""
    out: list[str] = []
    at = 0
    while at < len(text):
        sign = text.find("%", at)
        if sign < 0:
            break
        out.append(text[at:sign])
        found = _argument(text, sign, arguments, locator) if arguments else None
        value, at = found or _variable(text, sign, lookup, batch=arguments is not None)
        out.append(value)
    return "".join(out) + text[at:]


class Arguments:
    """What a batch file was called with: ``%0`` and the rest."""

    def __init__(self, name: str, tail: str, path: str) -> None:
        """``path`` is the file, in full, to which ``%~f0`` resolves."""
        self.name, self.path = name, path
        self.all = tail.strip(" ")
        self._words = [name, *split_words(tail)]

    def get(self, number: int) -> str:
        """``%0`` to ``%9``; empty when there are not so many."""
        return self._words[number] if number < len(self._words) else ""

    def shift(self, start: int = 0) -> None:
        """Drop one, from ``start`` on."""
        del self._words[start : start + 1]


def _argument(
    text: str, at: int, arguments: Arguments, locator: Locator
) -> tuple[str, int] | None:
    follows = text[at + 1 : at + 2]
    if follows == "%":
        return "%", at + 2
    if follows == "*":
        return arguments.all, at + 2
    if follows.isascii() and follows.isdecimal():
        return arguments.get(int(follows)), at + 2
    found = re.compile(r"%~([fdpnxszta]*(?:\$[^:%]+:)?)([0-9])", re.IGNORECASE).match(
        text, at
    )
    if found is None:
        return None
    number, modifiers = int(found[2]), found[1].lower()
    value = arguments.get(number)
    if number == 0 and modifiers and value == arguments.name:
        value = arguments.path
    return locator.modified(value, modifiers), found.end()


def _variable(text: str, at: int, lookup: Lookup, *, batch: bool) -> tuple[str, int]:
    close = text.find("%", at + 1)
    if close < 0:
        return ("" if batch else "%"), at + 1
    name, colon, change = text[at + 1 : close].partition(":")
    value = lookup(name) if name else None
    if value is None and not batch:
        return "%", at + 1
    if value is None:
        return "", (at + 2 + len(name) if colon else close + 1)
    return (changed(value, change) if colon else value), close + 1


def changed(value: str, change: str) -> str:
    """``%VAR:~1,2%`` and ``%VAR:old=new%``."""
    cut = _SUBSTRING.fullmatch(change)
    if cut:
        start, length = int(cut[1] or 0), cut[2]
        begin = max(len(value) + start, 0) if start < 0 else min(start, len(value))
        if length is None:
            return value[begin:]
        end = begin + int(length) if int(length) >= 0 else len(value) + int(length)
        return value[begin : max(end, begin)]
    old, equals, new = change.partition("=")
    if not equals or not old:
        return value
    if old.startswith("*") and len(old) > 1:
        index = value.lower().find(old[1:].lower())
        return value if index < 0 else new + value[index + len(old) - 1 :]
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE)


def expand_delayed(text: str, lookup: Lookup) -> str:
    """Replace ``!VAR!``; carets protect when there is such a sign at all."""
    if "!" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        close = text.find("!", at + 1) if char == "!" else -1
        if char == "^":
            out.append(text[at + 1 : at + 2])
            at += 2
        elif char == "!":
            name, colon, change = text[at + 1 : max(close, at + 1)].partition(":")
            value = lookup(name) or ""
            out.append(changed(value, change) if colon and value else value)
            at = max(close, at) + 1
        else:
            out.append(char)
            at += 1
    return "".join(out)


def expand_loop(text: str, variables: Mapping[str, str], locator: Locator) -> str:
    """Replace ``%i`` and ``%~dpi`` of the loops around."""
    if not variables or "%" not in text:
        return text
    return "".join(_loop_pieces(text, variables, locator))


def _loop_pieces(
    text: str, variables: Mapping[str, str], locator: Locator
) -> Iterator[str]:
    at = 0
    while at < len(text):
        if text[at] != "%":
            end = text.find("%", at)
            yield text[at : end if end > 0 else len(text)]
            at = end if end > 0 else len(text)
            continue
        name = text[at + 1 : at + 2]
        tilde = _tilde(text, at, variables) if name == "~" else None
        if tilde is not None:
            modifiers, name = tilde
            yield locator.modified(variables[name], modifiers.lower())
            at += 3 + len(modifiers)
        elif name in variables:
            yield variables[name]
            at += 2
        else:
            yield "%"
            at += 1


def _tilde(text: str, at: int, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """The longest run of modifiers that a loop variable follows."""
    found = re.compile(r"([fdpnxszta]*(?:\$[^:%]+:)?)", re.IGNORECASE).match(
        text, at + 2
    )
    run = found[1] if found else ""
    for length in range(len(run), -1, -1):
        name = text[at + 2 + length : at + 3 + length]
        if name in variables:
            return run[:length], name
    return None


def split_words(text: str, delimiters: str = " \t,;=\x0b\x0c\xff") -> list[str]:
    """Words between delimiters; quotes protect, and stay."""
    words: list[str] = []
    current, quoted = "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char in delimiters and not quoted:
            words += [current] if current else []
            current = ""
        else:
            current += char
    return [*words, current] if current else words
