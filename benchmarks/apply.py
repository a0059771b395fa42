"""An apply on many servers whose installer takes 20 s, against the ideal.

``python -m benchmarks.apply [--servers N] [--in-flight N] [--install-s SECONDS]``. The
ideal has no cost but the installer's own time: as many rounds of it as it takes to
have all servers through. The plan is one wave, and no pool holds a server back.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from benchmarks.costs import Figure, Target, result, tried
from benchmarks.lab import serving
from benchmarks.program import ask, bring, profile, run
from orchestrator.lab.serve import ARTICLE

SERVERS, IN_FLIGHT, INSTALL_S = 1_000, 500, 20.0
#: Of the ideal; and how many servers show where the rest goes, if that is missed.
BOUND, PROFILED = 1.25, 20
T = TypeVar("T")


def applied(
    servers: int, in_flight: int, install_s: float, carry_out: Callable[..., T]
) -> tuple[T, list[Any]]:
    """Apply a plan of a new lab; what that gave, and the lines of its outcomes."""
    with serving(servers, install_s=install_s) as lab:
        bring(lab)
        run(lab, "survey", survey_concurrency="64")
        run(lab, "plan", ARTICLE, "--growth", str(servers))
        plan = ask(lab, "plan", "list")["plans"][0]["plan"]
        run(lab, "approve", plan, "--by", "A. Manager", "--reason", "benchmark")
        given = carry_out(
            lab, "apply", plan, apply_concurrency=str(in_flight), poll_seconds="2"
        )
        return given, ask(lab, "status", "--watch")["outcomes"]


def measure(
    servers: int = SERVERS, in_flight: int = IN_FLIGHT, install_s: float = INSTALL_S
) -> dict[str, Any]:
    """Every figure, as JSON values."""
    cost, lines = applied(servers, in_flight, install_s, run)
    outcomes = Counter(line["outcome"] for line in lines)
    count = len(lines)
    turns = math.ceil(count / in_flight)
    ideal = turns * install_s
    ratio = cost.wall_s / ideal
    done = outcomes["installed-not-active"] + outcomes["remediated"]
    found = result(
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
            Target("apply: wall as a multiple of the ideal", ratio, BOUND),
            Target(
                "apply: servers installed, percent", 100 * done / count, 100, least=True
            ),
        ],
    )
    if ratio > BOUND:
        found["profile"], _ = applied(PROFILED, PROFILED, install_s, profile)
    return found


if __name__ == "__main__":
    tried(__doc__, measure, servers=SERVERS, in_flight=IN_FLIGHT, install_s=INSTALL_S)
