"""The one boundary: a command runs inside it, and ends as output and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, TextIO

from orchestrator.application.results import ExitCode, Result, Status
from orchestrator.cli.options import Format
from orchestrator.cli.output import show, tell
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.bootstrap import Program
    from orchestrator.cli.failures import Failure

PROGRAM = "orchestrator"
#: So many new objects between two looks for garbage, and so many looks before older
#: ones are looked at again. What is read of an estate is trees, which need none;
#: Python's own numbers made an audit of 10,000 servers half as slow again.
GARBAGE = (50_000, 20, 50)


def main(
    arguments: Sequence[str] | None = None, *, program: Program | None = None
) -> int:
    """Run a command line; the exit code of the contract.

    Args:
        arguments: without the program's name; those of this process if left out.
        program: the composition root, where it is not the usual one.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _tolerant(sys.stdout)
    _tolerant(sys.stderr)
    gc.set_threshold(*GARBAGE)
    session = Session(given=program)
    try:
        return _run(session, given)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one boundary: whatever went wrong is told in one sentence
        return _fail(session, given, error)


def _run(session: Session, given: list[str]) -> int:
    from orchestrator.cli.app import app

    # Ending the process asks for the same orderly stop as Ctrl-C.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = given or ["--help"]
    ended = app(args=words, prog_name=PROGRAM, standalone_mode=False, obj=session)
    if isinstance(ended, Result):
        with _reader_may_leave():
            show(session, ended)
        return ended.exit_code
    if ended == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return ended if isinstance(ended, int) else ExitCode.DONE


def _fail(session: Session, given: Sequence[str], error: BaseException) -> int:
    from orchestrator.cli.failures import failure_of

    failure = failure_of(error)
    if session.options.debug or "--debug" in given:
        _trace(session, error)
    cut = session.begun and session.output is None
    with _reader_may_leave(OSError):
        if cut:
            sys.stdout.flush()  # a second document after half of one helps nobody
        elif session.json or _asks_for_json(given):
            _fail_for_programs(session, failure)
    with _reader_may_leave():
        tell("error", failure.problems)
        if cut:
            sys.stderr.write("error: what was written to stdout is not whole\n")
    return failure.exit_code


def _fail_for_programs(session: Session, failure: Failure) -> None:
    from orchestrator.cli.envelope import envelope

    pieces = envelope(session.kind, Status.FAILED, None, failure.problems)
    sys.stdout.writelines(pieces)
    sys.stdout.flush()


def _trace(session: Session, error: BaseException) -> None:
    """The way to the fault, without the password of a database."""
    from urllib.parse import urlsplit

    text = "".join(traceback.format_exception(error))
    url = session.options.database or os.environ.get("ORCHESTRATOR_DATABASE", "")
    password = urlsplit(url).password
    sys.stderr.write(text.replace(password, "********") if password else text)


def _asks_for_json(given: Sequence[str]) -> bool:
    """Whether a command line that could not be read asks for JSON all the same."""
    split = ("--format", Format.JSON) in pairwise(given)
    return split or f"--format={Format.JSON}" in given


@contextmanager
def _reader_may_leave(fault: type[OSError] = BrokenPipeError) -> Iterator[None]:
    """Whoever reads a pipe may have enough; the interpreter must not complain then.

    Args:
        fault: what else nobody complains of, where a failure is being told already.
    """
    try:
        yield
    except fault:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)


def _tolerant(stream: TextIO) -> None:
    """A character that the terminal cannot show is no reason to fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
