"""Commands that steer: call, goto, exit, shift, setlocal, start, pause."""

from __future__ import annotations

import re

from orchestrator.lab.windows.cmd import launch
from orchestrator.lab.windows.cmd.batch import (
    EndFrame,
    Exit,
    Frame,
    Goto,
    find_label,
)
from orchestrator.lab.windows.cmd.builtin.words import read_words
from orchestrator.lab.windows.cmd.conditions import number
from orchestrator.lab.windows.cmd.expansion import Arguments, expand, split_words
from orchestrator.lab.windows.cmd.parser import DELIMITERS
from orchestrator.lab.windows.cmd.session import Session, read_line
from orchestrator.lab.windows.cmd.streams import Outcome, Routine

FILE_NOT_STARTED = 9059
MAX_SAVED = 32
"""``setlocal`` within one batch file, as on Windows."""

_OPTION = re.compile(r"\s*(/\w+(?::\w+)?)(.*)", re.DOTALL)


def call(cmd: Session, tail: str) -> Routine:
    """Run a label, a batch file or a command, its variables replaced once more."""
    frame = cmd.frames[-1] if cmd.frames else None
    arguments = frame.arguments if frame else None
    text = expand(tail, cmd.lookup, arguments, cmd.locator()).lstrip(DELIMITERS)
    words = split_words(text)
    if not words:
        return 0
    head, rest = words[0], text[len(words[0]) :]
    if not head.startswith(":"):
        return (yield from cmd.dispatch(head, rest, called=True))
    if frame is None:
        cmd.complain("Invalid attempt to call batch label outside of batch script.\r\n")
        return 1
    if head.lower() == ":eof":
        return 0
    position = _find(cmd, frame, head[1:])
    if position is None:
        cmd.complain(
            f"The system cannot find the batch label specified - {head[1:]}\r\n"
        )
        return 1
    inner = Arguments(head, rest, frame.arguments.path)
    return (yield cmd.run_frame(Frame(inner, position)))


def _find(cmd: Session, frame: Frame, label: str) -> int | None:
    node = cmd.files.find(frame.arguments.path)
    return find_label(node.content if node else b"", label, frame.position)


def goto(cmd: Session, tail: str) -> int:
    """Go on behind a label; ``:eof`` ends the batch file or called label."""
    words = split_words(tail)
    if not cmd.frames:
        return 0
    label = words[0] if words else ""
    if label.lower() == ":eof":
        raise EndFrame(cmd.errorlevel)
    frame = cmd.frames[-1]
    position = _find(cmd, frame, label.lstrip(":"))
    if position is None:
        name = label.lstrip(":")
        cmd.complain(f"The system cannot find the batch label specified - {name}\r\n")
        cmd.errorlevel = 1
        raise EndFrame(1)
    raise Goto(position)


def leave(cmd: Session, tail: str) -> int:
    """``exit``: end this cmd, or with ``/b`` this batch file."""
    words = read_words(tail)
    value = number(words.operands[0]) if words.operands else None
    if value is not None:
        cmd.errorlevel = (value + (1 << 31)) % (1 << 32) - (1 << 31)
    if words.has("b") and cmd.frames:
        raise EndFrame(cmd.errorlevel)
    raise Exit(cmd.errorlevel)


def shift(cmd: Session, tail: str) -> int:
    """Move the arguments of the batch file down by one."""
    if cmd.frames:
        start = tail.strip().lstrip("/")
        cmd.frames[-1].arguments.shift(int(start) if start.isdecimal() else 0)
    return 0


def setlocal(cmd: Session, tail: str) -> int:
    """Put variables, folder and settings aside until ``endlocal``."""
    if not cmd.frames:
        return 0
    saved = cmd.frames[-1].saved
    if len(saved) >= MAX_SAVED:
        cmd.complain("Maximum setlocal recursion level reached.\r\n")
        return 1
    saved.append(cmd.save())
    for word in split_words(tail.lower()):
        if word.endswith("delayedexpansion"):
            cmd.delayed = word.startswith("enable")
    return 0


def endlocal(cmd: Session, _: str) -> int:
    """Bring back what the last ``setlocal`` put aside."""
    if cmd.frames and cmd.frames[-1].saved:
        cmd.restore(cmd.frames[-1].saved.pop())
    return 0


def pause(cmd: Session, _: str) -> Routine:
    """Wait for a line of input, as no key can be pressed here."""
    cmd.print("Press any key to continue . . . ")
    yield from read_line(cmd.handles.stdin)
    cmd.print("\r\n")
    return 0


def start(cmd: Session, tail: str) -> Routine:
    """Start a program beside this one; ``/wait`` waits for it."""
    text, title = tail.lstrip(DELIMITERS), re.match(r'\s*"[^"]*"', tail)
    if title:
        text = tail[title.end() :]
    waits, folder = False, cmd.folder
    while option := _OPTION.fullmatch(text):
        name, text = option[1].lower(), option[2]
        waits |= name.startswith("/w")
        if name == "/d":
            word = split_words(text)[0] if split_words(text) else ""
            folder, text = cmd.path(word.strip('"')), text.split(word, 1)[-1]
    outcome = _begin(cmd, text.lstrip(DELIMITERS), folder)
    if outcome is None:
        return FILE_NOT_STARTED
    return (yield outcome) if waits else 0


def _begin(cmd: Session, line: str, folder: str) -> Outcome | None:
    before, cmd.folder = cmd.folder, folder
    try:
        words = split_words(line)
        head = words[0] if words else ""
        path = launch.locate(cmd.files, head.strip('"'), cmd.context) if head else None
        if head and path is None and not cmd.knows(head):
            cmd.complain(f"The system cannot find the file {head}.\r\n")
            return None
        if path is None or path.lower().endswith(launch.BATCH):
            return cmd.fork_line(line, cmd.handles).outcome
        job = cmd.start_program(head, path, line[len(head) :])
        return job.outcome if job else None
    finally:
        cmd.folder = before
