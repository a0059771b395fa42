"""Credentials: named in the inventory, resolved at the last moment, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from typing_extensions import override


class Mechanism(StrEnum):
    """How a credential may be shown to a host."""

    KERBEROS = "kerberos"
    #: Any listener could relay it, so a credential must allow it by name.
    NTLM = "ntlm"
    #: Only ever over HTTPS.
    BASIC = "basic"


class Secret:
    """A password that does not show itself: repr, str and format are masked."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep the value out of sight."""
        self._value = value

    def reveal(self) -> str:
        """The value, for the one call that needs it."""
        return self._value

    @override
    def __repr__(self) -> str:
        """Never the value."""
        return "Secret(********)"

    __str__ = __repr__

    @override
    def __format__(self, spec: str) -> str:
        """Never the value, whatever the format."""
        return "********"

    @override
    def __reduce__(self) -> str | tuple[object, ...]:
        """A secret cannot be pickled into a task, a log or a cache."""
        raise TypeError("a Secret cannot be serialised")


@dataclass(frozen=True, slots=True)
class Credential:
    """Who we are to a host. ``secret`` is ``None`` for a Kerberos ticket cache."""

    name: str
    username: str
    secret: Secret | None
    mechanisms: tuple[Mechanism, ...] = (Mechanism.KERBEROS,)


@dataclass(frozen=True, slots=True)
class CredentialMissing:
    """No source has the credential; says which were looked at."""

    name: str
    looked_at: tuple[str, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class CredentialEntry:
    """A credential as ``credential list`` shows it: never its secret."""

    name: str
    username: str
    mechanisms: tuple[Mechanism, ...]
    source: str


class CredentialError(Exception):
    """A credential cannot be kept or read: why, what to do, never its secret."""


class CredentialStore(Protocol):
    """Where credentials are found and kept."""

    def resolve(self, name: str) -> Credential | CredentialMissing:
        """Environment, file of mode 0600, Kerberos cache, keyring, prompt."""

    def save(self, credential: Credential) -> str:
        """Keep a credential in the keyring or the private file; says where."""

    def entries(self) -> tuple[CredentialEntry, ...]:
        """All that is known, without secrets."""
