"""WQL: the SELECT statement, parsed and evaluated as WMI of Server 2003 does.

``SELECT * | names FROM class [WHERE condition]`` with comparison, ``LIKE``,
``IS [NOT] NULL``, ``NOT``, ``AND``, ``OR`` and parentheses. Strings compare
without regard to case, a backslash escapes, and a comparison with NULL is false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, assert_never

from orchestrator.lab.machine import (
    WBEM_E_INVALID_QUERY,
    WmiError,
    WmiValue,
)

MAX_QUERY = 64 * 1024
"""Characters; WMI has a quota on query length, of which this is our reading."""

MAX_DEPTH = 64
"""Nested parentheses and NOTs."""

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign><>|!=|<=|>=|[=<>(),*]))",
    re.DOTALL,
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}

Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name sign value``; the sign ``like`` matches a pattern."""

    name: str
    sign: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """AND."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    """OR."""

    left: Condition
    right: Condition


Condition = Comparison | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Select:
    """A parsed query; ``names`` is ``None`` for ``*``."""

    names: tuple[str, ...] | None
    class_name: str
    where: Condition | None


def invalid(reason: str) -> WmiError:
    """The refusal of a query."""
    return WmiError(WBEM_E_INVALID_QUERY, f"Invalid query: {reason}")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(query: str) -> list[_Token]:
    if len(query) > MAX_QUERY:
        raise invalid(f"longer than {MAX_QUERY} characters")
    text, position, found = query.rstrip(), 0, []
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise invalid(f"unexpected text at {position}")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens = _tokens(query)
        self._at = 0
        self._depth = 0

    def _peek(self) -> _Token:
        if self._at < len(self._tokens):
            return self._tokens[self._at]
        return _Token("end", "")

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _accept(self, *texts: str) -> bool:
        token = self._peek()
        if token.kind in ("word", "sign") and token.text.lower() in texts:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise invalid(f"expected {text!r}, found {self._peek().text!r}")

    def _word(self) -> str:
        token = self._next()
        if token.kind != "word":
            raise invalid(f"expected a name, found {token.text!r}")
        return token.text

    def select(self) -> Select:
        self._expect("select")
        names = None if self._accept("*") else self._names()
        self._expect("from")
        class_name = self._word()
        where = self._either() if self._accept("where") else None
        if self._peek().kind != "end":
            raise invalid(f"unexpected {self._peek().text!r}")
        return Select(names, class_name, where)

    def _names(self) -> tuple[str, ...]:
        names = [self._word()]
        while self._accept(","):
            names.append(self._word())
        return tuple(names)

    def _either(self) -> Condition:
        left = self._both()
        while self._accept("or"):
            left = Either(left, self._both())
        return left

    def _both(self) -> Condition:
        left = self._one()
        while self._accept("and"):
            left = Both(left, self._one())
        return left

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise invalid(f"nested deeper than {MAX_DEPTH}")
        try:
            if self._accept("not"):
                return Not(self._one())
            if self._accept("("):
                inner = self._either()
                self._expect(")")
                return inner
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Condition:
        token = self._peek()
        if token.kind in ("string", "number"):
            value = self._literal()
            sign = self._sign()
            return Comparison(self._word(), _MIRRORED.get(sign, sign), value)
        name = self._word()
        if self._accept("is"):
            negated = self._accept("not")
            self._expect("null")
            return Comparison(name, "<>" if negated else "=", None)
        if self._accept("like"):
            return Comparison(name, "like", self._pattern())
        return Comparison(name, self._sign(), self._literal())

    def _sign(self) -> str:
        token = self._next()
        if token.text not in _SIGNS:
            raise invalid(f"expected a comparison, found {token.text!r}")
        return token.text

    def _pattern(self) -> str:
        value = self._literal()
        if not isinstance(value, str):
            raise invalid("LIKE takes a string")
        return value

    def _literal(self) -> Literal:
        token = self._next()
        match token.kind, token.text.lower():
            case "string", _:
                return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            case "number", text:
                return float(text) if "." in text else int(text)
            case "word", "true" | "false" as text:
                return text == "true"
            case "word", "null":
                return None
            case _:
                raise invalid(f"expected a value, found {token.text!r}")


@lru_cache(maxsize=256)
def parse(query: str) -> Select:
    """Read a SELECT statement.

    Raises:
        WmiError: it is not WQL, with WBEM_E_INVALID_QUERY.
    """
    return _Parser(query).select()


def names_in(condition: Condition | None) -> set[str]:
    """Every property that a condition mentions, as written."""
    match condition:
        case None:
            return set()
        case Comparison(name=name):
            return {name}
        case Not(inner=inner):
            return names_in(inner)
        case Both(left=left, right=right) | Either(left=left, right=right):
            return names_in(left) | names_in(right)
    assert_never(condition)


def keys_of(condition: Condition | None, name: str) -> set[str] | None:
    """The only strings that ``name`` may have, lower case; ``None`` if unbounded.

    A provider with a key uses it to look rows up instead of walking them all.
    """
    match condition:
        case Comparison(name=found, sign="=", value=str(value)):
            return {value.lower()} if found.lower() == name.lower() else None
        case Both(left=left, right=right):
            ours, theirs = keys_of(left, name), keys_of(right, name)
            if ours is None or theirs is None:
                return theirs if ours is None else ours
            return ours & theirs
        case Either(left=left, right=right):
            ours, theirs = keys_of(left, name), keys_of(right, name)
            return None if ours is None or theirs is None else ours | theirs
        case _:
            return None


def matches(condition: Condition | None, row: Mapping[str, WmiValue]) -> bool:
    """Whether a row, its properties keyed in lower case, satisfies a condition."""
    match condition:
        case None:
            return True
        case Comparison():
            return _compare(condition, row.get(condition.name.lower()))
        case Not(inner=inner):
            return not matches(inner, row)
        case Both(left=left, right=right):
            return matches(left, row) and matches(right, row)
        case Either(left=left, right=right):
            return matches(left, row) or matches(right, row)
    assert_never(condition)


def _compare(test: Comparison, found: WmiValue) -> bool:
    if test.value is None:
        return (found is None) == (test.sign == "=")
    if not isinstance(found, str | int | bool | datetime):
        return False
    if test.sign == "like":
        return bool(_like(str(test.value)).fullmatch(str(found)))
    wanted = _as(found, test.value)
    ours = found.lower() if isinstance(found, str) else found
    return wanted is not None and _SIGNS[test.sign](ours, wanted)


def _as(found: str | int | bool | datetime, wanted: str | float | bool) -> object:
    """A literal in the type of the property; ``None`` when it has no such value."""
    match found:
        case bool():
            return _as_bool(wanted)
        case int():
            return _as_number(wanted)
        case str():
            return str(wanted).lower()
        case datetime():
            return from_dmtf(str(wanted))


def _as_bool(wanted: str | float | bool) -> bool | None:
    if isinstance(wanted, str):
        return {"true": True, "false": False}.get(wanted.lower())
    return bool(wanted)


def _as_number(wanted: str | float | bool) -> float | None:
    if isinstance(wanted, str):
        return int(wanted) if re.fullmatch(r"[+-]?\d{1,20}", wanted) else None
    return wanted


@lru_cache(maxsize=256)
def _like(pattern: str) -> re.Pattern[str]:
    """``%`` any run, ``_`` one character, ``[a-f]`` and ``[^a-f]`` one of a set."""
    found = []
    for piece in re.findall(r"\[\^?[^\]]+\]|.", pattern, flags=re.DOTALL):
        if len(piece) > 1:
            body = re.sub(r"([\\\[\]&~|])", r"\\\1", piece[1:-1])
            found.append(f"[{body}]")
        else:
            found.append({"%": ".*", "_": "."}.get(piece) or re.escape(piece))
    try:
        return re.compile("".join(found), re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise invalid(f"pattern {pattern!r}") from error


_DMTF = re.compile(r"(\d{8})(\d{6})\.([\d*]{6})([+-])(\d{3})")


def from_dmtf(text: str) -> datetime | None:
    """A CIM date such as ``20261101000000.000000+060``; ``None`` if it is not one."""
    match = _DMTF.fullmatch(text)
    if match is None:
        return None
    day, hour, fraction, sign, minutes = match.groups()
    offset = timedelta(minutes=int(sign + minutes))
    try:
        moment = datetime.strptime(day + hour, "%Y%m%d%H%M%S").replace(
            microsecond=int(fraction.replace("*", "0")), tzinfo=timezone(offset)
        )
    except ValueError:
        return None
    return moment
