"""Several processes of this machine, each with threads, as one pool.

Where one interpreter is the limit. A child is handed names and opens everything else
itself, the database and the credentials too. One that dies is replaced, and what it
was at is handed out again: the journal knows that its leases have no owner any more.
Signals are the parent's: a child goes on until its pipe is closed, and then ends at
once, as the parent's own threads would.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Protocol, Self

from orchestrator.adapters.engine.threads import Futures
from orchestrator.application.ports.engine import Delivery, Duties, EngineError
from orchestrator.application.services import Progress

#: So many deaths of children are made good; after that something is wrong here.
DEATHS = 5
#: Between two looks at the leases of what is at work, in seconds.
KEEP_SECONDS = 5.0
#: How long a child that has nothing to do may take to end, in seconds.
END_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SPAWN = multiprocessing.get_context("spawn")


class Hand(Protocol):
    """What a child works with."""

    def do(self, task: Any) -> object:
        """Do one thing; called from many threads."""

    def keep(self) -> None:
        """Called every few seconds."""


#: Opens a child's hand, in the child; it is sent there, so it is made of names.
Recipe = Callable[[Progress], AbstractContextManager[Hand]]


@dataclass(slots=True)
class _Child:
    process: BaseProcess
    pipe: Connection
    sending: Lock = field(default_factory=Lock)
    #: What it was given and has not answered, by number.
    owes: dict[int, tuple[object, Future[Any]]] = field(default_factory=dict)


class Processes:
    """A pool of processes; a child starts where all others have something to do."""

    elsewhere = False

    def __init__(
        self, count: int, threads: int, recipe: Recipe, progress: Progress
    ) -> None:
        """Start nothing yet.

        Args:
            count: how many processes.
            threads: how many tasks one may have at a time.
            recipe: opens what a child works with.
            progress: hears of what the children tell.
        """
        self._count = count
        self._threads = threads
        self._recipe = recipe
        self._progress = progress
        self._lock = Lock()
        self._children: list[_Child] = []
        self._numbers = itertools.count()
        self._deaths = 0
        self._closed = False

    def __enter__(self) -> Self:
        """End the children with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pipes; nobody who is still at work is waited for."""
        with self._lock:
            self._closed = True
            children, self._children = self._children, []
        for child in children:
            if child.owes:
                child.process.kill()
            else:
                with suppress(OSError):
                    child.pipe.send(None)
        for child in children:
            child.process.join(END_SECONDS)

    @contextmanager
    def open(self, _duties: Duties, _at_once: int) -> Iterator[Delivery]:
        """Deliver until the block ends; a child has duties of its own."""
        yield Futures(self.submit)

    def submit(self, task: object) -> Future[Any]:
        """Hand a task to the child that has least to do.

        The result raises what the child raised, or EngineError where children keep
        dying.
        """
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._give(task, future)
        return future

    def _give(self, task: object, future: Future[Any]) -> None:
        with self._lock:
            # To start one takes a second or two of CPU: as many as there is work for.
            busy = all(child.owes for child in self._children)
            if busy and len(self._children) < self._count:
                self._children.append(self._start())
            child = min(self._children, key=lambda one: len(one.owes))
            number = next(self._numbers)
            child.owes[number] = task, future
        # One that has just died has its listener see to what it owes.
        with suppress(OSError), child.sending:
            child.pipe.send((number, task))

    def _start(self) -> _Child:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(
            target=_serve, args=(theirs, self._recipe, self._threads), daemon=True
        )
        resource_tracker.ensure_running()
        # Held back from the child before it can say that it will not heed them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        child = _Child(process, ours)
        Thread(target=self._listen, args=(child,), daemon=True).start()
        return child

    def _listen(self, child: _Child) -> None:
        """Hear a child until it ends, then see to what it owes."""
        # However it came: it ended, or what it says cannot be understood.
        with suppress(Exception):
            while True:
                self._heard(child, *child.pipe.recv())
        child.process.kill()
        child.process.join()
        with self._lock:
            if self._closed:
                return
            self._children.remove(child)
            self._deaths += 1
            owed = [*child.owes.values()]
        for task, future in owed:
            if self._deaths > DEATHS:
                future.set_exception(_dying(self._deaths))
            else:
                self._give(task, future)

    def _heard(self, child: _Child, what: str, *rest: Any) -> None:
        if what == "progress":
            name, arguments = rest
            getattr(self._progress, name)(*arguments)
            return
        number, result = rest
        with self._lock:
            _, future = child.owes.pop(number)
        if what == "failed":
            future.set_exception(result)
        else:
            future.set_result(result)


def _dying(deaths: int) -> EngineError:
    return EngineError(
        f"{deaths} worker processes of this machine died",
        "look for what ends them (memory, the system's log), or use --processes 1",
    )


class _Told:
    """Progress that is heard in the parent."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def started(self, total: int, what: str) -> None:
        self._tell("progress", "started", (total, what))

    def server(self, name: str, state: str, detail: str = "") -> None:
        self._tell("progress", "server", (name, state, detail))

    def advanced(self, name: str) -> None:
        self._tell("progress", "advanced", (name,))

    def note(self, text: str) -> None:
        self._tell("progress", "note", (text,))


def _serve(pipe: Connection, recipe: Recipe, threads: int) -> None:
    """A child's whole life."""
    for number in _SIGNALS:
        # Not ignored: a program that a child starts would ignore them too.
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    sending = Lock()

    def tell(*message: object) -> None:
        with sending:
            pipe.send(message)

    with recipe(_Told(tell)) as hand, ThreadPoolExecutor(threads) as pool:
        while (given := _next(pipe, hand)) is not None:
            pool.submit(_do, tell, hand, *given)


def _next(pipe: Connection, hand: Hand) -> tuple[int, object] | None:
    """The next task; ``None`` if there will be none. Without a parent it ends here."""
    try:
        while not pipe.poll(KEEP_SECONDS):
            hand.keep()
        hand.keep()
        given: tuple[int, object] | None = pipe.recv()
    except (EOFError, OSError):
        os._exit(1)
    return given


def _do(tell: Callable[..., None], hand: Hand, number: int, task: object) -> None:
    try:
        message = ("done", number, hand.do(task))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent raises it
        error.add_note("".join(traceback.format_exception(error)))
        message = ("failed", number, _portable(error))
    # Where nobody listens any more, the process is about to end.
    with suppress(OSError):
        tell(*message)


def _portable(error: BaseException) -> BaseException:
    """An error that can be sent: itself, or what it says."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
    except Exception:  # noqa: BLE001 - whatever it is, it cannot be sent
        said = RuntimeError(f"{type(error).__name__}: {error}")
        said.__notes__ = error.__notes__
        return said
    return error
