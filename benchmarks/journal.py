"""Durable writes a second of the journal, against the bare driver of each database.

``python -m benchmarks.journal`` writes for a while with 1, 20 and 200 threads to a
SQLite file and to a PostgreSQL server of its own, both with every commit forced to
disk. It prints one JSON document on standard output, and a table on standard error.

A *write* is a row that is durably inserted or updated; a *unit* is one unit of work.
A ``step`` saves an attempt and appends its record: two writes. A ``survey`` stores a
server's thirty facts, with a record of each, and the contact: thirty-two writes. The
baselines insert one row of a step's size at a time. ``commit each`` commits each of
them; in ``group`` one thread commits whatever the others have handed it by then.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.adapters.database.engine import POOL_OVERFLOW, POOL_SIZE
from orchestrator.application.codec import to_json
from orchestrator.application.ports.storage import StoredPlan
from orchestrator.application.survey import store_facts
from orchestrator.bootstrap import SystemClock
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.facts import (
    FactKind,
    Observation,
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.remediation import Attempt, AttemptState, Step, StepRecord
from tests.fixtures.postgres import NoPostgresError, PostgresServer
from tests.fixtures.samples import AT, attempts_of, plan_of, run_of

THREADS = (1, 20, 200)
#: Each figure is the median of so many rounds.
ROUNDS = 5
#: How long one is measured, and how long it runs before that, in seconds.
SECONDS = 1.0
_WARM_UP = 0.2

_BASELINES = ("commit each", "group")
#: Of six articles, thirty traces.
_SUBJECTS = [trace_subject(f"KB{n}", trace) for n in range(6) for trace in TraceName]
_TABLE = "CREATE TABLE bare (thread INTEGER, body TEXT)"
_BODY = "x" * 600

_CLOCK = SystemClock()

#: One write or unit of the thread with this number; it returns when it is durable.
Write = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """What so many threads did in a second."""

    database: str
    what: str
    threads: int
    units: int
    writes: int
    #: Processor time of this process for a write, in microseconds.
    cpu_us: int


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: so many rows in each unit."""

    database: str
    what: str
    rows: int
    write: Write

    def measure(self, threads: int) -> Figure:
        """Let so many threads write at once for a while, each its own rows."""
        _write_until(time.perf_counter() + _WARM_UP, threads, self.write)
        cpu, begun = time.process_time(), time.perf_counter()
        units = _write_until(begun + SECONDS, threads, self.write)
        cpu, took = time.process_time() - cpu, time.perf_counter() - begun
        return Figure(
            self.database,
            self.what,
            threads,
            units=round(units / took),
            writes=round(units * self.rows / took),
            cpu_us=round(cpu / units / self.rows * 1e6),
        )


def measure() -> dict[str, Any]:
    """Every figure, as JSON values, with the writes as multiples of each baseline."""
    with ExitStack() as opened:
        cases = [*_sqlite(opened), *_postgres(opened)]
        # In turn, so that what else the machine does meanwhile meets all alike.
        rounds = [
            [case.measure(threads) for case in cases for threads in THREADS]
            for _ in range(ROUNDS)
        ]
    medians = [_median(figures) for figures in zip(*rounds, strict=True)]
    return {
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "figures": [asdict(figure) | _ratios(figure, medians) for figure in medians],
    }


def _median(figures: Sequence[Figure]) -> Figure:
    return sorted(figures, key=attrgetter("writes"))[len(figures) // 2]


def _ratios(figure: Figure, all_figures: list[Figure]) -> dict[str, float]:
    where = (figure.database, figure.threads)
    return {
        f"against {bare.what}": round(figure.writes / bare.writes, 2)
        for bare in all_figures
        if bare.what in _BASELINES and (bare.database, bare.threads) == where
    }


def _sqlite(opened: ExitStack) -> Iterator[Case]:
    folder = opened.enter_context(TemporaryDirectory())
    yield from _ours(opened, "sqlite", f"sqlite:///{folder}/journal.db")
    bare = opened.enter_context(closing(_open_bare(f"{folder}/bare.db")))
    bare.execute(_TABLE)
    yield Case("sqlite", "commit each", 1, _commit_each(bare))
    yield Case("sqlite", "group", 1, opened.enter_context(_group(bare)))


def _postgres(opened: ExitStack) -> Iterator[Case]:
    """Nothing where no server can be started."""
    try:
        server = PostgresServer.create(durable=True)
    except NoPostgresError as error:
        sys.stderr.write(f"without PostgreSQL: {error}\n")
        return
    opened.callback(server.remove)
    opened.callback(server.stop)
    url = server.url("postgres")
    yield from _ours(opened, "postgresql", url)
    yield Case("postgresql", "commit each", 1, _psycopg(opened, url))


def _ours(opened: ExitStack, database: str, url: str) -> Iterator[Case]:
    storage = opened.enter_context(
        open_storage(url, writer="benchmark", clock=_CLOCK.now)
    )
    yield Case(database, "step", 2, _step(storage))
    yield Case(database, "survey", len(_SUBJECTS) + 2, _survey(storage))


def _write_until(end: float, threads: int, write: Write) -> int:
    counts = [0] * threads

    def work(number: int) -> None:
        while time.perf_counter() < end:
            write(number)
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts)


def _step(storage: SqlStorage) -> Write:
    """What :class:`orchestrator.application.attempt.turn.Turn` does at each step."""
    attempts = _stored_attempts(storage)

    def write(thread: int) -> None:
        moved = replace(attempts[thread], reason=f"at {time.monotonic_ns()}")
        with storage.begin() as uow:
            if not uow.runs.save_attempt(moved, fence=0):
                raise RuntimeError(f"{moved.server} was not saved")
            uow.evidence.append(Entry(RecordKind.STEP, moved.server, to_json(moved)))

    return write


def _stored_attempts(storage: SqlStorage) -> list[Attempt]:
    """One for each thread."""
    names = [f"lcs{number:05d}" for number in range(max(THREADS))]
    plan = plan_of(*names)
    run = run_of(plan)
    steps = (
        StepRecord(Step.PRECHECK, AT, AT, "as planned"),
        StepRecord(Step.STAGE, AT),
    )
    attempts = [
        replace(attempt, state=AttemptState.PREPARING, steps=steps)
        for attempt in attempts_of(run, *names)
    ]
    with storage.begin() as uow:
        uow.plans.add(StoredPlan(plan, AT, "operator"))
        uow.runs.add(run, attempts)
    return attempts


def _survey(storage: SqlStorage) -> Write:
    there = TraceState(present=True)

    def write(thread: int) -> None:
        now = _CLOCK.now()
        seen = [
            Observation(FactKind.TRACE, there, "registry", now, subject)
            for subject in _SUBJECTS
        ]
        with storage.begin() as uow:
            store_facts(uow, f"lcs{thread:05d}", seen, now)

    return write


def _open_bare(path: str) -> sqlite3.Connection:
    """As our engine opens it."""
    bare = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    return bare


def _insert(bare: sqlite3.Connection, *threads: int) -> None:
    bare.execute("BEGIN IMMEDIATE")
    for thread in threads:
        bare.execute("INSERT INTO bare VALUES (?, ?)", (thread, _BODY))
    bare.execute("COMMIT")


def _commit_each(bare: sqlite3.Connection) -> Write:
    """One connection and a lock, which is faster than a connection for each thread."""
    lock = threading.Lock()

    def write(thread: int) -> None:
        with lock:
            _insert(bare, thread)

    return write


@contextmanager
def _group(bare: sqlite3.Connection) -> Iterator[Write]:
    handed: queue.SimpleQueue[tuple[int, Future[None]] | None] = queue.SimpleQueue()

    def write(thread: int) -> None:
        durable: Future[None] = Future()
        handed.put((thread, durable))
        durable.result()

    def commit() -> None:
        while (first := handed.get()) is not None:
            group = [first, *(handed.get() for _ in range(handed.qsize()))]
            waiting = [each for each in group if each is not None]
            _insert(bare, *(thread for thread, _ in waiting))
            for _, durable in waiting:
                durable.set_result(None)

    writer = threading.Thread(target=commit)
    writer.start()
    try:
        yield write
    finally:
        handed.put(None)
        writer.join()


def _psycopg(opened: ExitStack, url: str) -> Write:
    """As many connections as our pool has; the threads take turns on them."""
    free: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
    for _ in range(POOL_SIZE + POOL_OVERFLOW):
        bare = psycopg.connect(url, autocommit=True)
        free.put(opened.enter_context(closing(bare)))

    def write(thread: int) -> None:
        mine = free.get()
        mine.execute("INSERT INTO bare VALUES (%s, %s)", (thread, _BODY))
        free.put(mine)

    opened.enter_context(closing(psycopg.connect(url, autocommit=True))).execute(_TABLE)
    return write


def _table(figures: list[dict[str, Any]]) -> str:
    """The figures, the ratios last."""
    names = list(dict.fromkeys(name for figure in figures for name in figure))
    rows = [names, *([figure.get(name, "") for name in names] for figure in figures)]
    return "".join("".join(f"{cell!s:>20}" for cell in row) + "\n" for row in rows)


def main() -> None:
    """Measure and print."""
    found = measure()
    sys.stderr.write(_table(found["figures"]))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
