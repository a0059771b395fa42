"""An apply on many servers whose installer takes 20 s, against the ideal.

``python -m benchmarks.apply [--servers N] [--in-flight N] [--install SECONDS]``. The
ideal has no cost but the installer's own time: as many rounds of it as it takes to
have all servers through. The plan is one wave, and no pool holds a server back.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.costs import Figure, Target, result, show
from benchmarks.lab import serving
from benchmarks.program import ask, bring, run
from orchestrator.lab.serve import ARTICLE

SERVERS, IN_FLIGHT, INSTALL_S = 1_000, 500, 20.0


def measure(
    servers: int = SERVERS, in_flight: int = IN_FLIGHT, install_s: float = INSTALL_S
) -> dict[str, Any]:
    """Every figure, as JSON values."""
    with serving(servers, install_s=install_s) as lab:
        bring(lab)
        run(lab, "survey", survey_concurrency="64")
        run(lab, "plan", ARTICLE, "--growth", str(servers))
        plan = ask(lab, "plan", "list")["plans"][0]["plan"]
        run(lab, "approve", plan, "--by", "A. Manager", "--reason", "benchmark")
        cost = run(
            lab, "apply", plan, apply_concurrency=str(in_flight), poll_seconds="2"
        )
        lines = ask(lab, "status", "--watch")["outcomes"]
    outcomes = Counter(line["outcome"] for line in lines)
    count = len(lines)
    turns = math.ceil(count / in_flight)
    ideal = turns * install_s
    ratio = cost.wall_s / ideal
    done = outcomes["installed-not-active"] + outcomes["remediated"]
    return result(
        f"{servers} lab servers, {in_flight} in flight, an installer of "
        f"{install_s:g} s; outcomes: {dict(outcomes)}",
        [
            Figure("wall: apply", cost.wall_s, "s", "ideal", ratio),
            Figure(f"wall: ideal, {turns} times the installer's own", ideal, "s"),
            Figure("CPU a server", cost.cpu_s / count * 1e3, "ms"),
            Figure("peak memory", cost.peak_kib / 1024, "MiB"),
            Figure("servers of the plan, all of them installed", count, ""),
        ],
        [
            Target("apply: wall as a multiple of the ideal", ratio, 1.25),
            Target(
                "apply: servers installed, percent", 100 * done / count, 100, least=True
            ),
        ],
    )


def main(words: Sequence[str]) -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=SERVERS)
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--install", type=float, default=INSTALL_S)
    given = parser.parse_args(words)
    show(measure(given.servers, given.in_flight, given.install))


if __name__ == "__main__":
    main(sys.argv[1:])
