"""When a site's hooks run round the waves of a run, and when they stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from orchestrator.application.codec import from_json
from orchestrator.application.hooks import (
    HookRecord,
    part_of,
    run_recorded,
    trouble,
)
from orchestrator.application.ports.hooks import (
    Hook,
    HookCall,
    HookOutcome,
    HookResult,
)
from orchestrator.application.services import Services
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.planning import Plan, Wave
from orchestrator.domain.remediation import Attempt
from orchestrator.domain.rollout import Run
from orchestrator.domain.server import Inventory

#: Seconds between two renewals of the run's lease while a hook runs.
KEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WaveHooks:
    """The hooks round the waves of one run."""

    services: Services
    run: Run
    plan: Plan
    inventory: Inventory
    #: Called every few seconds while a hook runs: renews the run's lease.
    keep: Callable[[], None]

    def before_wave(self, wave: Wave) -> str | None:
        """What stops the run before a server of the wave is touched, if anything.

        Also of a wave that is resumed: an earlier stop may have undone the hook.
        """
        attempts = self._attempts(wave)
        if all(found.settled for found in attempts):
            return None
        return self._stopping(Hook.BEFORE_WAVE, wave, attempts)

    def after_wave(self, wave: Wave) -> str | None:
        """What stops the run after a wave whose every server has ended."""
        attempts = self._attempts(wave)
        if not all(found.settled for found in attempts) or self._closed(wave):
            return None
        return self._stopping(Hook.AFTER_WAVE, wave, attempts)

    def on_stop(self, wave: Wave, reason: str) -> None:
        """Tell that the run has left its waves; its own end changes nothing."""
        if self.services.hooks.offers(Hook.ON_STOP):
            self._run(self._call(Hook.ON_STOP, wave, self._attempts(wave), reason))

    def _stopping(
        self, hook: Hook, wave: Wave, attempts: tuple[Attempt, ...]
    ) -> str | None:
        if not self.services.hooks.offers(hook):
            return None
        wrong = trouble(hook, self._run(self._call(hook, wave, attempts)))
        if wrong is None:
            return None
        return (
            f"wave {wave.number}: {wrong}; mend it or switch it off, then "
            f"orchestrator resume {self.run.name}"
        )

    def _call(
        self, hook: Hook, wave: Wave, attempts: Iterable[Attempt], reason: str = ""
    ) -> HookCall:
        return HookCall(
            hook=hook,
            run=self.run.name,
            plan=self.plan.name,
            article=self.plan.article,
            wave=wave.number,
            waves=len(self.plan.waves),
            estate=part_of(self.inventory, (found.server for found in wave.servers)),
            outcomes={
                found.server: found.outcome.value for found in attempts if found.outcome
            },
            reason=reason,
        )

    def _run(self, call: HookCall) -> HookResult:
        with ThreadPoolExecutor(max_workers=1) as pool:
            running: Future[HookResult] = pool.submit(run_recorded, self.services, call)
            while not wait((running,), timeout=KEEP_SECONDS).done:
                self.keep()
            self.keep()
            return running.result()

    def _attempts(self, wave: Wave) -> tuple[Attempt, ...]:
        with self.services.storage.read() as uow:
            found = uow.runs.attempts(self.run.name)
        return tuple(attempt for attempt in found if attempt.wave == wave.number)

    def _closed(self, wave: Wave) -> bool:
        """Whether the wave's last hook was an ``after_wave`` that succeeded."""
        with self.services.storage.read() as uow:
            records = [
                from_json(HookRecord, record.payload)
                for record in uow.evidence.records(
                    subject=self.run.name, kinds=(RecordKind.HOOK,)
                )
                if record.payload is not None
            ]
        ours = [
            record
            for record in records
            if record.wave == wave.number
            and record.hook in (Hook.BEFORE_WAVE, Hook.AFTER_WAVE)
        ]
        if not ours or ours[-1].hook is not Hook.AFTER_WAVE:
            return False
        return ours[-1].result.outcome is HookOutcome.SUCCEEDED
