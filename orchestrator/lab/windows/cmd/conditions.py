"""What ``if`` decides."""

from __future__ import annotations

from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.tree import Condition
from orchestrator.lab.windows.paths import wildcard


def number(text: str) -> int | None:
    """A number as ``if`` and ``set /a`` read it: decimal, ``0x`` or octal."""
    digits = text.strip().lstrip("+-").lower()
    negative = text.strip().startswith("-")
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    try:
        value = int(digits, 10 if digits == "0" else base)
    except ValueError:
        return None
    return -value if negative else value


def holds(cmd: Session, condition: Condition) -> bool:
    """Whether a condition is met."""
    left, right = cmd.late(condition.left), cmd.late(condition.right)
    if condition.fold:
        left, right = left.lower(), right.lower()
    return _answer(cmd, condition.test, left, right) is not condition.negated


def _answer(cmd: Session, test: str, left: str, right: str) -> bool:
    match test:
        case "exist":
            return _exists(cmd, left.replace('"', ""))
        case "defined":
            return cmd.lookup(left) is not None
        case "errorlevel":
            return cmd.errorlevel >= (number(left) or 0)
        case "cmdextversion":
            return (number(left) or 0) <= 2  # noqa: PLR2004 -- the version since Windows 2000
        case "==":
            return left == right
        case _:
            return _compares(test, left, right)


def _compares(test: str, left: str, right: str) -> bool:
    first, second = number(left), number(right)
    if first is None or second is None:
        order = (left > right) - (left < right)
    else:
        order = (first > second) - (first < second)
    return {
        "equ": order == 0,
        "neq": order != 0,
        "lss": order < 0,
        "leq": order <= 0,
        "gtr": order > 0,
        "geq": order >= 0,
    }[test]


def _exists(cmd: Session, text: str) -> bool:
    path = cmd.path(text)
    folder, _, name = path.rpartition("\\")
    if name.lower() == "nul":
        return cmd.files.is_folder(folder + "\\")
    if not any(sign in name for sign in "*?"):
        node = cmd.files.find(path)
        ends_as_folder = text.endswith(("\\", "/"))
        return node is not None and (node.is_folder or not ends_as_folder)
    if not cmd.files.is_folder(folder + "\\"):
        return False
    shape = wildcard(name)
    return any(shape.fullmatch(one.name) for one in cmd.files.list(folder + "\\"))
