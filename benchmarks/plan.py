"""How long an audit and a plan of a large estate take, against a tenth of it.

``python -m benchmarks.plan [--servers N]``. The estate and its facts are those of
``benchmarks.audit``, in a SQLite file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.audit import estate_of, fill
from benchmarks.costs import Figure, Target, alone, result, show
from orchestrator.adapters.database import open_storage
from orchestrator.application.audit import audit
from orchestrator.application.plans import plan
from orchestrator.application.services import Services
from orchestrator.domain.planning import PlanPolicy
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, world

SERVERS = 10_000
WORK: dict[str, Callable[[Services], object]] = {
    "audit": lambda services: audit(services, ARTICLE, Selection()),
    "plan": lambda services: plan(services, ARTICLE, Selection(), PlanPolicy()),
}


def worked(count: int) -> dict[str, float]:
    """Build an estate and work on it; seconds of each piece of work."""
    clock = FakeClock()
    seconds: dict[str, float] = {}
    with (
        TemporaryDirectory() as folder,
        open_storage(
            f"sqlite:///{folder}/estate.db", writer="benchmark", clock=clock.now
        ) as storage,
        world(storage, []) as made,
    ):
        services = replace(made.services, clock=clock)
        fill(services, clock, estate_of(count))
        for what, work in WORK.items():
            begun = time.perf_counter()
            work(services)
            seconds[what] = time.perf_counter() - begun
    return seconds


def measure(servers: int = SERVERS) -> dict[str, Any]:
    """Every figure, as JSON values."""
    few, many = servers // 10, servers
    costs = {count: alone(worked, count) for count in (few, many)}
    growth = {
        what: costs[many].value[what] / many / (costs[few].value[what] / few)
        for what in WORK
    }
    against = f"{few:,} servers, each"
    figures = [
        Figure(f"{what} of {few:,}: wall", costs[few].value[what], "s") for what in WORK
    ]
    figures += [
        Figure(
            f"{what} of {many:,}: wall",
            costs[many].value[what],
            "s",
            against,
            growth[what],
        )
        for what in WORK
    ]
    figures.append(
        Figure(f"peak memory of {many:,}", costs[many].peak_kib / 1024, "MiB")
    )
    return result(
        f"{servers:,} servers with ten facts each, surveyed twice, SQLite",
        figures,
        [
            Target(f"{what}: growth a server", found, 1.3)
            for what, found in growth.items()
        ],
    )


def main(words: Sequence[str]) -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=SERVERS)
    show(measure(parser.parse_args(words).servers))


if __name__ == "__main__":
    main(sys.argv[1:])
