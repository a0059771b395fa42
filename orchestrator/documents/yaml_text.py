"""YAML as plain data in which every scalar stays the text that was typed.

YAML 1.1 would turn ``on`` into true, ``0123`` into 83, ``20:27`` into 1227 and
``144.380`` into 144.38; here the model that validates the data decides, so none of
that can happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from orchestrator.application.ports.files import BadInputError, Problem
from orchestrator.documents.document import Document, Location, printable, shown

MAX_DEPTH = 12  # levels of nesting


def load_yaml(text: str, file: str, *, secret: bool = False) -> Document:
    """Read one YAML document.

    Args:
        text: what the file holds.
        file: its name, for errors.
        secret: never repeat anything of the text in an error.

    Raises:
        BadInputError: broken syntax, a doubled key, an alias, too deep a nesting.
    """
    builder = _Builder(file, secret=secret)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        found = "broken YAML"
        if not secret:
            found += f" ({printable(str(error.problem))})"
        raise builder.refusal(line, found, "valid YAML") from None
    except (yaml.YAMLError, UnicodeError):
        # A character that YAML forbids; its message would repeat the text.
        raise builder.refusal(1, "a forbidden character", "valid YAML") from None
    return Document(file, builder.root, builder.lines)


@dataclass(slots=True)
class _Level:
    """A mapping or list that is being filled."""

    holder: dict[str, Any] | list[Any]
    location: Location
    key: str | None = None


class _Builder:
    """Turns parser events into data without recursion."""

    def __init__(self, file: str, *, secret: bool) -> None:
        self.file = file
        self.secret = secret
        self.root: Any = None
        self.lines: dict[Location, int] = {}
        self._levels: list[_Level] = []
        self._documents = 0

    def refusal(self, line: int, found: str, expected: str) -> BadInputError:
        return BadInputError(self.file, [Problem(f"line {line}", found, expected)])

    def take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        line = mark.line + 1 if mark else 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self.refusal(line, "a second document", "one document")
            case yaml.AliasEvent():
                raise self.refusal(line, "a YAML alias", "the value written out")
            case yaml.MappingStartEvent():
                self._open({}, line)
            case yaml.SequenceStartEvent():
                self._open([], line)
            case yaml.CollectionEndEvent():
                self._levels.pop()
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case _:
                pass  # the stream's and document's own begin and end

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        top = self._levels[-1] if self._levels else None
        if top and isinstance(top.holder, dict) and top.key is None:
            if event.value in top.holder:
                name = "a key" if self.secret else f"{shown(event.value)}"
                raise self.refusal(line, f"{name} twice", "each key once")
            top.key = event.value
            self.lines[(*top.location, event.value)] = line
            return
        plain = event.style is None or event.style == ""
        empty = plain and event.value in {"", "~", "null"}
        self._place(None if empty else event.value, line)

    def _open(self, holder: dict[str, Any] | list[Any], line: int) -> None:
        if len(self._levels) == MAX_DEPTH:
            raise self.refusal(line, "deeper nesting", f"at most {MAX_DEPTH} levels")
        top = self._levels[-1] if self._levels else None
        if top and isinstance(top.holder, dict) and top.key is None:
            raise self.refusal(line, "a list or mapping as a key", "a name as key")
        self._levels.append(_Level(holder, self._place(holder, line)))

    def _place(self, value: Any, line: int) -> Location:
        if not self._levels:
            self.root = value
            return ()
        top = self._levels[-1]
        if isinstance(top.holder, list):
            location = (*top.location, len(top.holder))
            top.holder.append(value)
        else:
            name = top.key or ""
            location = (*top.location, name)
            top.holder[name] = value
            top.key = None
        self.lines.setdefault(location, line)
        return location
