"""Memory over time: a watch from the command line, and how a course is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from orchestrator.application.leaks import MeasuredProcess
from orchestrator.application.ports.storage import Storage
from orchestrator.cli.main import main
from orchestrator.cli.render.memory import plot, process
from orchestrator.domain.symptom import Leak, Symptom
from tests.fakes.clock import FakeClock
from tests.fakes.estate import World, world
from tests.unit.cli.conftest import Call, FakeProgram

MIB = 1024 * 1024
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class ImpatientClock(FakeClock):
    """Somebody presses Ctrl-C instead of waiting."""

    @override
    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, ["fe1"]) as made:
        yield made


def test_a_watch_ends_with_one_document_of_its_last_round(
    ask: Callable[..., Any],
) -> None:
    document = ask("survey", "--watch", "--rounds", "3", "--interval", "60")

    assert document["kind"] == "watch"
    assert document["data"]["round"] == 3
    assert [line["server"] for line in document["data"]["servers"]] == ["fe1"]


def test_a_watch_tells_of_each_round_beside_the_result(call: Call) -> None:
    called = call("survey", "--watch", "--rounds", "2", "--interval", "60")

    assert "round 1 of 2: 1 servers" in called.err
    assert "round 2 of 2" in called.err
    assert "round 2 of 2" in called.out
    assert "round 1" not in called.out


def test_an_impossible_interval_is_bad_input(call: Call) -> None:
    assert call("survey", "--watch", "--interval", "1").code == 2


def test_explain_shows_what_a_watch_measured(
    call: Call, ask: Callable[..., Any]
) -> None:
    assert call("survey").code == 0
    assert call("survey", "--watch", "--rounds", "13").code == 0

    found = ask("explain", "fe1")["data"]["processes"]

    assert found[0]["process"] == "lsass.exe"
    assert len(found[0]["course"]) >= 12
    assert "not-leaking +0.0 MiB/h" in call("explain", "fe1").out


def test_a_course_is_drawn_from_its_least_to_its_greatest() -> None:
    assert plot([10, 45, 80]) == "▁▄█"
    assert plot([7, 7, 7]) == "▁▁▁"


def test_a_slope_stands_with_its_interval() -> None:
    symptom = Symptom(
        Leak.LEAKING, 3 * MIB, 2.5 * MIB, 3.5 * MIB, samples=13, process="RTCSRV"
    )
    line = process(
        MeasuredProcess(
            "RTCSRV", symptom, (200 * MIB, 203 * MIB), NOW - timedelta(hours=1), NOW
        )
    ).plain

    assert "leaking +3.0 MiB/h (+2.5 to +3.5)" in line
    assert "200 to 203 MiB in 1.0 h" in line


def test_too_few_samples_show_no_slope() -> None:
    symptom = Symptom(Leak.UNDECIDED, samples=4, process="RTCSRV")

    line = process(MeasuredProcess("RTCSRV", symptom, (MIB,), NOW, NOW)).plain

    assert "MiB/h" not in line
    assert "4 samples so far" in line


def test_ctrl_c_ends_a_watch_with_what_was_measured(
    estate: World, capsys: pytest.CaptureFixture[str]
) -> None:
    services = replace(estate.services, clock=ImpatientClock(estate.clock.now()))
    program = FakeProgram(world=replace(estate, services=services))

    assert main(["survey", "--watch", "--rounds", "5"], program=program) == 0

    assert "round 1 of 5" in capsys.readouterr().out
