"""Finding a server's WinRM endpoint before any credential is shown.

Each rung ends in one of a few findings, so that whoever cannot be reached can be
told what to switch on. WinRM 0.5, the one in the box of Server 2003 R2, answers HTTP
but knows no Identify (MS-WSMAN note 4), no WQL and no shell.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum
from http.client import RemoteDisconnected

import requests

from orchestrator.adapters.winrm import identify
from orchestrator.adapters.winrm.bounded import BoundedAdapter
from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    MalformedError,
    TlsError,
    foreign,
)
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.session import Address
from orchestrator.adapters.winrm.soap import charset_in, decode_text
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.domain.server import Server

_HEADERS = {
    "WSMANIDENTIFY": "unauthenticated",
    "Content-Type": "application/soap+xml;charset=UTF-8",
    "Accept-Encoding": "identity",
}
_UNAUTHORIZED = 401


class Finding(StrEnum):
    """What answered on a port."""

    SPEAKS = "speaks WinRM"
    CLOSED = "closed"
    FILTERED = "filtered: no answer"
    SILENT = "takes connections and never answers"
    UNKNOWN_HOST = "its name cannot be resolved"
    NOT_WINRM = "not WinRM"
    NO_IDENTIFY = "WinRM 0.5, or not WinRM: it wants a login for Identify"
    TLS = "TLS that this computer cannot speak or does not trust"


@dataclass(frozen=True, slots=True)
class Capability:
    """One rung tried: where, what was found, and the stack of the service."""

    address: Address
    finding: Finding
    stack: str = ""


_HINTS = {
    Finding.CLOSED: "start WinRM on the host: winrm quickconfig (KB936059 on 2003)",
    Finding.FILTERED: "open TCP 80 (WinRM 1.1) or 5985 (2.0) in the firewalls between",
    Finding.SILENT: "the host hangs, or a firewall swallows what it is sent",
    Finding.UNKNOWN_HOST: "check the address in the inventory and the name server",
    Finding.NOT_WINRM: "another program has the port; give the port in the inventory",
    Finding.NO_IDENTIFY: "install KB936059, which brings WinRM 1.1",
    Finding.TLS: "use sealed messages over HTTP, or a certificate trusted here",
}
#: Which finding says most when no rung leads up.
_TELLING = (
    Finding.NO_IDENTIFY,
    Finding.TLS,
    Finding.NOT_WINRM,
    Finding.SILENT,
    Finding.UNKNOWN_HOST,
    Finding.CLOSED,
    Finding.FILTERED,
)
_UNSUPPORTED = frozenset({Finding.NO_IDENTIFY, Finding.TLS, Finding.NOT_WINRM})


def rungs(server: Server, limits: WinRmLimits) -> tuple[Address, ...]:
    """The fixed endpoint where the inventory gives a port, else the ladder."""
    end = server.endpoint
    if end.port is not None:
        return (Address(end.address, end.port, end.tls),)
    return tuple(Address(end.address, rung.number, rung.tls) for rung in limits.ladder)


def climb(server: Server, limits: WinRmLimits, known: str | None) -> Capability:
    """The first endpoint that speaks WinRM; a known URL is tried first.

    Raises:
        HostFaultError: none does; says what each rung found.
    """
    order = sorted(
        rungs(server, limits), key=lambda rung: rung.url(limits.url_path) != known
    )
    tried: list[Capability] = []
    for address in order:
        found = probe(address, limits)
        if found.finding is Finding.SPEAKS:
            return found
        tried.append(found)
        if found.finding is Finding.UNKNOWN_HOST:
            break
    raise _nothing(server, tried)


def _nothing(server: Server, tried: list[Capability]) -> HostFaultError:
    findings = {found.finding for found in tried}
    telling = next(finding for finding in _TELLING if finding in findings)
    kind = FaultKind.UNREACHABLE
    if telling in _UNSUPPORTED:
        kind = FaultKind.UNSUPPORTED
    rows = ", ".join(f"{found.address.port}: {found.finding}" for found in tried)
    message = f"no WinRM at {server.endpoint.address} ({rows})"
    return HostFaultError(kind, server.name, message, _HINTS[telling])


def probe(address: Address, limits: WinRmLimits) -> Capability:
    """Connect and ask Identify, without a credential."""
    blocked = _connect(address, limits.connect_timeout_s)
    if blocked is not None:
        return Capability(address, blocked)
    try:
        status, text = _ask_again(address, limits)
        identity = identify.read_identity(text)
    except TlsError:
        return Capability(address, Finding.TLS)
    except ConnectionLostError as error:
        silent = _among(error, (TimeoutError, RemoteDisconnected, ConnectionError))
        return Capability(address, Finding.SILENT if silent else Finding.NOT_WINRM)
    except MalformedError:
        return Capability(address, Finding.NOT_WINRM)
    if identity is not None:
        return Capability(address, Finding.SPEAKS, identity.stack)
    login = status == _UNAUTHORIZED
    return Capability(address, Finding.NO_IDENTIFY if login else Finding.NOT_WINRM)


def _among(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether one of these is below a failure; urllib3 keeps it as an argument."""
    below = [error.__cause__, error.__context__, *error.args]
    return isinstance(error, kinds) or any(
        _among(one, kinds) for one in below if isinstance(one, BaseException)
    )


def _connect(address: Address, timeout_s: float) -> Finding | None:
    """Why no connection comes about; ``None`` if one does."""
    try:
        with socket.create_connection((address.host, address.port), timeout_s):
            return None
    except ConnectionRefusedError:
        return Finding.CLOSED
    except socket.gaierror:
        return Finding.UNKNOWN_HOST
    except OSError:
        return Finding.FILTERED


def _ask_again(address: Address, limits: WinRmLimits) -> tuple[int, str]:
    """Ask; once more where the connection was cut, which may be over already."""
    try:
        return _ask(address, limits)
    except ConnectionLostError as error:
        if not _among(error, (RemoteDisconnected, ConnectionError)):
            raise
    return _ask(address, limits)


def _ask(address: Address, limits: WinRmLimits) -> tuple[int, str]:
    adapter = BoundedAdapter(limits.answer_bytes)
    with foreign(), requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        with adapter.deadline(limits.identify_timeout_s):
            answer = session.post(
                address.url(limits.url_path),
                data=identify.REQUEST,
                headers=_HEADERS,
                timeout=(limits.connect_timeout_s, limits.identify_timeout_s),
                allow_redirects=False,
                stream=True,
            )
            body = adapter.body_of(answer)
    if answer.status_code == _UNAUTHORIZED:
        return _UNAUTHORIZED, "<login/>"
    header = answer.headers.get("Content-Type", "")
    return answer.status_code, decode_text(body, charset_in(header))
