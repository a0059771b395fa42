"""What a survey costs as the estate grows: it should be as much a server.

``python -m benchmarks.growth [--most N]``. The lab holds 1,000 servers a process; a
larger estate is surveyed as several rounds of conversations with the same servers.
"""

from __future__ import annotations

from typing import Any

from benchmarks import conversations
from benchmarks.costs import Figure, Target, alone, result, tried
from benchmarks.lab import serving

MOST, LAB = 10_000, 1_000
STEPS = (100, 300, 1_000, 3_000, 10_000)
THREADS = 32


def measure(most: int = MOST) -> dict[str, Any]:
    """Every figure, as JSON values; and ``points`` for the plot."""
    points: list[dict[str, float]] = []
    steps = [step for step in STEPS if step <= most] or [most]
    with serving(min(LAB, most)) as lab:
        for count in steps:
            hosts = (lab.hosts * -(-count // len(lab.hosts)))[:count]
            cost = alone(conversations.ours, hosts, THREADS)
            points.append(
                {
                    "servers": count,
                    "cpu_s": cost.cpu_s,
                    "wall_s": cost.wall_s,
                    "peak_mib": cost.peak_kib / 1024,
                }
            )
    first = points[0]["cpu_s"] / points[0]["servers"]
    figures = [
        Figure(
            f"CPU a server of {point['servers']:,.0f}",
            point["cpu_s"] / point["servers"] * 1e3,
            "ms",
            f"{steps[0]} servers",
            point["cpu_s"] / point["servers"] / first,
        )
        for point in points
    ]
    figures.append(
        Figure(
            f"peak memory at {steps[-1]:,} servers",
            points[-1]["peak_mib"],
            "MiB",
            f"{steps[0]} servers",
            points[-1]["peak_mib"] / points[0]["peak_mib"],
        )
    )
    worst = max(figure.ratio or 0 for figure in figures[:-1])
    found = result(
        f"{min(LAB, most)} lab servers, {THREADS} threads; larger estates are several "
        "conversations with each",
        figures,
        [Target("growth: CPU a server, the dearest size to the smallest", worst, 1.3)],
    )
    return found | {"points": points}


if __name__ == "__main__":
    tried(__doc__, measure, most=MOST)
