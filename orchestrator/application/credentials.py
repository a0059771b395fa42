"""Credentials: kept, listed, and tried against one server. No secret is shown."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.application.estate import find_server
from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialMissing,
    CredentialStore,
    Mechanism,
)
from orchestrator.application.results import ErrorCode, RequestError, Result
from orchestrator.application.services import Services


@dataclass(frozen=True, slots=True)
class CredentialKept:
    """A credential that was stored, and where."""

    name: str
    username: str
    mechanisms: tuple[Mechanism, ...]
    kept_in: str


@dataclass(frozen=True, slots=True)
class CredentialList:
    """Every credential that is known, without secrets."""

    credentials: tuple[CredentialEntry, ...]


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """A server let a credential in, and what it said of itself."""

    credential: str
    username: str
    server: str
    url: str
    stack: str
    os_version: str
    service_pack: str


def keep(store: CredentialStore, credential: Credential) -> Result[CredentialKept]:
    """Store a credential in the keyring or the private file.

    Raises:
        CredentialError: no place takes it.
    """
    where = store.save(credential)
    return Result(
        "credential",
        CredentialKept(
            credential.name, credential.username, credential.mechanisms, where
        ),
    )


def list_credentials(store: CredentialStore) -> Result[CredentialList]:
    """What is known, in the order of the sources."""
    return Result("credential-list", CredentialList(store.entries()))


def check(services: Services, name: str, server: str) -> Result[CredentialCheck]:
    """Sign in to one server and ask who it is; nothing is stored.

    Raises:
        RequestError: the server or the credential is not known.
        HostFaultError: the server does not answer, or does not let us in.
    """
    with services.storage.read() as uow:
        known = find_server(uow.inventory.load(), server)
    credential = services.credentials.resolve(name)
    if isinstance(credential, CredentialMissing):
        raise RequestError(
            ErrorCode.NO_CREDENTIAL,
            f"credential {name} not found in {', '.join(credential.looked_at)}",
            credential.hint,
        )
    with services.hosts.reader(known, credential) as reader:
        seen = reader.identify()
    return Result(
        "credential-check",
        CredentialCheck(
            credential=credential.name,
            username=credential.username,
            server=known.name,
            url=seen.url,
            stack=seen.stack,
            os_version=seen.os_version,
            service_pack=seen.service_pack,
        ),
    )
