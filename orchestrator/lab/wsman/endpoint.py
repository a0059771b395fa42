"""An endpoint of the estate, and the faults that a scenario puts on it."""

from __future__ import annotations

import ssl
from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orchestrator.lab.machine import Computer
from orchestrator.lab.wsman.personality import WINRM_1_1, Personality

MAX_JOURNAL = 10_000
"""Entries that an endpoint's journal keeps: the latest."""


class Reply(StrEnum):
    """What a request gets instead of its proper answer."""

    NORMAL = "normal"
    GARBAGE = "garbage"
    """HTTP and the seal are right, the message within is not XML."""
    UTF_16 = "utf-16"
    """The right message in UTF-16."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 to everybody."""
    NOT_WINRM = "not-winrm"
    """Another web server."""
    NOT_HTTP = "not-http"
    """Something that does not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong at an endpoint. Request numbers count SOAP messages from 1.

    Attributes:
        refuse: Nothing listens: connections are refused.
        silent: Connections are accepted and nothing is ever answered.
        delay_s: Seconds before each HTTP request is handled.
        drop_before: Requests whose connection is cut before they are handled.
        drop_after: Requests that are handled, but their answer is lost.
        lose_reply_to: The next answer to an action that ends like this is lost,
            once.
        reply: What is answered.
        shells_elsewhere: Shells of the account that someone else holds open.
    """

    refuse: bool = False
    silent: bool = False
    delay_s: float = 0.0
    drop_before: frozenset[int] = frozenset()
    drop_after: frozenset[int] = frozenset()
    lose_reply_to: str = ""
    reply: Reply = Reply.NORMAL
    shells_elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a computer listens, and as which WinRM.

    Attributes:
        address: Loopback address, 127.a.b.c.
        port: TCP port; 0 takes a free one.
        computer: What is behind it. Endpoints of one computer share its shells,
            enumerations and quotas, and must have one personality.
        personality: The WinRM version.
        faults: What goes wrong from the start.
        tls: Serve HTTPS with this context.
        kerberos: A keytab is configured, so Kerberos is offered as well.
        basic: Accept Basic, over HTTPS only; off by default (<4>).
    """

    address: str
    port: int
    computer: Computer
    personality: Personality = WINRM_1_1
    faults: Faults = Faults()
    tls: ssl.SSLContext | None = None
    kerberos: bool = False
    basic: bool = False


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A SOAP message: its number, and what it asked if that was read."""

    number: int
    action: str
    resource: str


@dataclass(slots=True)
class Controls:
    """The changing part of an endpoint."""

    faults: Faults
    requests: int = 0
    journal: deque[JournalEntry] = field(
        default_factory=lambda: deque(maxlen=MAX_JOURNAL)
    )

    def count(self) -> int:
        """Number the next SOAP message."""
        self.requests += 1
        return self.requests

    def note(self, number: int, action: str, resource: str) -> None:
        """Enter a message into the journal."""
        self.journal.append(JournalEntry(number, action, resource))

    def loses(self, number: int, action: str) -> bool:
        """Whether the answer to this message is to be lost."""
        if number in self.faults.drop_after:
            return True
        ending = self.faults.lose_reply_to
        if not ending or not action.endswith(ending):
            return False
        self.faults = replace(self.faults, lose_reply_to="")
        return True
