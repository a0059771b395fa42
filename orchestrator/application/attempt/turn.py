"""A server's turn: its attempt in the journal, and the one way to move it on.

Every change goes through :meth:`Turn.save`, which stores the attempt under its fence
together with its evidence. A worker that was overtaken learns it here and touches
nothing more.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from orchestrator.application.codec import to_json
from orchestrator.application.judging import Estate, own_record, system_of
from orchestrator.application.ports.hosts import HostFaultError
from orchestrator.application.services import Services
from orchestrator.application.survey import Reading, store, store_facts
from orchestrator.domain.effect import OwnRecord
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.facts import FactSet, Observation, OperatingSystem
from orchestrator.domain.planning import Plan, PlannedServer
from orchestrator.domain.remediation import (
    STRAINED,
    Action,
    Attempt,
    AttemptEvent,
    Outcome,
    Step,
    StepRecord,
    advance,
)
from orchestrator.domain.rollout import RunState
from orchestrator.domain.server import Server
from orchestrator.domain.verdict import Judgement

#: An attempt that was found not launched begins again under a new token; more often
#: than this it is settled instead.
MAX_LAUNCHES = 3


class OvertakenError(Exception):
    """Another worker has moved this attempt on: stop, and touch nothing."""


@dataclass(slots=True)
class Turn:
    """One attempt at work. ``attempt`` is always what the journal holds."""

    services: Services
    plan: Plan
    planned: PlannedServer
    server: Server
    estate: Estate
    attempt: Attempt
    #: When the host last answered; beginning counts as an answer.
    last_contact: datetime

    def now(self) -> datetime:
        """Our clock."""
        return self.services.clock.now()

    def save(self, event: AttemptEvent | None = None, **changes: Any) -> None:
        """Store the attempt, moved on by an event and with these changes.

        Raises:
            OvertakenError: another worker has the attempt.
        """
        state = advance(self.attempt.state, event) if event else self.attempt.state
        self._store(replace(self.attempt, state=state, **changes))

    def take_over(self, event: AttemptEvent | None = None, **changes: Any) -> None:
        """Store under a new fence, so that whoever worked before is shut out."""
        state = advance(self.attempt.state, event) if event else self.attempt.state
        fence = self.attempt.fence + 1
        self._store(replace(self.attempt, state=state, fence=fence, **changes))

    def still_ours(self) -> None:
        """Ask the journal; a look at the host that takes long must not be the last.

        Raises:
            OvertakenError: another worker has the attempt, or its run has ended.
        """
        with self.services.storage.read() as uow:
            stored = uow.runs.attempt(self.attempt.run, self.server.name)
        if stored.fence != self.attempt.fence:
            raise OvertakenError(self.server.name)

    def run_is_aborted(self) -> bool:
        """Whether nothing more may be launched, though it never was."""
        with self.services.storage.read() as uow:
            run = uow.runs.find(self.attempt.run)
        return run is not None and run.state in (RunState.ABORTING, RunState.ABORTED)

    def settle(self, event: AttemptEvent, outcome: Outcome, reason: str) -> None:
        """End the turn."""
        self.save(event, outcome=outcome, reason=reason)

    def _store(self, moved: Attempt) -> None:
        with self.services.storage.begin() as uow:
            if not uow.runs.save_attempt(moved, fence=self.attempt.fence):
                raise OvertakenError(self.server.name)
            uow.evidence.append(self._entry(moved))
        self.attempt = moved
        self.services.progress.server(
            self.server.name, _shown(moved), moved.reason if moved.outcome else ""
        )

    def _entry(self, moved: Attempt) -> Entry:
        kind = RecordKind.OUTCOME if moved.outcome else RecordKind.STEP
        return Entry(kind, self.server.name, to_json(moved))

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Record a step with its start and end; what it stores inside it names it."""
        begun = StepRecord(step, self.now())
        self.save(steps=(*self.attempt.steps, begun))
        yield
        if not self.attempt.settled and self.attempt.steps[-1].finished is None:
            self.end_step("done")

    def end_step(self, result: str) -> None:
        """Close the step that is open with its result, in one sentence."""
        self.save(steps=self.closed_steps(result))

    def details_after(self, fault: HostFaultError) -> Mapping[str, str]:
        """The attempt's details, with what its run's pace must know of a fault."""
        details = self.attempt.details
        return {**details, STRAINED: fault.kind.value} if fault.strained else details

    def closed_steps(self, result: str) -> tuple[StepRecord, ...]:
        """The steps with the open one closed."""
        *before, last = self.attempt.steps
        if last.finished is not None:
            return self.attempt.steps
        return (*before, replace(last, finished=self.now(), result=result))

    def learn(self, found: Reading) -> Judgement:
        """Store what was just read of the server, and judge it anew.

        Another run may have changed it since this one was taken up.
        """
        hotfix, name = self.estate.hotfix, self.server.name
        with self.services.storage.begin() as uow:
            store(uow, (hotfix,), found, self.services)
            before = own_record(uow, hotfix.article, name)
        return self._judge(FactSet.of(found.observations), before)

    def note(self, seen: Observation) -> None:
        """Store one more fact of the server, on which no verdict rests."""
        with self.services.storage.begin() as uow:
            store_facts(uow, self.server.name, (seen,), self.now())

    def _judge(self, facts: FactSet, before: OwnRecord) -> Judgement:
        # Over the estate's own, which all turns share: a copy grows with the estate.
        name = self.server.name
        known = ChainMap({name: facts}, cast("dict[str, FactSet]", self.estate.facts))
        own = ChainMap(
            {name: self._own(before)}, cast("dict[str, OwnRecord]", self.estate.own)
        )
        estate = replace(self.estate, facts=known, own=own, now=self.now())
        self.estate = estate
        return estate.judge(self.server)

    def _own(self, before: OwnRecord) -> OwnRecord:
        """What we know of earlier installs, with this attempt's own end."""
        ended = self.attempt.installed_at
        if ended is None:
            return before
        if self.attempt.action is Action.UNINSTALL:
            return replace(before, installed_at=None, says_installed=False)
        return replace(before, installed_at=ended, says_installed=True)

    def system(self) -> OperatingSystem | None:
        """The server's operating system as read last."""
        return system_of(self.estate.facts_of(self.server.name))


def _shown(attempt: Attempt) -> str:
    if attempt.outcome is not None:
        return attempt.outcome.value
    return attempt.steps[-1].step.value if attempt.steps else attempt.state.value
