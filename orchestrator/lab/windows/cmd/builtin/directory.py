"""``dir``: the full listing, ``/b``, ``/s``, ``/a``, ``/o``; American dates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.lab.windows.cmd.builtin.files import has_attributes
from orchestrator.lab.windows.cmd.builtin.text import volume_text
from orchestrator.lab.windows.cmd.builtin.words import Words, has_wildcard, read_words
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.filesystem import Attribute, Node
from orchestrator.lab.windows.paths import FileError, Win32, wildcard

_KEYS: dict[str, Callable[[Node], Any]] = {
    "n": lambda node: node.name.lower(),
    "s": lambda node: len(node.content),
    "d": lambda node: node.modified,
    "e": lambda node: node.name.lower().rpartition(".")[2],
    "g": lambda node: not node.is_folder,
}


def listing(cmd: Session, tail: str) -> int:
    """List files; nothing that fits is an error."""
    words = read_words(tail)
    bare = words.has("b")
    total = _Totals()
    for text in words.operands or (".",):
        folder, shape = _where(cmd, text)
        if not bare:
            cmd.print(volume_text(folder[:2].upper()))
        for place in _folders(cmd, folder, words):
            nodes = [node for node in _nodes(cmd, place, words) if shape(node)]
            if nodes:
                _print_folder(cmd, place, nodes, words, total)
    if not total.shown:
        cmd.complain("File Not Found\r\n")
        return 1
    if not bare:
        _print_total(cmd, words, total)
    return 0


class _Totals:
    """Counts over all folders of one listing."""

    def __init__(self) -> None:
        self.shown = self.files = self.size = self.folders = 0
        self.place = "C:\\"


def _where(cmd: Session, text: str) -> tuple[str, Callable[[Node], bool]]:
    path = cmd.path(text)
    if cmd.files.is_folder(path):
        return cmd.files.true_path(path), lambda _: True
    folder, _, name = path.rpartition("\\")
    if not cmd.files.is_folder(folder + "\\"):
        code = Win32.PATH_NOT_FOUND if has_wildcard(name) else Win32.FILE_NOT_FOUND
        raise FileError(code, path)
    shape = wildcard(name)
    return cmd.files.true_path(folder + "\\"), lambda n: bool(shape.fullmatch(n.name))


def _folders(cmd: Session, folder: str, words: Words) -> Iterator[str]:
    yield folder
    if words.has("s"):
        for path, node in cmd.files.walk(folder):
            if node.is_folder:
                yield path


def _nodes(cmd: Session, place: str, words: Words) -> list[Node]:
    found = cmd.files.list(place)
    if not words.has("b") and place.count("\\") > place.endswith("\\"):
        here = cmd.files.node(place)
        found = [_named(here, "."), _named(here, ".."), *found]
    wanted = words.value("a")
    chosen = [node for node in found if _shown(node, wanted)]
    order, reverse = words.value("o"), False
    for letter in reversed(order if order is not None else ""):
        if letter in _KEYS:
            chosen.sort(key=_KEYS[letter], reverse=reverse)
    if order and order.startswith("-"):
        chosen.reverse()
    return chosen


def _named(node: Node, name: str) -> Node:
    times = (node.created, node.modified, node.accessed)
    return Node(name, *times, node.security, node.attributes, children={})


def _shown(node: Node, wanted: str | None) -> bool:
    if wanted is None:
        return not node.attributes & (Attribute.HIDDEN | Attribute.SYSTEM)
    return has_attributes(node, wanted)


def _print_folder(
    cmd: Session, place: str, nodes: list[Node], words: Words, total: _Totals
) -> None:
    files = [node for node in nodes if not node.is_folder]
    size = sum(len(node.content) for node in files)
    total.shown += len(nodes)
    total.files, total.size = total.files + len(files), total.size + size
    total.folders += len(nodes) - len(files)
    total.place = place
    if words.has("b"):
        prefix = place.rstrip("\\") + "\\" if words.has("s") else ""
        cmd.print("".join(f"{prefix}{node.name}\r\n" for node in nodes))
        return
    cmd.print(f"\r\n Directory of {place}\r\n\r\n")
    cmd.print("".join(_line(cmd, node, words) for node in nodes))
    if words.has("s"):
        cmd.print(_count(len(files), size, words))


def _line(cmd: Session, node: Node, words: Words) -> str:
    kind = words.value("t")
    moment = node.created if kind == "c" else node.modified
    local = f"{cmd.system.local(moment):%m/%d/%Y  %I:%M %p}"
    middle = "<DIR>".ljust(14) if node.is_folder else _size(len(node.content), words)
    return f"{local}    {middle.rjust(14)} {node.name}\r\n"


def _size(size: int, words: Words) -> str:
    return str(size) if words.has("-c") else f"{size:,}"


def _count(files: int, size: int, words: Words) -> str:
    return f"{files:16} File(s) {_size(size, words):>14} bytes\r\n"


def _print_total(cmd: Session, words: Words, total: _Totals) -> None:
    if words.has("s"):
        cmd.print("\r\n     Total Files Listed:\r\n")
    cmd.print(_count(total.files, total.size, words))
    free = _size(cmd.files.free_of(total.place), words)
    cmd.print(f"{total.folders:16} Dir(s) {free:>15} bytes free\r\n")
