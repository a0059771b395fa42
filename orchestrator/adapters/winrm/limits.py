"""Every bound of a conversation with a host, named and with its unit.

What a Windows service enforces comes from MS-WSMV (appendix B, the notes for
Windows Server 2003 with KB936059); the rest is our own patience.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Port:
    """One rung of the ladder for a server without a fixed endpoint."""

    number: int
    tls: bool


#: WinRM 1.1 listens on 80 and 443, 2.0 and later on 5985 and 5986. Sealed HTTP comes
#: first: HTTPS goes through the very component that an update may replace.
DEFAULT_LADDER = (
    Port(80, tls=False),
    Port(5985, tls=False),
    Port(443, tls=True),
    Port(5986, tls=True),
)


@dataclass(frozen=True, slots=True)
class WinRmLimits:
    """The bounds of one conversation. Times are in seconds, sizes in bytes."""

    ladder: tuple[Port, ...] = DEFAULT_LADDER
    connect_timeout_s: float = 3.0
    #: Certificates that HTTPS is checked against, beside the system's.
    ca_file: Path | None = None
    #: For Identify, which every service answers at once.
    identify_timeout_s: float = 4.0
    #: What the service is given to answer; it clamps at 60 s (2.2.4.10).
    operation_timeout_s: int = 20
    #: What one request may take in all, above the service's own limit.
    request_grace_s: float = 10.0
    #: How long one Receive waits for output before it is asked again.
    receive_timeout_s: int = 15
    #: How long one command of a shell may run in all.
    command_timeout_s: float = 120.0
    #: The same for a tool that is tried on a small sample.
    proof_timeout_s: float = 30.0
    #: The same for decoding, hashing and copying a package.
    package_command_timeout_s: float = 900.0
    #: MaxEnvelopeSizekb of 1.1 and 2.0 is 150; a larger request gets a bare 413.
    envelope_bytes: int = 153_600
    #: The largest answer that is read; a service keeps to the envelope.
    answer_bytes: int = 1 << 20
    #: MaxBatchItems of 1.1.
    page_rows: int = 20
    max_rows: int = 20_000
    #: The longest command line that cmd takes.
    command_line_chars: int = 8_191
    #: The most that the output of one command may be.
    output_bytes: int = 4 << 20
    #: The largest installer log that is read.
    log_bytes: int = 1 << 20
    log_tail_lines: int = 20
    #: The largest file whose version resource is fetched.
    resource_bytes: int = 16 << 20
    #: How often a full quota is tried again, and the bounds of the wait between.
    quota_retries: int = 5
    quota_wait_s: float = 0.5
    quota_wait_max_s: float = 8.0
    #: How many names stand in one WQL query.
    names_per_query: int = 40
    #: How long a listener of the product may take to accept a connection, and how
    #: many of them are tried.
    listener_timeout_s: float = 2.0
    listeners_tried: int = 8
    #: Pause between two looks at a service that stops or starts.
    service_poll_s: float = 1.0
    #: Name of our folder under the Windows folder.
    root_folder: str = "orchestrator"
    #: The service that shows that the product is there, where its own WMI classes
    #: do not answer.
    product_service: str = "RTCSRV"
    #: Path of the service in the URL.
    url_path: str = "wsman"
    #: Locale asked for; a 1.1 service must know it.
    locale: str = "en-US"
    #: Used where the host's own OEM code page could not be read.
    default_code_page: int = 437
    #: How many Sends make one file of a push: what a broken connection costs at most.
    sends_per_segment: int = 12
    #: Length of the lines in which base64 is sent.
    line_chars: int = 1_000
