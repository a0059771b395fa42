"""Hashing a table's files on a host, so that a rollback has something to prove."""

from __future__ import annotations

from orchestrator.application.attempt.turn import Turn
from orchestrator.application.judging import rows_of
from orchestrator.application.ports.hosts import HostReader
from orchestrator.domain.facts import (
    FactKind,
    FileState,
    Fingerprint,
    Lacking,
    TraceName,
    TraceState,
    trace_subject,
)


def fingerprints(turn: Turn, host: HostReader) -> dict[str, Fingerprint]:
    """The files of the server's rows as just read, each with its hash."""
    facts = turn.estate.facts_of(turn.server.name)
    paths = {row.path for row in rows_of(turn.estate.hotfix, facts)}
    return {path: _fingerprint(turn, host, path) for path in sorted(paths)}


def _fingerprint(turn: Turn, host: HostReader, path: str) -> Fingerprint:
    seen = turn.estate.facts_of(turn.server.name).find(FactKind.FILE, path)
    value = seen.value if seen else None
    if isinstance(value, FileState) and value.sha256 is None and value.size is not None:
        # A survey tells a file's numbers; only its bytes give the hash.
        value = host.file_resource(path, value.size).value
    if isinstance(value, FileState):
        return Fingerprint.of(value)
    # Of a file that cannot be read nothing is known, not even that it is missing.
    return Fingerprint(exists=True)


def uninstall_folder(turn: Turn) -> TraceState | Lacking:
    """The uninstall folder of the hotfix as just read."""
    article = turn.estate.hotfix.article
    return turn.estate.case(turn.server).fresh.value(
        FactKind.TRACE, TraceState, trace_subject(article, TraceName.UNINSTALL_FOLDER)
    )
