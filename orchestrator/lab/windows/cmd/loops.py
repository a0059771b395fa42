"""The loops: plain, ``/d``, ``/r``, ``/l`` and ``/f``."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from orchestrator.lab.windows.cmd.conditions import number
from orchestrator.lab.windows.cmd.expansion import split_words
from orchestrator.lab.windows.cmd.redirection import Handles
from orchestrator.lab.windows.cmd.session import Session, read_all
from orchestrator.lab.windows.cmd.streams import Memory, Outcome, Pipe, Routine
from orchestrator.lab.windows.cmd.tree import For
from orchestrator.lab.windows.filesystem import Attribute
from orchestrator.lab.windows.paths import FileError, wildcard

MAX_TOKENS = 31
_DELIMITERS = " \t,;=\n"


def run(cmd: Session, loop: For) -> Routine:
    """Run a loop; its variables are those of the outer loops and its own."""
    items = cmd.late(loop.items)
    if loop.kind == "f":
        return (yield from _parse_loop(cmd, loop, items))
    values = _counted(items) if loop.kind == "l" else _named(cmd, loop, items)
    return (yield from _each(cmd, loop, ({loop.variable: one} for one in values)))


def _each(cmd: Session, loop: For, values: Iterable[dict[str, str]]) -> Routine:
    outer, status = cmd.loop_variables, 0
    try:
        for value in values:
            cmd.loop_variables = outer | value
            cmd.show(loop.body)
            status = yield from cmd.execute(loop.body)
    finally:
        cmd.loop_variables = outer
    return status


def _counted(items: str) -> Iterator[str]:
    words = [number(word) or 0 for word in split_words(items, _DELIMITERS)]
    start, step, end = (*words, 0, 0, 0)[:3]
    while start <= end if step >= 0 else start >= end:
        yield str(start)
        start += step


def _named(cmd: Session, loop: For, items: str) -> Iterator[str]:
    words = split_words(items, _DELIMITERS)
    if loop.kind != "r":
        for word in words:
            yield from _matching(cmd, loop.kind, word, "")
        return
    root = cmd.path(cmd.late(loop.options).strip('"') or ".")
    below = [path for path, node in cmd.files.walk(root) if node.is_folder]
    for folder in [root, *below]:
        for word in words:
            if any(sign in word for sign in "*?"):
                yield from _matching(cmd, "", word.strip('"'), folder + "\\")
            else:
                yield f"{folder}\\{word}"


def _matching(cmd: Session, kind: str, word: str, folder: str) -> Iterator[str]:
    bare = word.strip('"')
    if not any(sign in bare for sign in "*?"):
        yield word
        return
    above, slash, name = (folder + bare).rpartition("\\")
    shape = wildcard(name)
    try:
        nodes = cmd.files.list(cmd.path(above + slash if slash else "."))
    except FileError:
        return
    for node in nodes:
        hidden = node.attributes & (Attribute.HIDDEN | Attribute.SYSTEM)
        fits = not hidden and shape.fullmatch(node.name)
        if fits and node.is_folder is (kind == "d"):
            yield above + slash + node.name


@dataclass(frozen=True, slots=True)
class _Options:
    tokens: tuple[int, ...] = (1,)
    rest: bool = False
    delimiters: str = " \t"
    comment: str = ";"
    skip: int = 0
    backquotes: bool = False


def _options(text: str) -> _Options:
    text = text.strip('"')
    words = dict(re.findall(r"(tokens|skip|eol|delims)=(\S*)", text, re.IGNORECASE))
    words = {name.lower(): value for name, value in words.items()}
    delimiters = words.get("delims", " \t")
    if re.search(r"delims=\S* +$", text, re.IGNORECASE):
        delimiters += " "  # a blank counts when it stands last
    tokens, rest = _tokens(words.get("tokens", "1"))
    comment = words.get("eol", ";")[:1]
    skip = number(words.get("skip", "0")) or 0
    backquotes = "usebackq" in text.lower()
    return _Options(tokens, rest, delimiters, comment, skip, backquotes)


def _tokens(text: str) -> tuple[tuple[int, ...], bool]:
    found: set[int] = set()
    for part in text.rstrip("*").split(","):
        first, _, last = part.partition("-")
        low, high = number(first) or 0, number(last or first) or 0
        found.update(range(max(low, 1), min(high, MAX_TOKENS) + 1))
    return tuple(sorted(found)), text.endswith("*")


def _parse_loop(cmd: Session, loop: For, items: str) -> Routine:
    options = _options(cmd.late(loop.options))
    try:
        text = yield from _text(cmd, items.strip(" \t\n"), options)
    except FileError as error:
        name = items.strip().strip('"')
        cmd.complain(f"The system cannot find the file {name}.\r\n")
        return int(error.code and 1)
    lines = text.replace("\r", "").split("\n")[options.skip :]
    values = (_split(line, loop.variable, options) for line in lines if line)
    return (yield from _each(cmd, loop, (one for one in values if one is not None)))


def _text(
    cmd: Session, items: str, options: _Options
) -> Generator[Outcome | Routine, int, str]:
    command, string = ("`", "'") if options.backquotes else ("'", '"')
    if len(items) > 1 and items[0] == items[-1] == command:
        return (yield from _output(cmd, items[1:-1]))
    if len(items) > 1 and items[0] == items[-1] == string:
        return items[1:-1]
    names = [word.strip('"') for word in split_words(items, _DELIMITERS)]
    return "\n".join(
        cmd.files.read(cmd.path(name)).decode(cmd.code_page, "replace")
        for name in names
    )


def _output(cmd: Session, line: str) -> Generator[Outcome | Routine, int, str]:
    pipe = Pipe(limit=1 << 40)  # its reader waits for the end
    outer = cmd.handles
    job = cmd.fork_line(line, Handles({**outer.sinks, 1: pipe}, Memory()))
    yield job.outcome
    pipe.close()
    data = yield from read_all(pipe)
    return data.decode(cmd.code_page, "replace")


def _split(line: str, first: str, options: _Options) -> dict[str, str] | None:
    if options.comment and line.startswith(options.comment):
        return None
    wanted = len(options.tokens) + options.rest
    names = [chr(ord(first) + index) for index in range(wanted)]
    words = _words(line, options)
    if not words:
        return None
    values = [words[one - 1][0] if one <= len(words) else "" for one in options.tokens]
    if options.rest:
        last = max(options.tokens, default=0)
        values.append(line[words[last][1] :] if last < len(words) else "")
    return dict(zip(names, values, strict=True))


def _words(line: str, options: _Options) -> list[tuple[str, int]]:
    """Words with the place where each begins."""
    if not options.delimiters:
        return [(line, 0)]
    pattern = f"[^{re.escape(options.delimiters)}]+"
    return [(found[0], found.start()) for found in re.finditer(pattern, line)]
