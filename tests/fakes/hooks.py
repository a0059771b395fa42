"""Hooks that end as a test says, and remember how they were called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.application.ports.hooks import (
    Hook,
    HookCall,
    HookOutcome,
    HookResult,
)

SUCCEEDED = HookResult(HookOutcome.SUCCEEDED)
FAILED = HookResult(HookOutcome.FAILED, "no answer", task="Call", host="localhost")


@dataclass
class FakeHooks:
    """Every hook that is named here is switched on."""

    ends: Mapping[Hook, HookResult]
    calls: list[HookCall] = field(default_factory=list)

    def offers(self, hook: Hook) -> bool:
        return hook in self.ends

    def run(self, call: HookCall) -> HookResult:
        self.calls.append(call)
        return self.ends[call.hook]

    def ran(self) -> list[Hook]:
        return [call.hook for call in self.calls]
