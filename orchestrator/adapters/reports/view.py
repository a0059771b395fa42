"""What the page shows, worked out of an audit: rows, totals, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, assert_never

from markupsafe import Markup

from orchestrator.adapters.reports import charts
from orchestrator.adapters.reports.graph import Graph, placed
from orchestrator.application.apply import OutcomeLine, RunReport
from orchestrator.application.audit import AuditedServer, AuditReport
from orchestrator.application.reporting import LeakCompared, Surroundings
from orchestrator.domain.compliance import Compliance, Standing, standing_of
from orchestrator.domain.remediation import AttemptState, Outcome
from orchestrator.domain.verdict import Verdict

#: Bars of a picture; the table beside it has the rest.
MAX_BARS: Final = 25
#: Rows of a table beside a picture.
MAX_ROWS: Final = 500

#: As people look for them: what needs work first.
VERDICTS: Final = (
    Verdict.NEEDED,
    Verdict.BLOCKED,
    Verdict.CONTRADICTED,
    Verdict.INSTALLED_NOT_ACTIVE,
    Verdict.INDETERMINATE,
    Verdict.UNKNOWN,
    Verdict.NOT_AFFECTED,
    Verdict.NOT_APPLICABLE,
    Verdict.COMPLIANT,
)

#: What a wave's servers came to, in the order of a bar.
ENDS: Final = ("done", "not-active", "failed", "unsettled", "left-out", "waiting")

_MINUTE, _HOUR, _DAY = 60, 3600, 86400  # seconds


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave in numbers: what its servers came to, outcome by outcome."""

    number: int
    servers: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures that there is anything to draw for."""

    pools: Markup
    waves: Markup | None
    burn_down: Markup | None
    slopes: Markup | None
    graph: Graph | None


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of the summary."""

    count: int
    what: str
    kind: str


def moment(at: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else ""


def age(seconds: int | None) -> str:
    """How long ago, in the unit that fits."""
    if seconds is None:
        return "never read"
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{max(seconds, 0)} s"


def tiles(report: AuditReport) -> tuple[Tile, ...]:
    """The summary: every server is in one of the first three."""
    standings = Counter(standing_of(line.verdict) for line in report.servers)
    waived = sum(line.waiver is not None for line in report.servers)
    return (
        Tile(standings[Standing.OPEN], "open: without the fix in effect", "open"),
        Tile(standings[Standing.UNDECIDED], "undecided: nobody knows", "undecided"),
        Tile(standings[Standing.SETTLED], "settled: nothing left to do", "settled"),
        Tile(waived, "with a waiver, whatever the verdict", "waived"),
    )


def verdicts_found(report: AuditReport) -> tuple[str, ...]:
    """The verdicts that occur, so that no table has empty columns."""
    return tuple(one.value for one in VERDICTS if report.summary.get(one.value))


def pictures(report: AuditReport, around: Surroundings) -> Pictures:
    """Everything that can be drawn of it."""
    return Pictures(
        pools=_pools(report),
        waves=_waves_picture(around.run) if around.run else None,
        burn_down=_burn_down(report.compliance),
        slopes=_slopes(around.leaks) if around.leaks else None,
        graph=placed(around.links) if around.links else None,
    )


def _pools(report: AuditReport) -> Markup:
    worst = sorted(report.by_pool.items(), key=lambda pool: (-_open(pool[1]), pool[0]))
    shown = dict(islice(worst, MAX_BARS))
    return charts.stacked(
        shown, [one.value for one in VERDICTS], "Verdicts by pool, as bars"
    )


def _open(counts: Mapping[str, int]) -> int:
    return sum(
        count
        for verdict, count in counts.items()
        if standing_of(Verdict(verdict)) is Standing.OPEN
    )


def waves(run: RunReport) -> Iterator[Wave]:
    """Each wave of a run by number."""
    for number in sorted({line.wave for line in run.outcomes}):
        lines = [line for line in run.outcomes if line.wave == number]
        ends = Counter(_outcome_name(line) for line in lines)
        yield Wave(number, len(lines), dict(sorted(ends.items())))


def _outcome_name(line: OutcomeLine) -> str:
    return line.outcome.value if line.outcome else line.state.value


def _waves_picture(run: RunReport) -> Markup:
    rows: dict[str, Counter[str]] = {}
    for line in sorted(run.outcomes, key=lambda one: one.wave):
        rows.setdefault(f"wave {line.wave}", Counter())[end_of(line)] += 1
    shown = dict(islice(rows.items(), MAX_BARS))
    return charts.stacked(shown, ENDS, "What each wave came to, as bars")


def end_of(line: OutcomeLine) -> str:
    """Which of :data:`ENDS` a server of a run belongs to."""
    match line.outcome:
        case None:
            begun = line.state is not AttemptState.READY
            return "unsettled" if begun else "waiting"
        case Outcome.REMEDIATED | Outcome.ALREADY_COMPLIANT | Outcome.ROLLED_BACK:
            return "done"
        case Outcome.INSTALLED_NOT_ACTIVE | Outcome.PENDING_RESTART:
            return "not-active"
        case Outcome.UNKNOWN:
            return "unsettled"
        case (
            Outcome.DROPPED
            | Outcome.BLOCKED
            | Outcome.SKIPPED
            | Outcome.UNREACHABLE
            | Outcome.REFUSED
        ):
            return "left-out"
        case (
            Outcome.STAGING_FAILED
            | Outcome.INSTALL_FAILED
            | Outcome.VERIFY_FAILED
            | Outcome.UNHEALTHY
            | Outcome.INTERRUPTED
        ):
            return "failed"
        case _:
            assert_never(line.outcome)


def _burn_down(compliance: Compliance) -> Markup | None:
    if len(compliance.burn_down) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    return charts.burn_down(
        compliance.burn_down, compliance.projection, "Open servers over time"
    )


def _slopes(leaks: Sequence[LeakCompared]) -> Markup:
    steepest = sorted(leaks, key=lambda one: -one.comparison.before.slope)
    shown = {
        f"{one.server} {one.comparison.before.process}".rstrip(): one.comparison
        for one in islice(steepest, MAX_BARS)
    }
    return charts.slopes(shown, "Leak before and after, MiB an hour, as bars")


def oldest_fact(servers: Sequence[AuditedServer]) -> str:
    """The age of the oldest fact that any verdict rests on."""
    times = [proof.at for line in servers for proof in line.evidence if proof.at]
    return moment(min(times, default=None))
