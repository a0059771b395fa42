"""Sealed messages over one connection that is never half alive.

pypsrp writes and reads the envelopes and seals them; its own transport is not used.
That one reads answers without a bound, decodes them as UTF-8 whatever they are, takes
an unsealed answer on a sealed connection, keeps a security context that died with its
connection, sleeps for minutes between tries, and spends on ``requests`` several times
what the messages cost.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings
from typing_extensions import override

from orchestrator.adapters.winrm.bounded import Answer, BoundedConnection, Headers
from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    HttpStatusError,
    MalformedError,
    NotAdmittedError,
    WsFaultError,
    foreign,
)
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.soap import charset_in, decode_text, fault_of

_SEALED = "multipart/encrypted"
_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?')
_HEADER_BYTES = 512
_OK, _UNAUTHORIZED = 200, 401
_BASIC, _KERBEROS = "basic", "kerberos"
#: The most tokens that either side sends: NTLM needs two, Kerberos one.
_LEGS = 4
#: The service class of a host's principal, as every Windows computer has it.
_SERVICE = "host"


@dataclass(frozen=True, slots=True)
class Offer:
    """Who we are to a host, and by which mechanism; ``password`` stays out of sight."""

    mechanism: str
    username: str | None
    password: str | None

    @override
    def __repr__(self) -> str:
        """Never the password."""
        return f"Offer({self.mechanism}, {self.username})"


class Transport:
    """Sends one envelope and gives back the text of the answer: pypsrp's transport."""

    def __init__(
        self, connection: BoundedConnection, offer: Offer, limits: WinRmLimits
    ) -> None:
        """Nothing is sent yet. Over HTTP messages are always sealed."""
        self.endpoint = connection.address.url(limits.url_path)
        self.encryption: WinRMEncryption | None = None
        self._connection = connection
        self._offer = offer
        self._limits = limits
        self._sealed = not connection.address.tls
        #: Whether the connection is logged in, and so cannot be replaced unseen.
        self._admitted = False
        self._deadline = self._silence_s = 0.0

    def send(
        self,
        message: bytes,
        *,
        retries_on_read_timeout: int = 0,
        timeout: float | None = None,
    ) -> bytes:
        """One envelope there and its answer back, in bounded time.

        Raises:
            WsFaultError: the answer is a SOAP fault.
            ConnectionLostError, NotAdmittedError, TlsError, HttpStatusError,
            MalformedError: no answer that can be believed.
        """
        del retries_on_read_timeout  # whether to ask again is the session's decision
        grace = self._limits.request_grace_s
        self._silence_s = timeout or self._limits.operation_timeout_s + grace
        self._deadline = time.monotonic() + self._silence_s + grace
        with foreign():
            if self._offer.mechanism != _BASIC and not self._admitted:
                self._establish()
            return self._post(message).encode()

    def close(self) -> None:
        """Forget connection and security context; neither lives without the other."""
        self._connection.close()
        self.encryption, self._admitted = None, False

    def _exchange(self, headers: Headers, body: bytes, *, anew: bool) -> Answer:
        return self._connection.post(
            headers,
            body,
            silence_s=self._silence_s,
            deadline=self._deadline,
            anew=anew,
        )

    def _establish(self) -> None:
        """Log in with empty messages (MS-WSMV 2.2.9.1).

        The first one brings a token already: that a host asks for one is known.
        """
        scheme, context = "Negotiate", self._context()
        answer = self._dance(context, scheme)
        other = "Kerberos" if self._offer.mechanism == _KERBEROS else "NTLM"
        offered = answer.header("www-authenticate").lower()
        if "negotiate" not in offered and other.lower() in offered:
            scheme, context = other, self._context()
            answer = self._dance(context, scheme)
        if answer.status == _UNAUTHORIZED:
            raise self._refused()
        if not context.complete:
            raise MalformedError("a service that asks for no credential")
        if self._sealed:
            kind = "KERBEROS" if scheme == "Kerberos" else "SPNEGO"
            self.encryption = WinRMEncryption(context, getattr(WinRMEncryption, kind))
        self._admitted = True

    def _context(self) -> spnego.ContextProxy:
        """A login that is bound to the host's certificate, where it has one."""
        self._connection.open()
        certificate = self._connection.certificate
        options = spnego.NegotiateOptions.wrapping_winrm
        return spnego.client(
            self._offer.username,
            self._offer.password,
            hostname=self._connection.address.host.lower(),
            service=_SERVICE,
            channel_bindings=_bindings(certificate) if certificate else None,
            protocol=self._offer.mechanism,
            options=options if self._sealed else spnego.NegotiateOptions.none,
        )

    def _dance(self, context: spnego.ContextProxy, scheme: str) -> Answer:
        token = context.step()
        for leg in range(_LEGS):
            header = f"{scheme} {b64encode(token or b'').decode()}"
            answer = self._exchange([("Authorization", header)], b"", anew=not leg)
            challenge = _token_in(answer.header("www-authenticate"), scheme)
            token = context.step(challenge) if challenge else None
            if token is None:
                return answer
        raise MalformedError(f"a login of more than {_LEGS} messages")

    def _refused(self) -> NotAdmittedError:
        offer = self._offer
        return NotAdmittedError(
            f"the host refused {offer.username} by {offer.mechanism}"
        )

    def _post(self, message: bytes) -> str:
        headers = [("Content-Type", "application/soap+xml;charset=UTF-8")]
        if self.encryption is not None:
            kind, message = self.encryption.wrap_message(message)
            content = f'{kind};protocol="{self.encryption.protocol}"'
            content += ';boundary="Encrypted Boundary"'
            headers = [("Content-Type", content)]
        elif self._offer.mechanism == _BASIC:
            pair = f"{self._offer.username}:{self._offer.password}".encode()
            headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
        return self._read(self._exchange(headers, message, anew=not self._admitted))

    def _read(self, answer: Answer) -> str:
        status, header = answer.status, answer.header("content-type")
        if status == _UNAUTHORIZED:
            if self._admitted:
                raise ConnectionLostError("the security context ended", sent=False)
            raise self._refused()
        if header.startswith(_SEALED):
            text = self._unseal(answer.body, header)
        elif not self._sealed:
            text = decode_text(answer.body, charset_in(header))
        elif status == _OK:
            raise MalformedError("an unsealed answer on a sealed connection")
        else:
            raise HttpStatusError(status)
        if status == _OK:
            return text
        detail = fault_of(text) if text.strip() else None
        raise HttpStatusError(status) if detail is None else WsFaultError(detail)

    def _unseal(self, body: bytes, header: str) -> str:
        boundary = _BOUNDARY.search(header)
        if self.encryption is None or boundary is None:
            raise MalformedError("a sealed answer without a security context")
        inner = self.encryption.unwrap_message(body, boundary[1])
        return decode_text(inner, charset_in(body[:_HEADER_BYTES].decode("latin-1")))


def _bindings(certificate: bytes) -> GssChannelBindings:
    """``tls-server-end-point`` of RFC 5929, section 4.1."""
    try:
        found = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UnsupportedAlgorithm:
        found = None
    weak = found is not None and found.name in ("md5", "sha1")
    digest = hashlib.new(
        "sha256" if found is None or weak else found.name, certificate
    ).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


def _token_in(header: str, scheme: str) -> bytes | None:
    """The token of a challenge; ``None`` where it brings none."""
    found = re.search(rf"{scheme}\s+([A-Za-z0-9+/=]+)", header, re.IGNORECASE)
    try:
        return b64decode(found[1], validate=True) if found else None
    except binascii.Error as error:
        raise MalformedError("a challenge that is no base64") from error
