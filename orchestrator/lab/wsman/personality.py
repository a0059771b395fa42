"""What the versions of WinRM found on Server 2003 do differently.

The notes cited as ``<n>`` are those of MS-WSMV's appendix on product behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Personality:
    """The limits and habits of one version of the service.

    Limits that a version ignores are ``None``. A test takes a personality and
    narrows it with :func:`dataclasses.replace`.

    Attributes:
        stack: The stack version that Identify tells.
        max_envelope_kb: Largest SOAP message, in KiB, both ways (<8>).
        max_timeout_s: Ceiling and default of OperationTimeout (2.2.4.10).
        max_batch_items: Ceiling of MaxElements (<9>, 3.1.4.1.14).
        max_operations: Open enumerations on the computer (<17>, <18>).
        max_operations_per_user: Open enumerations of a user (<19>).
        max_connections: Requests served at the same moment (<20>, 3.1.4.1.19).
        enumeration_timeout_s: Life of a context between pulls (2.2.4.36).
        packet_retrieval_s: Time for a whole request to arrive (2.2.4.36).
        max_shells_per_user: Open shells of a user (<34>).
        max_shell_users: Users with an open shell (<26>).
        shell_idle_s: Life of a shell without a request (<27>).
        shell_idle_needs_keepalive: The idle limit counts only once a Receive
            carried WSMAN_CMDSHELL_OPTION_KEEPALIVE (<23>, <119>).
        max_shell_run_s: Longest run of a command (<30>).
        one_command_per_shell: A second command in a shell is a fault (<116>).
        first_shapes: Answers look as in 1.1: ``uuid:`` shell ids, anonymous
            addresses, no description of a created shell, Get on the shell's own
            URI (MS-WSMV 4.7.1, <103>, <104>).
        speaks_dmtf: Whether it knows the published protocol at all. WinRM 0.5
            speaks an older dialect without Identify and filters (MS-WSMAN <3>,
            <4>, <9>).
        idle_connection_s: A silent connection is closed. Not published for this
            system: 120 s is a hypothesis.
        banner: What the HTTP stack calls itself (MS-WSMV 4.5).
    """

    stack: str
    max_envelope_kb: int = 150
    max_timeout_s: float = 60.0
    max_batch_items: int = 20
    max_operations: int | None = 100
    max_operations_per_user: int | None = 15
    max_connections: int = 5
    enumeration_timeout_s: float = 60.0
    packet_retrieval_s: float = 120.0
    max_shells_per_user: int = 2
    max_shell_users: int = 5
    shell_idle_s: float = 900.0
    shell_idle_needs_keepalive: bool = True
    max_shell_run_s: float | None = 28_800.0
    one_command_per_shell: bool = True
    first_shapes: bool = True
    speaks_dmtf: bool = True
    idle_connection_s: float = 120.0
    banner: str = "Microsoft-HTTPAPI/1.0"

    @property
    def max_envelope(self) -> int:
        """Largest SOAP message in octets."""
        return self.max_envelope_kb * 1024


WINRM_1_1 = Personality(stack="1.1")
"""Server 2003 with KB936059: wsmsvc.dll 5.2.3790.2990 (SP1), .4131 (SP2)."""

WINRM_2_0 = Personality(
    stack="2.0",
    max_batch_items=32_000,
    max_operations=None,
    max_connections=25,
    max_shells_per_user=5,
    shell_idle_s=180.0,
    shell_idle_needs_keepalive=False,
    max_shell_run_s=None,
    one_command_per_shell=False,
    first_shapes=False,
)
"""Server 2003 SP2 with KB968930. Shell figures are those of the win32 docs."""

WINRM_0_5 = Personality(stack="0.5", speaks_dmtf=False)
"""Server 2003 R2 as delivered: hardware management only (MS-WSMAN)."""
