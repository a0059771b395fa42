"""Credentials in the system's keyring, where there is one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from orchestrator.adapters.secrets.parts import NotHere, entry_of, make_credential
from orchestrator.application.ports.secrets import Credential, CredentialEntry

SERVICE = "orchestrator"
_INDEX = "_index"  # no credential's name begins with an underscore
T = TypeVar("T")


class Keyring(Protocol):
    """What is used of the keyring library."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """A stored text."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Store a text."""


class _Unavailable(Exception):  # noqa: N818 -- a condition inside this module
    """There is no keyring, it is locked, or its service is gone."""


class KeyringSource:
    """Reads and writes the keyring; one that is absent has nothing."""

    def __init__(self, keyring: Keyring) -> None:
        """Keep the keyring."""
        self._keyring = keyring

    def find(self, name: str) -> Credential | NotHere:
        """The credential, or why not."""
        where = f"keyring, {SERVICE}/{name}"
        try:
            text = _guarded(lambda: self._keyring.get_password(SERVICE, name))
        except _Unavailable:
            return NotHere("keyring: none available")
        found = _credential(name, text) if text else "not in it"
        return NotHere(f"{where}: {found}") if isinstance(found, str) else found

    def entries(self) -> tuple[CredentialEntry, ...]:
        """What was saved here; keyrings cannot list, so an index is kept beside."""
        try:
            found = [self.find(name) for name in self._index()]
        except _Unavailable:
            return ()
        return tuple(
            entry_of(credential, "keyring")
            for credential in found
            if isinstance(credential, Credential)
        )

    def save(self, credential: Credential) -> str | None:
        """Keep a credential; ``None`` where no keyring takes it."""
        secret = credential.secret
        text = json.dumps(
            {
                "username": credential.username,
                "password": secret.reveal() if secret else None,
                "mechanisms": [kind.value for kind in credential.mechanisms],
            }
        )
        put = self._keyring.set_password
        try:
            _guarded(lambda: put(SERVICE, credential.name, text))
            names = sorted({*self._index(), credential.name})
            _guarded(lambda: put(SERVICE, _INDEX, json.dumps(names)))
        except _Unavailable:
            return None
        return "keyring"

    def _index(self) -> list[str]:
        text = _guarded(lambda: self._keyring.get_password(SERVICE, _INDEX))
        try:
            names = json.loads(text or "[]")
        except ValueError:
            return []
        return [name for name in names if isinstance(name, str)]


def _credential(name: str, text: str) -> Credential | str:
    try:
        part = json.loads(text)
    except ValueError:
        part = None
    if not isinstance(part, dict):
        return "not written by this program"
    return make_credential(
        name, part.get("username"), part.get("password"), part.get("mechanisms")
    )


def _guarded(call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception:  # noqa: BLE001 -- every keyring backend fails in a way of its own
        # Without the cause: some backends repeat what they were given.
        raise _Unavailable from None
