"""Every benchmark, one after another: ``python -m benchmarks [--scale S] [NAME ...]``.

The figures go to ``build/benchmarks.json``; those of other benchmarks stay there, so
that one can be taken again. Once all are there at the whole scale the page
``docs/performance.md`` and its plot are written; else they stand beside the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import apply, concurrency, growth, journal, plan, survey
from benchmarks.costs import Figure, Target, result, table

ROOT = Path(__file__).parent.parent
BUILD, DOCS = ROOT / "build", ROOT / "docs"
PLOT = "performance.svg"
#: No benchmark takes longer, in seconds; one that hangs does not lose the others.
PART_SECONDS = 900
VERSIONS = ("pypsrp", "pyspnego", "h11", "requests", "ansible-core", "SQLAlchemy")
HEAD = """\
# Performance

Written by `make bench`; edit `benchmarks/` instead. Everything, the simulated servers
included, shared the computer's cores; each figure is one run. CPU counts a process of
its own. A ratio is to the figure beside it, from the same run of the same section.
"""


def scaled(count: int, scale: float, least: int = 10) -> int:
    """So much of a count, and no less than makes sense."""
    return max(least, round(count * scale))


def _journal(_scale: float) -> dict[str, Any]:
    """The journal's own figures in the words of the others."""
    rows = journal.measure()["figures"]
    figures = []
    for row in rows:
        ratios = [key for key in row if key.startswith("against ")]
        against = ratios[-1] if ratios else ""
        what = f"{row['database']}, {row['what']}, {row['threads']} threads"
        bare = f"{against.removeprefix('against ')}, bare driver" if against else ""
        ratio = row[against] if against else None
        figures.append(Figure(what, row["writes"], "writes/s", bare, ratio))
    best = {
        what: max(
            row["writes"]
            for row in rows
            if (row["database"], row["what"]) == ("sqlite", what)
        )
        for what in ("survey", "step")
    }
    return result(
        "Durable writes, medians of rounds; a step is two writes, a survey thirty-two",
        figures,
        [
            Target(
                f"journal: writes a second on SQLite, units of a {what}",
                writes,
                10_000,
                least=True,
            )
            for what, writes in best.items()
        ],
    )


BENCHMARKS: dict[str, Callable[[float], dict[str, Any]]] = {
    "survey": lambda scale: survey.measure(
        scaled(survey.SERVERS, scale), scaled(survey.ANSIBLE_SERVERS, scale, 5)
    ),
    "apply": lambda scale: apply.measure(
        scaled(apply.SERVERS, scale), scaled(apply.IN_FLIGHT, scale, 5)
    ),
    "concurrency": lambda scale: concurrency.measure(
        scaled(concurrency.SERVERS, scale), scaled(concurrency.MOST, scale, 50)
    ),
    "growth": lambda scale: growth.measure(scaled(growth.MOST, scale, 100)),
    "plan": lambda scale: plan.measure(scaled(plan.SERVERS, scale, 100)),
    "journal": _journal,
}


def page(found: dict[str, dict[str, Any]]) -> str:
    """The page in Markdown."""
    lines = [HEAD, machine(), ""]
    for name, figures in found.items():
        run = f"{figures['at']}, {figures['scale']:g} of the full sizes"
        lines += [f"## {name.capitalize()}", "", f"{figures['settings']}. {run}.", ""]
        lines += [table(figures), ""]
        if "points" in figures:
            lines += [f"![Cost as the estate grows]({PLOT})", ""]
    return "\n".join(lines)


def machine() -> str:
    """The computer and the versions, in a sentence."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    known = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return (
        f"{os.cpu_count()} cores, {gib:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; {known}."
    )


def plot(points: list[dict[str, float]], path: Path) -> None:
    """CPU and wall as the estate grows."""
    import matplotlib as mpl  # noqa: PLC0415  # slow to load

    mpl.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415  # likewise

    figure, axes = plt.subplots(figsize=(7, 4))
    servers = [point["servers"] for point in points]
    for name, label in (("cpu_s", "CPU"), ("wall_s", "wall")):
        axes.plot(servers, [point[name] for point in points], "o-", label=label)
    line = [points[0]["cpu_s"] / servers[0] * count for count in servers]
    axes.plot(servers, line, ":", label="CPU, were it linear")
    axes.set(xlabel="servers", ylabel="seconds", title="Survey", xscale="log")
    axes.set_yscale("log")
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def fresh(name: str, scale: float) -> dict[str, Any]:
    """A benchmark in a process of its own: none inherits another's memory."""
    words = [sys.executable, "-m", "benchmarks", "--scale", str(scale), "--raw", name]
    with subprocess.Popen(  # noqa: S603  # our own words
        words, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            text, _ = process.communicate(timeout=PART_SECONDS)
        except subprocess.TimeoutExpired:
            return {"settings": f"ended after {PART_SECONDS} s without a result"}
        finally:
            # With the simulated servers and programs that it may have left behind.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        return {"settings": f"failed with exit code {process.returncode}"}
    found: dict[str, Any] = json.loads(text)
    return found


def main(words: Sequence[str]) -> None:
    """Run, show and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], default=[])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--raw", action="store_true", help="only JSON, of one")
    given = parser.parse_args(words)
    if given.raw:
        json.dump(BENCHMARKS[given.names[0]](given.scale), sys.stdout)
        return
    kept = BUILD / "benchmarks.json"
    BUILD.mkdir(exist_ok=True)
    known = json.loads(kept.read_text()) if given.names and kept.exists() else {}
    for name in given.names or BENCHMARKS:
        sys.stderr.write(f"{name} …\n")
        now = datetime.now(UTC)  # noqa: TID251  # a benchmark may
        told = {"at": f"{now:%d %B %Y %H:%M} UTC", "scale": given.scale}
        known[name] = fresh(name, given.scale) | told
        sys.stderr.write(table(known[name]) + "\n\n")
        kept.write_text(json.dumps(known, indent=1))
    found = {name: known[name] for name in BENCHMARKS if name in known}
    whole = len(found) == len(BENCHMARKS) and all(
        figures["scale"] >= 1 for figures in found.values()
    )
    folder = DOCS if whole else BUILD
    (folder / "performance.md").write_text(page(found), encoding="utf-8")
    if "points" in found.get("growth", {}):
        plot(found["growth"]["points"], folder / PLOT)
    sys.stderr.write(f"{folder / 'performance.md'}\n")
    if any("figures" not in figures for figures in found.values()):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
