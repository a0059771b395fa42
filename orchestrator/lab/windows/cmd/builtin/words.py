"""How built-in commands read what stands behind their name."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from orchestrator.lab.windows.cmd.expansion import split_words
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.streams import Outcome, Routine
from orchestrator.lab.windows.filesystem import Node
from orchestrator.lab.windows.paths import FileError, Win32, wildcard

YesNo = Generator["Outcome | Routine", int, bool]


@dataclass(frozen=True, slots=True)
class Words:
    """Operands without quotes, and switches in small letters without the slash."""

    operands: tuple[str, ...]
    switches: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of the switches was given."""
        return any(name in self.switches for name in names)

    def value(self, name: str) -> str | None:
        """What a switch such as ``/a:hs`` or ``/ahs`` carries."""
        for each in self.switches:
            if each.startswith(name):
                return each[len(name) :].removeprefix(":")
        return None


def read_words(tail: str) -> Words:
    """Split a tail; ``/s/q`` is two switches, a quoted slash none."""
    operands: list[str] = []
    switches: list[str] = []
    for word in split_words(tail):
        first, slash, rest = word.partition("/")
        if not slash or '"' in first:
            operands.append(word.replace('"', ""))
            continue
        if first:
            operands.append(first)
        switches += [one.lower() for one in rest.replace('"', "").split("/")]
    return Words(tuple(operands), tuple(switches))


def syntax_error(cmd: Session) -> int:
    """Say that the command was not understood."""
    cmd.complain("The syntax of the command is incorrect.\r\n")
    return 1


def has_wildcard(name: str) -> bool:
    """Whether a name stands for several."""
    return any(sign in name for sign in "*?")


def matches(cmd: Session, text: str) -> list[tuple[str, Node]]:
    """What a name or pattern means, with full paths.

    Raises:
        FileError: a name without wildcards is not there, or its folder is not.
    """
    path = cmd.path(text)
    folder, _, name = path.rpartition("\\")
    if not has_wildcard(name):
        return [(cmd.files.true_path(path), cmd.files.node(path))]
    shape = wildcard(name)
    found = [
        node for node in cmd.files.list(folder + "\\") if shape.fullmatch(node.name)
    ]
    if not found:
        raise FileError(Win32.FILE_NOT_FOUND, path)
    return [(f"{folder}\\{node.name}", node) for node in found]


def confirm(cmd: Session, question: str) -> YesNo:
    """Ask until the answer begins with Y, N or A; the end of input is a no."""
    while True:
        answer = yield from cmd.ask(question)
        letter = (answer or "n").strip()[:1].lower()
        if letter in ("y", "n", "a"):
            return letter != "n"
