"""Writing a result: stdout for what was asked for, stderr for all else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, cast

from orchestrator.application.results import Problem
from orchestrator.cli.options import AuditFormat
from orchestrator.cli.session import Answer, Session

_REPORTS = (AuditFormat.CSV, AuditFormat.HTML, AuditFormat.PROMETHEUS)

#: Home, then clear to the end of the screen (ECMA-48).
_CLEAR = "\x1b[H\x1b[J"


def show(session: Session, result: Answer) -> None:
    """Write a result where it goes, and what is beside it to stderr."""
    from orchestrator.cli.text import note

    if session.output is None:
        write(session, result, sys.stdout, terminal=sys.stdout)
        sys.stdout.flush()
        session.begun = False
    else:
        _write_file(session, result, session.output)
        note(f"written to {session.output}")
    for warning in result.warnings:
        note(warning)
    if not session.json:
        tell("note", result.problems)


def glance(session: Session, result: Answer) -> bool:
    """Show how a result stands while it moves, on a terminal; whether it is one."""
    if not sys.stdout.isatty() or session.json:
        return False
    sys.stdout.write(_CLEAR + _drawn(session, result, sys.stdout))
    sys.stdout.flush()
    return True


def write(
    session: Session, result: Answer, stream: TextIO, terminal: TextIO | None
) -> None:
    """Write a result as its format has it, piece by piece where it may be large.

    Args:
        session: says which format.
        result: what is written.
        stream: where to.
        terminal: the same, if lines are to fit it.

    ``session.begun`` says that whatever fails from here on leaves a part behind.
    """
    if session.json:
        from orchestrator.cli.envelope import envelope

        data = _data(result)
        session.begun = True
        stream.writelines(envelope(result.kind, result.status, data, result.problems))
    elif session.options.format in _REPORTS:
        from orchestrator.application.reporting import ReportFormat, Surroundings

        written_as = ReportFormat(str(session.options.format))
        around = session.around or Surroundings()
        session.begun = True
        session.program.write_report(result.data, around, written_as, stream)
    else:
        text = _drawn(session, result, terminal)
        session.begun = True
        stream.write(text)


def _data(result: Answer) -> Any:
    """The JSON form; that of an audit's servers is made as they are written."""
    from orchestrator.application.audit import AuditReport
    from orchestrator.application.codec import to_json
    from orchestrator.cli.envelope import OneByOne

    data = result.data
    if not isinstance(data, AuditReport):
        return to_json(data)
    whole = cast("dict[str, Any]", to_json(replace(data, servers=())))
    return {**whole, "servers": OneByOne(data.servers, to_json)}


def _drawn(session: Session, result: Answer, stream: TextIO | None) -> str:
    """A result for people; without a stream it goes to a file."""
    from orchestrator.cli.kinds import KINDS
    from orchestrator.cli.text import as_text, coloured, width_of

    allowed = not session.options.no_color
    return as_text(
        KINDS[result.kind].draw(result.data),
        width=width_of(stream) if stream else None,
        colour=stream is not None and coloured(stream, allowed=allowed),
    )


def _write_file(session: Session, result: Answer, path: Path) -> None:
    """A file is there whole, or as it was before."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as stream:
            write(session, result, stream, terminal=None)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def tell(word: str, problems: Sequence[Problem]) -> None:
    """Each problem on stderr, with what to do below it."""
    from orchestrator.cli.text import clean

    for problem in problems:
        server = f"{problem.server}: " if problem.server else ""
        sys.stderr.write(f"{word}: {clean(server + problem.message)}\n")
        if problem.hint:
            sys.stderr.write(f"{' ' * len(word)}  {clean(problem.hint)}\n")
