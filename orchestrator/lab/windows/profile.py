"""What one simulated computer is like when it is first looked at: pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Platform = Literal["x86", "x64", "ia64"]
Product = Literal["none", "lcs-2003", "lcs-2005", "lcs-2005-sp1"]
Edition = Literal["", "standard", "enterprise"]
Role = Literal[
    "standard", "front-end", "access-proxy", "proxy", "director", "archiving", "other"
]
SchannelState = Literal["original", "later-gdr", "fixed"]

SERVICES: Mapping[str, tuple[str, str, str]] = {
    "archiving": ("RTCLOG", "Live Communications Server Archiving", "rtclog.exe"),
    "other": ("", "", ""),
}
"""Service, title and program by role; the archiving one is our own assumption."""

LCS_SERVICE = ("RTCSRV", "Live Communications Server", "rtcsrv.exe")


class InstallFault(StrEnum):
    """How an update's installer goes wrong on this computer."""

    NONE = "none"
    #: Ends with 0 and has changed nothing.
    NO_EFFECT = "no-effect"
    #: Installs, and ends with 3010: a restart is wanted.
    RESTART = "3010"
    #: Ends with 1603 and an extended code in its log.
    FATAL = "1603"
    #: Never ends.
    HANG = "hang"
    #: Power fails when the file is already replaced but no trace is written.
    POWER_LOSS = "power-loss"
    #: The new file only waits, as a pending rename whose target is the file.
    PENDING_TARGET = "pending-target"


class ServiceFault(StrEnum):
    """How the LCS service goes wrong when it is started again."""

    NONE = "none"
    #: It stops again with an error code.
    START_FAILS = "start-fails"
    #: It stays in Start Pending.
    START_HANGS = "start-hangs"


class ServingFault(StrEnum):
    """What of LCS does not come up again when its service is started anew."""

    NONE = "none"
    #: The application does not connect to the server any more.
    APPLICATION = "application"
    #: The archiving agent stays stopped.
    MODULE = "module"


@dataclass(frozen=True, slots=True)
class Timing:
    """Simulated seconds that things take."""

    install: float = 40.0
    service_start: float = 6.0
    service_stop: float = 4.0
    boot: float = 120.0


@dataclass(frozen=True, slots=True)
class Profile:
    """One computer: its system, its LCS, its state, its faults."""

    name: str
    domain: str = "lab.example"
    address: str = "127.0.0.1"
    platform: Platform = "x86"
    service_pack: int = 1
    language: str = "ENU"
    product: Product = "lcs-2005"
    edition: Edition = "standard"
    role: Role = "standard"
    pool: str = ""
    pool_members: tuple[str, ...] = ()
    trusted_servers: tuple[str, ...] = ()
    next_hop: str = ""
    #: Access proxies and proxies that its LCS knows.
    edge_proxies: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    stack: str = "1.1"
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    bias_minutes: int = 0
    clock_offset_seconds: float = 0.0
    uptime_hours: float = 700.0
    service_age_hours: float = 600.0
    free_megabytes: int = 6144
    #: ``None`` is the usual state: the value is not in the registry.
    syn_attack_protect: int | None = None
    schannel: SchannelState = "original"
    #: The registry says the lab's hotfix is installed, whatever the file says.
    registry_trace: bool = False
    #: A rename that waits for the next boot and would replace a system file.
    pending_rename: bool = False
    #: Bytes that the LCS service (and, a third of it, lsass) loses in an hour.
    leak_per_hour: int = 0
    install_fault: InstallFault = InstallFault.NONE
    service_fault: ServiceFault = ServiceFault.NONE
    serving_fault: ServingFault = ServingFault.NONE
    #: A class of LCS whose WMI provider cannot be loaded; empty where all can.
    failing_class: str = ""
    #: The installer ignores that it was to keep a backup.
    no_rollback_folder: bool = False
    #: The Windows folder hands full control to everyone, and so do its children.
    open_staging: bool = False
    #: Whether its certutil knows ``-hashfile``; not sourced for this system.
    certutil_hashes: bool = True
    #: The clock moves by so many seconds half way through an installation.
    clock_step_seconds: float = 0.0
    #: RTCSRV or what stands in for it; empty when no LCS is installed.
    service_name: str = ""
    timing: Timing = field(default_factory=Timing)

    @property
    def fqdn(self) -> str:
        """The full name."""
        return f"{self.name}.{self.domain}"

    @property
    def service(self) -> tuple[str, str, str]:
        """Service, title and program of the installed LCS; empty without one."""
        if self.product == "none":
            return "", "", ""
        name, title, program = SERVICES.get(self.role, LCS_SERVICE)
        return self.service_name or name, title, program
