"""Commands about folders: md, rd, cd, pushd, popd."""

from __future__ import annotations

from orchestrator.lab.windows.cmd.builtin.words import (
    confirm,
    read_words,
    syntax_error,
)
from orchestrator.lab.windows.cmd.parser import DELIMITERS
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.filesystem import Attribute
from orchestrator.lab.windows.paths import FileError, Win32


def make(cmd: Session, tail: str) -> int:
    """``md``: the folder and those above it; one that exists is an error."""
    names = read_words(tail).operands
    if not names:
        return syntax_error(cmd)
    status = 0
    for name in names:
        failed = _make(cmd, name)
        if failed and len(names) > 1:
            cmd.complain(f"Error occurred while processing: {name}.\r\n")
        status = failed or status
    return status


def _make(cmd: Session, name: str) -> int:
    path = cmd.path(name)
    try:
        cmd.files.make_folders(path.rpartition("\\")[0])
        cmd.files.make_folder(path)
    except FileError as error:
        if error.code is Win32.ALREADY_EXISTS or cmd.files.exists(path):
            cmd.complain(f"A subdirectory or file {name} already exists.\r\n")
        else:
            cmd.complain(f"{error.message}\r\n")
        return 1
    return 0


def remove(cmd: Session, tail: str) -> Routine:
    """``rd``: an empty folder, or with ``/s`` all below it, asking without ``/q``."""
    words = read_words(tail)
    if not words.operands:
        return syntax_error(cmd)
    status = 0
    for name in words.operands:
        try:
            path = cmd.path(name)
            if not words.has("s"):
                cmd.files.remove_folder(path)
                continue
            cmd.files.list(path)
            sure = words.has("q")
            if sure or (yield from confirm(cmd, f"{name}, Are you sure (Y/N)? ")):
                status = _remove_tree(cmd, path) or status
        except FileError as error:
            cmd.complain(f"{error.message}\r\n")
            status = int(error.code)
    return status


def _remove_tree(cmd: Session, path: str) -> int:
    status = 0
    for child in cmd.files.list(path):
        below = f"{path}\\{child.name}"
        try:
            if child.is_folder:
                status = _remove_tree(cmd, below) or status
            else:
                child.attributes &= ~Attribute.READ_ONLY
                cmd.files.delete(below)
        except FileError as error:
            cmd.complain(f"{below} - {error.message}\r\n")
            status = int(error.code)
    if not status:
        cmd.files.remove_folder(path)
    return status


def change(cmd: Session, tail: str) -> int:
    """``cd``: show or change a drive's folder; ``/d`` changes the drive too."""
    text = tail.strip(DELIMITERS)
    both = text[:2].lower() == "/d"
    text = (text[2:] if both else text).strip(DELIMITERS).replace('"', "")
    if not text:
        cmd.print(f"{cmd.folder}\r\n")
        return 0
    drive = text[:2].lower() if text[1:2] == ":" else cmd.folder[:2].lower()
    if text.lower() == drive:
        if both:
            go(cmd, _drive_folder(cmd, drive))
        else:
            cmd.print(f"{_drive_folder(cmd, drive)}\r\n")
        return 0
    path = _folder(cmd, text)
    if both or drive == cmd.folder[:2].lower():
        go(cmd, path)
    else:
        cmd.folders[drive] = path
    return 0


def go(cmd: Session, path: str) -> None:
    """Make a folder the working one."""
    cmd.folders[cmd.folder[:2].lower()] = cmd.folder
    cmd.folder = path
    cmd.folders[path[:2].lower()] = path


def _folder(cmd: Session, text: str) -> str:
    path = cmd.path(text)
    node = cmd.files.find(path)
    if node is None:
        raise FileError(Win32.PATH_NOT_FOUND, path)
    if not node.is_folder:
        raise FileError(Win32.DIRECTORY, path)
    return cmd.files.true_path(path)


def _drive_folder(cmd: Session, drive: str) -> str:
    """A drive's own folder, where ``D:`` alone leads to."""
    if not cmd.files.is_folder(f"{drive}\\"):
        raise FileError(Win32.INVALID_DRIVE, drive)
    here = cmd.folder if cmd.folder[:2].lower() == drive else f"{drive.upper()}\\"
    return cmd.folders.get(drive, here)


def push(cmd: Session, tail: str) -> int:
    """Go to a folder and remember this one."""
    text = tail.strip(DELIMITERS).replace('"', "")
    if not text:
        cmd.print("".join(f"{one}\r\n" for one in reversed(cmd.pushed)))
        return 0
    path = _folder(cmd, text)
    cmd.pushed.append(cmd.folder)
    go(cmd, path)
    return 0


def pop(cmd: Session, _: str) -> int:
    """Go back to the folder remembered last."""
    if not cmd.pushed:
        return 1
    go(cmd, cmd.pushed.pop())
    return 0
