"""The service's own configuration, readable like on a real host (4.2.1)."""

from __future__ import annotations

from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.answers import element
from orchestrator.lab.wsman.envelope import Request
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.personality import Personality


async def get(host: Host, _caller: Caller, _request: Request) -> str:
    """Answer ``winrm/config`` with the limits that are in force."""
    limits = host.personality
    inside = (
        _numbers(_top(limits))
        + element("cfg:Service", _numbers(_service(limits)))
        + element("cfg:Winrs", _numbers(_winrs(limits)))
    )
    return element("cfg:Config", inside, {"xmlns:cfg": v.CONFIG})


def _numbers(values: dict[str, float | None]) -> str:
    return "".join(
        element(f"cfg:{key}", str(round(value)))
        for key, value in values.items()
        if value is not None
    )


def _top(limits: Personality) -> dict[str, float | None]:
    return {
        "MaxEnvelopeSizekb": limits.max_envelope_kb,
        "MaxTimeoutms": limits.max_timeout_s * 1000,
        "MaxBatchItems": limits.max_batch_items,
    }


def _service(limits: Personality) -> dict[str, float | None]:
    return {
        "MaxConcurrentOperations": limits.max_operations,
        "EnumerationTimeoutms": limits.enumeration_timeout_s * 1000,
        "MaxConnections": limits.max_connections,
    }


def _winrs(limits: Personality) -> dict[str, float | None]:
    return {
        "IdleTimeout": limits.shell_idle_s * 1000,
        "MaxConcurrentUsers": limits.max_shell_users,
        "MaxShellsPerUser": limits.max_shells_per_user,
    }
