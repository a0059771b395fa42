"""Progress: plain lines without a terminal, nothing when quiet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.cli.progress import Bars, Following, Lines, Quiet, reporter
from tests.fakes.reports import run_of


def test_lines_tell_what_servers_came_to_and_tenths_of_the_whole() -> None:
    lines: list[str] = []
    said = Lines(lines.append)

    said.started(20, "apply")
    said.server("fe1", "precheck")
    said.server("fe1", "waiting", "for its pool")
    said.server("fe1", "waiting", "for another lease")
    said.server("fe1", "remediated", "every file is right")
    said.server("fe2", "unknown", "contact was lost")
    for number in range(20):
        said.advanced(f"fe{number}")

    assert lines[:4] == [
        "apply: 20 servers",
        "fe1: waiting for its pool",
        "fe1: remediated every file is right",
        "fe2: unknown contact was lost",
    ]
    assert lines[4:6] == ["apply: 2 of 20 done", "apply: 4 of 20 done"]
    assert lines[-1] == "apply: 20 of 20 done"
    assert len(lines) == 14


@pytest.mark.parametrize("total", [1, 7, 14, 24, 1000])
def test_the_whole_is_told_in_at_most_ten_parts_and_to_its_end(total: int) -> None:
    lines: list[str] = []
    said = Lines(lines.append)

    said.started(total, "survey")
    for number in range(total):
        said.advanced(f"fe{number}")

    assert len(lines) <= 11
    assert lines[-1] == f"survey: {total} of {total} done"


def test_what_is_said_of_the_work_itself_is_a_line() -> None:
    lines: list[str] = []
    said = Lines(lines.append)

    said.started(20, "survey")
    said.note("slowed to 8 at once")

    assert lines[1:] == ["survey: slowed to 8 at once"]


def test_a_name_cannot_steer_the_terminal() -> None:
    lines: list[str] = []

    Lines(lines.append).server("fe1\x1b[2J", "refused")

    assert lines == ["fe1\\u001b[2J: refused"]


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
        bars.note("slowed to 1 at once")
        with bars.held():
            pass
        bars.advanced("fe1")
        bars.advanced("fe2")

    written = capsys.readouterr()
    assert written.out == ""
    assert "slowed to 1 at once" in written.err


def test_who_follows_a_run_hears_each_end_once() -> None:
    whole = run_of([f"fe{number}" for number in range(20)], "a reason")
    lines: list[str] = []
    following = Following(Lines(lines.append))

    following.look(replace(whole, outcomes=whole.outcomes[:1]))
    following.look(whole)
    following.look(whole)

    ended = [line.server for line in whole.outcomes if line.outcome is not None]
    told = [line.partition(":")[0] for line in lines[1:] if not line.startswith("run")]
    assert told == ended
    assert lines[0].startswith(f"run {whole.run}: ")
