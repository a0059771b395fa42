"""Finding a server's WinRM endpoint before any credential is shown.

Each rung ends in one of a few findings, so that whoever cannot be reached can be
told what to switch on. WinRM 0.5, the one in the box of Server 2003 R2, answers HTTP
but knows no Identify (MS-WSMAN note 4), no WQL and no shell.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.adapters.winrm import identify
from orchestrator.adapters.winrm.bounded import Address, BoundedConnection
from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    MalformedError,
    TlsError,
    foreign,
)
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.soap import charset_in, decode_text
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.domain.server import Server

_HEADERS = (
    ("WSMANIDENTIFY", "unauthenticated"),
    ("Content-Type", "application/soap+xml;charset=UTF-8"),
)
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
#: With these a rung waited in vain.
_LATE = frozenset({Finding.FILTERED, Finding.SILENT})
_UNSUPPORTED = frozenset({Finding.NO_IDENTIFY, Finding.TLS, Finding.NOT_WINRM})


def rungs(server: Server, limits: WinRmLimits) -> tuple[Address, ...]:
    """The fixed endpoint where the inventory gives a port, else the ladder."""
    end = server.endpoint
    if end.port is not None:
        return (Address(end.address, end.port, end.tls),)
    return tuple(Address(end.address, rung.number, rung.tls) for rung in limits.ladder)


def climb(
    server: Server, limits: WinRmLimits, known: str | None
) -> tuple[Capability, BoundedConnection]:
    """The first endpoint that speaks WinRM, and the connection on which it did.

    A known URL is tried first.

    Raises:
        HostFaultError: none does; says what each rung found.
    """
    order = sorted(
        rungs(server, limits), key=lambda rung: rung.url(limits.url_path) != known
    )
    tried: list[Capability] = []
    for address in order:
        connection = BoundedConnection(address, limits)
        found = probe(connection, limits)
        if found.finding is Finding.SPEAKS:
            return found, connection
        connection.close()
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
    late = telling in _LATE
    return HostFaultError(kind, server.name, message, _HINTS[telling], late=late)


def probe(connection: BoundedConnection, limits: WinRmLimits) -> Capability:
    """Connect and ask Identify, without a credential."""
    finding, stack = Finding.NOT_WINRM, ""
    blocked = _connect(connection)
    if blocked is not None:
        return Capability(connection.address, blocked)
    try:
        status, text = _ask_again(connection, limits)
        identity = identify.read_identity(text)
    except TlsError:
        finding = Finding.TLS
    except ConnectionLostError:
        finding = Finding.SILENT
    except MalformedError:
        pass
    else:
        if identity is not None:
            finding, stack = Finding.SPEAKS, identity.stack
        elif status == _UNAUTHORIZED:
            finding = Finding.NO_IDENTIFY
    return Capability(connection.address, finding, stack)


def _connect(connection: BoundedConnection) -> Finding | None:
    """Why no connection comes about; ``None`` if one does."""
    try:
        connection.open()
    except TlsError:
        return Finding.TLS
    except ConnectionRefusedError:
        return Finding.CLOSED
    except socket.gaierror:
        return Finding.UNKNOWN_HOST
    except OSError:
        return Finding.FILTERED
    return None


def _ask_again(connection: BoundedConnection, limits: WinRmLimits) -> tuple[int, str]:
    """Ask; once more where the connection was cut, which may be over already."""
    try:
        return _ask(connection, limits)
    except ConnectionLostError as error:
        if isinstance(error.__cause__, TimeoutError):
            raise
    return _ask(connection, limits)


def _ask(connection: BoundedConnection, limits: WinRmLimits) -> tuple[int, str]:
    patience = limits.identify_timeout_s
    with foreign():
        answer = connection.post(
            _HEADERS,
            identify.REQUEST,
            silence_s=patience,
            deadline=time.monotonic() + patience,
        )
    if answer.status == _UNAUTHORIZED:
        return _UNAUTHORIZED, "<login/>"
    return answer.status, decode_text(
        answer.body, charset_in(answer.header("content-type"))
    )
