"""Foreign failures become ours, once, here.

Inside the adapter a WS-Man fault is a :class:`WsFaultError` with subcode and code
both, since WinRM 1.1 and 2.0 say the same with different numbers. Whatever leaves
the adapter is a ``HostFaultError``.
"""

from __future__ import annotations

import importlib
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

import h11
from pypsrp.exceptions import AuthenticationError, WinRMError
from spnego.exceptions import SpnegoError

from orchestrator.application.ports.hosts import FaultKind, HostFaultError

ACCESS_DENIED = 5
CODE_TIMED_OUT = 2150858793
_QUOTA_CODES = frozenset(
    {
        2150858802,
        2150858815,
        *range(2150859173, 2150859180),
        *range(2150859236, 2150859243),
    }
)
_QUOTA_SUBCODES = frozenset({"QuotaLimit", "Concurrency"})
#: WMI's own words for what is not there: WBEM_E_NOT_FOUND, WBEM_E_INVALID_NAMESPACE and
#: WBEM_E_INVALID_CLASS (MS-WMI, 2.2.11).
_ABSENT = frozenset({0x80041002, 0x8004100E, 0x80041010})
#: The service's words for the same: for a class in a query, of which WinRM 1.1 says no
#: more than this, and for one in an address.
_ABSENT_CODES = frozenset({2150858778, 2150858770})
_ABSENT_SUBCODES = frozenset({"CannotProcessFilter", "DestinationUnreachable"})
_WMI_NUMBER = re.compile(r"\b0x8004[0-9a-f]{4}\b", re.IGNORECASE)
#: Longest part of a foreign sentence that is repeated.
_REASON_CHARS = 300


class AdapterError(Exception):
    """A failure inside this adapter; none leaves it untranslated."""


class MalformedError(AdapterError):
    """A message that cannot be understood; the conversation is worth nothing."""


class UnreadableError(AdapterError):
    """One value that the host would not or could not give; the others stand."""


class CommandTimeoutError(AdapterError):
    """A command did not end in its time; it was terminated."""


class ConnectionLostError(AdapterError):
    """The connection ended. ``sent`` tells whether the request may have arrived."""

    def __init__(self, message: str, *, sent: bool) -> None:
        """Keep whether the request may have had its effect."""
        super().__init__(message)
        self.sent = sent


class NotAdmittedError(AdapterError):
    """The service did not take the credential, or we cannot offer it."""


class TlsError(AdapterError):
    """No TLS with this host: old protocols, or a certificate that is not trusted."""


class HttpStatusError(AdapterError):
    """An HTTP status without a SOAP fault in its body."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(f"HTTP status {status} without a fault")
        self.status = status


@dataclass(frozen=True, slots=True)
class FaultDetail:
    """A SOAP fault taken apart."""

    #: Local name such as ``QuotaLimit``; empty where there is none.
    subcode: str
    #: WSManFault's code; ``None`` where the service gives none.
    code: int | None
    reason: str
    #: What the provider behind the service said; empty where nothing.
    provider: str = ""


class WsFaultError(AdapterError):
    """The service answered with a fault."""

    def __init__(self, detail: FaultDetail) -> None:
        """Keep the parts; the sentence is bounded."""
        number = f" {detail.code}" if detail.code is not None else ""
        text = " ".join(f"{detail.reason} {detail.provider}".split())
        super().__init__(f"{detail.subcode or 'fault'}{number}: {text[:_REASON_CHARS]}")
        self.detail = detail

    @property
    def timed_out(self) -> bool:
        """The operation took longer than it was given: for Receive, no output yet."""
        found = self.detail
        return found.code == CODE_TIMED_OUT or found.subcode == "TimedOut"

    @property
    def quota(self) -> bool:
        """A limit on shells, users or operations is reached; it may pass."""
        found = self.detail
        return found.subcode in _QUOTA_SUBCODES or found.code in _QUOTA_CODES

    @property
    def denied(self) -> bool:
        """The account lacks a right."""
        found = self.detail
        return found.subcode == "AccessDenied" or found.code == ACCESS_DENIED

    @property
    def absent(self) -> bool:
        """The class or namespace asked for is not there; nothing has failed.

        A number of WMI, as the code or in the text, goes before the service's words.
        """
        found = self.detail
        said = _WMI_NUMBER.findall(f"{found.reason} {found.provider}")
        numbers = {int(number, 16) for number in said}
        if found.code is not None and found.code >> 16 == 0x8004:  # noqa: PLR2004 - all of WMI's begin so
            numbers.add(found.code)
        if numbers:
            return numbers <= _ABSENT
        return found.subcode in _ABSENT_SUBCODES or found.code in _ABSENT_CODES


def _kerberos_errors() -> Iterator[type[Exception]]:
    """What the Kerberos libraries raise past pyspnego, where they are installed."""
    for module, name in (("krb5", "Krb5Error"), ("gssapi.exceptions", "GSSError")):
        try:
            yield getattr(importlib.import_module(module), name)
        except ImportError:
            return


_CREDENTIAL: tuple[type[Exception], ...] = (
    AuthenticationError,
    SpnegoError,
    ImportError,
    *_kerberos_errors(),
)
#: Error codes of MIT Kerberos (krb5_err.et) that an operator can do something about.
_KERBEROS = {
    -1765328347: "the clocks of this computer and of the domain are too far apart",
    -1765328228: "no Kerberos KDC of the realm answers",
    -1765328164: "the KDC's address cannot be resolved",
    -1765328230: "no KDC is known for the realm; see krb5.conf",
    -1765328360: "the KDC did not take the password",
    -1765328353: "the KDC did not take the password",
    -1765328378: "the KDC does not know the account",
    -1765328377: "the KDC does not know the host by this name; use its full name",
    -1765328370: "the KDC has no encryption type that this computer allows",
    -1765328352: "the Kerberos ticket has expired; get a new one with kinit",
    -1765328243: "there is no Kerberos ticket; get one with kinit",
    -1765328189: "there is no Kerberos ticket cache; get a ticket with kinit",
}
#: pypsrp takes headers and sealed bodies apart without checks, so a hostile answer
#: can surface as any of these.
_GARBLED = (
    h11.ProtocolError,
    WinRMError,
    ParseError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    struct.error,
)


@contextmanager
def foreign() -> Iterator[None]:
    """Round one call into a socket, pypsrp or pyspnego: their failures become ours.

    A foreign text may quote what was sent, so only its class is repeated.

    Raises:
        NotAdmittedError, ConnectionLostError, MalformedError: by cause.
    """
    try:
        yield
    except AdapterError:
        raise
    except _CREDENTIAL as error:
        why = _kerberos_reason(error) or _name(error)
        raise NotAdmittedError(f"the credential could not be used: {why}") from error
    except OSError as error:
        raise ConnectionLostError(
            f"the connection was lost ({_name(error)})", sent=True
        ) from error
    except _GARBLED as error:
        raise MalformedError(f"an answer that is no WS-Man ({_name(error)})") from error


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Our own failures leave the adapter as a ``HostFaultError``.

    Raises:
        HostFaultError: with the kind that the failure is of.
    """
    try:
        yield
    except AdapterError as error:
        kind, hint = _kind_of(error)
        message = " ".join(str(error).split())[:_REASON_CHARS]
        late = isinstance(error, ConnectionLostError)
        raise HostFaultError(kind, server, message, hint, late=late) from error


def _kerberos_reason(error: BaseException | None) -> str | None:
    """What Kerberos complains of, by its code; ``None`` where it is something else."""
    while error is not None:
        for name in ("err_code", "min_code"):
            code = getattr(error, name, None)
            if isinstance(code, int):
                signed = (code & 0xFFFF_FFFF) - (1 << 32 if code & 1 << 31 else 0)
                if signed in _KERBEROS:
                    return _KERBEROS[signed]
        error = getattr(error, "base_error", None) or error.__cause__
    return None


def _name(error: BaseException) -> str:
    return type(error).__name__


_HINT_REFUSED = (
    "check the account, its password or ticket, that it is an administrator of the "
    "host, and for Kerberos the clocks and the host's full name"
)
_HINT_TLS = (
    "an unpatched Server 2003 speaks nothing that a current OpenSSL accepts; use "
    "sealed messages over HTTP, or a certificate that this computer trusts"
)


def _kind_of(error: Exception) -> tuple[FaultKind, str]:
    match error:
        case WsFaultError(quota=True):
            hint = "another shell of the same account is open; wait or close it"
            return FaultKind.BUSY, hint
        case WsFaultError(denied=True) | NotAdmittedError():
            return FaultKind.REFUSED, _HINT_REFUSED
        case ConnectionLostError():
            return FaultKind.UNREACHABLE, "is the host up?"
        case TlsError():
            return FaultKind.UNSUPPORTED, _HINT_TLS
        case HttpStatusError(status=413):
            return FaultKind.PROTOCOL, "raise MaxEnvelopeSizekb of the host to 150"
        case _:
            return FaultKind.PROTOCOL, ""
