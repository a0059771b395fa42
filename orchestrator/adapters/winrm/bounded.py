"""HTTP with an end: a bound on the bytes of an answer and on the time of it all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from orchestrator.adapters.winrm.faults import ConnectionLostError, MalformedError

_CHUNK = 65_536
#: The most of a 401's body, which the authentication reads before it goes on.
_CHALLENGE_BYTES = 65_536
_UNAUTHORIZED = 401
#: A host that vanished is noticed after about five seconds of silence, not at the
#: end of the longest operation. Options that a platform lacks are left out.
_ALIVE = (
    ("TCP_KEEPIDLE", 2),  # seconds
    ("TCP_KEEPINTVL", 1),  # seconds
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 5_000),  # milliseconds
)


def _socket_options() -> list[tuple[int, int, int]]:
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    for name, value in _ALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options


class BoundedAdapter(HTTPAdapter):
    """Connections of one session. Not for more than one thread."""

    def __init__(self, answer_bytes: int) -> None:
        """Answers over ``answer_bytes`` are refused."""
        self._answer_bytes = answer_bytes
        #: Whether a connection may be opened; a sealed message needs its own one.
        self.may_connect = True
        self._socket: socket.socket | None = None
        self._answer: requests.Response | None = None
        super().__init__(max_retries=0)
        classes = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: partial(self._pool, made) for scheme, made in classes.items()
        }

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools whose connections notice a dead host."""
        kwargs["socket_options"] = _socket_options()
        super().init_poolmanager(*args, **kwargs)

    @override
    def close(self) -> None:
        """Close every connection, also one whose answer nobody read to its end."""
        if self._answer is not None:
            self._answer.close()
        super().close()

    @override
    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send; the answer to a challenge is bounded before anyone reads it."""
        answer = self._answer = super().send(*args, **kwargs)
        length = answer.headers.get("Content-Length", "0")
        chunked = "Transfer-Encoding" in answer.headers
        small = length.isdecimal() and int(length) <= _CHALLENGE_BYTES and not chunked
        if answer.status_code == _UNAUTHORIZED and not small:
            answer.close()
            raise MalformedError("a challenge with a body without an end")
        return answer

    def body_of(self, answer: requests.Response) -> bytes:
        """Read an answer's body up to the bound.

        Raises:
            MalformedError: it is larger.
        """
        body = bytearray()
        for chunk in answer.raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self._answer_bytes:
                answer.close()
                raise MalformedError(f"an answer over {self._answer_bytes} bytes")
        return bytes(body)

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Cut the connection when the time is over, however slowly it drips."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _pool(self, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        pool = made(*args, **kwargs)
        pool.ConnectionCls = partial(self._connection, pool.ConnectionCls)
        return pool

    def _connection(self, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = made(*args, **kwargs)
        connection.connect = partial(self._connect, connection, connection.connect)
        return connection

    def _connect(self, connection: Any, connect: Callable[[], None]) -> None:
        if not self.may_connect:
            raise ConnectionLostError("the connection had ended", sent=False)
        connect()
        self._socket = connection.sock
