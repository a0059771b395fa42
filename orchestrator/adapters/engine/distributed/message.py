"""An order as a message, and its validation on arrival: a broker is not trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from orchestrator.application.ports.engine import Order

#: What a message of this version holds. Each version has queues of its own, so that
#: an older worker is never handed what it cannot read.
VERSION = 1
MAX_NAME = 253
"""Characters of a name, as in the inventory."""
#: AMQP allows 255 bytes; what would be longer is told apart by a hash.
_MAX_QUEUE = 200
_NAMES = ("run", "server", "site")


class MessageError(Exception):
    """A message that is no order of ours: what was found and what was expected."""


def queue_of(site: str, version: int = VERSION) -> str:
    """The name of a site's queue; a site may have any name."""
    name = f"orchestrator.v{version}.site.{quote(site, safe='')}"
    if len(name) <= _MAX_QUEUE:
        return name
    digest = hashlib.sha256(site.encode()).hexdigest()
    return f"{name[: _MAX_QUEUE - len(digest) - 1]}~{digest}"


def spell(order: Order) -> dict[str, str | int]:
    """An order as it is sent: names, and nothing that is secret."""
    names = {"run": order.run, "server": order.server, "site": order.site}
    return {"version": VERSION, **names}


def read(found: Mapping[str, object], sites: frozenset[str]) -> Order:
    """The order that a message holds.

    Args:
        found: the message, read from JSON.
        sites: those that this worker serves.

    Raises:
        MessageError: it is of another version, malformed, or not for this worker.
    """
    if found.get("version") != VERSION:
        raise MessageError(
            f"found version {str(found.get('version'))[:20]!r}, expected {VERSION}; "
            "sender and worker must be of one release"
        )
    if found.keys() != {"version", *_NAMES}:
        raise MessageError(f"expected version, {', '.join(_NAMES)} and nothing else")
    order = Order(*(_name(found, field) for field in _NAMES))
    if order.site not in sites:
        raise MessageError(f"it is for site {order.site!r}, which is not served here")
    return order


def _name(found: Mapping[str, object], field: str) -> str:
    name = found[field]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise MessageError(f"{field}: expected a text of 1 to {MAX_NAME} characters")
    return name
