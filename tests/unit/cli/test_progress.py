"""Progress: plain lines without a terminal, nothing when quiet."""

from __future__ import annotations

import pytest

from orchestrator.cli.progress import Bars, Lines, Quiet, reporter


def test_lines_tell_states_once_and_tenths_of_the_whole() -> None:
    lines: list[str] = []
    said = Lines(lines.append)

    said.started(20, "survey")
    said.server("fe1", "reading")
    said.server("fe1", "reading")
    said.server("fe1", "waiting", "for its pool")
    for number in range(20):
        said.advanced(f"fe{number}")

    assert lines[:3] == [
        "survey: 20 servers",
        "fe1: reading",
        "fe1: waiting for its pool",
    ]
    assert lines[3:5] == ["survey: 2 of 20 done", "survey: 4 of 20 done"]
    assert lines[-1] == "survey: 20 of 20 done"
    assert len(lines) == 13


def test_a_name_cannot_steer_the_terminal() -> None:
    lines: list[str] = []

    Lines(lines.append).server("fe1\x1b[2J", "reading")

    assert lines == ["fe1\\u001b[2J: reading"]


def test_without_a_terminal_there_are_lines_and_quiet_is_quiet() -> None:
    assert isinstance(reporter(quiet=False, color=True), Lines)
    assert isinstance(reporter(quiet=True, color=True), Quiet)


def test_bars_draw_what_is_at_work_and_leave_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = Bars()

    with bars.shown():
        bars.started(2, "survey")
        bars.server("fe1", "reading")
        with bars.held():
            pass
        bars.advanced("fe1")
        bars.advanced("fe2")

    assert capsys.readouterr().out == ""
