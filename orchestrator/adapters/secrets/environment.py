"""Credentials in environment variables.

``ORCHESTRATOR_CREDENTIAL_<NAME>_USERNAME``, ``…_PASSWORD`` and ``…_MECHANISMS``, with
the name in capitals and ``-`` as ``_``. Without a password it is a Kerberos user.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.adapters.secrets.parts import NotHere, entry_of, make_credential
from orchestrator.application.ports.secrets import Credential, CredentialEntry

PREFIX = "ORCHESTRATOR_CREDENTIAL_"
_USERNAME = "_USERNAME"


class EnvironmentSource:
    """Reads the variables of an environment that is handed in."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Keep the mapping; it is read anew on each call."""
        self._environment = environment

    def find(self, name: str) -> Credential | NotHere:
        """The credential, or where it was looked for."""
        key = f"{PREFIX}{name.upper().replace('-', '_')}"
        get = self._environment.get
        username = get(f"{key}{_USERNAME}")
        where = f"environment variable {key}{_USERNAME}"
        if username is None:
            return NotHere(f"{where}: not set")
        found = make_credential(
            name, username, get(f"{key}_PASSWORD"), get(f"{key}_MECHANISMS")
        )
        return NotHere(f"{where}: {found}") if isinstance(found, str) else found

    def entries(self) -> tuple[CredentialEntry, ...]:
        """Every credential that has a user name variable."""
        names = [
            key.removeprefix(PREFIX).removesuffix(_USERNAME).lower().replace("_", "-")
            for key in sorted(self._environment)
            if key.startswith(PREFIX) and key.endswith(_USERNAME)
        ]
        found = [self.find(name) for name in names]
        return tuple(
            entry_of(credential, "environment")
            for credential in found
            if isinstance(credential, Credential)
        )
