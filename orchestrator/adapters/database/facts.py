"""The newest observations, one document per server: put and read as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from orchestrator.adapters.database.models import (
    ContactRow,
    FactsRow,
    FirstSeenRow,
    SampleRow,
)
from orchestrator.adapters.database.work import Work, read, spell
from orchestrator.application.ports.storage import FirstSeen
from orchestrator.domain.facts import FactSet, Observation
from orchestrator.domain.symptom import Sample

_NOTHING = "[]"

# Made once: that costs more than running them.
_OF = FactsRow.server == bindparam("of")
_LOCKED = select(FactsRow.body).where(_OF).with_for_update()
_REPLACE = update(FactsRow).where(_OF).values(body=bindparam("body"))


class Facts:
    """Facts, contacts, and when files were first seen."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def put(self, server: str, observations: Iterable[Observation]) -> None:
        """Store observations; an older one never replaces a newer."""
        seen = tuple(observations)
        if not seen:
            return
        self._work.add_missing(FactsRow, {"server": server, "body": _NOTHING})
        # The row is locked until the end, so that two surveys cannot cross.
        body = self._work.connection.scalar(_LOCKED, {"of": server}) or _NOTHING
        known = read(FactSet, body).observations.values()
        newest = spell(FactSet.of([*known, *seen]))
        if newest != body:
            self._work.run(_REPLACE, {"of": server, "body": newest})

    def of(self, server: str) -> FactSet:
        """One server's facts."""
        body = self._work.connection.scalar(
            select(FactsRow.body).where(FactsRow.server == server)
        )
        return read(FactSet, body or _NOTHING)

    def of_all(self) -> Mapping[str, FactSet]:
        """Every server's facts, by name; one query."""
        rows = self._work.connection.execute(
            select(FactsRow.server, FactsRow.body).order_by(FactsRow.server)
        )
        return {server: read(FactSet, body) for server, body in rows}

    def put_contact(self, server: str, at: datetime, fault: str | None) -> None:
        """Store that a server was reached, or why it was not; the latest counts."""
        # As JSON: what a host says may hold what no database takes for text.
        row = {"server": server, "at": at, "fault": spell(fault)}
        self._work.put(ContactRow, row, unless_newer="at")

    def contacts(self) -> Mapping[str, tuple[datetime, str | None]]:
        """The last contact with each server: when, and the fault if it failed."""
        rows = self._work.connection.execute(
            select(ContactRow.server, ContactRow.at, ContactRow.fault)
        )
        return {server: (at, json.loads(fault)) for server, at, fault in rows}

    def out_of_reach(self) -> frozenset[str]:
        """The servers with which the last contact failed."""
        reached = json.dumps(None)
        return frozenset(
            self._work.connection.scalars(
                select(ContactRow.server).where(ContactRow.fault != reached)
            )
        )

    def put_first_seen(self, server: str, article: str, seen: FirstSeen) -> None:
        """Store when right and wrong files were seen."""
        row = {
            "article": article,
            "server": server,
            "right_at": seen.right,
            "wrong_at": seen.wrong,
        }
        self._work.put(FirstSeenRow, row)

    def first_seen(
        self, article: str, server: str | None = None
    ) -> Mapping[str, FirstSeen]:
        """Per server, for one article; of one server, if it is named."""
        query = select(
            FirstSeenRow.server, FirstSeenRow.right_at, FirstSeenRow.wrong_at
        ).where(FirstSeenRow.article == article)
        if server is not None:
            query = query.where(FirstSeenRow.server == server)
        rows = self._work.connection.execute(query)
        return {server: FirstSeen(right, wrong) for server, right, wrong in rows}

    def put_samples(self, server: str, samples: Iterable[Sample]) -> None:
        """Store looks at processes; the same process and instant again replaces."""
        rows = [
            {
                "server": server,
                "process": sample.process,
                "at": sample.at,
                "process_id": sample.process_id,
                "started": sample.started,
                "private_bytes": sample.private_bytes,
            }
            for sample in samples
        ]
        self._work.put(SampleRow, *rows)

    def samples(
        self, *, since: datetime, server: str | None = None
    ) -> Mapping[str, Sequence[Sample]]:
        """Per server, in order of time; servers without any are left out."""
        wanted = select(SampleRow.__table__).where(SampleRow.at >= since)
        if server is not None:
            wanted = wanted.where(SampleRow.server == server)
        found: dict[str, list[Sample]] = {}
        for row in self._work.connection.execute(wanted.order_by(SampleRow.at)):
            sample = Sample(
                row.process, row.at, row.process_id, row.started, row.private_bytes
            )
            found.setdefault(row.server, []).append(sample)
        return found
