"""Sealed messages: ``multipart/encrypted`` bodies (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Protocol

SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"

OVERHEAD = 4096
"""Octets that a sealed request may have beyond its SOAP message."""

_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d{1,9})")
_PROTOCOL = re.compile(r'protocol="([^"]{1,100})"', re.IGNORECASE)
_MAX_SIGNATURE = 1024


class SealingError(Exception):
    """A sealed body cannot be opened: broken, or sealed for another connection."""


class _Wrapped(Protocol):
    @property
    def header(self) -> bytes: ...
    @property
    def data(self) -> bytes: ...
    @property
    def padding_length(self) -> int: ...


class SecurityContext(Protocol):
    """The part of a pyspnego context that sealing needs."""

    def wrap_winrm(self, data: bytes) -> _Wrapped:
        """Seal a message."""

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Open a message."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body and the content type that belongs to it."""

    content_type: str
    body: bytes


def protocol_of(content_type: str) -> str | None:
    """The sealing protocol of a content type, or ``None`` if it is not sealed."""
    if not content_type.lower().startswith("multipart/encrypted"):
        return None
    found = _PROTOCOL.search(content_type)
    named = "" if found is None else found[1].lower()
    return next((each for each in (SPNEGO, KERBEROS) if each.lower() == named), None)


def unseal(context: SecurityContext, body: bytes) -> bytes:
    """Open a body.

    Raises:
        SealingError: it is malformed or its seal does not hold.
    """
    head, separator, payload = body.partition(_OCTETS)
    declared = _LENGTH.search(head)
    tail = payload.rfind(_BOUNDARY + b"--")
    if not separator or declared is None or tail < struct.calcsize("<i"):
        raise SealingError("The body is not one sealed part.")
    (size,) = struct.unpack_from("<i", payload)
    if not 0 <= size <= min(_MAX_SIGNATURE, tail - 4):
        raise SealingError("The signature has an impossible length.")
    try:
        message = context.unwrap_winrm(payload[4 : 4 + size], payload[4 + size : tail])
    except Exception as error:
        # pyspnego leaks struct and index errors besides its own on broken input.
        raise SealingError("The seal does not hold on this connection.") from error
    if len(message) > int(declared[1]):
        raise SealingError("The message is longer than it says.")
    return message


def seal(
    context: SecurityContext, protocol: str, message: bytes, charset: str
) -> Sealed:
    """Seal an answer in the protocol of its request."""
    wrapped = context.wrap_winrm(message)
    length = len(message) + wrapped.padding_length
    head = (
        f"--Encrypted Boundary\r\n\tContent-Type: {protocol}\r\n"
        "\tOriginalContent: type=application/soap+xml;"
        f"charset={charset};Length={length}\r\n--Encrypted Boundary\r\n"
    )
    signature = struct.pack("<i", len(wrapped.header)) + wrapped.header
    body = head.encode() + _OCTETS + signature + wrapped.data + _BOUNDARY + b"--\r\n"
    content_type = (
        f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'
    )
    return Sealed(content_type, body)
