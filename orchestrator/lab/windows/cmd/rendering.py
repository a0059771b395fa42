"""A tree as text again: what cmd shows before it runs a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from orchestrator.lab.windows.cmd.tree import (
    Block,
    Chain,
    Condition,
    For,
    If,
    Redirect,
    Simple,
    Tree,
)


def render_redirects(redirects: Sequence[Redirect]) -> str:
    """Redirections with their handles, as cmd shows them."""
    return "".join(
        f" {one.handle}>&{one.target}"
        if one.kind == "&"
        else f" {one.handle}{one.kind}{one.target}"
        for one in redirects
    )


def render(tree: Tree) -> str:
    """A command as text."""
    match tree:
        case Simple(head, tail, redirects):
            return f"{head}{tail} {render_redirects(redirects)}".strip()
        case Block(parts, redirects):
            inside = " & ".join(render(part) for part in parts)
            return f"({inside} ){render_redirects(redirects)}"
        case Chain(operator, left, right):
            return f"{render(left)}  {operator} {render(right)}"
        case If(condition, then, otherwise):
            branch = f" else {render(otherwise)}" if otherwise else ""
            return f"if {_condition(condition)} {render(then)}{branch}"
        case For(kind, options, variable, items, body):
            switch = f"/{kind} {options} ".replace("  ", " ") if kind else ""
            return f"for {switch}%{variable} in ({items}) do {render(body)}"
        case _:
            assert_never(tree)


def is_quiet(tree: Tree) -> bool:
    """Whether a command, or the first of several, begins with ``@``."""
    while isinstance(tree, Chain):
        tree = tree.left
    return tree.quiet


def _condition(condition: Condition) -> str:
    words = ["not"] if condition.negated else []
    if condition.right:
        words += [condition.left, condition.test, condition.right]
    else:
        words += [condition.test, condition.left]
    return " ".join((["/i"] if condition.fold else []) + words)
