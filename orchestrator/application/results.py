"""What every use case returns, and the exit code that it earns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Generic, TypeVar


class ExitCode(IntEnum):
    """The exit codes of the contract."""

    DONE = 0
    FAULT = 1
    BAD_INPUT = 2
    NOT_AS_IT_SHOULD_BE = 3
    STOPPED = 4
    REFUSED = 5
    UNREACHABLE = 6
    INTERRUPTED = 130


#: Which counts when several apply, the strongest first.
_PRECEDENCE = (
    ExitCode.FAULT,
    ExitCode.BAD_INPUT,
    ExitCode.REFUSED,
    ExitCode.INTERRUPTED,
    ExitCode.STOPPED,
    ExitCode.NOT_AS_IT_SHOULD_BE,
    ExitCode.UNREACHABLE,
    ExitCode.DONE,
)


def strongest(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code that counts when several apply."""
    found = set(codes) | {ExitCode.DONE}
    return next(code for code in _PRECEDENCE if code in found)


class ErrorCode(StrEnum):
    """The closed list of error codes; documented in docs/errors.md."""

    BAD_INPUT = "bad-input"
    NOT_FOUND = "not-found"
    NOT_APPROVED = "not-approved"
    APPROVAL_EXPIRED = "approval-expired"
    PLAN_STARTED = "plan-started"
    PLAN_CHANGED = "plan-changed"
    OUTSIDE_WINDOW = "outside-window"
    FROZEN = "frozen"
    LOCKED = "locked"
    ILLEGAL_STATE = "illegal-state"
    NO_CREDENTIAL = "no-credential"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    BUSY = "busy"
    PROTOCOL = "protocol"
    PRUNED = "pruned"
    TAMPERED = "tampered"
    STORAGE = "storage"
    ENGINE = "engine"
    INTERRUPTED = "interrupted"
    PROGRAM_FAULT = "program-fault"


class Status(StrEnum):
    """Whether a command did all, some or nothing of what was asked."""

    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong, for people and for programs."""

    code: ErrorCode
    message: str
    hint: str = ""
    server: str | None = None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What a use case did. ``kind`` names the shape of ``data``."""

    kind: str
    data: T
    exit_code: ExitCode = ExitCode.DONE
    problems: tuple[Problem, ...] = ()
    #: For people: what is worth saying although nothing is wrong.
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """``partial`` as soon as one server or part went wrong."""
        return Status.PARTIAL if self.problems else Status.OK


class RequestError(Exception):
    """A request that is not carried out: nothing was changed.

    Knows its error code, its exit code and what to do.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        """Keep the facts; the sentence is the message."""
        super().__init__(message)
        self.problem = Problem(code, message, hint)


class RefusedError(RequestError):
    """The request is well formed, and the rules forbid it now."""

    exit_code = ExitCode.REFUSED


def not_found(what: str, name: str, hint: str) -> RequestError:
    """The error for a name that nothing has."""
    return RequestError(ErrorCode.NOT_FOUND, f"found no {what} {name!r}", hint)
