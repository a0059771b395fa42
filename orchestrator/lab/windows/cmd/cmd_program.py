"""cmd.exe as a program: its switches, ``/c``, and reading commands from input."""

from __future__ import annotations

import re

from orchestrator.lab.windows.cmd.builtin.text import VERSION_TEXT
from orchestrator.lab.windows.cmd.interpreter import Interpreter
from orchestrator.lab.windows.cmd.launch import Context, locate
from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.session import read_line
from orchestrator.lab.windows.cmd.streams import Routine

_SWITCH = re.compile(r"\s*/([a-z?])(:\w+)?", re.IGNORECASE)
_SPECIAL = re.compile(r"[&<>()@^|]")


def run(invocation: Invocation) -> Routine:
    """Run one command line and end, or read lines until there are no more."""
    given = invocation
    context = Context(given.folder, given.environment, given.streams, given.console)
    cmd = Interpreter(given.system, given.executor, given.pid, context)
    cmd.command_line = given.path + given.tail
    tail, once, stays, strips = given.tail, False, False, False
    while not once and (found := _SWITCH.match(tail)):
        letter, tail = found[1].lower(), tail[found.end() :]
        if letter == "v":
            cmd.delayed = (found[2] or ":on").lower() == ":on"
        strips |= letter == "s"
        once, stays = letter in "ckr", letter == "k"
    line = tail.lstrip() if once else ""
    if line.startswith('"') and (strips or not _is_program(cmd, line)):
        line = without_outer_quotes(line)
    return cmd.finish(_session(cmd, line, stays=stays or not once))


def _is_program(cmd: Interpreter, line: str) -> bool:
    """Whether quotes stand around one program's path, with blanks, and nothing else."""
    inside = line.rstrip()[1:-1]
    alone = line.count('"') == 2 and line.rstrip().endswith('"')  # noqa: PLR2004 -- the two around a path
    odd = _SPECIAL.search(inside) or inside.endswith((".", " "))
    if not alone or " " not in inside or odd:
        return False
    return locate(cmd.files, inside, cmd.context) is not None


def without_outer_quotes(line: str) -> str:
    """A line without its first quote and its last."""
    last = line.rfind('"')
    return line[1:last] + line[last + 1 :] if last else line[1:]


def _banner(cmd: Interpreter) -> int:
    cmd.print(f"{VERSION_TEXT}\r\n(C) Copyright 1985-2003 Microsoft Corp.\r\n")
    return 0


def _session(cmd: Interpreter, line: str, *, stays: bool) -> Routine:
    status = (yield from cmd.run_line(line)) if line else 0
    if stays and not line:
        _banner(cmd)
    while stays:
        cmd.print(f"\r\n{cmd.folder}>")
        read = yield from read_line(cmd.handles.stdin)
        if read is None:
            break
        text = read.decode(cmd.code_page, "replace")
        cmd.print(f"{text}\r\n")
        status = yield from cmd.run_line(text)
    return status if not stays else cmd.errorlevel
