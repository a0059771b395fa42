"""Every way in which a command can fail, with its error code and exit code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    Problem,
    RequestError,
)

if TYPE_CHECKING:
    from pydantic import ValidationError

    from orchestrator.application.ports.files import BadInputError


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told of it, and the exit code."""

    problems: tuple[Problem, ...]
    exit_code: ExitCode


def failure_of(error: BaseException) -> Failure:
    """A failure in our own words. What is not foreseen is a fault of the program."""
    return _usage(error) or _foreseen(error) or _input(error) or _fault(error)


def _one(code: ErrorCode, exit_code: ExitCode, message: str, hint: str = "") -> Failure:
    return Failure((Problem(code, message, hint),), exit_code)


def _bad_input(message: str, hint: str = "") -> Failure:
    return _one(ErrorCode.BAD_INPUT, ExitCode.BAD_INPUT, message, hint)


def _usage(error: BaseException) -> Failure | None:
    """What the command line's parser found, and what ended it from outside."""
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "orchestrator"
        return _bad_input(error.format_message(), f"see {path} --help")
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return _one(ErrorCode.INTERRUPTED, ExitCode.INTERRUPTED, "interrupted")
    if isinstance(error, RequestError):
        return Failure((error.problem,), ExitCode(error.exit_code))
    return None


def _foreseen(error: BaseException) -> Failure | None:
    """What a use case, a port or a file can fail with."""
    from orchestrator.application.conversation import problem_of
    from orchestrator.application.ports.engine import EngineError
    from orchestrator.application.ports.files import BadInputError
    from orchestrator.application.ports.hosts import HostFaultError
    from orchestrator.application.ports.secrets import CredentialError
    from orchestrator.application.ports.storage import StorageError
    from orchestrator.application.survey import exit_code_of

    found: Failure | None = None
    match error:
        case BadInputError():
            found = _file(error)
        case CredentialError():
            found = _one(ErrorCode.NO_CREDENTIAL, ExitCode.BAD_INPUT, str(error))
        case StorageError():
            found = _one(ErrorCode.STORAGE, ExitCode.FAULT, error.message, error.hint)
        case EngineError():
            found = _one(ErrorCode.ENGINE, ExitCode.FAULT, error.message, error.hint)
        case HostFaultError():
            problem = problem_of(error)
            found = Failure((problem,), exit_code_of([problem]))
        case _:
            pass
    return found


def _input(error: BaseException) -> Failure | None:
    """What an operator gave that cannot be used."""
    from pydantic import ValidationError

    from orchestrator.domain.selection import SelectionError
    from orchestrator.lab.scenario import ScenarioError
    from orchestrator.lab.wsman.service import ServiceError

    found: Failure | None = None
    match error:
        case SelectionError() | ScenarioError() | ServiceError():
            found = _bad_input(str(error))
        case ValidationError():
            found = _settings(error)
        case tomllib.TOMLDecodeError():
            found = _bad_input(f"the settings file is not TOML: {error}")
        case (
            FileNotFoundError()
            | PermissionError()
            | IsADirectoryError()
            | NotADirectoryError()
        ):
            why = (error.strerror or "cannot be used").lower()
            found = _bad_input(f"{error.filename}: {why}", "check the path, its rights")
        case _:
            pass
    return found


def _file(error: BadInputError) -> Failure:
    problems = [
        Problem(ErrorCode.BAD_INPUT, f"{error.file}: {problem}")
        for problem in error.problems
    ]
    if error.left_off:
        more = f"{error.file}: {error.left_off} more problems are not shown"
        problems.append(Problem(ErrorCode.BAD_INPUT, more))
    return Failure(tuple(problems), ExitCode.BAD_INPUT)


def _settings(error: ValidationError) -> Failure:
    """Name the settings, never their values: one may hold a password."""
    return Failure(
        tuple(
            Problem(
                ErrorCode.BAD_INPUT,
                f"setting {'.'.join(map(str, one['loc']))}: {one['msg']}",
                "see ORCHESTRATOR_… in the environment and the settings file",
            )
            for one in error.errors(include_input=False, include_url=False)
        ),
        ExitCode.BAD_INPUT,
    )


def _system(error: BaseException) -> str:
    """What the operating system says of it, such as that a disk is full."""
    said = isinstance(error, OSError) and error.strerror
    return f": {said}" if said else ""


def _fault(error: BaseException) -> Failure:
    return _one(
        ErrorCode.PROGRAM_FAULT,
        ExitCode.FAULT,
        f"the program failed with {type(error).__name__}{_system(error)}",
        "run the command again with --debug and report what it prints",
    )
