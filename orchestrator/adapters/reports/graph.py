"""The exposure graph: who opens MTLS on the left, what it meets on the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from orchestrator.adapters.reports.inert import inert
from orchestrator.application.reporting import ExposureLink

#: More lines than this are a thicket; the worst are drawn, the table has the rest.
MAX_DRAWN: Final = 60
WIDTH: Final = 600  # user units, like all sizes here
_ROW: Final = 28
_TOP: Final = 34
LEFT: Final = 200
RIGHT: Final = WIDTH - LEFT
_LETTERS: Final = 20


@dataclass(frozen=True, slots=True)
class Node:
    """An end of lines, with its name in full and as it fits."""

    name: str
    label: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    """A connection: the path of its curve, and the protection it meets."""

    path: str
    protection: str
    title: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything placed."""

    height: int
    openers: tuple[Node, ...]
    stops: tuple[Node, ...]
    lines: tuple[Line, ...]


def placed(links: Sequence[ExposureLink]) -> Graph:
    """The first links, which are the worst, with a place for each end."""
    drawn = list(islice(links, MAX_DRAWN))
    openers = _column((link.opener for link in drawn), LEFT)
    stops = _column((link.stop for link in drawn), RIGHT)
    rows = max(len(openers), len(stops), 1)
    return Graph(
        height=_TOP + _ROW * rows,
        openers=tuple(openers.values()),
        stops=tuple(stops.values()),
        # The worst last, so that it lies on top.
        lines=tuple(
            _line(link, openers[link.opener], stops[link.stop])
            for link in reversed(drawn)
        ),
    )


def _column(names: Iterable[str], x: int) -> dict[str, Node]:
    return {
        name: Node(inert(name), _fitting(inert(name)), x, _TOP + _ROW * row + _ROW // 2)
        for row, name in enumerate(dict.fromkeys(names))
    }


def _fitting(name: str) -> str:
    """Without its middle, since firewalls differ at their ends."""
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 9]}…{name[-8:]}"


def _line(link: ExposureLink, start: Node, end: Node) -> Line:
    middle = WIDTH // 2
    x1, x2 = start.x + 8, end.x - 8
    path = f"M{x1} {start.y}C{middle} {start.y} {middle} {end.y} {x2} {end.y}"
    return Line(
        path,
        link.protection.value,
        f"{start.name} → {end.name}: {inert(link.why)}",
    )
