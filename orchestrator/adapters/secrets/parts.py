"""What every source of credentials shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialError,
    Mechanism,
    Secret,
)

MAX_PASSWORD = 256  # characters; Windows takes no longer one
MAX_USERNAME = 320  # characters: a name and a domain

_NAME = re.compile(r"[a-z0-9-]{1,64}")
_USERNAME = re.compile(rf"[^\x00-\x1f\x7f]{{1,{MAX_USERNAME}}}")
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class NotHere:
    """A source does not have a credential; says where it looked, and why not."""

    looked_at: str


class Source(Protocol):
    """One place in which credentials are found."""

    def find(self, name: str) -> Credential | NotHere:
        """The credential, or where it was looked for."""

    def entries(self) -> tuple[CredentialEntry, ...]:
        """All that this place has, without secrets."""


class BadCredentialNameError(CredentialError):
    """A name that could not be told apart from others, or escape its place."""

    def __init__(self, name: str) -> None:
        """Say what a name may be."""
        super().__init__(
            f"found {name[:80]!r}, expected the name of a credential: "
            "1 to 64 of a-z, 0-9 and hyphen"
        )


def check_name(name: str) -> None:
    """Names become environment variables and keys of files.

    Raises:
        BadCredentialNameError: it has other characters, or too many.
    """
    if _NAME.fullmatch(name) is None:
        raise BadCredentialNameError(name)


def make_credential(
    name: str, username: object, password: object, mechanisms: object
) -> Credential | str:
    """A checked credential, or what is wrong with it; never repeats a value.

    Without mechanisms it is for Kerberos alone: anything weaker is allowed by name.
    """
    if not isinstance(username, str) or not _USERNAME.fullmatch(username):
        return "no usable username"
    if password is not None and not _usable(password):
        return "no usable password"
    allowed = parse_mechanisms(mechanisms)
    if not allowed:
        return "mechanisms are not among kerberos, ntlm, basic"
    if password is None and allowed != (Mechanism.KERBEROS,):
        return "no password, which only Kerberos can do without"
    secret = Secret(password) if isinstance(password, str) else None
    return Credential(name, username, secret, allowed)


def _usable(password: object) -> bool:
    if not isinstance(password, str):
        return False
    return 0 < len(password) <= MAX_PASSWORD and "\0" not in password


def parse_mechanisms(given: object) -> tuple[Mechanism, ...]:
    """Mechanisms from a list, or a text with commas; empty where one is unknown."""
    if given is None or given == "":
        return (Mechanism.KERBEROS,)
    words = (
        _SEPARATORS.split(given.strip().lower()) if isinstance(given, str) else given
    )
    if not isinstance(words, list) or not set(words) <= {*Mechanism}:
        return ()
    return tuple(Mechanism(word) for word in dict.fromkeys(words))


def entry_of(credential: Credential, source: str) -> CredentialEntry:
    """What may be shown of a credential."""
    return CredentialEntry(
        credential.name, credential.username, credential.mechanisms, source
    )
