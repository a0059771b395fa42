"""Running a hook and recording it with its run; what a bad end of one means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from orchestrator.application.codec import to_json
from orchestrator.application.ports.hooks import (
    Hook,
    HookCall,
    HookOutcome,
    HookResult,
)
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.server import Inventory


@dataclass(frozen=True, slots=True)
class HookRecord:
    """A hook as it ran, for the run's evidence."""

    hook: Hook
    run: str
    wave: int
    servers: tuple[str, ...]
    started: datetime
    finished: datetime
    result: HookResult


def trouble(hook: Hook, result: HookResult) -> str | None:
    """What is wrong with a hook's end, in one sentence; ``None`` if nothing is."""
    match result.outcome:
        case HookOutcome.SUCCEEDED:
            return None
        case HookOutcome.FAILED:
            where = f" in task {result.task!r}" if result.task else ""
            on = f" on {result.host}" if result.host else ""
            return f"hook {hook} failed{where}{on}: {result.message}"
        case HookOutcome.TIMED_OUT:
            return f"hook {hook} was ended: {result.message}"
        case HookOutcome.MISSING:
            return f"hook {hook} could not begin: {result.message}"
        case _:
            assert_never(result.outcome)


def part_of(inventory: Inventory, servers: Iterable[str]) -> Inventory:
    """The inventory with these servers only; pools and sites as they are."""
    known = inventory.servers
    return replace(
        inventory, servers={name: known[name] for name in servers if name in known}
    )


def run_recorded(services: Services, call: HookCall) -> HookResult:
    """Run a hook and store how it ended with its run."""
    started = services.clock.now()
    result = services.hooks.run(call)
    record = HookRecord(
        hook=call.hook,
        run=call.run,
        wave=call.wave,
        servers=tuple(sorted(call.estate.servers)),
        started=started,
        finished=services.clock.now(),
        result=result,
    )
    with services.storage.begin() as uow:
        uow.evidence.append(Entry(RecordKind.HOOK, call.run, to_json(record)))
    return result
