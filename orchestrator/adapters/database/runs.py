"""The journal: runs, attempts and leases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from orchestrator.adapters.database.models import (
    AttemptRow,
    LeaseRow,
    PlanRow,
    RunRow,
)
from orchestrator.adapters.database.work import Prepared, Work, read, read_all, spell
from orchestrator.application.ports.storage import Lease, LeaseHeld
from orchestrator.domain.remediation import Attempt, AttemptState
from orchestrator.domain.rollout import Run

#: Begun, and not at an end that is known.
_UNSETTLED = frozenset(AttemptState) - {AttemptState.READY, AttemptState.SETTLED}


class Runs:
    """Runs, attempts and leases in their tables."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def add(self, run: Run, attempts: Iterable[Attempt]) -> None:
        """Store a run with an attempt for each of its servers, in this order."""
        row = {
            "name": run.name,
            "plan": run.plan,
            "started": run.started,
            "body": spell(run),
        }
        self._work.run(insert(RunRow), row)
        rows = [
            {
                "run": attempt.run,
                "server": attempt.server,
                "token": attempt.token,
                "place": place,
                **_changing(attempt),
            }
            for place, attempt in enumerate(attempts)
        ]
        if rows:
            self._work.run(insert(AttemptRow), *rows)

    def update(self, run: Run) -> None:
        """Store a run's new state.

        Raises:
            KeyError: there is no such run.
        """
        changed = self._work.run(
            update(RunRow).where(RunRow.name == run.name).values(body=spell(run))
        )
        if not changed:
            raise KeyError(run.name)

    def find(self, name: str | None) -> Run | None:
        """A run by name, or the newest."""
        self._work.decide()
        query = _NEWEST_RUNS if name is None else _RUNS.where(RunRow.name == name)
        body = self._work.connection.scalar(query.limit(1))
        return None if body is None else read(Run, body)

    def all(self) -> Sequence[Run]:
        """Every run, newest first."""
        return read_all(Run, self._work.connection.scalars(_NEWEST_RUNS).all())

    def attempts(self, run: str) -> Sequence[Attempt]:
        """The attempts of a run by wave and place in the plan."""
        bodies = self._work.connection.scalars(
            select(AttemptRow.body)
            .where(AttemptRow.run == run)
            .order_by(AttemptRow.place)
        )
        return read_all(Attempt, bodies.all())

    def attempt(self, run: str, server: str) -> Attempt:
        """One attempt.

        Raises:
            KeyError: the run has none for this server.
        """
        body = self._work.connection.scalar(
            select(AttemptRow.body).where(_is_attempt(run, server))
        )
        if body is None:
            raise KeyError((run, server))
        return read(Attempt, body)

    def save_attempt(self, attempt: Attempt, *, fence: int) -> bool:
        """Store an attempt if its fence is still the one given.

        The condition is part of the statement, so nobody can come in between.
        """
        where = {"of_run": attempt.run, "of_server": attempt.server, "held": fence}
        return self._work.write(_SAVE_ATTEMPT, {**where, **_changing(attempt)}) == 1

    def attempts_on(self, server: str) -> Sequence[Attempt]:
        """Every attempt on a server, newest run first."""
        return self._joined(AttemptRow.server == server)[::-1]

    def unsettled(self) -> Mapping[str, str]:
        """Servers with an attempt that is begun and not settled, and its run."""
        self._work.decide()
        rows = self._work.connection.execute(
            select(AttemptRow.server, AttemptRow.run).where(
                AttemptRow.state.in_(sorted(_UNSETTLED))
            )
        )
        return {row.server: row.run for row in rows}

    def left_drained(self) -> frozenset[str]:
        """Servers that their newest attempt took out and did not put back."""
        rows = self._work.connection.execute(
            select(AttemptRow.server, AttemptRow.token).where(AttemptRow.drained)
        )
        return frozenset(
            server
            for server, token in rows.all()
            if self.attempts_on(server)[0].token == token
        )

    def last_installs(
        self, article: str, server: str | None = None
    ) -> Mapping[str, Attempt]:
        """Per server, the newest settled attempt whose installer ran to its end."""
        found = self._joined(
            PlanRow.article == article,
            AttemptRow.installed.is_(True),
            AttemptRow.state == AttemptState.SETTLED.value,
            *(() if server is None else (AttemptRow.server == server,)),
        )
        return {attempt.server: attempt for attempt in found}

    def _joined(self, *conditions: ColumnElement[bool]) -> tuple[Attempt, ...]:
        """Attempts of any run, the oldest run first."""
        bodies = self._work.connection.scalars(
            select(AttemptRow.body)
            .join(RunRow, RunRow.name == AttemptRow.run)
            .join(PlanRow, PlanRow.digest == RunRow.plan)
            .where(*conditions)
            .order_by(RunRow.started, RunRow.number, AttemptRow.place)
        )
        return read_all(Attempt, bodies.all())

    def take_lease(
        self, resource: str, owner: str, *, now: datetime, until: datetime
    ) -> Lease | LeaseHeld:
        """Take, renew, or take over an expired lease, in one statement.

        Whether it was taken or not, its row stays locked until the end, so the
        holder that is named is the one that was in the way.
        """
        taking = self._work.insert(LeaseRow).values(
            resource=resource, owner=owner, expires=until
        )
        free = or_(LeaseRow.owner == owner, LeaseRow.expires <= now)
        self._work.run(
            taking.on_conflict_do_update(
                index_elements=[LeaseRow.resource],
                set_={"owner": owner, "expires": until},
                where=free,
            )
        )
        held = next(iter(self._leases(LeaseRow.resource == resource)))
        return held if held.owner == owner else LeaseHeld(held)

    def renew_leases(
        self, resources: Iterable[str], owner: str, *, until: datetime
    ) -> None:
        """Hold on to those of these leases that are still ours; take none."""
        for resource in resources:
            self._work.run(
                update(LeaseRow)
                .where(LeaseRow.resource == resource, LeaseRow.owner == owner)
                .values(expires=until)
            )

    def release_lease(self, resource: str, owner: str) -> None:
        """Give a lease back; nothing happens if it is not ours."""
        self._work.run(
            delete(LeaseRow).where(
                LeaseRow.resource == resource, LeaseRow.owner == owner
            )
        )

    def leases(self) -> Sequence[Lease]:
        """All leases, by resource."""
        self._work.decide()
        return self._leases()

    def _leases(self, *conditions: ColumnElement[bool]) -> tuple[Lease, ...]:
        rows = self._work.connection.execute(
            select(LeaseRow.resource, LeaseRow.owner, LeaseRow.expires)
            .where(*conditions)
            .order_by(LeaseRow.resource)
        )
        return tuple(
            Lease(resource, owner, expires) for resource, owner, expires in rows
        )


_RUNS = select(RunRow.body)
_NEWEST_RUNS = _RUNS.order_by(RunRow.started.desc(), RunRow.number.desc())


def _is_attempt(run: str, server: str) -> ColumnElement[bool]:
    return and_(AttemptRow.run == run, AttemptRow.server == server)


#: The columns that move with an attempt.
_MOVING: Mapping[str, Callable[[Attempt], object]] = {
    "state": lambda attempt: attempt.state.value,
    "fence": lambda attempt: attempt.fence,
    "installed": lambda attempt: attempt.installed_at is not None,
    "drained": lambda attempt: attempt.drained,
    "body": spell,
}

_SAVE_ATTEMPT = Prepared(
    update(AttemptRow)
    .where(
        AttemptRow.run == bindparam("of_run"),
        AttemptRow.server == bindparam("of_server"),
        AttemptRow.fence == bindparam("held"),
    )
    .values({name: bindparam(name) for name in _MOVING})
)


def _changing(attempt: Attempt) -> dict[str, object]:
    return {name: value_of(attempt) for name, value_of in _MOVING.items()}
