"""How long an audit of a large estate takes, now and as of a past moment.

``python -m benchmarks.audit [SERVERS]`` builds an estate with two surveys of ten facts
a server in a temporary folder and prints seconds of processor time, and the peak of
memory that each took beyond what was there before. The first audit records every
verdict, the second finds them unchanged.
"""

from __future__ import annotations

import gc
import io
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from typing_extensions import override

from orchestrator.adapters.database import open_storage
from orchestrator.adapters.evidence_files.bundle import ZipBundles
from orchestrator.adapters.reports.writer import write_report
from orchestrator.application import evidence
from orchestrator.application.audit import audit, audit_as_of
from orchestrator.application.codec import to_json
from orchestrator.application.reporting import ReportFormat, surroundings
from orchestrator.application.services import Services
from orchestrator.application.survey import scope_of, store_facts
from orchestrator.cli.main import GARBAGE
from orchestrator.cli.options import AuditFormat
from orchestrator.cli.output import write
from orchestrator.cli.session import Session
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.facts import Observation
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Pool, Site
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, HOTFIX, leaking_host, server, world
from tests.fakes.hosts import FakeReader

SERVERS = 10_000
_BATCH = 500  # servers a transaction
_POOL = 4  # servers a pool


def estate_of(count: int) -> Inventory:
    """So many front ends in pools of four."""
    names = [f"lcs{number:05d}" for number in range(count)]
    pools = {f"pool-{number // _POOL}" for number in range(count)}
    return Inventory(
        servers={
            name: server(name, f"pool-{number // _POOL}")
            for number, name in enumerate(names)
        },
        pools={name: Pool(name, "site-1") for name in sorted(pools)},
        sites={"site-1": Site("site-1")},
    )


def fill(services: Services, clock: FakeClock, inventory: Inventory) -> None:
    """Import all of it and survey it twice, a day apart."""
    host = leaking_host(clock)
    with services.storage.begin() as uow:
        uow.inventory.save(inventory)
        uow.evidence.append(
            Entry(RecordKind.CATALOG, ARTICLE, to_json(HOTFIX)),
            Entry(RecordKind.INVENTORY, "inventory", to_json(inventory)),
        )
    for _ in range(2):
        clock.advance(3600)
        some = next(iter(inventory.servers.values()))
        facts = FakeReader(some, host).survey(scope_of((HOTFIX,), some))
        facts = tuple(replace(seen, at=clock.now()) for seen in facts)
        _survey(services, clock, sorted(inventory.servers), facts)


def _survey(
    services: Services,
    clock: FakeClock,
    names: list[str],
    facts: tuple[Observation, ...],
) -> None:
    for first in range(0, len(names), _BATCH):
        with services.storage.begin() as uow:
            for name in names[first : first + _BATCH]:
                store_facts(uow, name, facts, clock.now())


def measure(what: str, work: Callable[[], object]) -> None:
    """Run it twice: for the time, and for the peak of what Python allocates."""
    begun = time.process_time()
    work()
    seconds = time.process_time() - begun
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    show(f"{what:<24} {seconds:7.2f} s {peak:8.0f} MiB")


class Sink(io.TextIOBase):
    """Counts what is written, and keeps nothing."""

    size = 0

    @override
    def write(self, text: str) -> int:
        """Count."""
        self.size += len(text)
        return len(text)


def write_all(services: Services) -> None:
    """Write an audit in every format."""
    found = audit(services, ARTICLE, Selection())
    around = surroundings(services, found.data)
    for written_as in ReportFormat:
        sink = Sink()
        measure(
            written_as.value,
            partial(write_report, found.data, around, written_as, sink),
        )
        show(f"{'':<24} {sink.size / 2 / 2**20:7.1f} MiB long")
    session = Session()
    session.options = replace(session.options, format=AuditFormat.JSON)
    sink = Sink()
    measure("json", lambda: write(session, found, sink, terminal=None))
    show(f"{'':<24} {sink.size / 2 / 2**20:7.1f} MiB long")


def show(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(words: Iterable[str]) -> None:
    """Build the estate and measure."""
    gc.set_threshold(*GARBAGE)
    count = next((int(word) for word in words), SERVERS)
    clock = FakeClock()
    with (
        TemporaryDirectory() as folder,
        open_storage(
            f"sqlite:///{folder}/audit.db", writer="benchmark", clock=clock.now
        ) as storage,
        world(storage, []) as made,
    ):
        services = replace(made.services, clock=clock)
        fill(services, clock, estate_of(count))
        with storage.read() as uow:
            records = sum(head.sequence for head in uow.evidence.heads())
        show(f"{count} servers, {records} records")
        bundle = Path(folder) / "evidence.zip"
        files = ZipBundles()
        past = clock.now()
        measure("audit, the first", lambda: audit(services, ARTICLE, Selection()))
        measure("audit", lambda: audit(services, ARTICLE, Selection()))
        measure(
            "audit --as-of", lambda: audit_as_of(services, ARTICLE, Selection(), past)
        )
        write_all(services)
        measure("evidence export", lambda: evidence.export(services, files, bundle))
        measure("evidence verify", lambda: evidence.verify(files, bundle))
        show(f"bundle: {bundle.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
