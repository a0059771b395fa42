"""How long an audit and a plan take, as the estate grows tenfold and tenfold again.

``python -m benchmarks.plan [--servers N]``. The estate and its facts are those of
``benchmarks.audit``, in a SQLite file. The first audit records every verdict, the
second finds them unchanged; ten times the servers are only planned.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.audit import estate_of, fill
from benchmarks.costs import Cost, Figure, Target, alone, result, show
from orchestrator.adapters.database import open_storage
from orchestrator.application.audit import audit
from orchestrator.application.plans import plan
from orchestrator.application.services import Services
from orchestrator.cli.main import GARBAGE
from orchestrator.domain.planning import PlanPolicy
from orchestrator.domain.selection import Selection
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, world

SERVERS = 10_000
#: For so many servers an audit and a plan may take this long.
SECONDS = 2.0


def _audit(services: Services) -> object:
    return audit(services, ARTICLE, Selection())


def _plan(services: Services) -> object:
    return plan(services, ARTICLE, Selection(), PlanPolicy())


WORK: dict[str, Callable[[Services], object]] = {
    "plan": _plan,
    "first audit": _audit,
    "audit": _audit,
}


def worked(count: int, *names: str) -> dict[str, float]:
    """Build an estate and do these pieces of work; the seconds of each."""
    gc.set_threshold(*GARBAGE)
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
        for what in names:
            begun = time.perf_counter()
            WORK[what](services)
            seconds[what] = time.perf_counter() - begun
    return seconds


def measure(servers: int = SERVERS) -> dict[str, Any]:
    """Every figure, as JSON values."""
    few, many, most = servers // 10, servers, servers * 10
    costs = {few: alone(worked, few, *WORK), many: alone(worked, many, *WORK)}
    costs[most] = alone(worked, most, "plan")
    figures = [
        figure for count in costs for figure in _figures(costs, count, against=few)
    ]
    allowed = SECONDS * servers / SERVERS
    targets = [
        Target(f"{what} of {many:,} servers, seconds", seconds, allowed)
        for what, seconds in costs[many].value.items()
    ]
    targets += [
        Target(f"plan: seconds a server, {most:,} to {many:,}", _growth(costs), 1.3),
        Target(
            f"plan: peak of memory a server, {most:,} to {many:,}",
            costs[most].peak_kib / costs[many].peak_kib / 10,
            1.3,
        ),
    ]
    return result(
        "Servers with fifteen facts each, surveyed twice, SQLite; audits and plans "
        "from records, reading and storing included",
        figures,
        targets,
    )


def _figures(costs: dict[int, Cost], count: int, against: int) -> list[Figure]:
    """Of an estate of one size: each piece of work a server against the smallest."""
    figures = [
        Figure(
            f"{what} of {count:,}: wall",
            seconds,
            "s",
            f"{against:,} servers, each",
            seconds / count / (costs[against].value[what] / against),
        )
        for what, seconds in costs[count].value.items()
    ]
    memory = costs[count].peak_kib / 1024
    return [*figures, Figure(f"peak memory of {count:,}", memory, "MiB")]


def _growth(costs: dict[int, Cost]) -> float:
    """A server's part of the plan of the largest estate to that of the next."""
    *_, many, most = costs
    each = [costs[count].value["plan"] / count for count in (many, most)]
    return each[1] / each[0]


def main(words: Sequence[str]) -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=SERVERS)
    show(measure(parser.parse_args(words).servers))


if __name__ == "__main__":
    main(sys.argv[1:])
