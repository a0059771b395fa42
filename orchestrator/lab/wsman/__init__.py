"""The WinRM service of the simulated estate.

It speaks WS-Management over HTTP as WinRM 1.1 on Windows Server 2003 SP1 does, with
the personalities of 2.0 and 0.5 besides, for any number of computers
(:class:`orchestrator.lab.machine.Computer`) in one process.
"""

from orchestrator.lab.wsman.endpoint import Endpoint, Faults, JournalEntry, Reply
from orchestrator.lab.wsman.personality import (
    WINRM_0_5,
    WINRM_1_1,
    WINRM_2_0,
    Personality,
)
from orchestrator.lab.wsman.service import Listener, Service, ServiceError

__all__ = [
    "WINRM_0_5",
    "WINRM_1_1",
    "WINRM_2_0",
    "Endpoint",
    "Faults",
    "JournalEntry",
    "Listener",
    "Personality",
    "Reply",
    "Service",
    "ServiceError",
]
