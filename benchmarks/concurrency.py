"""What a server in flight takes: memory, and CPU a message, as more are in flight.

``python -m benchmarks.concurrency [--servers N] [--most N]``. So many conversations
are logged in and held open at once, each in its thread; then each surveys, a few of
them at a time. Where more are in flight than the lab has servers, a server has several.
"""

from __future__ import annotations

from typing import Any

from benchmarks import conversations
from benchmarks.costs import Figure, Target, alone, result, tried
from benchmarks.lab import serving

SERVERS, MOST = 1_000, 2_000
STEPS = (50, 200, 500, 1_000, 2_000)


def measure(servers: int = SERVERS, most: int = MOST) -> dict[str, Any]:
    """Every figure, as JSON values."""
    figures: list[Figure] = []
    worst, reached, failed = 0.0, 0, ""
    steps = [step for step in STEPS if step <= most]
    with serving(servers) as lab:
        base: float | None = None
        for count in steps:
            try:
                cost = alone(conversations.in_flight, lab.hosts, count)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others stand
                failed = f"; {count} in flight failed: {type(error).__name__}: {error}"
                break
            held, messages = cost.value
            kib, cpu = held / count / 1024, cost.cpu_s / messages * 1e3
            reached = count
            worst, base = max(worst, kib), base or cpu
            figures += [
                Figure(f"memory a server, {count} in flight", kib, "KiB"),
                Figure(
                    f"CPU a message, {count} in flight",
                    cpu,
                    "ms",
                    f"{STEPS[0]} in flight",
                    cpu / base,
                ),
            ]
    return result(
        f"{servers} lab servers, {conversations.ASKING} in flight ask at once{failed}",
        figures,
        [
            Target("memory a server in flight, KiB", worst, 100),
            Target("most in flight, all answered", reached, steps[-1], least=True),
        ],
    )


if __name__ == "__main__":
    tried(__doc__, measure, servers=SERVERS, most=MOST)
