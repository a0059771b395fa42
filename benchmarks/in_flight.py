"""What a server in flight costs in memory: turns that wait for an installer.

Run ``python -m benchmarks.in_flight [SERVERS…]``; each size in a process of its own.
Hosts and facts are in memory before the first turn begins; what is measured is what
the turns and their threads add to the resident set.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock

from orchestrator.adapters.database import open_storage
from orchestrator.adapters.engine.threads import Threads
from orchestrator.application.ports.engine import Duties, Order
from orchestrator.application.rollout.turns import Turns
from tests.fakes.clock import FakeClock
from tests.fakes.estate import leaking_host, world
from tests.fakes.many import admitted, estate_of, fill

_MEMORY = Path("/dev/shm")  # noqa: S108 - nobody else's; a disk would take minutes
#: Begun together; more would wait for their turn to write for too long.
_BATCH = 100
_PAGE_KIB = resource.getpagesize() // 1024


@dataclass(slots=True)
class Held:
    """A clock on which whoever sleeps never wakes; counts them."""

    clock: FakeClock
    lock: Lock
    asleep: int = 0

    def now(self) -> datetime:
        """As the clock has it."""
        return self.clock.now()

    def sleep(self, _seconds: float) -> None:
        """For good."""
        with self.lock:
            self.asleep += 1
        Event().wait()


def resident_kib() -> int:
    """The resident set of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB


def measure(count: int) -> None:
    """So many turns until each waits; the process ends then."""
    clock = FakeClock()
    held = Held(clock, Lock())
    folder = TemporaryDirectory(dir=_MEMORY)
    url = f"sqlite:///{folder.name}/in-flight.db"
    with (
        open_storage(url, writer="benchmark", clock=clock.now) as storage,
        world(storage, [], clock=clock) as made,
    ):
        inventory = estate_of(count)
        made.gateway.hosts = {name: leaking_host(clock) for name in inventory.servers}
        services = replace(made.services, clock=held)
        fill(services, clock, inventory)
        run = admitted(services, inventory)
        turns = Turns(services)
        # The plan and the facts are read once, by the first turn.
        orders = [
            Order(run.name, name, one.site) for name, one in inventory.servers.items()
        ]
        with Threads().open(Duties(turns.take, turns.over), count) as delivery:
            delivery.hand_out(orders[:1])
            until(held, 1)
            before = resident_kib()
            for first in range(1, count, _BATCH):
                delivery.hand_out(orders[first : first + _BATCH])
                until(held, min(first + _BATCH, count))
            each = (resident_kib() - before) / (count - 1)
            line = f"{count:6} in flight {each:6.1f} KiB each, {resident_kib()} KiB\n"
            sys.stdout.write(line)
            sys.stdout.flush()
            folder.cleanup()
            os._exit(0)


def until(held: Held, count: int) -> None:
    """Wait until so many are asleep."""
    while held.asleep < count:
        time.sleep(0.1)


def main(words: Iterable[str]) -> None:
    """Measure each size."""
    sizes = [int(word) for word in words] or [500, 1_000]
    if len(sizes) == 1:
        measure(sizes[0])
    for size in sizes:
        again = [sys.executable, "-m", "benchmarks.in_flight", str(size)]
        subprocess.run(again, check=True)  # noqa: S603, TID251 - itself, afresh


if __name__ == "__main__":
    main(sys.argv[1:])
