"""A pool of processes: spread, replaced when they die, and deaf to signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.adapters.engine.processes import DEATHS, Processes
from orchestrator.application.ports.engine import EngineError, Order
from orchestrator.application.services import Silent
from tests.fakes.hands import PATIENCE, open_diary, until


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Processes]:
    with Processes(2, 4, partial(open_diary, tmp_path), Silent()) as made:
        yield made


def order(server: str) -> Order:
    return Order("run-1", server, "site-1")


def pids(folder: Path, server: str = "*") -> list[int]:
    """The processes that began a server."""
    found = folder.glob(f"begun-{server}-*")
    return [int(entry.name.split("-")[2]) for entry in found]


def begun_times(folder: Path, count: int) -> bool:
    return len(pids(folder)) == count


def test_the_work_is_spread_over_the_processes(pool: Processes, tmp_path: Path) -> None:
    futures = [pool.submit(order(f"held{number}")) for number in range(4)]
    until(lambda: len(pids(tmp_path)) == 4)
    (tmp_path / "go").touch()
    assert {future.result(PATIENCE) for future in futures} == {
        f"held{number}" for number in range(4)
    }
    spread = [pids(tmp_path).count(pid) for pid in set(pids(tmp_path))]
    assert sorted(spread) == [2, 2]
    assert os.getpid() not in pids(tmp_path)


def test_what_a_child_was_at_when_it_died_is_handed_out_again(
    pool: Processes, tmp_path: Path
) -> None:
    assert pool.submit(order("mortal")).result(PATIENCE) == "mortal"
    first, second = pids(tmp_path, "mortal")
    assert first != second


def test_children_that_keep_dying_end_in_a_sentence(
    pool: Processes, tmp_path: Path
) -> None:
    future = pool.submit(order("held"))
    for count in range(1, DEATHS + 2):
        until(partial(begun_times, tmp_path, count))
        newest = max(tmp_path.glob("begun-*"), key=lambda e: e.name.split("-")[3])
        os.kill(int(newest.name.split("-")[2]), signal.SIGKILL)
    with pytest.raises(EngineError, match="worker processes of this machine died"):
        future.result(PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_child_finishes_what_it_has_whatever_the_terminal_sends(
    pool: Processes, tmp_path: Path, number: signal.Signals
) -> None:
    future = pool.submit(order("held"))
    until(lambda: pids(tmp_path))
    os.kill(pids(tmp_path)[0], number)
    (tmp_path / "go").touch()
    assert future.result(PATIENCE) == "held"
    assert len(pids(tmp_path)) == 1


def test_children_end_with_the_pool(tmp_path: Path) -> None:
    with Processes(1, 4, partial(open_diary, tmp_path), Silent()) as made:
        made.submit(order("fe1")).result(PATIENCE)
    (pid,) = pids(tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
