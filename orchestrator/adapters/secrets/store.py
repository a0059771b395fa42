"""All sources of credentials, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.adapters.secrets.environment import PREFIX, EnvironmentSource
from orchestrator.adapters.secrets.kerberos_cache import KerberosSource
from orchestrator.adapters.secrets.parts import Source, check_name
from orchestrator.adapters.secrets.private_file import PrivateFileSource
from orchestrator.adapters.secrets.system_keyring import Keyring, KeyringSource
from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialMissing,
)

Prompt = Callable[[str], Credential | None]


class Credentials:
    """Environment, private file, Kerberos cache, keyring, then a prompt."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        file: Path,
        keyring: Keyring,
        prompt: Prompt | None = None,
        unasked: str = "nobody to ask",
    ) -> None:
        """Take every source.

        Args:
            environment: the variables of this process.
            file: the credentials file; it need not exist.
            keyring: the keyring library, or what stands in for it.
            prompt: asks a person; ``None`` where nobody can be asked.
            unasked: why not.
        """
        self._file = PrivateFileSource(file)
        self._keyring = KeyringSource(keyring)
        self._prompt = prompt
        self._unasked = unasked
        self._sources: tuple[Source, ...] = (
            EnvironmentSource(environment),
            self._file,
            KerberosSource(environment),
            self._keyring,
        )

    def resolve(self, name: str) -> Credential | CredentialMissing:
        """The credential from the first source that has it.

        Raises:
            BadCredentialNameError: the name is not a credential's name.
        """
        check_name(name)
        looked_at: list[str] = []
        for source in self._sources:
            found = source.find(name)
            if isinstance(found, Credential):
                return found
            looked_at.append(found.looked_at)
        asked = self._prompt(name) if self._prompt else None
        if asked is not None:
            return asked
        looked_at.append(f"prompt: {'no answer' if self._prompt else self._unasked}")
        hint = (
            f"orchestrator credential set {name}, or set "
            f"{PREFIX}{name.upper().replace('-', '_')}_USERNAME and _PASSWORD"
        )
        return CredentialMissing(name, tuple(looked_at), hint)

    def save(self, credential: Credential) -> str:
        """Keep a credential in the keyring, else in the private file; says where.

        Raises:
            BadCredentialNameError: the name is not a credential's name.
            CredentialsFileError: there is no keyring and the file is refused.
        """
        check_name(credential.name)
        if any(entry.name == credential.name for entry in self._file.entries()):
            # The file is looked at before the keyring: an old entry would win there.
            return self._file.save(credential)
        return self._keyring.save(credential) or self._file.save(credential)

    def entries(self) -> tuple[CredentialEntry, ...]:
        """All that is known, without secrets, in the order of the sources."""
        return tuple(entry for source in self._sources for entry in source.entries())
