"""A rollout of many costs as much a server as a rollout of few."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import FrameType

import pytest

import orchestrator
from orchestrator.adapters.database import open_storage
from orchestrator.application.rollout.conduct import Rollout
from orchestrator.application.rollout.waiting import Waiting
from orchestrator.application.services import Limits
from orchestrator.domain.planning import Basis, PlannedServer
from orchestrator.domain.remediation import Action
from orchestrator.domain.rollout import RunState
from orchestrator.domain.verdict import Verdict
from tests.fakes.clock import FakeClock
from tests.fakes.estate import world
from tests.fakes.many import AtOnce, admitted, estate_of, fill

ROOMS = ("application", "domain")
OURS = tuple(str(Path(orchestrator.__file__).parent / name) for name in ROOMS)
BASIS = Basis(Verdict.NEEDED, "x86", 1, "ENU", {}, "ab" * 32)


def calls_in(work: Callable[[], object]) -> int:
    """How often our own functions were entered: what time tells, without its noise.

    The drivers' share, most of the whole and the same for each server, is left out.
    """
    count = 0

    def heard(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event == "call":
            count += frame.f_code.co_filename.startswith(OURS)

    sys.setprofile(heard)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def conducted(folder: Path, count: int) -> int:
    """The calls of a whole run over so many servers, whose turns end at once."""
    clock = FakeClock()
    url = f"sqlite:///{folder}/{count}.db"
    with (
        open_storage(url, writer="test", clock=clock.now) as storage,
        world(storage, [], clock=clock) as made,
    ):
        limits = Limits(apply_concurrency=20)
        services = replace(made.services, engine=AtOnce(made.services), limits=limits)
        inventory = estate_of(count)
        fill(services, clock, inventory)
        rollout = Rollout.open(services, admitted(services, inventory))
        calls = calls_in(rollout.carry_out)
        with storage.read() as uow:
            run = uow.runs.find(None)
            assert run is not None
            assert run.state is RunState.FINISHED
            assert all(found.settled for found in uow.runs.attempts(run.name))
    return calls


@pytest.mark.slow
def test_conducting_four_times_the_servers_costs_four_times_as_much(
    tmp_path: Path,
) -> None:
    few, many = conducted(tmp_path, 100), conducted(tmp_path, 400)
    # The first waves are small, and find fewer that wait for their pool.
    assert many / few < 5


def planned(name: str) -> PlannedServer:
    return PlannedServer(name, Action.INSTALL, None, "needed", BASIS)


def test_asking_a_few_costs_the_same_however_many_wait() -> None:
    inventory = estate_of(5_000)
    names = sorted(inventory.servers)
    few = Waiting(map(planned, names[:100]), inventory)
    many = Waiting(map(planned, names), inventory)

    def ask(waiting: Waiting) -> int:
        return calls_in(lambda: list(islice(waiting.fairly(Counter()), 10)))

    assert ask(many) == ask(few)


def test_who_is_dropped_waits_no_more_and_the_others_keep_their_order() -> None:
    inventory = estate_of(8)
    waiting = Waiting(map(planned, sorted(inventory.servers)), inventory)
    waiting.drop("lcs00000")
    waiting.drop("lcs00005")
    left = " ".join(one.server[-1] for one in waiting.fairly(Counter()))
    assert len(waiting) == 6
    assert left == "1 4 2 6 3 7"


def test_who_has_fewer_at_work_goes_first() -> None:
    inventory = estate_of(8)
    waiting = Waiting(map(planned, sorted(inventory.servers)), inventory)
    busy = Counter({"site-0": 3, "site-1": 1})
    order = [one.server for one in waiting.fairly(busy)]
    assert order[:3] == ["lcs00004", "lcs00005", "lcs00000"]
