"""Hooks within a whole run: what they stop, and that a drained server comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from typing_extensions import override

from orchestrator.application.apply import RunReport, apply, resume
from orchestrator.application.ports.hooks import Hook, HookCall, HookResult
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import Result
from orchestrator.domain.remediation import Outcome
from orchestrator.domain.rollout import RunState
from tests.fakes.estate import World, world
from tests.fakes.hooks import FAILED, SUCCEEDED, FakeHooks
from tests.fakes.hosts import ScriptedFault
from tests.unit.application.test_main_job import approved, outcomes

ALL_WELL = dict.fromkeys(Hook, SUCCEEDED)


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, ["fe1", "fe2", "fe3"]) as made:
        yield made


def run_with(
    made: World, hooks: FakeHooks, **bad: HookResult
) -> tuple[World, Result[RunReport]]:
    """The world with these hooks, and its run."""
    hooks.ends = {**ALL_WELL, **{Hook(name): end for name, end in bad.items()}}
    hooked = replace(made, services=replace(made.services, hooks=hooks))
    return hooked, apply(hooked.services, approved(hooked))


def test_hooks_run_round_each_wave_and_each_restart(estate: World) -> None:
    hooks = FakeHooks(ALL_WELL)
    _, result = run_with(estate, hooks)
    assert result.data.state is RunState.FINISHED
    waves = len({line.wave for line in result.data.outcomes})
    ran = hooks.ran()
    assert ran.count(Hook.BEFORE_WAVE) == ran.count(Hook.AFTER_WAVE) == waves
    assert ran.count(Hook.DRAIN_SERVER) == ran.count(Hook.UNDRAIN_SERVER) == 3
    assert Hook.ON_STOP not in ran


def test_a_failing_hook_before_a_wave_leaves_every_server_untouched(
    estate: World,
) -> None:
    hooks = FakeHooks(ALL_WELL)
    made, result = run_with(estate, hooks, before_wave=FAILED)
    assert result.data.state is RunState.STOPPED
    assert sum(made.runs().values()) == 0
    assert hooks.ran() == [Hook.BEFORE_WAVE, Hook.ON_STOP]
    hooks.ends = ALL_WELL
    result = resume(made.services, result.data.run)
    assert set(outcomes(result).values()) == {Outcome.REMEDIATED}


def test_a_failing_hook_after_a_wave_stops_before_the_next(estate: World) -> None:
    hooks = FakeHooks(ALL_WELL)
    made, result = run_with(estate, hooks, after_wave=FAILED)
    assert result.data.state is RunState.STOPPED
    assert sum(made.runs().values()) == 1
    hooks.ends = ALL_WELL
    result = resume(made.services, result.data.run)
    assert result.data.state is RunState.FINISHED
    assert set(made.runs().values()) == {1}


def test_a_server_that_cannot_be_drained_is_not_restarted(estate: World) -> None:
    made, result = run_with(estate, FakeHooks(ALL_WELL), drain_server=FAILED)
    assert set(outcomes(result).values()) == {Outcome.INSTALLED_NOT_ACTIVE}
    assert all("restart_service" not in host.calls for host in made.hosts.values())


def test_a_server_that_cannot_be_put_back_stops_the_run(estate: World) -> None:
    _, result = run_with(estate, FakeHooks(ALL_WELL), undrain_server=FAILED)
    assert result.data.state is RunState.STOPPED
    first = result.data.outcomes[0]
    assert first.outcome is Outcome.UNHEALTHY
    assert first.reason.count("still drained") == 1


@pytest.mark.parametrize("after", [False, True], ids=["request", "reply"])
@pytest.mark.parametrize("verb", ["survey", "restart_service", "clean_up"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_lost_connection_never_leaves_a_server_drained(
    sqlite_storage: Storage, verb: str, call: int, after: bool
) -> None:
    with world(sqlite_storage, ["fe1"]) as made:
        services = replace(made.services, hooks=FakeHooks(ALL_WELL))
        name = approved(made)
        host = made.hosts["fe1"]
        host.calls.clear()
        host.faults = [ScriptedFault(verb, after=after, call=call)]
        result = apply(services, name)
        host.faults = []
        if result.data.state is not RunState.FINISHED:
            result = resume(services, result.data.run)
        with sqlite_storage.begin() as uow:
            attempt = uow.runs.attempt(result.data.run, "fe1")
        assert attempt.settled
        assert not attempt.drained


@dataclass
class DyingHooks(FakeHooks):
    """The program is interrupted in the middle of one hook."""

    dies: Hook | None = None

    @override
    def run(self, call: HookCall) -> HookResult:
        if call.hook is self.dies:
            self.dies = None
            raise KeyboardInterrupt
        return super().run(call)


@pytest.mark.parametrize(
    "hook",
    [Hook.BEFORE_WAVE, Hook.AFTER_WAVE, Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER],
)
def test_an_end_in_the_middle_of_a_hook_is_made_good_by_resume(
    sqlite_storage: Storage, hook: Hook
) -> None:
    with world(sqlite_storage, ["fe1"]) as made:
        services = replace(made.services, hooks=DyingHooks(ALL_WELL, dies=hook))
        first = apply(services, approved(made))
        made.clock.advance(3600)
        result = resume(services, first.data.run)
        assert outcomes(result) == {"fe1": Outcome.REMEDIATED}
        assert made.runs() == {"fe1": 1}
        with sqlite_storage.begin() as uow:
            assert not uow.runs.attempt(result.data.run, "fe1").drained
