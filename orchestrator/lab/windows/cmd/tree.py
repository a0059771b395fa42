"""What a line of cmd is made of, as the parser gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Redirect:
    """One redirection: ``kind`` is ``>``, ``>>``, ``<`` or ``&`` (a copied handle)."""

    handle: int
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Simple:
    """A command: its first word and the rest, quotes kept, carets resolved."""

    head: str
    tail: str = ""
    redirects: tuple[Redirect, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Commands in parentheses; ``parts`` run one after the other."""

    parts: tuple[Tree, ...]
    redirects: tuple[Redirect, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Two commands joined by ``&``, ``&&``, ``||`` or ``|``."""

    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Condition:
    """What ``if`` asks: ``test`` is a keyword or a comparison."""

    test: str
    left: str
    right: str = ""
    negated: bool = False
    fold: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """A conditional command."""

    condition: Condition
    then: Tree
    otherwise: Tree | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class For:
    """A loop; ``kind`` is empty or the letter of ``/d``, ``/f``, ``/l`` or ``/r``."""

    kind: str
    options: str
    variable: str
    items: str
    body: Tree
    quiet: bool = False


Tree: TypeAlias = Simple | Block | Chain | If | For
