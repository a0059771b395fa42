"""Plans, approvals and waivers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, insert, or_, select, update

from orchestrator.adapters.database.models import ApprovalRow, PlanRow, WaiverRow
from orchestrator.adapters.database.work import Work, read, read_all, spell
from orchestrator.application.ports.storage import StoredPlan
from orchestrator.domain.planning import Approval, Plan
from orchestrator.domain.waiver import Waiver

#: A digest, or a prefix of one of at least eight digits.
_PLAN_NAME = re.compile(r"[0-9a-f]{8,64}", re.ASCII)


class Plans:
    """Plans and approvals in their tables."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def add(self, stored: StoredPlan) -> None:
        """Store a plan; the same digest again keeps the first."""
        row = {
            "digest": stored.plan.digest,
            "article": stored.plan.article,
            "made": stored.made,
            "account": stored.account,
            "run": stored.run,
            "body": spell(stored.plan),
        }
        self._work.add_missing(PlanRow, row)

    def find(self, name: str) -> StoredPlan | None:
        """A plan by digest or by a prefix of it that only one plan has."""
        self._work.decide()
        wanted = name.lower()
        if not _PLAN_NAME.fullmatch(wanted):
            return None
        found = self._stored(PlanRow.digest.startswith(wanted))
        return found[0] if len(found) == 1 else None

    def all(self) -> Sequence[StoredPlan]:
        """Every plan, newest first."""
        return self._stored()

    def before(self, stored: StoredPlan) -> StoredPlan | None:
        """The plan on the same article that was made last before this one."""
        same = PlanRow.article == stored.plan.article
        found = self._stored(same, PlanRow.made < stored.made, most=1)
        return found[0] if found else None

    def _stored(
        self, *conditions: ColumnElement[bool], most: int | None = None
    ) -> tuple[StoredPlan, ...]:
        rows = self._work.connection.execute(
            select(PlanRow.body, PlanRow.made, PlanRow.account, PlanRow.run)
            .where(*conditions)
            .order_by(PlanRow.made.desc(), PlanRow.number.desc())
            .limit(most)
        )
        return tuple(
            StoredPlan(read(Plan, body), made, account, run)
            for body, made, account, run in rows
        )

    def approve(self, approval: Approval) -> None:
        """Store an approval."""
        row = {"plan": approval.plan_digest, "at": approval.at, "body": spell(approval)}
        self._work.run(insert(ApprovalRow), row)

    def approvals(self, plan_digest: str) -> Sequence[Approval]:
        """The approvals of a plan, oldest first."""
        bodies = self._work.connection.scalars(
            select(ApprovalRow.body)
            .where(ApprovalRow.plan == plan_digest)
            .order_by(ApprovalRow.at, ApprovalRow.number)
        )
        return read_all(Approval, bodies.all())

    def consume(self, plan_digest: str, run: str) -> bool:
        """Bind a plan to its one run; ``False`` if another run has it already."""
        free = or_(PlanRow.run.is_(None), PlanRow.run == run)
        taken = self._work.run(
            update(PlanRow).where(PlanRow.digest == plan_digest, free).values(run=run)
        )
        return taken == 1


class Waivers:
    """Waivers in their table."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def add(self, waiver: Waiver) -> None:
        """Store a waiver."""
        row = {
            "article": waiver.article,
            "server": waiver.server,
            "at": waiver.at,
            "body": spell(waiver),
        }
        self._work.run(insert(WaiverRow), row)

    def all(self, article: str) -> Mapping[str, Waiver]:
        """The newest waiver per server for an article."""
        rows = self._work.connection.execute(
            select(WaiverRow.server, WaiverRow.body)
            .where(WaiverRow.article == article)
            .order_by(WaiverRow.at, WaiverRow.number)
        )
        newest = {server: body for server, body in rows}  # noqa: C416 - rows are not pairs
        return {server: read(Waiver, body) for server, body in newest.items()}
