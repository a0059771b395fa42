"""The recorded verdicts on an article, as the evidence holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.domain.compliance import Judged
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.verdict import Verdict


def verdicts_recorded(
    uow: UnitOfWork, article: str, servers: Collection[str], until: datetime
) -> Iterator[Judged]:
    """Every verdict on some servers, in order of time; pruned ones are gone.

    Args:
        uow: an open unit of work; records are streamed while it is.
        article: ``KBnnnnnn``.
        servers: whose verdicts are wanted.
        until: later records do not count.
    """
    for record in uow.evidence.records(kinds=(RecordKind.VERDICT,), until=until):
        payload = record.payload
        if not isinstance(payload, dict) or record.subject not in servers:
            continue
        if payload["article"] == article:
            yield Judged(record.at, record.subject, Verdict(payload["verdict"]))
