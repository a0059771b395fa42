"""What every engine promises: each order is taken, and its end is told once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from typing_extensions import override

from orchestrator.adapters.engine.processes import Processes
from orchestrator.adapters.engine.threads import Threads
from orchestrator.application.ports.engine import Delivery, Duties, Engine, Order
from orchestrator.application.services import Silent
from tests.fakes.hands import PATIENCE, DiaryHand, open_diary, until


class Heard(Silent):
    """Keeps who is at work."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []

    @override
    def server(self, name: str, state: str, detail: str = "") -> None:
        self.states.append((name, state))


class Opener(Protocol):
    """Opens a kind of engine, whose workers keep their diary in a folder."""

    def __call__(self, folder: Path, heard: Heard, /) -> Iterator[Engine]: ...


def in_threads(_folder: Path, _heard: Heard) -> Iterator[Engine]:
    yield Threads()


def in_processes(folder: Path, heard: Heard) -> Iterator[Engine]:
    with Processes(2, 8, partial(open_diary, folder), heard) as made:
        yield made


@pytest.fixture(params=[in_threads, in_processes], ids=["threads", "processes"])
def opener(request: pytest.FixtureRequest) -> Opener:
    found: Opener = request.param
    return found


@contextmanager
def delivery(
    opener: Opener, folder: Path, at_once: int = 8, heard: Heard | None = None
) -> Iterator[Delivery]:
    heard = heard or Heard()
    duties = Duties(DiaryHand(folder, heard).do, lambda orders: _over(folder, orders))
    with (
        contextmanager(opener)(folder, heard) as engine,
        engine.open(duties, at_once) as opened,
    ):
        yield opened


def _over(folder: Path, orders: Collection[Order]) -> Collection[Order]:
    return [order for order in orders if (folder / f"done-{order.server}").exists()]


def orders(*servers: str) -> list[Order]:
    return [Order("run-1", server, "site-1") for server in servers]


def all_ended(opened: Delivery, count: int) -> list[str]:
    """The servers as they are told to have ended."""
    found: list[str] = []
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        found += [order.server for order in opened.ended(0.1)]
    return found


def begun(folder: Path) -> Counter[str]:
    """How often each server was begun."""
    return Counter(entry.name.split("-")[1] for entry in folder.glob("begun-*"))


def test_each_order_is_taken_and_its_end_told_once(
    opener: Opener, tmp_path: Path
) -> None:
    names = [f"fe{number}" for number in range(40)]
    told: list[str] = []
    with delivery(opener, tmp_path) as opened:
        for first in range(0, len(names), 8):
            opened.hand_out(orders(*names[first : first + 8]))
            told += all_ended(opened, 8)
        told += [order.server for order in opened.ended(0.2)]
    assert sorted(told) == sorted(names)
    assert begun(tmp_path) == Counter(names)


def test_as_many_as_were_announced_are_at_work_at_once(
    opener: Opener, tmp_path: Path
) -> None:
    names = [f"held{number}" for number in range(8)]
    with delivery(opener, tmp_path) as opened:
        opened.hand_out(orders(*names))
        until(lambda: len(begun(tmp_path)) == 8)
        assert list(opened.ended(0.05)) == []
        (tmp_path / "go").touch()
        assert sorted(all_ended(opened, 8)) == names


def test_what_ended_is_told_while_others_are_at_work(
    opener: Opener, tmp_path: Path
) -> None:
    with delivery(opener, tmp_path) as opened:
        opened.hand_out(orders("held", "fe1"))
        assert all_ended(opened, 1) == ["fe1"]
        (tmp_path / "go").touch()
        assert all_ended(opened, 1) == ["held"]


def test_a_fault_of_the_program_in_a_turn_surfaces(
    opener: Opener, tmp_path: Path
) -> None:
    with delivery(opener, tmp_path) as opened:
        opened.hand_out(orders("fault1"))
        with pytest.raises(ValueError, match="fault1 said no"):
            all_ended(opened, 1)


def test_whoever_leaves_early_is_not_held_up(opener: Opener, tmp_path: Path) -> None:
    begins = time.monotonic()
    with delivery(opener, tmp_path) as opened:
        opened.hand_out(orders("held"))
        until(lambda: begun(tmp_path)["held"] == 1)
    assert time.monotonic() - begins < PATIENCE / 2
    assert not (tmp_path / "done-held").exists()
    (tmp_path / "go").touch()


def test_progress_is_heard_wherever_the_work_is(opener: Opener, tmp_path: Path) -> None:
    heard = Heard()
    with delivery(opener, tmp_path, heard=heard) as opened:
        opened.hand_out(orders("fe1"))
        all_ended(opened, 1)
    assert heard.states == [("fe1", "at work")]
