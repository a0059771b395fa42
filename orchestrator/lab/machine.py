"""The seam between the WinRM service of the lab and the computer behind it.

The service (:mod:`orchestrator.lab.wsman`) knows WS-Management and nothing of
Windows; the computer (:mod:`orchestrator.lab.windows`) knows Windows and nothing
of WS-Management. Both meet here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

WmiScalar = str | int | bool | datetime | None
"""A CIM value. ``None`` is CIM's NULL; an empty string is not."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A WMI object: its class and its properties, in no particular order."""

    class_name: str
    properties: Mapping[str, WmiValue] = field(default_factory=dict)


WmiValue = WmiScalar | Sequence[WmiScalar] | Instance | Sequence[Instance]
"""A property or a parameter: a scalar, an array, or embedded objects."""


class WmiError(Exception):
    """WMI refused. ``code`` is the WBEM or HRESULT number, as WMI gives it."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the number and the sentence."""
        super().__init__(message)
        self.code = code
        self.message = message


WBEM_E_NOT_FOUND = 0x80041002
WBEM_E_ACCESS_DENIED = 0x80041003
WBEM_E_INVALID_PARAMETER = 0x80041008
WBEM_E_INVALID_NAMESPACE = 0x8004100E
WBEM_E_INVALID_CLASS = 0x80041010
WBEM_E_PROVIDER_LOAD_FAILURE = 0x80041013
WBEM_E_INVALID_QUERY = 0x80041017
WBEM_E_INVALID_METHOD = 0x8004102E


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a command printed since it was last asked, and whether it ended.

    ``exit_code`` is the full 32-bit code, signed, once ``done``.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    done: bool = False
    exit_code: int | None = None


class Command(Protocol):
    """A command that runs in a shell of the host."""

    def write(self, data: bytes, *, end: bool) -> None:
        """Feed standard input; ``end`` closes it."""

    def read(self) -> CommandOutput:
        """Take the output so far. Never blocks; the service polls."""

    def terminate(self) -> None:
        """Stop the command and its children."""


class Shell(Protocol):
    """A remote shell: its own working folder, environment and code page."""

    def run(
        self, command: str, arguments: Sequence[str], *, skip_cmd_shell: bool
    ) -> Command:
        """Start a command line; with ``skip_cmd_shell`` a program without cmd."""

    def close(self) -> None:
        """End the shell and whatever still runs in it."""


class Computer(Protocol):
    """A simulated Windows computer, as its WinRM service sees it."""

    def now(self) -> datetime:
        """The computer's own clock, aware, in UTC."""

    def identity(self) -> tuple[str, str]:
        """OS version and service pack as Identify prints: ``5.2.3790``, ``1.0``."""

    def password_of(self, domain: str, user: str) -> str | None:
        """The password of an account allowed in, or ``None`` for an unknown one."""

    def query(self, namespace: str, wql: str) -> Sequence[Instance]:
        """Run WQL. A projection yields just the named properties.

        Raises:
            WmiError: the query, class, property or namespace is unknown.
        """

    def get(
        self, namespace: str, class_name: str, selectors: Mapping[str, str]
    ) -> Instance:
        """One object by key; a singleton without selectors."""

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        """Call a method; the answer holds ``ReturnValue`` and the out parameters."""

    def open_shell(
        self,
        *,
        code_page: int | None,
        working_directory: str | None,
        environment: Mapping[str, str],
    ) -> Shell:
        """Open a remote shell."""
