"""From a line of cmd to a tree: quotes, carets, operators, blocks, redirections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

DELIMITERS = " \t,;=\x0b\x0c\xff"
MAX_NESTING = 40
"""Parentheses and bodies within one another; Windows has no such small limit."""

MAX_LINE = 8191
COMPARISONS = ("equ", "neq", "lss", "leq", "gtr", "geq")


class CmdSyntaxError(Exception):
    """The line is no command; the message is what cmd prints."""


def parse(line: str, more: Callable[[], str | None]) -> Tree | None:
    """The tree of a line; ``more`` gives further lines while a block is open.

    Raises:
        CmdSyntaxError: what is wrong, in cmd's words.
    """
    return _Parser(line, more).whole()


class _Parser:
    def __init__(self, line: str, more: Callable[[], str | None]) -> None:
        self._line, self._at, self._more = line, 0, more
        self._open = 0
        self._nesting = 0

    # Characters.

    def _rest(self) -> str:
        return self._line[self._at :]

    def _sees(self, text: str) -> bool:
        return self._line.startswith(text, self._at)

    def _skip(self, what: str = DELIMITERS) -> None:
        while self._at < len(self._line) and self._line[self._at] in what:
            self._at += 1

    def _pull(self) -> bool:
        line = self._more()
        if line is None:
            return False
        self._line, self._at = line, 0
        return True

    def _unexpected(self, what: str = "") -> CmdSyntaxError:
        what = what or self._rest().strip(" ")[:1]
        if not what:
            return CmdSyntaxError("The syntax of the command is incorrect.")
        return CmdSyntaxError(f"{what} was unexpected at this time.")

    def _scan(self, stops: str, redirects: list[Redirect] | None) -> str:
        """Text up to a stop or an operator, outside quotes."""
        out: list[str] = []
        quoted, plain = False, True
        while self._at < len(self._line):
            char = self._line[self._at]
            if char == "^" and not quoted:
                out.append(self._escaped())
                plain = False
                continue
            if char == '"':
                quoted = not quoted
            elif not quoted and char in "<>" and redirects is not None:
                redirects.append(self._redirect(_handle(out, plain), char))
                continue
            elif not quoted and (char in stops or self._ends_command(char)):
                break
            out.append(char)
            plain = True
            self._at += 1
        return "".join(out)

    def _ends_command(self, char: str) -> bool:
        return char in "&|<>" or (char == ")" and self._open > 0)

    def _escaped(self) -> str:
        """What a caret protects; at the end of a line, the next line's first."""
        self._at += 1
        if self._at >= len(self._line) and not self._pull():
            return ""
        char = self._line[self._at : self._at + 1]
        self._at += 1
        return char

    def _redirect(self, handle: int | None, sign: str) -> Redirect:
        self._at += 1
        kind = sign
        if sign == ">" and self._sees(">"):
            self._at, kind = self._at + 1, ">>"
        number = (1 if sign == ">" else 0) if handle is None else handle
        if self._sees("&"):
            self._at += 1
            self._skip()
            target = self._rest()[:1]
            self._at += 1
            if not target.isdecimal():
                raise self._unexpected("&")
            return Redirect(number, "&", target)
        self._skip()
        target = self._scan(DELIMITERS, None)
        if not target:
            raise self._unexpected()
        return Redirect(number, kind, target)

    # Commands.

    def whole(self) -> Tree | None:
        tree = self._line_sequence()
        self._skip()
        if self._rest():
            raise self._unexpected()
        return tree

    def _line_sequence(self, first: Tree | None = None) -> Tree | None:
        tree = self._either(first)
        while self._sees("&") and not self._sees("&&"):
            if tree is None:
                raise self._unexpected("&")
            self._at += 1
            right = self._either(None)
            tree = Chain("&", tree, right) if right else tree
        return tree

    def _either(self, first: Tree | None) -> Tree | None:
        return self._joined("||", self._both, first)

    def _both(self, first: Tree | None) -> Tree | None:
        return self._joined("&&", self._piped, first)

    def _piped(self, first: Tree | None) -> Tree | None:
        return self._joined("|", self._command, first)

    def _joined(
        self,
        operator: str,
        part: Callable[[Tree | None], Tree | None],
        first: Tree | None,
    ) -> Tree | None:
        left = part(first)
        while self._sees(operator) and not (operator == "|" and self._sees("||")):
            self._at += len(operator)
            right = part(None) if left else None
            if left is None or right is None:
                raise self._unexpected(operator)
            left = Chain(operator, left, right)
        return left

    def _command(self, first: Tree | None) -> Tree | None:
        if first is not None:
            return first
        self._skip()
        if self._sees("@"):
            self._at += 1
            tree = self._command(None)
            if tree is None or isinstance(tree, Chain):
                return tree
            return replace(tree, quiet=True)
        if self._sees("("):
            return self._block()
        if self._sees(":") or self._sees(")"):
            if not (self._open and self._sees(")")):
                self._at = len(self._line)  # a label, or a stray parenthesis
            return None
        return self._named()

    def _block(self) -> Block:
        self._enter()
        self._at += 1
        self._open += 1
        parts: list[Tree] = []
        while True:
            tree = self._line_sequence()
            if tree is not None:
                parts.append(tree)
            self._skip()
            if self._sees(")"):
                break
            if self._rest():
                raise self._unexpected()
            if not self._pull():
                raise CmdSyntaxError("")
        self._at += 1
        self._open -= 1
        self._nesting -= 1
        redirects: list[Redirect] = []
        self._scan_redirects(redirects)
        return Block(tuple(parts), tuple(redirects))

    def _enter(self) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._unexpected("(")

    def _scan_redirects(self, redirects: list[Redirect]) -> None:
        while True:
            self._skip()
            rest = self._rest()
            number = (
                int(rest[0]) if rest[:1].isdecimal() and rest[1:2] in "<>" else None
            )
            sign = rest[1:2] if number is not None else rest[:1]
            if not sign or sign not in "<>":
                return
            self._at += number is not None
            redirects.append(self._redirect(number, sign))

    def _named(self) -> Tree | None:
        redirects: list[Redirect] = []
        head = ""
        while not head:
            before = self._at
            self._skip()
            head = self._scan(DELIMITERS, redirects)
            if self._at == before:
                break
        if head.lower() == "if":
            return self._if()
        if head.lower() == "for":
            return self._for()
        if head.lower() == "rem":
            self._at = len(self._line)
            return Simple("rem", "", tuple(redirects))
        tail = self._scan("", redirects)
        if not head and not redirects:
            return None
        return Simple(head, tail, tuple(redirects))

    def _word(self) -> str:
        self._skip()
        return self._scan(DELIMITERS, None)

    def _body(self, first: Tree | None = None) -> Tree:
        self._enter()
        tree = self._line_sequence(first)
        self._nesting -= 1
        if tree is None:
            raise self._unexpected()
        return tree

    def _if(self) -> Tree:
        condition = self._condition()
        self._skip()
        if not self._sees("("):
            return If(condition, self._body())
        block = self._block()
        at = self._at
        self._skip()
        if self._word().lower() != "else":
            self._at = at
            return If(condition, self._body(block))
        return If(condition, block, self._body())

    def _condition(self) -> Condition:
        fold = negated = False
        word = self._word()
        while word.lower() in ("/i", "not"):
            fold |= word.lower() == "/i"
            negated |= word.lower() == "not"
            word = self._word()
        if word.lower() in ("errorlevel", "exist", "defined", "cmdextversion"):
            return Condition(word.lower(), self._needed(), "", negated, fold)
        self._skip(" \t,;")
        if self._sees("=="):
            self._at += 2
            return Condition("==", word, self._needed(), negated, fold)
        test = self._word().lower()
        if test not in COMPARISONS:
            raise self._unexpected(test or word)
        return Condition(test, word, self._needed(), negated, fold)

    def _needed(self) -> str:
        word = self._word()
        if not word:
            raise self._unexpected()
        return word

    def _for(self) -> Tree:
        kind, options, word = "", "", self._word()
        while word.startswith("/"):
            kind, word = word[1:].lower(), self._word()
            if kind not in ("d", "f", "l", "r"):
                raise self._unexpected(f"/{kind}")
            if kind in "fr" and not word.startswith("%"):
                options, word = word, self._word()
        if len(word) != 2 or word[0] != "%":  # noqa: PLR2004 -- a percent sign and one letter
            raise self._unexpected(word)
        if self._word().lower() != "in":
            raise self._unexpected(word)
        self._skip()
        if not self._sees("("):
            raise self._unexpected()
        items = self._items()
        if self._word().lower() != "do":
            raise self._unexpected()
        return For(kind, options, word[1], items, self._body())

    def _items(self) -> str:
        self._at += 1
        out: list[str] = []
        quoted = False
        while self._at < len(self._line) or self._pull():
            char = self._line[self._at : self._at + 1] or " "
            if self._at == 0:
                out.append("\n")
            if char == "^" and not quoted:
                out.append(self._escaped())
                continue
            if char == ")" and not quoted:
                self._at += 1
                return "".join(out)
            quoted ^= char == '"'
            out.append(char)
            self._at += 1
        raise CmdSyntaxError("")


def _handle(out: list[str], plain: bool) -> int | None:
    """A single digit right before the sign is a handle, and leaves the text."""
    alone = len(out) == 1 or (len(out) > 1 and out[-2] in DELIMITERS)
    return int(out.pop()) if plain and alone and out[-1] in "0123456789" else None
