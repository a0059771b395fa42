"""Runs and attempts: the fence, and what is asked of the journal."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.ports.storage import StorageError, StoredPlan
from orchestrator.domain.remediation import (
    DRAINED,
    Attempt,
    AttemptState,
    Outcome,
)
from orchestrator.domain.rollout import Run, RunState
from tests.fixtures.samples import AT, attempts_of, plan_of, run_of
from tests.fixtures.storage import Opener, at_once

LATER = AT + timedelta(hours=1)
SERVERS = ("c", "a", "b")

_numbers = itertools.count()


def journal(
    storage: SqlStorage,
    name: str = "run-1",
    *,
    article: str = "KB903927",
    started: datetime = AT,
) -> Run:
    """A stored run over three servers."""
    plan = plan_of(*SERVERS, article=article)
    run = replace(run_of(plan, name), started=started)
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
        uow.runs.add(run, attempts_of(run, *SERVERS))
    return run


def test_a_run_comes_back_with_its_attempts_in_the_plans_order(
    storage: SqlStorage,
) -> None:
    run = journal(storage)
    with storage.read() as uow:
        assert uow.runs.find("run-1") == run
        assert uow.runs.find("run-2") is None
        assert uow.runs.attempts("run-1") == attempts_of(run, *SERVERS)
        assert uow.runs.attempts("run-2") == ()
        assert uow.runs.attempt("run-1", "a") == attempts_of(run, "a")[0]


def test_an_attempt_that_is_not_there_is_an_error(storage: SqlStorage) -> None:
    journal(storage)
    with pytest.raises(KeyError), storage.read() as uow:
        uow.runs.attempt("run-1", "z")


def test_the_newest_run_is_found_without_a_name(storage: SqlStorage) -> None:
    with storage.read() as uow:
        assert uow.runs.find(None) is None
    new = journal(storage, "run-a", started=LATER)
    old = journal(storage, "run-b", started=AT)
    same = journal(storage, "run-c", started=LATER)
    with storage.read() as uow:
        assert uow.runs.find(None) == same
        assert uow.runs.all() == (same, new, old)


def test_a_runs_state_is_replaced(storage: SqlStorage) -> None:
    run = replace(journal(storage), state=RunState.PAUSED, reason="asked to")
    with storage.begin() as uow:
        uow.runs.update(run)
        assert uow.runs.find(run.name) == run
    with pytest.raises(KeyError), storage.begin() as uow:
        uow.runs.update(replace(run, name="run-9"))


def test_a_run_of_no_plan_is_refused(storage: SqlStorage) -> None:
    with pytest.raises(StorageError), storage.begin() as uow:
        uow.runs.add(run_of(plan_of("a")), ())


def test_a_worker_whose_fence_has_moved_stores_nothing(storage: SqlStorage) -> None:
    run = journal(storage)
    begun = attempts_of(run, "a")[0]
    taken_over = replace(begun, state=AttemptState.UNKNOWN, fence=1)
    late = replace(begun, state=AttemptState.LAUNCHED)
    with storage.begin() as uow:
        assert uow.runs.save_attempt(taken_over, fence=0)
        assert not uow.runs.save_attempt(late, fence=0)
        assert uow.runs.attempt(run.name, "a") == taken_over


def test_an_attempt_that_was_never_stored_is_not_saved(storage: SqlStorage) -> None:
    run = journal(storage)
    with storage.begin() as uow:
        assert not uow.runs.save_attempt(attempts_of(run, "z")[0], fence=0)


def test_of_many_that_take_an_attempt_over_one_has_it(
    storage: SqlStorage, open_again: Opener
) -> None:
    run = journal(storage)
    begun = attempts_of(run, "a")[0]
    storages = (storage, open_again())

    def take_over(number: int) -> bool:
        moved = replace(begun, fence=1, reason=f"worker {number}")
        with storages[number % 2].begin() as uow:
            return uow.runs.save_attempt(moved, fence=0)

    assert sorted(at_once(10, take_over)) == [False] * 9 + [True]


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=12
    ),
)
def test_only_the_holder_of_the_fence_moves_an_attempt(
    storage: SqlStorage, moves: list[tuple[int, bool, bool]]
) -> None:
    """Workers look, take over and save in any order; the last to take over holds it."""
    run = journal(storage, f"run-{next(_numbers)}")
    first = attempts_of(run, "a")[0]
    known: list[Attempt] = [first, first, first]
    stored = first
    for step, (worker, looks, takes_over) in enumerate(moves):
        if looks:
            with storage.read() as uow:
                known[worker] = uow.runs.attempt(run.name, "a")
        fence = known[worker].fence
        moved = replace(
            known[worker], reason=f"{worker} {step}", fence=fence + int(takes_over)
        )
        with storage.begin() as uow:
            saved = uow.runs.save_attempt(moved, fence=fence)
        assert saved == (fence == stored.fence)
        if saved:
            stored = known[worker] = moved
        with storage.read() as uow:
            assert uow.runs.attempt(run.name, "a") == stored


def test_unsettled_are_the_begun_ones_of_every_run(storage: SqlStorage) -> None:
    begun = set(AttemptState) - {AttemptState.READY, AttemptState.SETTLED}
    runs = [journal(storage, f"run-{number}") for number in range(2)]
    for state in AttemptState:
        with storage.begin() as uow:
            settled = attempts_of(runs[0], "a")[0]
            moving = attempts_of(runs[1], "a")[0]
            settled = replace(settled, state=AttemptState.SETTLED)
            assert uow.runs.save_attempt(settled, fence=0)
            assert uow.runs.save_attempt(replace(moving, state=state), fence=0)
        with storage.read() as uow:
            expected = {"a": "run-1"} if state in begun else {}
            assert uow.runs.unsettled() == expected


def test_left_drained_are_those_whose_newest_attempt_did_not_put_them_back(
    storage: SqlStorage,
) -> None:
    old, new = journal(storage, "run-1"), journal(storage, "run-2", started=LATER)
    for run, servers in ((old, "ab"), (new, "bc")):
        for attempt in attempts_of(run, *servers):
            drained = attempt.server != "b" or run == old
            details = {DRAINED: "yes"} if drained else {}
            with storage.begin() as uow:
                assert uow.runs.save_attempt(replace(attempt, details=details), fence=0)
    with storage.read() as uow:
        assert uow.runs.left_drained() == {"c"}


def test_a_servers_attempts_come_newest_run_first(storage: SqlStorage) -> None:
    journal(storage, "run-1", started=LATER)
    journal(storage, "run-2", started=AT)
    with storage.read() as uow:
        assert [found.run for found in uow.runs.attempts_on("a")] == ["run-1", "run-2"]
        assert uow.runs.attempts_on("z") == ()


def test_the_last_install_is_the_newest_whose_installer_ended(
    storage: SqlStorage,
) -> None:
    def end(
        run: Run, server: str, outcome: Outcome, installed_at: datetime | None = AT
    ) -> Attempt:
        ended = replace(
            attempts_of(run, server)[0],
            state=AttemptState.SETTLED,
            outcome=outcome,
            installed_at=installed_at,
        )
        with storage.begin() as uow:
            assert uow.runs.save_attempt(ended, fence=0)
        return ended

    first = journal(storage, "run-1", started=AT)
    second = journal(storage, "run-2", started=LATER)
    other = journal(storage, "run-3", article="KB1", started=LATER)
    end(first, "a", Outcome.REMEDIATED)
    newest = end(second, "a", Outcome.UNHEALTHY)
    kept = end(first, "b", Outcome.REMEDIATED)
    end(second, "b", Outcome.BLOCKED, installed_at=None)
    end(other, "c", Outcome.REMEDIATED)
    with storage.read() as uow:
        assert uow.runs.last_installs("KB903927") == {"a": newest, "b": kept}
        assert uow.runs.last_installs("KB903927", "b") == {"b": kept}
        assert set(uow.runs.last_installs("KB1")) == {"c"}
