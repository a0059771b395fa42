"""Paths as Windows reads them, and the errors that go with files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

MAX_PATH = 260
BAD_NAME = re.compile(r'[<>"|?*:/\x00-\x1f]')
_DRIVE = re.compile(r"([A-Za-z]:)(.*)", re.DOTALL)
_SHARE = re.compile(r"(\\\\[^\\]+\\[^\\]+)(.*)", re.DOTALL)
DEVICES = frozenset(
    {"nul", "con", "prn", "aux"}
    | {f"{d}{n}" for d in ("com", "lpt") for n in "123456789"}
)


class Win32(IntEnum):
    """The system error codes that occur here."""

    FILE_NOT_FOUND = 2
    PATH_NOT_FOUND = 3
    ACCESS_DENIED = 5
    INVALID_HANDLE = 6
    NOT_ENOUGH_MEMORY = 8
    INVALID_DRIVE = 15
    NOT_SAME_DEVICE = 17
    SHARING_VIOLATION = 32
    BAD_NET_PATH = 53
    FILE_EXISTS = 80
    DISK_FULL = 112
    INVALID_NAME = 123
    DIR_NOT_EMPTY = 145
    ALREADY_EXISTS = 183
    BAD_EXE_FORMAT = 193
    FILENAME_TOO_LONG = 206
    DIRECTORY = 267


MESSAGES: Mapping[int, str] = {
    2: "The system cannot find the file specified.",
    3: "The system cannot find the path specified.",
    5: "Access is denied.",
    6: "The handle is invalid.",
    8: "Not enough storage is available to process this command.",
    15: "The system cannot find the drive specified.",
    17: "The system cannot move the file to a different disk drive.",
    32: "The process cannot access the file because it is being used by another"
    " process.",
    53: "The network path was not found.",
    80: "The file exists.",
    112: "There is not enough space on the disk.",
    123: "The filename, directory name, or volume label syntax is incorrect.",
    145: "The directory is not empty.",
    183: "Cannot create a file when that file already exists.",
    193: "%1 is not a valid Win32 application.",
    206: "The filename or extension is too long.",
    267: "The directory name is invalid.",
}


class FileError(Exception):
    """An operation failed; ``code`` is Win32's, ``message`` the system's text."""

    def __init__(self, code: Win32, path: str) -> None:
        """Keep the code and the path."""
        self.code, self.path, self.message = code, path, MESSAGES[code]
        super().__init__(f"{self.message} ({path})")


def split_root(path: str) -> tuple[str, str]:
    """Drive or share, and the rest; an empty root when there is none."""
    found = _DRIVE.fullmatch(path) or _SHARE.fullmatch(path)
    return (found[1], found[2]) if found else ("", path)


def full_path(path: str, folder: str) -> str:
    """An absolute path from one typed in ``folder``, without ``.`` and ``..``."""
    path = path.replace("/", "\\")
    drive, rest = (path[:2], path[2:]) if path[1:2] == ":" else ("", path)
    here = split_root(folder)[0] or "C:"
    share = _SHARE.fullmatch(path)
    if share:
        drive, rest = share[1], share[2] or "\\"
    if not rest.startswith("\\"):
        same = not drive or drive.lower() == here.lower()
        rest = (folder[len(here) :] if same else "") + "\\" + rest
    parts: list[str] = []
    for part in rest.split("\\"):
        name = part.rstrip(". ")
        if part == ".." and parts:
            parts.pop()
        elif name:
            parts.append(name)
    return (drive or here) + "\\" + "\\".join(parts)


def wildcard(pattern: str) -> re.Pattern[str]:
    """A name pattern with ``*`` and ``?``; ``*.*`` means all, as it always has."""
    if pattern == "*.*":
        pattern = "*"
    pieces = {"*": ".*", "?": ".?"}
    text = "".join(pieces.get(one, re.escape(one)) for one in pattern)
    if pattern.endswith(".*"):
        text = text[: -len(r"\..*")] + r"(\..*)?"
    return re.compile(text, re.IGNORECASE | re.DOTALL)
