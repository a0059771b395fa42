"""Whatever instant the program is killed at, no server is installed on twice.

Counted on the simulated hosts themselves: how often update.exe was started on each,
and that never more of the pool was away than it allows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from random import Random

import pytest

from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import Lab
from tests.faults.dying import (
    PASSWORD,
    Mortal,
    go_on,
    go_on_and_die,
    mortal_services,
)
from tests.fixtures.lab_runs import NEVER, Watch, prepare

SCENARIO = b"""
servers: 2
sites: 1
speed: 400
timing: {install: 20, service_start: 4, service_stop: 4, boot: 60}
"""
POLICY = PlanPolicy(activation=Activation.RESTART_SERVICE, growth=(2,))
#: Checkpoints that a quick run tries, drawn with a seed; ``make faults`` tries all.
SAMPLE = 60
SEED = 903927
#: About as many as an apply of two servers reaches; how often a running installer is
#: looked at varies.
CHECKPOINTS = 160
APPLY_SECONDS = 60

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.faults.dying"])

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def die(url: str, name: str, dies_at: int, folder: Path) -> int | None:
    """Apply in another process until it dies; its checkpoints if it did not."""
    counted = folder / "checkpoints"
    child = forks.Process(target=go_on_and_die, args=(url, name, dies_at, str(counted)))
    child.start()
    child.join(APPLY_SECONDS)
    assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return int(counted.read_text()) if counted.exists() else None


def check(url: str, folder: Path, *deaths: int) -> int | None:
    """Deaths, one after another, and what comes after; the checkpoints of a run."""
    with Lab(parse(SCENARIO, "a test"), 1, PASSWORD, port=0) as lab:
        watch = Watch(lab)
        name = prepare(url, folder, lab, POLICY)
        with watch.looking():
            lived = [die(url, name, dies_at, folder) for dies_at in deaths]
            with mortal_services(url, Mortal(NEVER)) as services:
                ended = go_on(services, name)
        outcomes = {line.server: line.outcome for line in ended.outcomes}
        told = f"killed at {deaths}: {outcomes}, {watch.installs()}, {ended.reason}"
        assert set(outcomes.values()) == {Outcome.REMEDIATED}, told
        assert set(watch.installs().values()) == {1}, told
        assert watch.most_at_once <= 1, told
        assert ended.state is RunState.FINISHED, told
        return lived[0]


ALL = bool(os.environ.get("ORCHESTRATOR_ALL_FAULTS"))


def sampled(one_of: int = 1) -> list[int]:
    """The checkpoints that are tried: all of them, or one of so many of a sample."""
    if ALL:
        return list(range(1, CHECKPOINTS + 1))
    random = Random(SEED)  # noqa: S311 - repeatable, nothing secret
    return sorted(random.sample(range(1, CHECKPOINTS + 1), SAMPLE))[::one_of]


def pairs() -> list[tuple[int, int]]:
    """A death of the apply at each checkpoint, and one of the resume after it."""
    random = Random(SEED)  # noqa: S311 - repeatable, nothing secret
    rounds = 2 if ALL else 1
    return [
        (first, random.randint(1, CHECKPOINTS // 2))
        for _ in range(rounds)
        for first in sampled(15)
    ]


@pytest.mark.parametrize("dies_at", sampled())
def test_a_killed_apply_is_resumed_without_a_second_install(
    sqlite_url: str, tmp_path: Path, dies_at: int
) -> None:
    check(sqlite_url, tmp_path, dies_at)


def test_a_run_that_lives_passes_about_as_many_checkpoints_as_are_tried(
    sqlite_url: str, tmp_path: Path
) -> None:
    reached = check(sqlite_url, tmp_path, NEVER)
    assert reached is not None
    assert reached >= CHECKPOINTS // 2


@pytest.mark.postgres
@pytest.mark.parametrize("dies_at", sampled(6))
def test_a_killed_apply_on_postgresql_is_resumed_without_a_second_install(
    postgres_url: str, tmp_path: Path, dies_at: int
) -> None:
    check(postgres_url, tmp_path, dies_at)


@pytest.mark.parametrize("deaths", pairs())
def test_a_resume_that_is_killed_too_is_resumed_without_a_second_install(
    sqlite_url: str, tmp_path: Path, deaths: tuple[int, int]
) -> None:
    check(sqlite_url, tmp_path, *deaths)


@pytest.mark.postgres
@pytest.mark.parametrize("deaths", pairs())
def test_a_resume_killed_on_postgresql_is_resumed_without_a_second_install(
    postgres_url: str, tmp_path: Path, deaths: tuple[int, int]
) -> None:
    check(postgres_url, tmp_path, *deaths)
