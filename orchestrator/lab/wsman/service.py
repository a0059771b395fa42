"""The WinRM service of the whole estate: many endpoints in one thread."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from threading import Thread, current_thread
from types import TracebackType
from typing import Any, Self, TypeVar

from orchestrator.lab.machine import Computer
from orchestrator.lab.wsman.connection import Connection
from orchestrator.lab.wsman.endpoint import Controls, Endpoint, Faults, JournalEntry
from orchestrator.lab.wsman.host import Host

MAX_CONNECTIONS = 64
"""Open TCP connections of one endpoint; more are closed at once."""

CALL_LIMIT_S = 60.0
"""How long a call from another thread waits for the service's own thread."""

_BACKLOG = 64
_SPARE_FILES = 256
_FILES_PER_ENDPOINT = 3
_T = TypeVar("_T")


class ServiceError(Exception):
    """The service cannot do what was asked; the message says why and what helps."""


class Listener:
    """An endpoint that is being served."""

    def __init__(self, endpoint: Endpoint, host: Host, service: Service) -> None:
        """Prepare; :class:`Service` opens and closes it."""
        self.endpoint = endpoint
        self.host = host
        self.port = endpoint.port
        self._service = service
        self._controls = Controls(endpoint.faults)
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def address(self) -> str:
        """The loopback address."""
        return self.endpoint.address

    @property
    def url(self) -> str:
        """Where a client connects to."""
        scheme = "http" if self.endpoint.tls is None else "https"
        return f"{scheme}://{self.address}:{self.port}/wsman"

    @property
    def requests(self) -> int:
        """SOAP messages that arrived so far."""
        return self._controls.requests

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """The latest SOAP messages, oldest first."""
        return tuple(self._controls.journal)

    @property
    def faults(self) -> Faults:
        """What goes wrong at the moment."""
        return self._controls.faults

    def inject(self, faults: Faults) -> None:
        """Change what goes wrong, from the next request on."""
        self._service.call(self._inject(faults))

    async def _inject(self, faults: Faults) -> None:
        self._controls.faults = faults
        if faults.refuse:
            await self.close()
        elif self._server is None:
            await self.open()
        if faults.silent:
            self.drop()

    async def open(self) -> None:
        """Listen, unless a fault says otherwise; the port stays the same."""
        if self._controls.faults.refuse and self.port:
            return
        try:
            self._server = await asyncio.start_server(
                self._accept,
                self.address,
                self.port,
                ssl=self.endpoint.tls,
                backlog=_BACKLOG,
            )
        except OSError as error:
            raise ServiceError(
                f"cannot listen on {self.address} port {self.port}: {error.strerror}; "
                "choose another port (0 takes a free one) or address"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        if self._controls.faults.refuse:
            await self.close()

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = self.drop()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self) -> list[asyncio.Task[None]]:
        """Cut every connection; what was under way is abandoned."""
        tasks = list(self._connections)
        for task, writer in list(self._connections.items()):
            writer.transport.abort()
            task.cancel()
        return tasks

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections[task] = writer
        try:
            await Connection(
                self.endpoint, self.host, self._controls, reader, writer
            ).serve()
        except asyncio.CancelledError:
            # Cut by drop(): the stream's own callback must not see it as an error.
            return
        finally:
            del self._connections[task]


class Service:
    """Serves endpoints from a thread of its own; a context manager.

    Every call of a computer comes from that one thread.
    """

    def __init__(self, endpoints: Sequence[Endpoint] = ()) -> None:
        """Name the endpoints to start with."""
        self._initial = tuple(endpoints)
        self._hosts: dict[int, Host] = {}
        self._listeners: list[Listener] = []
        self._loop: asyncio.AbstractEventLoop

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """What is being served, in the order of adding."""
        return tuple(self._listeners)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> Self:
        """Start the thread and listen on all endpoints.

        Raises:
            ServiceError: an address or port cannot be had, or too few open files
                are allowed.
        """
        _allow_files(len(self._initial))
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="lab-wsman", daemon=True)
        self._thread.start()
        try:
            for endpoint in self._initial:
                self.add(endpoint)
        except ServiceError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close everything and end the thread."""
        self.call(self._close_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_LIMIT_S)
        self._loop.close()

    def add(self, endpoint: Endpoint) -> Listener:
        """Serve one more endpoint.

        Raises:
            ServiceError: the address or port cannot be had.
        """
        return self.call(self._add(endpoint))

    def remove(self, listener: Listener) -> None:
        """Stop serving an endpoint; with a computer's last one its shells end."""
        self.call(self._remove(listener))

    def restart(self, computer: Computer) -> None:
        """The computer restarted: its connections, shells and contexts are gone.

        A computer may call this itself while it serves a request; the client of
        that request then gets no answer.
        """
        if current_thread() is self._thread:
            self._cut_off(computer)
        else:
            self.call(self._restart(computer))

    def call(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something on the service's thread and wait for it.

        Raises:
            ServiceError: called on that very thread, which would wait for itself.
        """
        if current_thread() is self._thread:
            work.close()
            raise ServiceError(
                "a simulated computer called the service that is calling it; "
                "only Service.restart() can be called from there"
            )
        done: Future[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(CALL_LIMIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _add(self, endpoint: Endpoint) -> Listener:
        key = id(endpoint.computer)
        host = self._hosts.get(key) or Host(endpoint.computer, endpoint.personality)
        if host.personality != endpoint.personality:
            raise ServiceError(
                f"{endpoint.address} has stack {endpoint.personality.stack}, but "
                f"another endpoint of its computer has {host.personality.stack}; "
                "give all endpoints of a computer one personality"
            )
        listener = Listener(endpoint, host, self)
        await listener.open()
        self._hosts[key] = host
        self._listeners.append(listener)
        return listener

    async def _remove(self, listener: Listener) -> None:
        self._listeners.remove(listener)
        await listener.close()
        if all(each.host is not listener.host for each in self._listeners):
            listener.host.close()
            del self._hosts[id(listener.endpoint.computer)]

    async def _restart(self, computer: Computer) -> None:
        self._cut_off(computer)

    def _cut_off(self, computer: Computer) -> None:
        host = self._hosts[id(computer)]
        for listener in self._listeners:
            if listener.host is host:
                listener.drop()
        host.reset()

    async def _close_all(self) -> None:
        for listener in self._listeners:
            await listener.close()
        for host in self._hosts.values():
            host.close()


def _allow_files(endpoints: int) -> None:
    """Raise the limit of open files to what the endpoints need."""
    needed = endpoints * _FILES_PER_ENDPOINT + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ServiceError(
            f"{endpoints} endpoints need {needed} open files, but the system allows "
            f"{hard}; raise the limit (ulimit -n) or serve fewer"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
