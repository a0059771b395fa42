"""Commands that print or keep text: echo, type, set, date, ver and the like."""

from __future__ import annotations

from orchestrator.lab.windows.cmd.arithmetic import ArithmeticFault, evaluate
from orchestrator.lab.windows.cmd.builtin.words import (
    has_wildcard,
    matches,
    read_words,
    syntax_error,
)
from orchestrator.lab.windows.cmd.parser import DELIMITERS
from orchestrator.lab.windows.cmd.session import Session, clock_text, read_line
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.paths import FileError, Win32

VERSION_TEXT = "Microsoft Windows [Version 5.2.3790]"


def echo(cmd: Session, tail: str) -> int:
    """Print, or switch the showing of commands on and off."""
    word = tail.strip(DELIMITERS).lower()
    if tail[:1] in DELIMITERS and word in ("on", "off"):
        cmd.echo = word == "on"
    elif not word and tail[:1] in DELIMITERS:
        cmd.print(f"ECHO is {'on' if cmd.echo else 'off'}.\r\n")
    else:
        cmd.print(f"{tail[1:]}\r\n")
    return 0


def type_files(cmd: Session, tail: str) -> int:
    """Print files as they are."""
    operands = read_words(tail).operands
    if not operands:
        return syntax_error(cmd)
    status = 0
    several = len(operands) > 1 or has_wildcard(operands[0])
    for name in operands:
        status = _type(cmd, name, several=several) or status
    return status


def _type(cmd: Session, name: str, *, several: bool) -> int:
    if name.lower() == "nul":
        return 0
    try:
        for path, node in matches(cmd, name):
            if node.is_folder and has_wildcard(name):
                continue
            content = cmd.files.read(path)
            if several:
                cmd.complain(f"\r\n{node.name}\r\n\r\n\r\n")
            cmd.handles.streams.stdout.write(content)
    except FileError as error:
        cmd.complain(f"{error.message}\r\n")
        if several:
            cmd.complain(f"Error occurred while processing: {name}.\r\n")
        return 1
    return 0


def set_variable(cmd: Session, tail: str) -> int | Routine:
    """Show, set or compute a variable, or read it from standard input."""
    text = tail.strip(DELIMITERS.replace("=", ""))
    switch = text[:2].lower()
    if switch == "/a":
        return _compute(cmd, text[2:])
    if switch == "/p":
        return _prompt(cmd, text[2:].lstrip())
    text = tail.lstrip(DELIMITERS.replace("=", ""))
    if text.startswith('"') and '"' in text[1:]:
        text = text[1 : text.rfind('"')]
    name, equals, value = text.partition("=")
    if not equals:
        return _show(cmd, name.strip())
    if not name:
        return syntax_error(cmd)
    known = cmd.environment.get(name) is not None
    cmd.environment.set(name, value)
    return 0 if value or known else 1


def _show(cmd: Session, prefix: str) -> int:
    lines = cmd.environment.listing(prefix)
    if not lines:
        cmd.complain(f"Environment variable {prefix} not defined\r\n")
        return 1
    cmd.print("".join(f"{line}\r\n" for line in lines))
    return 0


def _compute(cmd: Session, text: str) -> int:
    try:
        result, assigned = evaluate(text.replace('"', ""), cmd.lookup)
    except ArithmeticFault as fault:
        cmd.complain(f"{fault}\r\n")
        return fault.code
    for name, value in assigned.items():
        cmd.environment.set(name, str(value))
    if not cmd.frames:
        cmd.print(str(result))
    return 0


def _prompt(cmd: Session, text: str) -> Routine:
    if text.startswith('"') and text.count('"') > 1:
        text = text[1 : text.rfind('"')]
    name, _, question = text.partition("=")
    cmd.print(question.strip('"'))
    line = yield from read_line(cmd.handles.stdin)
    if not line:
        return 1
    cmd.environment.set(name, line.decode(cmd.code_page, "replace"))
    return 0


def path(cmd: Session, tail: str) -> int:
    """Show or set the search path."""
    value = tail.strip(DELIMITERS.replace(";", ""))
    if value:
        cmd.environment.set("Path", "" if value == ";" else value)
    else:
        cmd.print(f"PATH={cmd.environment.get('Path') or ''}\r\n")
    return 0


def prompt(cmd: Session, tail: str) -> int:
    """Keep the prompt's shape; nothing here shows it."""
    cmd.environment.set("PROMPT", tail.strip())
    return 0


def date(cmd: Session, tail: str) -> int:
    """Print the date; it is not set from here."""
    if not read_words(tail).has("t"):
        return _privilege(cmd)
    cmd.print(f"{cmd.now:%a %m/%d/%Y} \r\n")
    return 0


def time(cmd: Session, tail: str) -> int:
    """Print the time; it is not set from here."""
    if read_words(tail).has("t"):
        cmd.print(f"{cmd.now:%I:%M %p}\r\n")
        return 0
    if tail.strip():
        return _privilege(cmd)
    cmd.print(f"The current time is: {clock_text(cmd.now)}\r\n")
    return 0


def _privilege(cmd: Session) -> int:
    cmd.complain("A required privilege is not held by the client.\r\n")
    return 1


def ver(cmd: Session, _: str) -> int:
    """Print the system's version."""
    cmd.print(f"\r\n{VERSION_TEXT}\r\n")
    return 0


def vol(cmd: Session, tail: str) -> int:
    """Print a volume's label, which it has not, and its number."""
    drive = (tail.strip(DELIMITERS) or cmd.folder)[:2].upper()
    if not cmd.files.is_folder(f"{drive}\\"):
        raise FileError(Win32.PATH_NOT_FOUND, drive)
    cmd.print(volume_text(drive))
    return 0


def volume_text(drive: str) -> str:
    """The two lines that ``vol`` and ``dir`` begin with."""
    return (
        f" Volume in drive {drive[:1]} has no label.\r\n"
        f" Volume Serial Number is 4C41-42{ord(drive[0]):02X}\r\n"
    )


def cls(cmd: Session, _: str) -> int:
    """Clear the screen."""
    cmd.print("\f")
    return 0


def nothing(_cmd: Session, _tail: str) -> int:
    """A command without an effect here: rem, title, break, verify."""
    return 0
