"""Who is asking: Negotiate through pyspnego's acceptor, per TCP connection.

pyspnego looks accounts up in a file that the environment variable
``NTLM_USER_FILE`` names, for the whole process. Computers of the estate may have
the same account with different passwords, so the file holds an account only while
that account's answer is being checked, under a lock, and is empty otherwise.
"""

from __future__ import annotations

import atexit
import binascii
import os
import struct
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import spnego

from orchestrator.lab.machine import Computer

MAX_TOKEN = 65_536
"""Longest security token in characters of base64."""

_NTLM_AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"
_UNICODE_FLAG = 1
_lock = Lock()
_account_file: Path | None = None


def _ensure_account_file() -> Path:
    """The one private file of this process, made at first use (mode 0600)."""
    global _account_file  # noqa: PLW0603 - the environment variable is global too
    if _account_file is None:
        handle, name = tempfile.mkstemp(prefix="lab-ntlm-")
        os.close(handle)
        _account_file = Path(name)
        os.environ["NTLM_USER_FILE"] = name
        atexit.register(_account_file.unlink, missing_ok=True)
    return _account_file


@contextmanager
def _account(computer: Computer, token: bytes) -> Iterator[None]:
    """Let pyspnego know the account that a token claims, and only that one."""
    domain, user = _claimed(token)
    password = computer.password_of(domain, user) if user else None
    with _lock:
        file = _ensure_account_file()
        try:
            if password is not None:
                file.write_text(f"{domain}:{user}:{password}\n", encoding="utf-8")
            yield
        finally:
            os.truncate(file, 0)


def _claimed(token: bytes) -> tuple[str, str]:
    """Domain and user of an NTLM AUTHENTICATE message (MS-NLMP 2.2.1.3)."""
    start = token.find(_NTLM_AUTHENTICATE)
    if start < 0:
        return "", ""
    message = token[start:]
    try:
        (flags,) = struct.unpack_from("<I", message, 60)
        coding = "utf-16-le" if flags & _UNICODE_FLAG else "cp437"
        return _field(message, 28, coding), _field(message, 36, coding)
    except (struct.error, UnicodeError):
        return "", ""


def _field(message: bytes, at: int, coding: str) -> str:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    return message[offset : offset + length].decode(coding)


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one token: a token back, and the user once it is proven."""

    token: str
    user: str | None
    refused: bool = False


REFUSED = Step("", None, refused=True)
"""A token that is broken or proves nothing."""


class Acceptor:
    """One authentication of one connection."""

    def __init__(self, computer: Computer, *, kerberos: bool) -> None:
        """Start anew.

        Args:
            computer: Knows the accounts.
            kerberos: Whether a keytab is configured (``KRB5_KTNAME``) and tokens
                of Kerberos are accepted besides those of NTLM.
        """
        self._computer = computer
        self._kerberos = kerberos
        self.context: spnego.ContextProxy | None = None

    def step(self, scheme: str, encoded: str) -> Step:
        """Take the token of an Authorization header."""
        try:
            token = b64decode(encoded[:MAX_TOKEN], validate=True)
        except (binascii.Error, ValueError):
            return REFUSED
        with _account(self._computer, token):
            return self._advance(scheme, token)

    def _advance(self, scheme: str, token: bytes) -> Step:
        try:
            if self.context is None:
                self.context = self._new_context(scheme)
            answer = self.context.step(token)
        except Exception:  # noqa: BLE001 - pyspnego leaks errors of all kinds on junk
            return REFUSED
        encoded = "" if answer is None else b64encode(answer).decode()
        if not self.context.complete:
            return Step(encoded, None)
        principal = self.context.client_principal or ""
        if not self._allowed(self.context, principal):
            return REFUSED
        return Step(encoded, principal.upper())

    def _new_context(self, scheme: str) -> spnego.ContextProxy:
        options = spnego.NegotiateOptions.use_negotiate
        if scheme == "kerberos" and self._kerberos:
            return spnego.server(protocol="kerberos")
        return spnego.server(protocol="negotiate", options=options)

    def _allowed(self, context: spnego.ContextProxy, principal: str) -> bool:
        if context.negotiated_protocol != "kerberos":
            return True  # NTLM proved the password of an account of this computer.
        user, _, realm = principal.rpartition("@")
        return self._computer.password_of(realm, user) is not None


def check_basic(computer: Computer, encoded: str) -> str | None:
    """The user of a Basic header, if the password is right."""
    with suppress(binascii.Error, ValueError):
        name, _, password = b64decode(encoded, validate=True).decode().partition(":")
        domain, _, user = name.rpartition("\\")
        if computer.password_of(domain, user) == password:
            return name.upper()
    return None
