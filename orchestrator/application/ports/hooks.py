"""A site's own steps round a wave and round a server's restart.

What a hook does is the site's business; what matters here is when it runs, what it
is told, and that a bad end is a value that stops us before the next effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from orchestrator.domain.server import Inventory


class Hook(StrEnum):
    """When a site's own steps run; the value is the playbook's name."""

    BEFORE_WAVE = "before_wave"
    AFTER_WAVE = "after_wave"
    #: The run leaves its waves early: stopped, paused or aborted.
    ON_STOP = "on_stop"
    #: Before a server's services are restarted, under its lease.
    DRAIN_SERVER = "drain_server"
    #: After they run again.
    UNDRAIN_SERVER = "undrain_server"


@dataclass(frozen=True, slots=True)
class HookCall:
    """What a hook is told. Nothing in it is secret."""

    hook: Hook
    run: str
    plan: str
    article: str
    wave: int
    #: How many waves the plan has.
    waves: int
    #: The servers that the hook is about, with their pools and sites.
    estate: Inventory
    #: Each server's outcome, as far as there is one.
    outcomes: Mapping[str, str] = field(default_factory=dict)
    #: What stopped the run.
    reason: str = ""


class HookOutcome(StrEnum):
    """How a hook ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: Ended by us past its time limit.
    TIMED_OUT = "timed-out"
    #: It is switched on, and there is no playbook of its name.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One task's end on one host."""

    event: str
    task: str
    host: str
    #: Only of a failure; bounded.
    message: str = ""


@dataclass(frozen=True, slots=True)
class HookResult:
    """How a hook ended, in values of bounded size."""

    outcome: HookOutcome
    #: Of a bad end: what was found and what to do.
    message: str = ""
    #: The task that failed and the host it failed on, where one did.
    task: str = ""
    host: str = ""
    events: tuple[HookEvent, ...] = ()
    #: How many events more there were than are kept.
    omitted: int = 0


class HookRunner(Protocol):
    """Runs hooks; may be used from many threads."""

    def offers(self, hook: Hook) -> bool:
        """Whether the site switched this hook on."""

    def run(self, call: HookCall) -> HookResult:
        """Run a hook to its end or its time limit; a bad end is a value."""


class NoHooks:
    """A site without hooks."""

    def offers(self, hook: Hook) -> bool:
        """None."""
        del hook
        return False

    def run(self, call: HookCall) -> HookResult:
        """There is nothing to run."""
        return HookResult(HookOutcome.MISSING, f"{call.hook} is not switched on")
