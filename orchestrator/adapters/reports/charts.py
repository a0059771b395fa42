"""Pictures of numbers as inline SVG, coloured by the page's style sheet.

matplotlib draws shapes with stand-ins for colours and names; :mod:`inline_svg` puts
the page's own in their place. So one style sheet serves light, dark and print, and no
text from outside passes through matplotlib, which reads formulas in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dateutil.rrule import DAILY, HOURLY, MINUTELY, MONTHLY, SECONDLY
from markupsafe import Markup

from orchestrator.adapters.reports.inline_svg import LABEL_LETTERS, inlined
from orchestrator.domain.compliance import Count, Projection
from orchestrator.domain.symptom import Comparison, Symptom

#: So narrow that a phone's width shows all of it with letters that can be read.
_WIDTH: Final = 7.0  # inches, like all sizes here; the page stretches it
_BAR: Final = 0.3
_FRAME: Final = 0.6
_LEFT: Final = 0.6
_LETTER: Final = 0.13  # of a name left of the bars, as wide as on a phone
_RIGHT: Final = 0.3
_BELOW: Final = 0.4
_MIB: Final = 1024.0 * 1024.0
#: Times along an axis, so that their labels stand apart on a phone, and the steps with
#: which so few reach as far as the next longer unit.
_TIMES: Final = 6
_STEPS: Final = {
    MONTHLY: [1, 2, 3, 6, 12],
    DAILY: [1, 2, 3, 7, 14, 31],
    HOURLY: [1, 2, 3, 6, 12, 24],
    MINUTELY: [1, 5, 10, 15, 30, 60],
    SECONDLY: [1, 5, 10, 15, 30, 60],
}

_INK, _SOFT, _RULE, _PAGE = "#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04"
_STAND_INS: Final = {_INK: "ink", _SOFT: "soft", _RULE: "rule", _PAGE: "page"}


def stacked(
    rows: Mapping[str, Mapping[str, int]], series: Sequence[str], label: str
) -> Markup:
    """A bar for each row from the top, cut into its counts.

    Args:
        rows: counts by series, by row.
        series: what is counted, in order; also the names of the colours.
        label: what the picture shows, for those who do not see it.
    """

    def draw(axes: Any) -> None:
        ends = [0.0] * len(rows)
        for number, key in enumerate(series):
            counts = [row.get(key, 0) for row in rows.values()]
            if any(counts):
                _bars(axes, range(len(rows)), counts, number, left=ends)
            ends = [end + count for end, count in zip(ends, counts, strict=True)]
        axes.xaxis.get_major_locator().set_params(integer=True)

    return _drawn(draw, series, label, tuple(rows), _BAR)


def slopes(compared: Mapping[str, Comparison], label: str) -> Markup:
    """MiB an hour before and after, each with its interval of confidence."""

    def draw(axes: Any) -> None:
        for row, comparison in enumerate(compared.values()):
            _slope(axes, row - 0.2, comparison.before, 0)
            _slope(axes, row + 0.2, comparison.after, 1)

    return _drawn(draw, ("before", "after"), label, tuple(compared), 2 * _BAR)


def _slope(axes: Any, row: float, symptom: Symptom, number: int) -> None:
    slope = symptom.slope / _MIB
    low, high = symptom.low / _MIB, symptom.high / _MIB
    reach = [[max(0.0, slope - low)], [max(0.0, high - slope)]]
    style = {"ecolor": _INK, "elinewidth": 1.2, "capsize": 3}
    _bars(axes, [row], [slope], number, height=0.36, xerr=reach, error_kw=style)


def burn_down(counts: Sequence[Count], projection: Projection, label: str) -> Markup:
    """Open and undecided servers over time, and the line to zero where there is one."""
    times: Any = [count.at for count in counts]

    def draw(axes: Any) -> None:
        style = {"marker": "o", "markersize": 3, "linewidth": 1.8}
        axes.plot(times, [one.open for one in counts], color=_series(0), **style)
        undecided = [one.undecided for one in counts]
        axes.plot(times, undecided, color=_series(1), **style)
        if projection.zero is not None:
            ahead: list[datetime] = [times[-1], projection.zero]
            height = [counts[-1].open, 0]
            axes.plot(ahead, height, color=_series(2), linewidth=1.5, linestyle="--")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        axes.yaxis.get_major_locator().set_params(integer=True)
        locator = axes.xaxis.get_major_locator()
        formatter = axes.xaxis.get_major_formatter()
        locator.interval_multiples = False  # else the first of a month is one more
        locator.intervald |= _STEPS
        locator.maxticks = dict.fromkeys(locator.maxticks, _TIMES)
        formatter.scaled[1.0] = "%m-%d"  # the words below say the year

    return _drawn(draw, ("open", "undecided", "projection"), label)


def _bars(axes: Any, rows: Any, lengths: Any, number: int, **style: Any) -> None:
    colours = {"color": _series(number), "edgecolor": _PAGE, "linewidth": 0.8}
    axes.barh(rows, lengths, **{"height": 0.72, **colours, **style})


def _series(number: int) -> str:
    return f"#0b0b{number:02x}"


def _drawn(
    draw: Callable[[Any], None],
    series: Sequence[str],
    label: str,
    names: tuple[str, ...] = (),
    row: float = 0.0,
) -> Markup:
    # Loading matplotlib takes a second or more, and only this report needs it.
    from matplotlib.figure import Figure  # noqa: PLC0415

    height = _FRAME + row * len(names) if names else 3.2
    figure = Figure(figsize=(_WIDTH, height), facecolor="none")
    longest = min(LABEL_LETTERS, max(map(len, names), default=0))
    left = max(_LEFT, _LETTER * longest) / _WIDTH
    axes = figure.add_axes(
        (left, _BELOW / height, 1 - left - _RIGHT / _WIDTH, 1 - _FRAME / height),
        facecolor="none",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(color=_SOFT, labelcolor=_INK)
    draw(axes)
    if names:
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), [f"#{n}" for n in range(len(names))])
        axes.tick_params(axis="y", length=0)
    colours = {_series(number): f"k-{key}" for number, key in enumerate(series)}
    return inlined(figure, label, names, {**_STAND_INS, **colours})
