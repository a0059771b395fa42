"""How programs read their command line, files and standard input."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.session import read_all
from orchestrator.lab.windows.cmd.streams import Outcome, Routine
from orchestrator.lab.windows.filesystem import Node
from orchestrator.lab.windows.paths import FileError, Win32, full_path, wildcard

BytesRoutine = Generator["Outcome | Routine", int, bytes]


def arguments(tail: str) -> list[str]:
    r"""Words as the C runtime splits them: ``\"`` is a quote, others only group."""
    words: list[str] = []
    current: str | None = None
    quoted, at = False, 0
    while at < len(tail):
        char = tail[at]
        if char == "\\" and tail[at + 1 : at + 2] == '"':
            current, at = (current or "") + '"', at + 1
        elif char == '"':
            quoted, current = not quoted, current or ""
        elif char in " \t" and not quoted:
            words += [] if current is None else [current]
            current = None
        else:
            current = (current or "") + char
        at += 1
    return words if current is None else [*words, current]


def path_of(run: Invocation, text: str) -> str:
    """The full path of an argument."""
    return full_path(text, run.folder)


def matching(run: Invocation, text: str) -> list[tuple[str, Node]]:
    """The files and folders that a name or pattern means.

    Raises:
        FileError: none does (2), or their folder is missing (3).
    """
    path = path_of(run, text)
    folder, _, name = path.rpartition("\\")
    if not any(sign in name for sign in "*?"):
        return [(run.system.files.true_path(path), run.system.files.node(path))]
    shape = wildcard(name)
    nodes = run.system.files.list(folder + "\\")
    found = [(f"{folder}\\{n.name}", n) for n in nodes if shape.fullmatch(n.name)]
    if not found:
        raise FileError(Win32.FILE_NOT_FOUND, path)
    return found


def files_of(run: Invocation, text: str) -> list[tuple[str, bytes]]:
    """Paths and contents of the files that a name or pattern means.

    Raises:
        FileError: there is none, or it may not be read.
    """
    files = run.system.files
    return [
        (path, files.read(path))
        for path, node in matching(run, text)
        if not node.is_folder
    ]


def standard_input(run: Invocation) -> BytesRoutine:
    """All of standard input."""
    return (yield from read_all(run.streams.stdin))


def lines_of(run: Invocation, content: bytes) -> list[str]:
    """Lines of text. A program that reads text stops a line at a zero byte.

    That, and their CR LF at the end, is how these programs mangle what is not text.
    """
    text = content.decode(run.code_page, "replace").replace("\r\n", "\n")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.partition("\0")[0] for line in lines]


def option(words: Sequence[str], name: str) -> str | None:
    """What follows a switch; ``None`` without it."""
    lowered = [word.lower() for word in words]
    if name not in lowered:
        return None
    return (*words, "")[lowered.index(name) + 1]
