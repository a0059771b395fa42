"""When hooks run round waves and restarts, and what their ends decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from orchestrator.application.attempt.drain import (
    drain,
    left_drained,
    undrain,
)
from orchestrator.application.attempt.turn import Turn
from orchestrator.application.codec import from_json
from orchestrator.application.hooks import HookRecord, trouble
from orchestrator.application.judging import find_hotfix, load_estate
from orchestrator.application.plans import approve, find_plan, plan
from orchestrator.application.ports.hooks import (
    Hook,
    HookOutcome,
    HookResult,
    NoHooks,
)
from orchestrator.application.ports.storage import Storage
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.hooks import WaveHooks
from orchestrator.application.rollout.refresh import judging_of
from orchestrator.application.rollout.runs import settle_unbegun
from orchestrator.application.survey import survey
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Attempt, Outcome
from orchestrator.domain.selection import Selection
from tests.fakes.estate import ARTICLE, world
from tests.fakes.hooks import FAILED, SUCCEEDED, FakeHooks

ALL_WELL = dict.fromkeys(Hook, SUCCEEDED)
TIMED_OUT = HookResult(HookOutcome.TIMED_OUT, "not done within 600 s")
MISSING = HookResult(HookOutcome.MISSING, "found no playbook")


@dataclass
class Stage:
    """A run of three front ends of one pool, with hooks that end as told."""

    waves: WaveHooks
    hooks: FakeHooks
    kept: list[str]
    storage: Storage

    def attempt(self, server: str) -> Attempt:
        with self.storage.begin() as uow:
            return uow.runs.attempt(self.waves.run.name, server)

    def end_wave(self, number: int) -> None:
        with self.storage.begin() as uow:
            for attempt in uow.runs.attempts(self.waves.run.name):
                if attempt.wave == number and not attempt.settled:
                    settle_unbegun(uow, attempt, Outcome.SKIPPED, "for the test")

    def records(self) -> list[HookRecord]:
        with self.storage.begin() as uow:
            found = uow.evidence.records(
                subject=self.waves.run.name, kinds=(RecordKind.HOOK,)
            )
            return [from_json(HookRecord, record.payload) for record in found]

    def ends(self, **ends: HookResult | None) -> None:
        kept = {Hook(name): end for name, end in ends.items()}
        self.hooks.ends = {
            hook: end
            for hook, end in {**self.hooks.ends, **kept}.items()
            if end is not None
        }

    def turn(self, server: str = "fe1") -> Turn:
        waves = self.waves
        planned = {found.server: found for found in waves.plan.servers()}
        with self.storage.begin() as uow:
            estate = load_estate(
                uow,
                find_hotfix(uow, ARTICLE),
                waves.services.clock.now(),
                judging_of(waves.plan),
            )
        return Turn(
            waves.services,
            waves.plan,
            planned[server],
            estate.inventory.servers[server],
            estate,
            self.attempt(server),
            waves.services.clock.now(),
        )


@pytest.fixture
def stage(sqlite_storage: Storage) -> Iterator[Stage]:
    with world(sqlite_storage, ["fe1", "fe2", "fe3"]) as made:
        hooks = FakeHooks(ALL_WELL)
        services = replace(made.services, hooks=hooks)
        survey(services, Selection())
        policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
        name = plan(services, ARTICLE, Selection(), policy).data.plan
        approve(services, name, by="A. Manager", reason="change 1")
        run = start(services, name)
        with sqlite_storage.begin() as uow:
            stored, inventory = find_plan(uow, run.plan).plan, uow.inventory.load()
        kept: list[str] = []
        waves = WaveHooks(
            services, run, stored, inventory, lambda: kept.append("renewed")
        )
        yield Stage(waves, hooks, kept, sqlite_storage)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (SUCCEEDED, None),
        (FAILED, ("before_wave", "'Call'", "localhost", "no answer")),
        (TIMED_OUT, ("before_wave", "600 s")),
        (MISSING, ("before_wave", "no playbook")),
    ],
)
def test_only_success_is_no_trouble(
    result: HookResult, words: tuple[str, ...] | None
) -> None:
    found = trouble(Hook.BEFORE_WAVE, result)
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert all(word in found for word in words)


def test_a_wave_begins_when_its_hook_succeeded(stage: Stage) -> None:
    wave = stage.waves.plan.waves[0]
    assert stage.waves.before_wave(wave) is None
    (call,) = stage.hooks.calls
    assert set(call.estate.servers) == {found.server for found in wave.servers}
    assert (call.wave, call.waves) == (1, len(stage.waves.plan.waves))
    assert stage.kept, "the run's lease was not renewed"


@pytest.mark.parametrize("end", [FAILED, TIMED_OUT, MISSING])
@pytest.mark.parametrize("hook", [Hook.BEFORE_WAVE, Hook.AFTER_WAVE])
def test_a_bad_end_round_a_wave_stops_the_run_and_says_what_to_do(
    stage: Stage, hook: Hook, end: HookResult
) -> None:
    stage.ends(**{hook.value: end})
    wave = stage.waves.plan.waves[0]
    if hook is Hook.AFTER_WAVE:
        stage.end_wave(1)
        stopped = stage.waves.after_wave(wave)
    else:
        stopped = stage.waves.before_wave(wave)
    assert stopped is not None
    assert f"orchestrator resume {stage.waves.run.name}" in stopped


def test_every_hook_is_recorded_with_its_run(stage: Stage) -> None:
    stage.ends(on_stop=FAILED)
    wave = stage.waves.plan.waves[0]
    stage.waves.before_wave(wave)
    stage.waves.on_stop(wave, "a reason")
    first, second = stage.records()
    assert (first.hook, first.wave, first.result) == (Hook.BEFORE_WAVE, 1, SUCCEEDED)
    assert (second.hook, second.result) == (Hook.ON_STOP, FAILED)
    assert stage.hooks.calls[1].reason == "a reason"


def test_a_wave_that_is_done_gets_no_hook_before_it(stage: Stage) -> None:
    stage.end_wave(1)
    assert stage.waves.before_wave(stage.waves.plan.waves[0]) is None
    assert stage.hooks.calls == []


def test_the_hook_after_a_wave_waits_for_its_last_server(stage: Stage) -> None:
    wave = stage.waves.plan.waves[0]
    assert stage.waves.after_wave(wave) is None
    assert stage.hooks.calls == []
    stage.end_wave(1)
    stage.waves.after_wave(wave)
    assert stage.hooks.ran() == [Hook.AFTER_WAVE]
    assert set(stage.hooks.calls[0].outcomes.values()) == {"skipped"}


def test_after_a_resume_a_hook_that_failed_runs_again_and_one_that_did_not_rests(
    stage: Stage,
) -> None:
    wave = stage.waves.plan.waves[0]
    stage.end_wave(1)
    stage.ends(after_wave=FAILED)
    assert stage.waves.after_wave(wave) is not None
    stage.ends(after_wave=SUCCEEDED)
    assert stage.waves.after_wave(wave) is None
    assert stage.waves.after_wave(wave) is None
    assert stage.hooks.ran() == [Hook.AFTER_WAVE] * 2


def test_without_hooks_nothing_runs_and_nothing_is_recorded(stage: Stage) -> None:
    waves = replace(
        stage.waves, services=replace(stage.waves.services, hooks=NoHooks())
    )
    wave = waves.plan.waves[0]
    assert waves.before_wave(wave) is None
    stage.end_wave(1)
    assert waves.after_wave(wave) is None
    waves.on_stop(wave, "a reason")
    assert stage.records() == []


def test_the_intent_to_drain_is_stored_before_the_hook_runs(stage: Stage) -> None:
    turn = stage.turn()
    seen = []
    run = stage.hooks.run

    def watch(call: object) -> HookResult:
        seen.append(stage.attempt("fe1").drained)
        return run(call)  # type: ignore[arg-type]  # handed through as it came

    stage.hooks.run = watch  # type: ignore[method-assign]  # the fake is watched
    assert drain(turn) is None
    assert seen == [True]


def test_a_server_is_drained_alone_and_put_back(stage: Stage) -> None:
    turn = stage.turn()
    assert drain(turn) is None
    assert stage.attempt("fe1").drained
    assert undrain(turn) is None
    assert not stage.attempt("fe1").drained
    assert left_drained(turn) == ""
    assert stage.hooks.ran() == [Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER]
    assert {tuple(call.estate.servers) for call in stage.hooks.calls} == {("fe1",)}


def test_a_server_that_was_not_drained_is_not_put_back(stage: Stage) -> None:
    assert undrain(stage.turn()) is None
    assert stage.hooks.calls == []


def test_another_worker_puts_a_drained_server_back(stage: Stage) -> None:
    assert drain(stage.turn()) is None
    assert undrain(stage.turn()) is None
    assert not stage.attempt("fe1").drained


@pytest.mark.parametrize("end", [FAILED, TIMED_OUT, MISSING])
def test_a_server_that_cannot_be_drained_is_put_back_and_not_restarted(
    stage: Stage, end: HookResult
) -> None:
    stage.ends(drain_server=end)
    ended = drain(stage.turn())
    assert ended is not None
    outcome, reason = ended
    assert outcome is Outcome.INSTALLED_NOT_ACTIVE
    assert "not restarted" in reason
    assert stage.hooks.ran() == [Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER]
    assert not stage.attempt("fe1").drained


def test_a_server_that_stays_out_is_unhealthy_and_says_so(stage: Stage) -> None:
    stage.ends(undrain_server=FAILED)
    turn = stage.turn()
    assert drain(turn) is None
    ended = undrain(turn)
    assert ended is not None
    assert ended[0] is Outcome.UNHEALTHY
    assert "fe1 is still drained" in left_drained(turn)
    assert stage.attempt("fe1").drained


def test_a_drain_that_could_not_be_undone_is_unhealthy(stage: Stage) -> None:
    stage.ends(drain_server=FAILED, undrain_server=FAILED)
    ended = drain(stage.turn())
    assert ended is not None
    assert ended[0] is Outcome.UNHEALTHY
    assert stage.attempt("fe1").drained


def test_nothing_is_drained_that_could_not_be_put_back(stage: Stage) -> None:
    stage.ends(undrain_server=None)
    ended = drain(stage.turn())
    assert ended is not None
    assert "undrain_server" in ended[1]
    assert stage.hooks.calls == []


@pytest.mark.parametrize(("limit", "drains"), [(1, True), (2, True), (3, False)])
def test_a_pool_that_may_be_away_as_a_whole_is_not_drained(
    stage: Stage, limit: int, drains: bool
) -> None:
    turn = stage.turn()
    turn.plan = replace(turn.plan, pool_limits={"pool-1": limit})
    ended = drain(turn)
    assert (ended is None) is drains
    assert bool(stage.hooks.calls) is drains
