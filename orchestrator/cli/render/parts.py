"""The pieces that tables are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from orchestrator.application.audit import WaiverLine
from orchestrator.cli.text import clean
from orchestrator.domain.remediation import Outcome
from orchestrator.domain.symptom import Leak
from orchestrator.domain.verdict import Verdict

#: Shown wherever a table or package is the simulated estate's.
LAB = "LAB"

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_STYLES: Mapping[str, str] = {
    Verdict.COMPLIANT: "green",
    Verdict.NOT_AFFECTED: "green",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.NEEDED: "yellow",
    Verdict.INSTALLED_NOT_ACTIVE: "yellow",
    Verdict.BLOCKED: "red",
    Verdict.CONTRADICTED: "bold red",
    Verdict.INDETERMINATE: "magenta",
    Verdict.UNKNOWN: "magenta",
    Outcome.REMEDIATED: "green",
    Outcome.ALREADY_COMPLIANT: "green",
    Outcome.ROLLED_BACK: "green",
    Outcome.DROPPED: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.UNREACHABLE: "magenta",
    Outcome.REFUSED: "magenta",
    Outcome.STAGING_FAILED: "red",
    Outcome.INSTALL_FAILED: "red",
    Outcome.PENDING_RESTART: "red",
    Outcome.VERIFY_FAILED: "red",
    Outcome.UNHEALTHY: "bold red",
    Outcome.INTERRUPTED: "bold red",
    Leak.LEAKING: "red",
    Leak.NOT_LEAKING: "green",
    Leak.UNDECIDED: "yellow",
    Leak.NOT_MEASURED: "dim",
}


def text(value: object, style: str = "") -> Text:
    """A value as inert text; ``None`` is nothing."""
    return Text("" if value is None else clean(value), style)


def word(value: str) -> Text:
    """A verdict or an outcome in its colour."""
    return text(value, _STYLES.get(value, ""))


def heading(words: str, *, lab: bool = False) -> Text:
    """A line that stands over a table."""
    line = text(words, "bold")
    if lab:
        line.append(f"  {LAB}: simulated, not the real files", "bold reverse")
    return line


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; a cell that is a ``Text`` keeps its colour."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else text(cell) for cell in row))
    return drawn


def fields(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names with their values; those without a value are left out."""
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", ()):
            shown = value if isinstance(value, Text) else text(value)
            drawn.add_row(text(name), shown)
    return drawn


def counts(summary: Mapping[str, int]) -> Text:
    """``3 compliant, 1 blocked``; what is zero is left out."""
    line = Text()
    for name, count in summary.items():
        if count:
            line.append(", " if line else "")
            line.append(f"{count} ")
            line.append(word(name))
    return line or text("none")


def listed(names: Iterable[str]) -> str:
    """Names with commas."""
    return ", ".join(names)


def moment(at: datetime | None) -> str:
    """A time to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else ""


def waived(waiver: WaiverLine | None) -> str:
    """Who accepted a server as it is, and until when."""
    return f"{waiver.owner} until {waiver.until:%Y-%m-%d}" if waiver else ""


def age(seconds: int | None) -> str:
    """An age in its largest unit."""
    if seconds is None:
        return "never"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{max(0, seconds)} s"
