"""Waivers: an accepted risk with an owner, a reason and an end."""

from __future__ import annotations

from datetime import datetime

from orchestrator.application.codec import to_json
from orchestrator.application.estate import find_server
from orchestrator.application.judging import find_hotfix
from orchestrator.application.results import ErrorCode, RequestError, Result
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.waiver import Waiver


def waive(
    services: Services,
    server: str,
    article: str,
    *,
    owner: str,
    until: datetime,
    reason: str,
) -> Result[Waiver]:
    """Record that somebody answers for a server as it is, until a day.

    Raises:
        RequestError: the server or article is unknown, or the end has passed.
    """
    now = services.clock.now()
    if until <= now:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"found the end {until:%Y-%m-%d}, expected a day to come",
            "a waiver ends by itself; give a later --until",
        )
    with services.storage.begin() as uow:
        known = find_server(uow.inventory.load(), server)
        hotfix = find_hotfix(uow, article)
        waiver = Waiver(
            known.name, hotfix.article, owner, until, reason, now, services.account
        )
        uow.waivers.add(waiver)
        uow.evidence.append(Entry(RecordKind.WAIVER, known.name, to_json(waiver)))
    return Result("waiver", waiver)
