"""LCS's listeners, applications and modules: its own WMI classes, one page each.

Properties are those of the published class reference (cc165053, cc165055, cc165083,
cc165084 on learn.microsoft.com). A class that a version of LCS lacks gives no rows.
Server 2003 has no WMI class of open sockets, so a listener is tried from here.
"""

from __future__ import annotations

import socket

from orchestrator.adapters.winrm.facts import lcs_rows
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.values import Row
from orchestrator.adapters.winrm.wsman import WsMan, select
from orchestrator.domain.serving import Listener, Part, Reach, Serving

_EVERY_ADDRESS = ("", "*", "0.0.0.0")  # noqa: S104 - what a host tells, not what we bind


def read_serving(wsman: WsMan, host: str, limits: WinRmLimits) -> Serving:
    """What LCS says of itself, and what a connection to its listeners finds.

    Args:
        wsman: the host's WMI.
        host: the address of the conversation; no other is ever connected to.
        limits: how long, and how many.

    Raises:
        UnreadableError: a value cannot be understood.
    """
    found = lcs_rows(
        wsman, select("Enabled, IPAddress, Port", "MSFT_SIPListeningAddressData")
    )
    listeners = [_listener(row) for row in found if _yes(row, "Enabled")]
    tried = [_tried(one, host, limits) for one in listeners[: limits.listeners_tried]]
    return Serving(
        (*tried, *listeners[limits.listeners_tried :]),
        _applications(wsman),
        _modules(wsman),
    )


def _listener(row: Row) -> Listener:
    address = row.text("IPAddress") or ""
    everywhere = address in _EVERY_ADDRESS
    return Listener("*" if everywhere else address, row.number("Port") or 0)


def _tried(listener: Listener, host: str, limits: WinRmLimits) -> Listener:
    if listener.address not in ("*", host):
        return listener
    reach = knock(host, listener.port, limits.listener_timeout_s)
    return Listener(listener.address, listener.port, reach)


def knock(host: str, port: int, timeout_s: float) -> Reach:
    """Connect and close at once; no byte is sent."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return Reach.OPEN
    except ConnectionRefusedError:
        return Reach.CLOSED
    except (OSError, OverflowError):
        return Reach.FILTERED


def _applications(wsman: WsMan) -> tuple[Part, ...]:
    """Whether each runs stands in one class, what it is called in another."""
    found = lcs_rows(wsman, select("InstanceID, Running", "MSFT_SIPApplicationElement"))
    if not found:
        return ()
    named = lcs_rows(
        wsman, select("InstanceID, Name, URI", "MSFT_SIPApplicationSetting")
    )
    names = {
        row.needed("InstanceID"): f"{_line(row, 'Name')} {_line(row, 'URI')}".strip()
        for row in named
    }
    return tuple(
        Part(names.get(ident) or ident, _yes(row, "Running"))
        for row in found
        if (ident := row.needed("InstanceID"))
    )


def _modules(wsman: WsMan) -> tuple[Part, ...]:
    rows = lcs_rows(
        wsman,
        select("InstanceID, ExecutionStatus", "MSFT_SIPLoadedExtensionModuleElement"),
    )
    return tuple(
        Part(
            row.needed("InstanceID"),
            (row.text("ExecutionStatus") or "").lower() == "started",
        )
        for row in rows
    )


def _yes(row: Row, name: str) -> bool:
    return (row.text(name) or "").lower() == "true"


def _line(row: Row, name: str) -> str:
    return " ".join((row.text(name) or "").split())
