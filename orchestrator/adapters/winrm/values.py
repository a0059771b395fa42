"""Rows of WMI as they come over the wire: text, null, arrays, objects and times.

Two shapes carry the same: a whole object in its class's namespace, or an
``XmlFragment`` without one for a projection (MS-WSMV 3.1.4.1.26). A property may
repeat (an array), be nil (null, which an empty text is not) or hold a time in three
spellings. Numbers stay text until they are asked for by type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from xml.etree.ElementTree import Element

from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.soap import children, local_name, text_of

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TRUE = ("true", "1")
#: How deep objects may stand in one another.
_DEPTH = 6
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"
    r"(Z|[+-]\d\d:?\d\d)?"
)
_DMTF = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-]\d{3}|\*{4})")
_NUMBER = re.compile(r"[+-]?\d{1,20}")


@dataclass(frozen=True, slots=True)
class Row:
    """One object; property names in lower case. An absent one reads as null."""

    values: Mapping[str, tuple[str | Row | None, ...]] = field(default_factory=dict)

    def items(self, name: str) -> tuple[str | Row | None, ...]:
        """All elements of a property; none for null or absent."""
        found = self.values.get(name.lower(), ())
        return () if found == (None,) else found

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of texts; nulls in it are left out."""
        return tuple(item for item in self.items(name) if isinstance(item, str))

    def rows(self, name: str) -> tuple[Row, ...]:
        """The objects that a property holds."""
        return tuple(item for item in self.items(name) if isinstance(item, Row))

    def text(self, name: str) -> str | None:
        """A text, or ``None`` for null.

        Raises:
            UnreadableError: the property is an array or an object.
        """
        found = self.items(name)
        if not found:
            return None
        if len(found) > 1 or not isinstance(found[0], str):
            raise UnreadableError(f"{name} is no single value")
        return found[0]

    def needed(self, name: str) -> str:
        """A text that must be there.

        Raises:
            UnreadableError: it is null, absent or empty.
        """
        found = self.text(name)
        if not found:
            raise UnreadableError(f"{name} is missing")
        return found

    def number(self, name: str) -> int | None:
        """A whole number, or ``None`` for null.

        Raises:
            UnreadableError: it is something else.
        """
        found = self.text(name)
        if found is None or not found.strip():
            return None
        return whole_number(found, name)

    def moment(self, name: str, zone: tzinfo | None = None) -> datetime | None:
        """A time in UTC; ``zone`` is for one that names no offset.

        Raises:
            UnreadableError: it is no time.
        """
        found = self.text(name)
        return parse_time(found, zone) if found else None


def whole_number(text: str, name: str = "a number") -> int:
    """A decimal number.

    Raises:
        UnreadableError: it is something else.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise UnreadableError(f"{name} is {text[:40]!r}, expected a number")
    return int(text)


def parse_time(text: str, zone: tzinfo | None = None) -> datetime:
    """A CIM time in UTC, in the XML form or the DMTF form.

    Raises:
        UnreadableError: it is no time, or names no offset and no zone is known.
    """
    iso, dmtf = _ISO.fullmatch(text.strip()), _DMTF.fullmatch(text.strip())
    found = iso or dmtf
    if found is None:
        raise UnreadableError(f"{text[:40]!r} is no time")
    *parts, fraction, offset = found.groups()
    where = (_iso_offset(offset) if iso else _dmtf_offset(offset)) or zone
    if where is None:
        raise UnreadableError(f"{text[:40]!r} names no offset")
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    year, month, day, hour, minute, second = map(int, parts)
    try:
        local = datetime(year, month, day, hour, minute, second, micro, where)
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"{text[:40]!r} is no time") from error


def _iso_offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    return minutes_east(int(text[0] + "1") * (int(text[1:3]) * 60 + int(text[-2:])))


def _dmtf_offset(text: str) -> tzinfo | None:
    return None if text.startswith("*") else minutes_east(int(text))


def minutes_east(minutes: int) -> timezone:
    """A zone so many minutes east of UTC, as CurrentTimeZone tells it.

    Raises:
        UnreadableError: no zone is that far.
    """
    if abs(minutes) >= 24 * 60:
        raise UnreadableError(f"an offset of {minutes} minutes")
    return timezone(timedelta(minutes=minutes))


def row_of(element: Element) -> Row:
    """The properties of an object or a fragment.

    Raises:
        UnreadableError: objects stand in one another too deeply.
    """
    return _row(element, _DEPTH)


def _row(element: Element, depth: int) -> Row:
    if not depth:
        raise UnreadableError("objects within objects without an end")
    values: dict[str, tuple[str | Row | None, ...]] = {}
    for child in element:
        name = local_name(child).lower()
        values[name] = (*values.get(name, ()), _value(child, depth - 1))
    return Row(values)


def _value(element: Element, depth: int) -> str | Row | None:
    if element.get(_NIL, "").strip().lower() in _TRUE:
        return None
    if len(element) == 0:
        return element.text or ""
    for wrapper in ("Datetime", "Date", "Time"):
        for wrapped in children(element, wrapper):
            return text_of(wrapped)
    return _row(element, depth)


def rows_of(items: Iterable[Element]) -> tuple[Row, ...]:
    """Every row of a page."""
    return tuple(row_of(item) for item in items)
