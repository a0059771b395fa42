"""The table of the commands that cmd carries out itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from orchestrator.lab.windows.cmd.builtin import (
    control,
    directory,
    files,
    folders,
    text,
)
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.streams import Routine


class ErrorlevelRule(Enum):
    """When a command's status becomes ERRORLEVEL.

    Success leaves ERRORLEVEL alone for some commands, and a failing ``rd`` sets it
    only where ``||`` follows: measured by users of cmd and long documented.
    """

    ALWAYS = auto()
    FAILURE = auto()
    #: On failure, and in a file named ``.cmd`` (not ``.bat``) on success too.
    CMD_FILES = auto()
    NEVER = auto()


Run = Callable[[Session, str], "int | Routine"]


@dataclass(frozen=True, slots=True)
class Builtin:
    """One command: what it does, and what its status does to ERRORLEVEL."""

    run: Run
    rule: ErrorlevelRule = ErrorlevelRule.ALWAYS


_FAILURE, _NEVER = ErrorlevelRule.FAILURE, ErrorlevelRule.NEVER
_CMD_FILES = ErrorlevelRule.CMD_FILES
BUILTINS: dict[str, Builtin] = {
    "break": Builtin(text.nothing, _NEVER),
    "call": Builtin(control.call, _FAILURE),
    "cd": Builtin(folders.change),
    "cls": Builtin(text.cls, _NEVER),
    "color": Builtin(text.nothing),
    "copy": Builtin(files.copy),
    "date": Builtin(text.date),
    "del": Builtin(files.delete),
    "dir": Builtin(directory.listing),
    "echo": Builtin(text.echo, _NEVER),
    "endlocal": Builtin(control.endlocal, _NEVER),
    "exit": Builtin(control.leave, _NEVER),
    "goto": Builtin(control.goto, _NEVER),
    "md": Builtin(folders.make),
    "move": Builtin(files.move),
    "path": Builtin(text.path, _CMD_FILES),
    "pause": Builtin(control.pause, _NEVER),
    "popd": Builtin(folders.pop, _FAILURE),
    "prompt": Builtin(text.prompt, _CMD_FILES),
    "pushd": Builtin(folders.push),
    "rd": Builtin(folders.remove, _NEVER),
    "rem": Builtin(text.nothing, _NEVER),
    "ren": Builtin(files.rename),
    "set": Builtin(text.set_variable, _CMD_FILES),
    "setlocal": Builtin(control.setlocal),
    "shift": Builtin(control.shift, _NEVER),
    "start": Builtin(control.start, _FAILURE),
    "time": Builtin(text.time),
    "title": Builtin(text.nothing, _NEVER),
    "type": Builtin(text.type_files),
    "ver": Builtin(text.ver),
    "verify": Builtin(text.nothing),
    "vol": Builtin(text.vol),
}
_OTHER_NAMES = {
    "chdir": "cd",
    "erase": "del",
    "mkdir": "md",
    "rmdir": "rd",
    "rename": "ren",
}
_HEAD = re.compile(r"([a-z]+)([./\\:+(\[\]].*)?", re.IGNORECASE | re.DOTALL)


def match_builtin(head: str) -> tuple[str, str]:
    r"""The command that a first word names, and what sticks to it: ``cd\``."""
    found = _HEAD.fullmatch(head)
    if found is None:
        return "", ""
    name = _OTHER_NAMES.get(found[1].lower(), found[1].lower())
    return (name, found[2] or "") if name in BUILTINS else ("", "")


def is_drive(head: str) -> bool:
    """Whether a first word is a drive alone, which changes to it."""
    return re.fullmatch(r"[a-z]:", head, re.IGNORECASE) is not None
