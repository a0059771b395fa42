"""Writing a result: stdout for what was asked for, stderr for all else."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

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
        sys.stdout.write(rendered(session, result, sys.stdout))
        sys.stdout.flush()
    else:
        _write(session.output, rendered(session, result, None))
        note(f"written to {session.output}")
    for warning in result.warnings:
        note(warning)
    if not session.json:
        tell("note", result.problems)


def glance(session: Session, result: Answer) -> None:
    """Show how a result stands while it moves; only on a terminal."""
    if sys.stdout.isatty() and not session.json:
        sys.stdout.write(_CLEAR + rendered(session, result, sys.stdout))
        sys.stdout.flush()


def rendered(session: Session, result: Answer, stream: TextIO | None) -> str:
    """A result as its format has it; without a stream it goes to a file."""
    if session.json:
        from orchestrator.application.codec import to_json
        from orchestrator.cli.envelope import envelope

        return envelope(
            result.kind, result.status, to_json(result.data), result.problems
        )
    if session.options.format in _REPORTS:
        return _report(session, result)
    from orchestrator.cli.kinds import KINDS
    from orchestrator.cli.text import as_text, coloured, width_of

    allowed = not session.options.no_color
    return as_text(
        KINDS[result.kind].draw(result.data),
        width=width_of(stream) if stream else None,
        colour=stream is not None and coloured(stream, allowed=allowed),
    )


def _report(session: Session, result: Answer) -> str:
    from orchestrator.application.reporting import ReportFormat, Surroundings

    stream = io.StringIO(newline="")
    session.program.write_report(
        result.data,
        session.around or Surroundings(),
        ReportFormat(str(session.options.format)),
        stream,
    )
    return stream.getvalue()


def _write(path: Path, text: str) -> None:
    """A file is there whole, or as it was before."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8", newline="")
    fresh.replace(path)


def tell(word: str, problems: Sequence[Problem]) -> None:
    """Each problem on stderr, with what to do below it."""
    from orchestrator.cli.text import clean

    for problem in problems:
        server = f"{problem.server}: " if problem.server else ""
        sys.stderr.write(f"{word}: {clean(server + problem.message)}\n")
        if problem.hint:
            sys.stderr.write(f"{' ' * len(word)}  {clean(problem.hint)}\n")
