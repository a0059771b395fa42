"""One server, one thread, one connection that is built anew when it is lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar
from xml.etree.ElementTree import Element

from pypsrp.wsman import OptionSet, SelectorSet, WSMan

from orchestrator.adapters.winrm.bounded import BoundedConnection
from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    NotAdmittedError,
    WsFaultError,
    foreign,
)
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.soap import first
from orchestrator.adapters.winrm.transport import Offer, Transport
from orchestrator.application.ports.secrets import Credential, Mechanism

T = TypeVar("T")
Pairs = Iterable[tuple[str, str]]


def offers(credential: Credential, *, tls: bool) -> tuple[Offer, ...]:
    """What a credential may be offered as: Kerberos first, Basic only over TLS.

    Raises:
        NotAdmittedError: nothing that the credential allows fits this connection.
    """
    order = [Mechanism.KERBEROS, Mechanism.NTLM]
    order += [Mechanism.BASIC] if tls else []
    password = credential.secret.reveal() if credential.secret else None
    allowed = tuple(
        Offer(mechanism.value, credential.username or None, password)
        for mechanism in order
        if mechanism in credential.mechanisms
    )
    if not allowed:
        names = ", ".join(credential.mechanisms)
        raise NotAdmittedError(
            f"credential {credential.name} allows {names or 'nothing'}, and over "
            f"{'HTTPS' if tls else 'HTTP'} that cannot be used"
        )
    return allowed


class Session:
    """WS-Management to one host. Every failure is one of this adapter's own."""

    def __init__(
        self,
        connection: BoundedConnection,
        credential: Credential,
        limits: WinRmLimits,
        sleep: Callable[[float], None],
    ) -> None:
        """Nothing is sent before the first call; the connection may be open."""
        self.limits = limits
        self.round_trips = 0
        #: What went to commands on their standard input.
        self.bytes_sent = 0
        self.sleep = sleep
        self._connection = connection
        self._offers = list(offers(credential, tls=connection.address.tls))
        self._jitter = random.Random()  # noqa: S311  # spreads retries, guards nothing
        self._wsman = self._build()

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._transport.close()

    def _build(self) -> WSMan:
        limits, address = self.limits, self._connection.address
        with foreign():
            wsman = WSMan(
                address.host,
                max_envelope_size=limits.envelope_bytes,
                operation_timeout=limits.operation_timeout_s,
                port=address.port,
                ssl=address.tls,
                locale=limits.locale,
                encryption="auto",
            )
        self._transport = Transport(self._connection, self._offers[0], limits)
        wsman.transport = self._transport  # type: ignore[assignment]  # no more than its public methods is asked for
        return wsman

    @property
    def mechanism(self) -> str:
        """What the host let us in by, once it has; before, what is offered first."""
        return self._offers[0].mechanism

    @property
    def payload_bytes(self) -> int:
        """The most that one Send carries, base64 and envelope allowed for."""
        return int(self._wsman.max_payload_size)

    def raw(self, message: bytes) -> str:
        """Send bytes as they are; for Identify, which knows no addressing."""
        return self._kept(lambda: self._raw(message), repeatable=True)

    def _raw(self, message: bytes) -> str:
        self.round_trips += 1
        return self._transport.send(message).decode()

    def call(
        self,
        action: str,
        resource_uri: str,
        body: Element | None = None,
        *,
        options: Pairs = (),
        selectors: Pairs = (),
        timeout_s: int | None = None,
        repeatable: bool = False,
    ) -> Element:
        """One request; the body of its answer.

        Args:
            action: URI of the action.
            resource_uri: URI of the resource.
            body: the one child of the SOAP body.
            options: names and values.
            selectors: names and values.
            timeout_s: what the service is given; its usual limit if left out.
            repeatable: a read, asked again once where the connection was lost after
                it was sent. A change never is: whoever asked must look at the host.
        """
        option_set = _filled(OptionSet(), options)
        selector_set = _filled(SelectorSet(), selectors)
        seconds = timeout_s or self.limits.operation_timeout_s

        def ask() -> Element:
            self.round_trips += 1
            with foreign():
                envelope: Element = self._wsman.invoke(
                    action, resource_uri, body, option_set, selector_set, seconds
                )
            found = first(envelope, "Body")
            return found if found is not None else envelope

        return self._patient(lambda: self._kept(ask, repeatable=repeatable))

    def _kept(self, ask: Callable[[], T], *, repeatable: bool) -> T:
        """Ask; once more on a new connection where that cannot do anything twice."""
        try:
            return self._admitted(ask)
        except ConnectionLostError as error:
            self._transport.close()
            if error.sent and not repeatable:
                raise
        try:
            return self._admitted(ask)
        except ConnectionLostError:
            self._transport.close()
            raise

    def _admitted(self, ask: Callable[[], T]) -> T:
        """Ask with the first mechanism that the host takes; then it stays."""
        while True:
            try:
                return ask()
            except NotAdmittedError:
                self._transport.close()
                if len(self._offers) == 1:
                    raise
                del self._offers[0]
                self._wsman = self._build()

    def _patient(self, ask: Callable[[], T]) -> T:
        """Ask again, later and later, while a quota of the service is full."""
        for attempt in range(self.limits.quota_retries):
            try:
                return ask()
            except WsFaultError as error:
                if not error.quota:
                    raise
            longest = self.limits.quota_wait_s * 2**attempt
            wait = min(longest, self.limits.quota_wait_max_s)
            self.sleep(wait * (0.5 + self._jitter.random() / 2))
        return ask()


Set = TypeVar("Set", OptionSet, SelectorSet)


def _filled(empty: Set, pairs: Pairs) -> Set | None:
    found = list(pairs)
    for name, value in found:
        empty.add_option(name, value)
    return empty if found else None
