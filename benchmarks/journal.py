"""Durable writes a second of the journal, against the bare driver of each database.

``python -m benchmarks.journal`` writes for a moment with 1, 20 and 200 threads to a
SQLite file and to a PostgreSQL server of its own, both with every commit forced to
disk. It prints a table on stderr and one JSON document on stdout.

A *write* is a row inserted or updated, and counts when its commit is durable. A
*step* is a unit of work that saves an attempt and appends its record: two writes. A
*survey* is one server's thirty facts with a record each, and the contact. The
baselines insert one row of a step's size, and are what the driver alone can do:
``commit each`` commits every write; ``group`` has one thread that commits whatever
the others handed it meanwhile.
"""

from __future__ import annotations

import itertools
import json
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.application.codec import to_json
from orchestrator.application.ports.storage import StoredPlan
from orchestrator.application.survey import store_facts
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.facts import (
    FactKind,
    Observation,
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.remediation import Attempt, AttemptState, Step, StepRecord
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.samples import AT, attempts_of, plan_of, run_of

THREADS = (1, 20, 200)
#: How long each figure is measured, in seconds.
SECONDS = 2.0
_FACTS = 30  # observations of a server
_BODY = "x" * 600  # bytes: an attempt with a step and its record

_TABLE = "CREATE TABLE bare (thread INTEGER, number INTEGER, body TEXT)"

#: One write or unit of the thread with this number; it returns when durable.
Write = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """What many threads did in a while."""

    what: str
    database: str
    threads: int
    units_per_second: float
    writes_per_second: float
    #: CPU of this process, in microseconds a write.
    cpu_us_per_write: float


def _timed(database: str, what: str, threads: int, rows: int, write: Write) -> Figure:
    """Let so many threads write at once for a while, each its own rows."""
    counts = [0] * threads
    ends = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        while time.perf_counter() < ends:
            write(number)
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    cpu, begun = time.process_time(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    cpu, took = time.process_time() - cpu, time.perf_counter() - begun
    units = sum(counts)
    return Figure(
        what,
        database,
        threads,
        round(units / took),
        round(units * rows / took),
        round(cpu / units / rows * 1e6),
    )


# --- our journal -------------------------------------------------------------


def _journal(storage: SqlStorage) -> list[Attempt]:
    """A stored run with an attempt for each thread."""
    names = [f"lcs{number:05d}" for number in range(max(THREADS))]
    plan = plan_of(*names)
    run = run_of(plan)
    attempts = [
        replace(
            attempt,
            state=AttemptState.PREPARING,
            steps=(StepRecord(Step.PRECHECK, AT), StepRecord(Step.STAGE, AT)),
        )
        for attempt in attempts_of(run, *names)
    ]
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
        uow.runs.add(run, attempts)
    return attempts


def _step(storage: SqlStorage, attempts: list[Attempt]) -> Write:
    def write(thread: int) -> None:
        attempt = attempts[thread]
        moved = replace(attempt, reason=f"at {time.monotonic_ns()}")
        with storage.begin() as uow:
            if not uow.runs.save_attempt(moved, fence=0):
                raise RuntimeError(f"{attempt.server} was not saved")
            uow.evidence.append(Entry(RecordKind.STEP, moved.server, to_json(moved)))

    return write


def _survey(storage: SqlStorage) -> Write:
    traces = [trace_subject(f"KB{n}", t) for n in range(6) for t in TraceName]

    def write(thread: int) -> None:
        now = datetime.now(UTC)
        seen = [
            Observation(FactKind.TRACE, TraceState(present=True), "registry", now, name)
            for name in traces
        ]
        with storage.begin() as uow:
            store_facts(uow, f"srv{thread}", seen, now)

    return write


def _ours(url: str, database: str) -> Iterator[Figure]:
    with open_storage(url, writer="benchmark", clock=lambda: datetime.now(UTC)) as it:
        attempts = _journal(it)
        for threads in THREADS:
            yield _timed(database, "step", threads, 2, _step(it, attempts))
        for threads in THREADS:
            yield _timed(database, "survey", threads, 2 * _FACTS // 2 + 2, _survey(it))


# --- baselines ---------------------------------------------------------------


def _open_bare(path: str) -> sqlite3.Connection:
    """As our engine opens it."""
    bare = sqlite3.connect(
        path, timeout=30, isolation_level=None, check_same_thread=False
    )
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    return bare


_INSERT = "INSERT INTO bare VALUES (?, ?, ?)"


def _each(bare: sqlite3.Connection) -> Write:
    """One connection and a lock: faster than a connection for each thread."""
    lock = threading.Lock()

    def write(thread: int) -> None:
        with lock:
            bare.execute("BEGIN IMMEDIATE")
            bare.execute(_INSERT, (thread, 0, _BODY))
            bare.execute("COMMIT")

    return write


@contextmanager
def _group(bare: sqlite3.Connection) -> Iterator[Write]:
    """One thread writes and commits what the others have handed it by then."""
    handed: queue.SimpleQueue[tuple[int, Future[None]] | None] = queue.SimpleQueue()

    def write(thread: int) -> None:
        done: Future[None] = Future()
        handed.put((thread, done))
        done.result()

    def commit() -> None:
        while (first := handed.get()) is not None:
            group = [first]
            with_more = itertools.takewhile(lambda _: not handed.empty(), itertools.count())
            for _ in with_more:
                more = handed.get()
                if more is not None:
                    group.append(more)
            bare.execute("BEGIN IMMEDIATE")
            for thread, _ in group:
                bare.execute(_INSERT, (thread, 0, _BODY))
            bare.execute("COMMIT")
            for _, done in group:
                done.set_result(None)

    writer = threading.Thread(target=commit)
    writer.start()
    try:
        yield write
    finally:
        handed.put(None)
        writer.join()


def main():
    with TemporaryDirectory() as folder:
        for figure in _ours(f"sqlite:///{folder}/journal.db", "sqlite"):
            print(figure, flush=True)
        with closing(_open_bare(f"{folder}/bare.db")) as bare:
            bare.execute(_TABLE)
            for threads in THREADS:
                print(_timed("sqlite", "commit each", threads, 1, _each(bare)))
            with _group(bare) as write:
                for threads in THREADS:
                    print(_timed("sqlite", "group", threads, 1, write))


if __name__ == "__main__":
    main()
