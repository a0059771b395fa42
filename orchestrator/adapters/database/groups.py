"""Group commit: on SQLite many units of work share one transaction.

Units of one process take turns on one connection, each in a savepoint of the
transaction that is open. Whoever ends a unit while others wait hands the turn on and
waits; whoever finds nobody waiting commits for all. What is guaranteed:

- A block is left only when all it wrote, and all it saw, has reached the disk.
- A unit that fails is undone alone; the units before and after it stay.
- Where the commit fails, nothing of the group is stored, and each unit of it raises.
- A group is bounded in time, and under a steady load the write lock is let go for
  :data:`GAP_SECONDS` every :data:`GROUP_SECONDS`, so that other processes come in.
- Whoever reads sees only what was committed: a reader has a connection of its own.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, Engine

from orchestrator.adapters.database.engine import LOCK_SECONDS
from orchestrator.adapters.database.errors import failure
from orchestrator.adapters.database.evidence import Chain
from orchestrator.application.ports.storage import StorageError

#: A group takes no further unit once it is this old, in seconds.
GROUP_SECONDS = 0.02
#: How long the write lock stays free then, in seconds. SQLite's waiters do not queue:
#: they look again now and then, at most a tenth of a second apart.
GAP_SECONDS = 0.001
#: After this time without a commit one sees whether anybody is left to do it.
_STALLED_SECONDS = 1.0


class Groups:
    """Opens units of work in groups; may be used from many threads."""

    def __init__(self, engine: Engine, chain: Chain) -> None:
        """Write through an engine of SQLite; all units append to one chain."""
        self._engine = engine
        self._chain = chain
        self._turns = _Turns()
        self._group: _Group | None = None
        #: When the write lock was let go, and since when other processes had no gap.
        self._released = self._held = 0.0

    @contextmanager
    def unit(self) -> Iterator[tuple[Connection, Chain]]:
        """A unit's connection and chain; the block's end waits for the commit.

        Raises:
            StorageError: no turn came, or the unit's group was not committed.
        """
        group: _Group | None = None
        try:
            with self._turns:
                group = self._group or self._open()
                try:
                    with group.savepoint():
                        yield group.connection, self._chain
                except BaseException:
                    self._chain.head = None
                    raise
                finally:
                    if not (self._turns.wanted and group.takes_more):
                        self._end(group)
        finally:
            # A unit that failed waits too: it may have failed for what it saw.
            if group is not None:
                self._wait(group)

    def _open(self) -> _Group:
        self._let_others_in()
        self._group = _Group(self._engine.connect())
        return self._group

    def _let_others_in(self) -> None:
        now = time.monotonic()
        if now - self._released >= GAP_SECONDS:
            self._held = now
        elif now - self._held >= GROUP_SECONDS:
            time.sleep(GAP_SECONDS)
            self._held = time.monotonic()

    def _end(self, group: _Group) -> None:
        """Commit for all units of a group; if that fails, they hear of it."""
        self._group = None
        try:
            group.commit()
        except BaseException as error:  # noqa: BLE001 - each unit of the group raises it
            group.error = error
        finally:
            if group.error is not None:
                self._chain.head = None
            self._released = time.monotonic()
            group.end()

    def _wait(self, group: _Group) -> None:
        while not group.ended_within(_STALLED_SECONDS):
            # Whoever was to have the next turn may have given up waiting for it.
            with self._turns.if_free() as free:
                if free and self._group is group:
                    self._end(group)
        if group.error is not None:
            raise failure(self._engine.url, group.error) from group.error


class _Group:
    """One transaction of many units."""

    def __init__(self, connection: Connection) -> None:
        """Begin; the connection is closed if that fails."""
        self.connection = connection
        self.error: BaseException | None = None
        self._ended = False
        self._gate = threading.Lock()
        self._gate.acquire()
        try:
            self._transaction = connection.begin()
        except BaseException:
            connection.close()
            raise
        self._old_at = time.monotonic() + GROUP_SECONDS
        driver = connection.connection.driver_connection
        self._driver = cast("sqlite3.Connection", driver)

    @property
    def takes_more(self) -> bool:
        """Whether a further unit may join."""
        return self.error is None and time.monotonic() < self._old_at

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Keep what the block writes, or undo that and nothing else."""
        try:
            self._driver.execute("SAVEPOINT unit")
            yield
            self._driver.execute("RELEASE unit")
        except BaseException as error:
            self._undo(error)
            raise

    def _undo(self, cause: BaseException) -> None:
        """Go back to the savepoint.

        There is none after errors such as a full disk, on which SQLite gives up the
        whole transaction; then the group is lost, for the unit's own reason.
        """
        try:
            self._driver.execute("ROLLBACK TO unit")
            self._driver.execute("RELEASE unit")
        except sqlite3.Error:
            self.error = cause

    def end(self) -> None:
        """Let go whoever waits for the end."""
        self._ended = True
        self._gate.release()

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end; whether it came.

        One waiter wakes the next. Woken all at once they would take the interpreter
        from whoever has the turn, at each statement of his.
        """
        if self._gate.acquire(timeout=seconds):
            self._gate.release()
        # Asked, since one who is interrupted in between wakes nobody.
        return self._ended

    def commit(self) -> None:
        """Commit what was not lost, and let the write lock go."""
        try:
            if self.error is None:
                self._transaction.commit()
        except BaseException:
            # What is left of the transaction goes with its connection.
            self.connection.invalidate()
            raise
        finally:
            self.connection.close()


class _Turns:
    """One unit at a time within this process; SQLite itself lets waiters starve."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Threads; a set adds and discards in one step.
        self._waiting: set[int] = set()
        self._holder: int | None = None
        #: How many turns there were.
        self._ended = 0

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for a turn."""
        return bool(self._waiting)

    def __enter__(self) -> None:
        thread = threading.get_ident()
        if self._holder == thread:
            raise RuntimeError("a unit of work is open in this thread already")
        self._waiting.add(thread)
        try:
            self._wait()
        finally:
            self._waiting.discard(thread)
        self._holder = thread

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._ended += 1
        self._lock.release()

    def _wait(self) -> None:
        """However long the line is, as long as it moves.

        Raises:
            StorageError: one unit stayed open for all that time.
        """
        ended = self._ended
        while not self._lock.acquire(timeout=LOCK_SECONDS):
            if self._ended == ended:
                raise StorageError(
                    f"no turn to write came within {LOCK_SECONDS} seconds",
                    "another thread holds a unit of work open",
                )
            ended = self._ended

    @contextmanager
    def if_free(self) -> Iterator[bool]:
        """Take a turn if nobody has it; whether that is so."""
        taken = self._lock.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._lock.release()
