"""``set /a``: 32-bit whole numbers, variables without signs, assignments."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.lab.windows.cmd.conditions import number
from orchestrator.lab.windows.cmd.expansion import Lookup

MAX_NESTING = 40
_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+\w*)|([^\s\d()!~*/%+<>&^|=,\-][^\s()!~*/%+<>&^|=,\-]*)"
    r"|((?:<<|>>|[*/%+\-&^|])?=|<<|>>|[()!~*/%+\-&^|,]))"
)
_LEVELS = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))


class ArithmeticFault(Exception):  # noqa: N818 -- named as cmd's own faults are
    """The expression cannot be computed; the message is cmd's, ``code`` its status."""

    def __init__(self, message: str, code: int) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code


MISSING_OPERAND = ("Missing operand.", 1073750989)
MISSING_OPERATOR = ("Missing operator.", 1073750990)
UNBALANCED = ("Unbalanced parenthesis.", 1073750988)
_CONSTANTS = "decimal (17),\r\nhexadecimal (0x11), or octal (021)."
_INVALID = f"Invalid number.  Numeric constants are either {_CONSTANTS}"
INVALID_NUMBER = (_INVALID, 1073750991)
DIVIDED_BY_ZERO = ("Divide by zero error.", 1073750993)


def evaluate(text: str, lookup: Lookup) -> tuple[int, dict[str, int]]:
    """The value of the last expression, and the variables to set.

    Raises:
        ArithmeticFault: as its message says.
    """
    evaluator = _Evaluator(text, lookup)
    value = evaluator.whole()
    return value, evaluator.assigned


def _wrap(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def _apply(sign: str, left: int, right: int) -> int:
    if sign in "/%":
        if right == 0:
            raise ArithmeticFault(*DIVIDED_BY_ZERO)
        quotient = abs(left) // abs(right) * (1 if left * right >= 0 else -1)
        return _wrap(quotient if sign == "/" else left - quotient * right)
    return _wrap(
        {
            "+": left + right,
            "-": left - right,
            "*": left * right,
            "&": left & right,
            "|": left | right,
            "^": left ^ right,
            "<<": left << (right & 31),
            ">>": left >> (right & 31),
        }[sign]
    )


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ArithmeticFault(*MISSING_OPERATOR)
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class _Evaluator:
    def __init__(self, text: str, lookup: Lookup) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._lookup = lookup
        self._depth = 0
        self.assigned: dict[str, int] = {}

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def whole(self) -> int:
        value = self._assignment()
        while self._peek() == ",":
            self._take()
            value = self._assignment()
        if self._peek():
            unbalanced = self._peek() == ")"
            raise ArithmeticFault(*(UNBALANCED if unbalanced else MISSING_OPERATOR))
        return value

    def _assignment(self) -> int:
        follows = self._tokens[self._at + 1 : self._at + 2]
        if not (follows and follows[0].endswith("=")):
            return self._level(0)
        name, sign = self._take(), self._take()[:-1]
        value = self._nested(self._assignment)
        if sign:
            value = _apply(sign, self._variable(name), value)
        self.assigned[name] = value
        return value

    def _nested(self, part: Callable[[], int]) -> int:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ArithmeticFault(*UNBALANCED)
        value = part()
        self._depth -= 1
        return value

    def _level(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._operand()
        value = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            value = _apply(self._take(), value, self._level(level + 1))
        return value

    def _operand(self) -> int:
        word = self._take()
        if word == "(":
            value = self._nested(self._assignment)
            if self._take() != ")":
                raise ArithmeticFault(*UNBALANCED)
            return value
        if word in ("-", "+", "~", "!"):
            value = self._nested(self._operand)
            signs = {"-": _wrap(-value), "+": value, "~": ~value, "!": int(not value)}
            return signs[word]
        if not word or word[0] in "()!~*/%+<>&^|=,-":
            raise ArithmeticFault(*MISSING_OPERAND)
        return self._constant(word) if word[0].isdecimal() else self._variable(word)

    @staticmethod
    def _constant(token: str) -> int:
        value = number(token)
        if value is None:
            raise ArithmeticFault(*INVALID_NUMBER)
        return _wrap(value)

    def _variable(self, name: str) -> int:
        if name in self.assigned:
            return self.assigned[name]
        found = re.match(r"\s*[+-]?(0[xX][0-9a-fA-F]+|\d+)", self._lookup(name) or "")
        return _wrap(number(found[0]) or 0) if found else 0
