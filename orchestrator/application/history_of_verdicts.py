"""The recorded verdicts on an article, as the evidence holds them.

A verdict is a record of its own where it is another one than the server's last, or has
another reason. Each audit is a record as well, and names those it found unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from orchestrator.application.codec import to_json
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.domain.canonical import Json
from orchestrator.domain.compliance import Judged
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.verdict import Judgement, Verdict


def verdicts_recorded(
    uow: UnitOfWork, article: str, until: datetime
) -> Iterator[Judged]:
    """Every change of a verdict on an article, in order of time.

    Args:
        uow: an open unit of work; records are streamed while it is.
        article: ``KBnnnnnn``.
        until: later records do not count.
    """
    for record in uow.evidence.records(kinds=(RecordKind.VERDICT,), until=until):
        match record.payload:
            case {"article": found, "verdict": str(verdict), "reason": str(reason)} if (
                found == article
            ):
                yield Judged(record.at, record.subject, Verdict(verdict), reason)
            case _:
                pass  # on another article


def record_verdicts(
    uow: UnitOfWork,
    article: str,
    judgements: Iterable[Judgement],
    history: Iterable[Judged],
) -> None:
    """Append the verdicts that are new, and that the others were found again.

    Args:
        uow: the caller's.
        article: ``KBnnnnnn``.
        judgements: all of an audit.
        history: the verdicts recorded before, in order of time.
    """
    last = {one.server: (one.verdict, one.reason) for one in history}
    entries: list[Entry] = []
    unchanged: list[Json] = []
    for judgement in judgements:
        if last.get(judgement.server) == (judgement.verdict, judgement.reason):
            unchanged.append(judgement.server)
        else:
            entries.append(_entry(article, judgement))
    look: Json = {"article": article, "unchanged": unchanged}
    uow.evidence.append(*entries, Entry(RecordKind.AUDIT, article, look))


def _entry(article: str, judgement: Judgement) -> Entry:
    return Entry(
        RecordKind.VERDICT,
        judgement.server,
        {
            "article": article,
            "verdict": judgement.verdict.value,
            "reason": judgement.reason,
            "proof": to_json(judgement.proof),
        },
    )
