"""An apply on many servers whose installer takes 20 s, against the ideal.

``python -m benchmarks.apply [--servers N] [--in-flight N] [--install-s SECONDS]``. The
ideal has no cost but the installer's own time: as many rounds of it as it takes to
have all servers through. The plan is one wave, and no pool holds a server back. Another
apply, of fewer servers and fewer at once, shows what is left where the computer's own
cores are not what everything waits for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from benchmarks.costs import Cost, Figure, Target, result, tried
from benchmarks.lab import serving
from benchmarks.program import ask, bring, profile, run
from orchestrator.lab.serve import ARTICLE

SERVERS, IN_FLIGHT, INSTALL_S = 1_000, 500, 20.0
#: Of the ideal; and how many servers show where the rest goes, if that is missed.
BOUND, PROFILED = 1.25, 20
#: The second apply has so many times fewer servers.
CALM = 10
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


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply cost, and how its servers ended."""

    cost: Cost
    outcomes: Counter[str]
    #: Of the installer's own time alone, in seconds.
    ideal: float

    @classmethod
    def of(cls, servers: int, in_flight: int, install_s: float) -> Self:
        """Apply, with as many rounds of the installer as it takes."""
        cost, lines = applied(servers, in_flight, install_s, run)
        outcomes = Counter(line["outcome"] for line in lines)
        return cls(cost, outcomes, math.ceil(len(lines) / in_flight) * install_s)

    @property
    def ratio(self) -> float:
        """Of the wall to the ideal."""
        return self.cost.wall_s / self.ideal

    @property
    def done(self) -> float:
        """How many of its servers were installed on, percent."""
        well = self.outcomes["installed-not-active"] + self.outcomes["remediated"]
        return 100 * well / self.outcomes.total()

    def figures(self, in_flight: int) -> list[Figure]:
        """As rows."""
        count = self.outcomes.total()
        what = f"{count} servers, {in_flight} in flight"
        cpu, wall = self.cost.cpu_s, self.cost.wall_s
        return [
            Figure(f"{what}: wall", self.cost.wall_s, "s", "ideal", self.ratio),
            Figure(f"{what}: ideal", self.ideal, "s"),
            Figure(f"{what}: CPU a server", cpu / count * 1e3, "ms"),
            Figure(f"{what}: CPU of its one interpreter", cpu, "s", "wall", cpu / wall),
            Figure(f"{what}: peak memory", self.cost.peak_kib / 1024, "MiB"),
        ]


def measure(
    servers: int = SERVERS, in_flight: int = IN_FLIGHT, install_s: float = INSTALL_S
) -> dict[str, Any]:
    """Every figure, as JSON values."""
    few = max(servers // CALM, 4)
    calm_flight = max(few // 4, 1)
    calm = Applied.of(few, calm_flight, install_s)
    full = Applied.of(servers, in_flight, install_s)
    found = result(
        f"{servers} lab servers, of which the plan has those that need it, and "
        f"{few}; an installer of {install_s:g} s; outcomes: {dict(full.outcomes)}",
        [*full.figures(in_flight), *calm.figures(calm_flight)],
        [
            Target(f"apply, {in_flight} in flight: wall to ideal", full.ratio, BOUND),
            Target(f"apply, {calm_flight} in flight: wall to ideal", calm.ratio, BOUND),
            Target("apply: servers installed, percent", full.done, 100, least=True),
        ],
    )
    if full.ratio > BOUND:
        found["profile"], _ = applied(PROFILED, PROFILED, install_s, profile)
    return found


if __name__ == "__main__":
    tried(__doc__, measure, servers=SERVERS, in_flight=IN_FLIGHT, install_s=INSTALL_S)
