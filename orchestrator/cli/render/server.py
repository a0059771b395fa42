"""One server on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from orchestrator.application.explain import Explanation, History, HistoryLine
from orchestrator.cli.render.memory import process
from orchestrator.cli.render.parts import (
    age,
    fields,
    heading,
    moment,
    table,
    text,
    waived,
    word,
)
from orchestrator.domain.verdict import Proof

#: Lines of proof that fit a screen together with the rest of ``explain``.
PROOF_LINES = 14

#: Columns from which on a source is shown whole, and what it gets below that.
WIDE = 140
SOURCE_WIDTH = 12
#: Shown above the proof already.
_EXPOSURE = "exposure"


def explanation(found: Explanation) -> Iterator[RenderableType]:
    """One server on one screen, the next command last."""
    yield heading(f"{found.server} against {found.article}")
    yield fields(
        (
            ("verdict", word(found.verdict)),
            ("reason", found.reason),
            ("exposure", found.exposure),
            *((each.process, process(each)) for each in found.processes),
            ("last contact", _contact(found)),
            ("contact failed", found.contact_fault),
            ("endpoint", found.endpoint),
            ("it needs", "; ".join(found.to_enable)),
            ("not readable", "; ".join(found.unreadable)),
            ("last outcome", found.last_outcome),
            ("waiver", waived(found.waiver)),
        )
    )
    yield from _proof(found.proof, found.as_of)
    yield text("next: ", "bold").append(text(found.next_command, "cyan"))


def _contact(found: Explanation) -> str:
    at = found.last_contact
    return f"{moment(at)}, {_age(at, found.as_of)} ago" if at else "never"


def _age(at: datetime | None, now: datetime) -> str:
    """How old; a host's own clock may be ahead."""
    return age(int((now - at).total_seconds())) if at else ""


def _proof(lines: Iterable[Proof], now: datetime) -> Iterator[RenderableType]:
    """What does not hold comes first; what does not fit is counted."""
    told = [line for line in lines if line.fact != _EXPOSURE]
    if not told:
        return
    ranked = sorted(told, key=lambda line: line.holds)[:PROOF_LINES]
    names = _short_names(ranked)
    rows = [_line(line, name, now) for line, name in zip(ranked, names, strict=True)]
    yield _ProofTable(rows)
    if len(told) > PROOF_LINES:
        yield text(f"and {len(told) - PROOF_LINES} more: --format json", "dim")


@dataclass(frozen=True, slots=True)
class _ProofTable:
    """Narrow screens get the sources cut short; the JSON has the whole of them."""

    rows: Sequence[Sequence[object]]

    def __rich_console__(
        self, _: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        drawn = table(("", "fact", "found", "expected", "age", "source"), self.rows)
        seen, source = drawn.columns[-2:]
        seen.no_wrap = source.no_wrap = True
        source.overflow = "ellipsis"
        if options.max_width < WIDE:
            source.max_width = SOURCE_WIDTH
        yield drawn


def _line(line: Proof, name: str, now: datetime) -> Sequence[object]:
    mark = Text("ok", "green") if line.holds else Text("no", "red")
    return (mark, name, line.found, line.expected, _age(line.at, now), line.source)


def _short_names(lines: Sequence[Proof]) -> list[str]:
    """Facts without folder and article, where that leaves them apart."""
    short = [_short(line.fact) for line in lines]
    often = Counter(short)
    return [
        line.fact if often[name] > 1 else name
        for line, name in zip(lines, short, strict=True)
    ]


def _short(fact: str) -> str:
    kind, _, subject = fact.partition(" ")
    last = subject.replace("\\", "/").rpartition("/")[2]
    return f"{kind} {last}".rstrip()


def history(found: History) -> Iterator[RenderableType]:
    """A server's records, oldest first."""
    yield heading(f"{found.server}: {len(found.records)} records")
    if found.left_off:
        yield text(f"{found.left_off} older records are not shown", "dim")
    yield table(
        ("time", "kind", "what"),
        (row for line in found.records for row in _history_rows(line)),
    )


def _history_rows(line: HistoryLine) -> Iterator[tuple[str, str, str]]:
    """The record, then each line of its log."""
    what, *log = line.summary.split("\n")
    yield moment(line.at), line.kind, what
    for each in log:
        yield "", "", f"  {each}"
