"""Memory over time: slopes with their intervals, and a course on one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from orchestrator.application.leaks import MeasuredProcess
from orchestrator.application.watching import WatchedServer, WatchReport
from orchestrator.cli.render.parts import heading, table, text, word
from orchestrator.domain.symptom import Comparison, Leak, Symptom

_MIB = 1024 * 1024
_HOUR = 3600
_STEPS = "▁▂▃▄▅▆▇█"


def watched(report: WatchReport) -> Iterator[RenderableType]:
    """Every process of every server, and what it comes to."""
    yield heading(f"{report.article}, round {report.round} of {report.rounds}")
    yield table(
        ("server", "process", "memory", "slope", "samples", "cure", "fault"),
        (row for server in report.servers for row in _rows(server)),
    )
    yield text(summary(report))


def summary(report: WatchReport) -> str:
    """How many servers leak, on one line."""
    found = [server.symptom.leak for server in report.servers]
    counted = [f"{found.count(leak)} {leak}" for leak in Leak if leak in found]
    return f"{len(found)} servers: {', '.join(counted) or 'none'}"


def _rows(server: WatchedServer) -> Iterator[Sequence[object]]:
    cures = {cure.after.process or cure.before.process: cure for cure in server.cures}
    for symptom in server.processes or (Symptom(),):
        yield (
            server.server,
            symptom.process,
            word(symptom.leak),
            _slope(symptom),
            symptom.samples or "",
            _cure(cures.get(symptom.process)),
            server.fault,
        )


def _cure(comparison: Comparison | None) -> str:
    return comparison.cure.value if comparison else ""


def _slope(symptom: Symptom) -> str:
    """In MiB an hour, with its interval; nothing where samples were too few."""
    found = (symptom.slope, symptom.low, symptom.high)
    decided = symptom.leak in (Leak.LEAKING, Leak.NOT_LEAKING)
    if not decided and not any(found):
        return ""
    slope, low, high = (f"{value / _MIB:+.1f}" for value in found)
    return f"{slope} MiB/h ({low} to {high})"


def process(measured: MeasuredProcess) -> Text:
    """A process on one line: what is said of it, its slope, and its course."""
    symptom, course = measured.symptom, measured.course
    slope = _slope(symptom) or f"{symptom.samples} samples so far"
    hours = (measured.until - measured.since).total_seconds() / _HOUR
    memory = f"{course[0] / _MIB:.0f} to {course[-1] / _MIB:.0f} MiB in {hours:.1f} h"
    return word(symptom.leak).append(f" {slope}  {plot(course)}  {memory}")


def plot(course: Sequence[int]) -> str:
    """Values as blocks, from the least to the greatest; a flat course is low."""
    least, top = min(course), len(_STEPS) - 1
    span = max(1, max(course) - least)
    return "".join(_STEPS[(value - least) * top // span] for value in course)
