"""HTTP with an end: one connection, and a bound on an answer's bytes and time.

No pool, no redirect, no proxy, no cookie, no netrc: WinRM needs a POST and its answer
on a connection that is ours alone, and general clients spend most of a survey's time
on the rest. h11 does the protocol, the socket is bounded here.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h11

from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    MalformedError,
    TlsError,
)
from orchestrator.adapters.winrm.limits import WinRmLimits

Headers = Iterable[tuple[str, str]]

_CHUNK = 65_536
#: What heads and framing may take beside the body.
_HEAD_BYTES = 65_536
#: A host that vanished is noticed after about five seconds of silence, not at the
#: end of the longest operation. Options that a platform lacks are left out.
_ALIVE = (
    ("TCP_KEEPIDLE", 2),  # seconds
    ("TCP_KEEPINTVL", 1),  # seconds
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 5_000),  # milliseconds
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, path: str) -> str:
        """The URL without credentials."""
        return f"{'https' if self.tls else 'http'}://{self.authority}/{path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    #: Names in lower case.
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """All values of a header in one; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key == name)


class BoundedConnection:
    """A connection to one address, built when it is needed. For one thread."""

    def __init__(self, address: Address, limits: WinRmLimits) -> None:
        """Nothing is sent yet."""
        self.address = address
        self._limits = limits
        self._always = (
            ("Host", address.authority),
            ("User-Agent", "orchestrator"),
            ("Accept-Encoding", "identity"),
            ("Connection", "Keep-Alive"),
        )
        self._socket: socket.socket | None = None
        self._http = h11.Connection(h11.CLIENT)

    @property
    def certificate(self) -> bytes | None:
        """The host's certificate (DER) on an open connection over TLS."""
        if isinstance(self._socket, ssl.SSLSocket):
            return self._socket.getpeercert(binary_form=True)
        return None

    def open(self) -> None:
        """Connect, unless it is connected and the host has not hung up since.

        Raises:
            OSError: no connection comes about.
            TlsError: one does, but no TLS on it.
        """
        self._ready(anew=True)

    def _ready(self, *, anew: bool) -> socket.socket:
        if self._socket is not None and not _hung_up(self._socket):
            return self._socket
        if not anew:
            raise ConnectionLostError("the connection had ended", sent=False)
        self.close()
        end, patience = self.address, self._limits.connect_timeout_s
        made = socket.create_connection((end.host, end.port), patience)
        try:
            _watch(made)
            made = self._secured(made) if end.tls else made
        except BaseException:
            made.close()
            raise
        self._socket, self._http = made, h11.Connection(h11.CLIENT)
        return made

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def post(
        self,
        headers: Headers,
        body: bytes,
        *,
        silence_s: float,
        deadline: float,
        anew: bool = True,
    ) -> Answer:
        """One request and its answer.

        Args:
            headers: beside those that every request has.
            body: what is sent.
            silence_s: the longest that the host may send nothing.
            deadline: of it all, on the monotonic clock, however slowly it drips.
            anew: whether a new connection would do where this one has ended.

        Raises:
            ConnectionLostError: it has ended, and a new one would not do.
            OSError: no connection, or it broke, or the time is over.
            MalformedError: an answer that is too large.
            TlsError, h11.ProtocolError: no TLS, no HTTP.
        """
        sock = self._ready(anew=anew)
        try:
            sock.settimeout(_until(silence_s, deadline))
            with suppress(BrokenPipeError):  # the answer to it may have come before
                sock.sendall(self._request(headers, body))
            answer = self._answer(sock, silence_s, deadline)
        except BaseException:
            self.close()
            raise
        self._finish()
        return answer

    def _finish(self) -> None:
        """Be ready for the next request; what nobody asked for ends the connection."""
        states = (self._http.our_state, self._http.their_state)
        if states == (h11.DONE, h11.DONE) and not self._http.trailing_data[0]:
            self._http.start_next_cycle()
        else:
            self.close()

    def _secured(self, made: socket.socket) -> socket.socket:
        try:
            trust = _trust(self._limits.ca_file)
            return trust.wrap_socket(made, server_hostname=self.address.host)
        except ssl.SSLError as error:
            raise TlsError(f"TLS failed: {error.reason or 'no reason'}") from error

    def _request(self, headers: Headers, body: bytes) -> bytes:
        length = ("Content-Length", str(len(body)))
        head = h11.Request(
            method="POST",
            target=f"/{self._limits.url_path}",
            headers=[*self._always, *headers, length],
        )
        parts = [self._http.send(head)]
        parts += [self._http.send(h11.Data(data=body))] if body else []
        parts.append(self._http.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)

    def _answer(self, sock: socket.socket, silence_s: float, deadline: float) -> Answer:
        head: h11.Response | None = None
        body = bytearray()
        left = self._limits.answer_bytes + _HEAD_BYTES
        ended = False
        while True:
            event = self._next(ended=ended)
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Answer(head.status_code, _texts(head.headers), bytes(body))
            elif event is h11.NEED_DATA:
                sock.settimeout(_until(silence_s, deadline))
                data = sock.recv(_CHUNK)
                ended, left = not data, left - len(data)
                if left < 0 or len(body) > self._limits.answer_bytes:
                    limit = self._limits.answer_bytes
                    raise MalformedError(f"an answer over {limit} bytes")
                self._http.receive_data(data)

    def _next(self, *, ended: bool) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            if ended:
                raise ConnectionResetError("the host hung up") from error
            raise


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers)


def _until(silence_s: float, deadline: float) -> float:
    """How long to wait for the next bytes."""
    left = min(silence_s, deadline - time.monotonic())
    if left <= 0:
        raise TimeoutError("the time for the answer is over")
    return left


def _hung_up(sock: socket.socket) -> bool:
    """Whether the host ended a connection on which nothing is due.

    Reading is the only way to tell over TLS, where tickets may be waiting.
    """
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    return True


def _watch(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


@cache
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """What this computer trusts; loading it takes longer than a handshake."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
