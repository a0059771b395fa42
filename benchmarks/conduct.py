"""What conducting costs as a plan grows, without the turns themselves.

Run ``python -m benchmarks.conduct [SERVERS…]``. Fake hosts settle at once, one after
another, with 200 in flight; what is measured is the conductor's own CPU a server.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from tempfile import TemporaryDirectory

from orchestrator.adapters.database import open_storage
from orchestrator.application.rollout.conduct import Rollout
from orchestrator.application.services import Limits
from tests.fakes.clock import FakeClock
from tests.fakes.estate import world
from tests.fakes.many import AtOnce, admitted, estate_of, fill

IN_FLIGHT = 200


def seconds(count: int) -> float:
    """CPU time of a whole run over so many servers."""
    clock = FakeClock()
    with (
        TemporaryDirectory() as folder,
        open_storage(
            f"sqlite:///{folder}/conduct.db", writer="benchmark", clock=clock.now
        ) as storage,
        world(storage, [], clock=clock) as made,
    ):
        services = replace(
            made.services,
            engine=AtOnce(made.services),
            limits=Limits(apply_concurrency=IN_FLIGHT),
        )
        inventory = estate_of(count)
        fill(services, clock, inventory)
        run = admitted(services, inventory)
        begun = time.process_time()
        Rollout.open(services, run).carry_out()
        return time.process_time() - begun


def main(words: Iterable[str]) -> None:
    """Measure each size; a profile where ``PROFILE`` is set."""
    for count in [int(word) for word in words] or [1_000, 2_000, 4_000]:
        profile = cProfile.Profile()
        if os.environ.get("PROFILE"):
            profile.enable()
        took = seconds(count)
        profile.disable()
        line = f"{count:6} servers {took:7.2f} s {1000 * took / count:6.2f} ms each\n"
        sys.stdout.write(line)
        sys.stdout.flush()
        if os.environ.get("PROFILE"):
            pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main(sys.argv[1:])
