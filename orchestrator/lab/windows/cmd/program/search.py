"""find, findstr, sort and more: programs that read lines and print lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import (
    BytesRoutine,
    arguments,
    files_of,
    lines_of,
    path_of,
    standard_input,
)
from orchestrator.lab.windows.cmd.session import read_line
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.paths import FileError

NO_MATCH, WRONG_USE = 1, 2
MAX_EXPRESSION = 254
"""Characters of one search string of findstr on this system."""

Matches = Callable[[str], bool]


def find(run: Invocation) -> Routine:
    """``find [/v] [/c] [/n] [/i] "text" [files]``."""
    quoted = re.search(r'"((?:[^"]|"")*)"', run.tail)
    rest = run.tail if quoted is None else run.tail.replace(quoted[0], " ", 1)
    words = rest.split()
    switches = {word.lower() for word in words if word.startswith("/")}
    names = [word for word in words if not word.startswith("/")]
    if quoted is None or not switches <= {"/v", "/c", "/n", "/i"}:
        run.complain("FIND: Parameter format not correct\r\n")
        return WRONG_USE
    wanted, fold = quoted[1].replace('""', '"'), "/i" in switches
    wanted = wanted.lower() if fold else wanted

    def matches(line: str) -> bool:
        inside = bool(wanted) and wanted in (line.lower() if fold else line)
        return inside is not ("/v" in switches)

    if not names:
        content = yield from standard_input(run)
        return _find(run, content, matches, switches, "")
    codes = [_find_file(run, name, matches, switches) for name in names]
    return min(codes) if NO_MATCH in codes or 0 in codes else WRONG_USE


def _find_file(run: Invocation, name: str, matches: Matches, switches: set[str]) -> int:
    try:
        found = files_of(run, name)
    except FileError:
        run.complain(f"File not found - {name.upper()}\r\n")
        return WRONG_USE
    codes = []
    for path, content in found:
        shown = path.rpartition("\\")[2] if "*" in name or "?" in name else name
        head = f"\r\n---------- {shown.upper()}"
        codes.append(_find(run, content, matches, switches, head))
    return min(codes, default=NO_MATCH)


def _find(
    run: Invocation, content: bytes, matches: Matches, switches: set[str], head: str
) -> int:
    lines = enumerate(lines_of(run, content), 1)
    hits = [(number, line) for number, line in lines if matches(line)]
    if "/c" in switches:
        run.print(f"{head}: {len(hits)}\r\n" if head else f"{len(hits)}\r\n")
    else:
        numbered = "/n" in switches
        text = "".join(f"[{n}]{t}\r\n" if numbered else f"{t}\r\n" for n, t in hits)
        run.print((f"{head}\r\n" if head else "") + text)
    return 0 if hits else NO_MATCH


@dataclass(slots=True)
class _Query:
    switches: set[str] = field(default_factory=set)
    patterns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    literal: bool | None = None


def findstr(run: Invocation) -> Routine:
    """``findstr [/b] [/e] [/l] [/r] [/i] [/x] [/v] [/n] [/m] [/s] strings files``."""
    query = _query(run)
    if query is None or not query.patterns:
        run.complain("FINDSTR: Bad command line\r\n")
        return WRONG_USE
    matches = _matcher(query)
    if matches is None:
        run.complain("FINDSTR: Search string too long.\r\n")
        return WRONG_USE
    if not query.names:
        content = yield from standard_input(run)
        return NO_MATCH - _report(run, content, matches, query, "")
    hits = [_in_files(run, name, matches, query) for name in query.names]
    return 0 if any(hits) else NO_MATCH


def _query(run: Invocation) -> _Query | None:
    query = _Query()
    for word in arguments(run.tail):
        name, colon, value = word[1:].partition(":")
        if word[:1] in ("/", "-") and not (query.patterns and word[:1] == "-"):
            if colon and name.lower() == "c":
                query.patterns.append(value)
                query.literal = query.literal is not False
            elif colon and name.lower() == "g":
                source = run.system.files.read(path_of(run, value))
                query.patterns += lines_of(run, source)
            elif colon or not set(name.lower()) <= set("beilmnoprsvx"):
                return None
            query.switches |= set(name.lower()) if not colon else set()
        elif query.patterns:
            query.names.append(word)
        else:
            query.patterns = word.split(" ")
            query.literal = False if query.literal is None else query.literal
    return query


def _matcher(query: _Query) -> Matches | None:
    if any(len(pattern) > MAX_EXPRESSION for pattern in query.patterns):
        return None
    literal = "l" in query.switches or (query.literal and "r" not in query.switches)
    texts = [re.escape(p) if literal else expression(p) for p in query.patterns]
    if "x" in query.switches:
        texts = [f"^(?:{text})$" for text in texts]
    texts = [f"^(?:{text})" for text in texts] if "b" in query.switches else texts
    texts = [f"(?:{text})$" for text in texts] if "e" in query.switches else texts
    flags = re.IGNORECASE if "i" in query.switches else re.NOFLAG
    shapes = [re.compile(text, flags) for text in texts]
    wanted = "v" not in query.switches
    return lambda line: any(shape.search(line) for shape in shapes) is wanted


def expression(pattern: str) -> str:
    r"""Findstr's regular expressions: ``. * ^ $ [class] [^class] \x \< \>``."""
    out, at = "", 0
    while at < len(pattern):
        char, follows = pattern[at], pattern[at + 1 : at + 2]
        close = pattern.find("]", at + 2) if char == "[" else -1
        if char == "\\" and follows:
            out += r"\b" if follows in "<>" else re.escape(follows)
            at += 1
        elif close > 0:
            out += _char_class(pattern[at + 1 : close])
            at = close
        elif char == "*":
            out += "*" if out and not out.endswith(("*", "^")) else r"\*" * (not out)
        elif (
            char == "."
            or (char == "^" and not at)
            or (char == "$" and at == len(pattern) - 1)
        ):
            out += char
        else:
            out += re.escape(char)
        at += 1
    return out


def _char_class(inside: str) -> str:
    negated, body = inside.startswith("^"), inside.removeprefix("^")
    if re.search(r"(.)-(.)", body) and any(
        found[1] > found[2] for found in re.finditer(r"(.)-(.)", body)
    ):
        return re.escape(f"[{inside}]")
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", body)
    return f"[{'^' if negated else ''}{escaped}]" if body else re.escape(f"[{inside}]")


def _in_files(run: Invocation, name: str, matches: Matches, query: _Query) -> bool:
    try:
        found = files_of(run, name)
    except FileError:
        run.complain(f"FINDSTR: Cannot open {name}\r\n")
        return False
    several = len(query.names) > 1 or "*" in name or "?" in name
    above = name.rpartition("\\")[0]
    hit = False
    for path, content in found:
        shown = f"{above}\\{path.rpartition(chr(92))[2]}".lstrip("\\")
        hit |= _report(run, content, matches, query, shown if several else "")
    return hit


def _report(
    run: Invocation, content: bytes, matches: Matches, query: _Query, name: str
) -> bool:
    lines = enumerate(lines_of(run, content), 1)
    hits = [(number, line) for number, line in lines if matches(line)]
    if "m" in query.switches:
        run.print(f"{name}\r\n" if hits else "")
        return bool(hits)
    prefix = f"{name}:" if name else ""
    numbered = "n" in query.switches
    run.print("".join(f"{prefix}{f'{n}:' if numbered else ''}{t}\r\n" for n, t in hits))
    return bool(hits)


def sort(run: Invocation) -> Routine:
    """``sort [/r] [/+n] [file]``: letter case does not count."""
    words = arguments(run.tail)
    names = [word for word in words if not word.startswith("/")]
    column = next((int(w[2:]) for w in words if re.fullmatch(r"/\+\d+", w)), 1)
    content = yield from _input_or_files(run, names[:1])
    lines = lines_of(run, content)
    lines.sort(key=lambda line: line[column - 1 :].lower())
    if any(word.lower() in ("/r", "/reverse") for word in words):
        lines.reverse()
    run.print("".join(f"{line}\r\n" for line in lines))
    return 0


def more(run: Invocation) -> Routine:
    """Print text; without a screen there are no pages."""
    words = arguments(run.tail)
    names = [word for word in words if word[:1] not in "/+"]
    content = yield from _input_or_files(run, names)
    lines = [line.expandtabs() for line in lines_of(run, content)]
    run.print("".join(f"{line}\r\n" for line in lines))
    return 0


def _input_or_files(run: Invocation, names: Sequence[str]) -> BytesRoutine:
    if not names:
        return (yield from standard_input(run))
    return b"".join(content for name in names for _, content in files_of(run, name))


def answer(run: Invocation, question: str) -> Routine:
    """Ask yes or no on standard input; 1 is yes, the end of input is a no."""
    run.print(question)
    line = yield from read_line(run.streams.stdin)
    return int((line or b"")[:1].lower() == b"y")
