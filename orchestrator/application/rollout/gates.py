"""What lets a wave begin, and what stops a run after a server or a wave.

Each answer is ``None``, or one sentence: what stops the run and what would let it go
on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.application.judging import Estate
from orchestrator.application.services import Services
from orchestrator.application.symptoms import WINDOW, leak_since
from orchestrator.application.timing import forecasts, outside_window
from orchestrator.domain.budgets import Ended, Tally, sentence_of
from orchestrator.domain.planning import Plan, Wave
from orchestrator.domain.remediation import (
    CONTRADICTS,
    Attempt,
    AttemptState,
    Outcome,
)
from orchestrator.domain.rollout import Run
from orchestrator.domain.symptom import Leak

#: With these nothing was changed on a server, so they say nothing of the change.
UNTOUCHED = frozenset(
    {
        Outcome.UNREACHABLE,
        Outcome.REFUSED,
        Outcome.BLOCKED,
        Outcome.DROPPED,
        Outcome.SKIPPED,
        Outcome.ALREADY_COMPLIANT,
    }
)
#: With these a server is as the plan wanted it.
WELL = frozenset(
    {Outcome.REMEDIATED, Outcome.INSTALLED_NOT_ACTIVE, Outcome.ROLLED_BACK}
)


@dataclass(slots=True)
class Gates:
    """The gates of one run.

    A stop is a question to a person, and resuming the run is the answer.
    """

    services: Services
    run: Run
    plan: Plan
    estate: Estate
    #: Servers that had ended when this process took the run up. Whoever resumed it
    #: has accepted them, so they spend no budget again.
    accepted: frozenset[str]
    _tally: Tally = field(default_factory=Tally)
    #: Each server of the plan with the package that it gets, if any.
    _packages: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Look up once what every turn's end needs."""
        self._packages = {
            planned.server: planned.basis.package_sha256 or ""
            for planned in self.plan.servers()
        }

    @property
    def _resume(self) -> str:
        return f"orchestrator resume {self.run.name}"

    def passed(self, wave: Wave) -> bool:
        """Whether a wave was done when this process took the run up."""
        names = {planned.server for planned in wave.servers}
        return names <= self.accepted and all(
            found.settled for found in self._attempts(wave)
        )

    def before(self, wave: Wave) -> str | None:
        """Whether every server of a wave is in its window, for as long as it takes.

        A wave whose servers are all settled, or are being settled, is let through.
        """
        unbegun = [
            found.server
            for found in self._attempts(wave)
            if found.state is AttemptState.READY
        ]
        if not unbegun:
            return None
        with self.services.storage.read() as uow:
            length = forecasts(self.services, uow, self.plan).get(wave.number)
        shut = outside_window(
            self.estate.inventory, unbegun, self.services.clock.now(), length
        )
        if shut is None:
            return None
        return f"wave {wave.number}: {shut.sentence}; then {self._resume}"

    def during(self, attempts: Iterable[Attempt]) -> str | None:
        """Whether a budget is overspent, or a server contradicts the article.

        Args:
            attempts: those whose turns have just ended.
        """
        for found in filter(has_ended, attempts):
            if found.server in self.accepted:
                continue
            if CONTRADICTS in found.details:
                what = found.details[CONTRADICTS]
                return f"{found.server}: {what}; decide, then {self._resume}"
            self._tally.add(self._shares(found))
        stop = self._tally.stop(len(self._packages), self.plan.policy.budgets)
        return sentence_of(stop, self._resume) if stop else None

    def after(self, wave: Wave) -> str | None:
        """Whether enough of the servers that a wave changed are well."""
        attempts = [
            found
            for found in self._attempts(wave)
            if found.server not in self.accepted and found.outcome not in UNTOUCHED
        ]
        if not attempts:
            return None
        policy = self.plan.policy
        well = [found for found in attempts if found.outcome in WELL]
        share = 100 * len(well) / len(attempts)
        if share < policy.success_percent:
            bad = ", ".join(f.server for f in attempts if f.outcome not in WELL)
            return (
                f"wave {wave.number}: {share:.0f} % went well, "
                f"{policy.success_percent} % wanted; not well: {bad}; look at them, "
                f"then {self._resume}"
            )
        return None

    def cured(self, wave: Wave) -> str | None:
        """Whether the servers that a wave changed are measured not to leak any more."""
        if not self.plan.policy.symptom_gate:
            return None
        changed = {
            found.server: found.installed_at
            for found in self._attempts(wave)
            if found.outcome in WELL and found.installed_at is not None
        }
        since = self.services.clock.now() - WINDOW
        with self.services.storage.read() as uow:
            watched = uow.facts.samples(since=since)
        doubtful = [
            f"{name} ({leak.value})"
            for name, moment in sorted(changed.items())
            if (
                leak := leak_since(
                    self.estate.hotfix, watched.get(name, ()), moment
                ).leak
            )
            is not Leak.NOT_LEAKING
        ]
        if not doubtful:
            return None
        return (
            f"wave {wave.number}: not measured to be cured: {', '.join(doubtful)}; "
            f"orchestrator survey {','.join(sorted(changed))} --watch measures, "
            f"then {self._resume}"
        )

    def _attempts(self, wave: Wave) -> list[Attempt]:
        with self.services.storage.read() as uow:
            found = uow.runs.attempts(self.run.name)
        return [attempt for attempt in found if attempt.wave == wave.number]

    def _shares(self, attempt: Attempt) -> Ended:
        server = self.estate.inventory.servers[attempt.server]
        shares = {
            "site": server.site,
            "pool": server.pool or "",
            "credential": self.estate.inventory.credential_of(server) or "",
            "package": self._packages[attempt.server],
        }
        return Ended(
            attempt.server,
            attempt.outcome or Outcome.UNKNOWN,
            {what: name for what, name in shares.items() if name},
        )


def has_ended(attempt: Attempt) -> bool:
    """Whether an attempt has its end, or nobody could find it out."""
    return attempt.settled or attempt.state is AttemptState.UNKNOWN
