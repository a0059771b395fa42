"""Opening a conversation with a server: its credential first, at the last moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.application.ports.hosts import (
    FaultKind,
    HostFaultError,
    HostReader,
    HostWriter,
)
from orchestrator.application.ports.secrets import Credential, CredentialMissing
from orchestrator.application.results import ErrorCode, Problem
from orchestrator.application.services import Services
from orchestrator.domain.facts import FactKind, ServiceEndpoint
from orchestrator.domain.server import Inventory, Server

#: Each kind of fault under its error code.
FAULT_CODES = {
    FaultKind.UNREACHABLE: ErrorCode.UNREACHABLE,
    FaultKind.REFUSED: ErrorCode.REFUSED,
    FaultKind.UNSUPPORTED: ErrorCode.UNSUPPORTED,
    FaultKind.BUSY: ErrorCode.BUSY,
    FaultKind.PROTOCOL: ErrorCode.PROTOCOL,
}


class NoCredentialError(HostFaultError):
    """The inventory names no credential for a server, or no source has it."""

    def __init__(self, server: str, message: str, hint: str) -> None:
        """A server that we have no key for refuses us as surely as with a wrong one."""
        super().__init__(FaultKind.REFUSED, server, message, hint)


def problem_of(fault: HostFaultError) -> Problem:
    """A fault as the envelope shows it."""
    code = FAULT_CODES[fault.kind]
    if isinstance(fault, NoCredentialError):
        code = ErrorCode.NO_CREDENTIAL
    return Problem(code, fault.message, fault.hint, fault.server)


def credential_for(
    services: Services, inventory: Inventory, server: Server
) -> Credential:
    """The credential of a server.

    Raises:
        NoCredentialError: none is named, or no source has it.
    """
    name = inventory.credential_of(server)
    if name is None:
        raise NoCredentialError(
            server.name,
            "no credential is named for it, its pool or its site",
            "name one in the inventory and import it again",
        )
    found = services.credentials.resolve(name)
    if isinstance(found, CredentialMissing):
        raise NoCredentialError(
            server.name,
            f"credential {name} not found in {', '.join(found.looked_at)}",
            found.hint,
        )
    return found


def last_endpoint(services: Services, server: Server) -> str | None:
    """The URL at which a survey last found the server's WinRM."""
    with services.storage.read() as uow:
        seen = uow.facts.of(server.name).find(FactKind.ENDPOINT)
    value = seen.value if seen else None
    return value.url if isinstance(value, ServiceEndpoint) else None


@contextmanager
def reading(
    services: Services, inventory: Inventory, server: Server
) -> Iterator[HostReader]:
    """A conversation that cannot write."""
    credential = credential_for(services, inventory, server)
    known = last_endpoint(services, server)
    with services.hosts.reader(server, credential, known) as reader:
        yield reader


@contextmanager
def changing(
    services: Services, inventory: Inventory, server: Server
) -> Iterator[HostWriter]:
    """A conversation that can change the host."""
    credential = credential_for(services, inventory, server)
    known = last_endpoint(services, server)
    with services.hosts.writer(server, credential, known) as writer:
        yield writer
