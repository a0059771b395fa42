"""One TCP connection: HTTP, authentication, seal, and the faults of a scenario."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import h11

from orchestrator.lab.wsman import operations, sealing
from orchestrator.lab.wsman.acceptor import Acceptor, check_basic
from orchestrator.lab.wsman.endpoint import Controls, Endpoint, Reply
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.operations import Answer

MAX_DRAIN = 16 * 1024 * 1024
"""Octets of a request that is too large which are read before it is refused."""

MAX_HEAD = 65_536
"""Octets that the head of a request may have."""

_READ = 65_536
_SOAP = "application/soap+xml;charset={}"
_GARBAGE = b"\x00\x01\xfe<garbage & nonsense"
_NOT_HTTP = b"220 mail.example.invalid ESMTP\r\n"
_PAGE = b"<html><body><h1>Not Found</h1></body></html>"


_Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Incoming:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    too_large: bool

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class _Outgoing:
    status: int
    body: bytes = b""
    headers: _Headers = ()
    close: bool = False


class _DropError(Exception):
    """The connection is to be cut without an answer."""


class Connection:
    """A client's connection, from accept to close."""

    def __init__(
        self,
        endpoint: Endpoint,
        host: Host,
        controls: Controls,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take over an accepted connection."""
        self._endpoint = endpoint
        self._host = host
        self._controls = controls
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._acceptor: Acceptor | None = None
        self._user: str | None = None
        peer = writer.get_extra_info("peername")
        self._client = str(peer[0]) if peer else ""
        self._cut = False

    async def serve(self) -> None:
        """Serve requests until either side has enough. Never raises."""
        try:
            await self._serve()
        except h11.RemoteProtocolError as error:
            await self._refuse_http(error.error_status_hint)
        except (_DropError, OSError, TimeoutError, h11.LocalProtocolError):
            pass
        finally:
            if self._cut:
                self._writer.transport.abort()
            else:
                self._writer.close()

    async def _serve(self) -> None:
        if self._controls.faults.silent:
            await self._ignore()
        if self._controls.faults.reply is Reply.NOT_HTTP:
            self._writer.write(_NOT_HTTP)
            await self._writer.drain()
            return
        while (incoming := await self._read_request()) is not None:
            await asyncio.sleep(self._controls.faults.delay_s)
            await self._send(await self._respond(incoming))
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    def _drop(self) -> NoReturn:
        self._cut = True
        raise _DropError

    async def _ignore(self) -> None:
        while await self._reader.read(_READ):
            pass
        self._drop()

    async def _read_request(self) -> _Incoming | None:
        limits = self._host.personality
        head = await self._event(limits.idle_connection_s)
        if not isinstance(head, h11.Request):
            return None
        async with asyncio.timeout(limits.packet_retrieval_s):
            body, too_large = await self._read_body(
                limits.max_envelope + sealing.OVERHEAD
            )
        return _Incoming(
            method=head.method.decode("ascii"),
            path=head.target.decode("latin-1").partition("?")[0],
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in head.headers},
            body=body,
            too_large=too_large,
        )

    async def _read_body(self, limit: int) -> tuple[bytes, bool]:
        body = bytearray()
        size = 0
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))
        while isinstance(event := await self._event(None), h11.Data):
            size += len(event.data)
            if size > MAX_DRAIN:
                self._drop()
            if size <= limit:
                body += event.data
        return bytes(body), size > limit

    async def _event(
        self, patience_s: float | None
    ) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            async with asyncio.timeout(patience_s):
                self._http.receive_data(await self._reader.read(_READ))

    async def _respond(self, incoming: _Incoming) -> _Outgoing:
        instead = self._instead(incoming)
        if instead is not None:
            return instead
        masked = incoming.headers.get("wsmanidentify", "").lower() == "unauthenticated"
        if masked and self._host.personality.speaks_dmtf:
            return await self._identify(incoming)
        challenge, final = self._authenticate(incoming)
        if challenge is not None:
            return challenge
        if incoming.too_large:
            return _Outgoing(413, close=True)
        if not incoming.body:
            return _Outgoing(200, headers=final)
        return await self._soap(incoming, final)

    def _instead(self, incoming: _Incoming) -> _Outgoing | None:
        match self._controls.faults.reply:
            case Reply.UNAVAILABLE:
                return _Outgoing(503)
            case Reply.NOT_WINRM:
                return _Outgoing(404, _PAGE, (("Content-Type", "text/html"),))
            case _:
                pass
        if incoming.path.rstrip("/").lower() != "/wsman":
            return _Outgoing(404)
        return None if incoming.method == "POST" else _Outgoing(405)

    async def _identify(self, incoming: _Incoming) -> _Outgoing:
        if incoming.too_large:
            return _Outgoing(413, close=True)
        number = self._begin()
        answer = operations.identify_masked(self._host, incoming.body)
        return self._finish(number, answer, None, ())

    def _challenge(self, token: str = "") -> _Outgoing:
        offers = [("WWW-Authenticate", f"Negotiate {token}".strip())]
        if self._endpoint.kerberos and not token:
            offers.append(("WWW-Authenticate", "Kerberos"))
        if self._endpoint.basic and self._endpoint.tls is not None and not token:
            offers.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        return _Outgoing(401, headers=tuple(offers))

    def _authenticate(self, incoming: _Incoming) -> tuple[_Outgoing | None, _Headers]:
        """A challenge where one is due, else the headers that end the dance."""
        given = incoming.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            return (None if self._user else self._challenge()), ()
        if scheme.lower() == "basic":
            return self._basic(token)
        if scheme.lower() not in {"negotiate", "kerberos"}:
            return self._challenge(), ()
        return self._negotiate(scheme, token.strip())

    def _basic(self, token: str) -> tuple[_Outgoing | None, _Headers]:
        if self._endpoint.basic and self._endpoint.tls is not None:
            self._user = check_basic(self._endpoint.computer, token)
            if self._user is not None:
                return None, ()
        return self._challenge(), ()

    def _negotiate(self, scheme: str, token: str) -> tuple[_Outgoing | None, _Headers]:
        if self._acceptor is None or self._user is not None:
            self._user = None
            self._acceptor = Acceptor(
                self._endpoint.computer, kerberos=self._endpoint.kerberos
            )
        step = self._acceptor.step(scheme.lower(), token)
        if step.user is not None:
            self._user = step.user
            last = (("WWW-Authenticate", f"{scheme} {step.token}"),)
            return None, last if step.token else ()
        if step.refused:
            self._acceptor = None
        return self._challenge(step.token), ()

    async def _soap(self, incoming: _Incoming, final: _Headers) -> _Outgoing:
        protocol = sealing.protocol_of(incoming.content_type)
        message = incoming.body
        if protocol is not None:
            message = self._unseal(incoming.body)
        elif self._endpoint.tls is None:
            # AllowUnencrypted is false (2.2.4.36); how 1.1 says so is not known.
            return _Outgoing(500, headers=final)
        if len(message) > self._host.personality.max_envelope:
            return _Outgoing(413, close=True)
        number = self._begin()
        caller = Caller(
            user=self._user or "",
            address=self._client,
            shells_elsewhere=self._controls.faults.shells_elsewhere,
            chunked="transfer-encoding" in incoming.headers,
        )
        answer = await operations.answer(self._host, caller, message)
        return self._finish(number, answer, protocol, final)

    def _unseal(self, body: bytes) -> bytes:
        context = None if self._acceptor is None else self._acceptor.context
        if context is None:
            self._drop()
        try:
            return sealing.unseal(context, body)
        except sealing.SealingError:
            # What a real host does here is not known: this one hangs up.
            self._drop()

    def _begin(self) -> int:
        number = self._controls.count()
        if number in self._controls.faults.drop_before:
            self._controls.note(number, "", "")
            self._drop()
        return number

    def _finish(
        self,
        number: int,
        answer: Answer,
        protocol: str | None,
        headers: _Headers,
    ) -> _Outgoing:
        self._controls.note(number, answer.action, answer.resource)
        if self._controls.loses(number, answer.action):
            self._drop()
        message, charset = self._spoiled(answer.message)
        kind = _SOAP.format(charset)
        context = None if self._acceptor is None else self._acceptor.context
        if protocol is not None and context is not None:
            sealed = sealing.seal(context, protocol, message, charset)
            kind, message = sealed.content_type, sealed.body
        return _Outgoing(answer.status, message, (*headers, ("Content-Type", kind)))

    def _spoiled(self, message: bytes) -> tuple[bytes, str]:
        match self._controls.faults.reply:
            case Reply.GARBAGE:
                return _GARBAGE, "UTF-8"
            case Reply.UTF_16:
                return message.decode().encode("utf-16"), "UTF-16"
            case _:
                return message, "UTF-8"

    async def _send(self, outgoing: _Outgoing) -> None:
        headers = [
            ("Server", self._host.personality.banner),
            ("Content-Length", str(len(outgoing.body))),
            *outgoing.headers,
        ]
        if outgoing.close:
            headers.append(("Connection", "close"))
        self._write(h11.Response(status_code=outgoing.status, headers=headers))
        if outgoing.body:
            self._write(h11.Data(data=outgoing.body))
        self._write(h11.EndOfMessage())
        async with asyncio.timeout(self._host.personality.idle_connection_s):
            await self._writer.drain()

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)

    async def _refuse_http(self, status: int) -> None:
        """Say what is wrong with the HTTP, if an answer is still possible."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        try:
            await self._send(_Outgoing(status, close=True))
        except (OSError, h11.LocalProtocolError):
            return
