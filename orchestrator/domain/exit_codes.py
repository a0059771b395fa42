"""What an installer's exit code says, as far as a source says it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CodeMeaning(StrEnum):
    """What an installer's exit code says, as far as a source says it."""

    SUCCESS = "success"
    #: 3010: success, but Windows wants a restart.
    RESTART_WANTED = "restart-wanted"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class ExitCode:
    """An exit code read: meaning and one phrase for people."""

    code: int
    meaning: CodeMeaning
    phrase: str


_SUCCESS = 0
_RESTART_WANTED = 3010
_MASKED = 1603
_EXTENDED = range(0xF000, 0xF300)


def read_exit_code(code: int, extended: str | None = None) -> ExitCode:
    """Read a code of update.exe.

    Sources: 3010 and 0 from the update metadata of such packages; 1603 masks the
    true code, which stands in the log (KB822798). No other table was sourced.

    Args:
        code: the full 32-bit code, signed or not.
        extended: the number of the log's extended error line, if it has one.
    """
    unsigned = code & 0xFFFFFFFF
    tail = f", extended error {extended}" if extended else ""
    if unsigned == _SUCCESS:
        return ExitCode(code, CodeMeaning.SUCCESS, "installed")
    if unsigned == _RESTART_WANTED:
        return ExitCode(
            code, CodeMeaning.RESTART_WANTED, "installed, wants a restart (3010)"
        )
    if unsigned == _MASKED:
        return ExitCode(code, CodeMeaning.FAILURE, f"failed, 1603{tail}")
    if unsigned & 0xFFFF in _EXTENDED and unsigned >> 16 in (0, 0x8007):
        return ExitCode(
            code, CodeMeaning.FAILURE, f"update.exe extended error {unsigned:#x}"
        )
    return ExitCode(code, CodeMeaning.FAILURE, f"failed, code {unsigned}{tail}")


_EXTENDED_LINE = re.compile(r"extended error code = (0x[0-9a-f]{1,8})", re.IGNORECASE)


def extended_code(log_tail: Iterable[str]) -> str | None:
    """The number of the log's last extended error line (KB822798)."""
    found = [match[1] for line in log_tail if (match := _EXTENDED_LINE.search(line))]
    return found[-1] if found else None
