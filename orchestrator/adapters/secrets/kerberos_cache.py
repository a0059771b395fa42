"""The user of a Kerberos ticket cache; tickets need no secret of ours.

Only caches in files can be read without the Kerberos library. Their layout is that of
MIT Kerberos, "Credential cache file format", versions 3 and 4.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

from orchestrator.adapters.secrets.parts import NotHere, make_credential
from orchestrator.application.ports.secrets import Credential, CredentialEntry

MAX_HEAD_BYTES = 8192  # the principal stands near the beginning
MAX_COMPONENTS = 8
_WITHOUT_HEADER, _WITH_HEADER = 0x0503, 0x0504


class KerberosSource:
    """Every name resolves to the user whose tickets are at hand."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Keep the environment; ``KRB5CCNAME`` is read anew on each call."""
        self._environment = environment

    def find(self, name: str) -> Credential | NotHere:
        """The ticket's user, or where a cache was looked for."""
        cache = self._environment.get("KRB5CCNAME") or f"/tmp/krb5cc_{os.getuid()}"  # noqa: S108 -- MIT's default place
        kind, colon, rest = cache.partition(":")
        if colon and kind != "FILE":
            return NotHere(
                f"Kerberos cache of kind {kind[:16]}: its user cannot be read here; "
                "give the user in the environment or the file, without a password"
            )
        path = Path(rest if colon else cache)
        principal = _principal(path)
        if principal is None:
            return NotHere(f"Kerberos cache {path}: none, or not readable")
        found = make_credential(name, principal, None, None)
        return NotHere(f"Kerberos cache {path}") if isinstance(found, str) else found

    def entries(self) -> tuple[CredentialEntry, ...]:
        """None: a ticket has no name of its own."""
        return ()


def _principal(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(MAX_HEAD_BYTES)
        return _parse(head)
    except (OSError, struct.error, UnicodeDecodeError):
        return None


def _parse(head: bytes) -> str | None:
    """``user@REALM`` from the head of a cache file; all numbers big-endian."""
    (version,) = struct.unpack_from(">H", head)
    at = 2
    if version == _WITH_HEADER:
        at += 2 + struct.unpack_from(">H", head, at)[0]
    elif version != _WITHOUT_HEADER:
        return None
    _name_type, count = struct.unpack_from(">II", head, at)
    if not 1 <= count <= MAX_COMPONENTS:
        return None
    at += 8
    parts: list[str] = []
    for _ in range(count + 1):
        (length,) = struct.unpack_from(">I", head, at)
        (raw,) = struct.unpack_from(f">{min(length, MAX_HEAD_BYTES)}s", head, at + 4)
        parts.append(raw.decode())
        at += 4 + length
    realm, *components = parts
    return f"{'/'.join(components)}@{realm}"
