r"""LCS 2005's own classes in root\cimv2, as its published WMI reference lists them.

LCS 2003 and computers without LCS do not have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_DNS, uuid5

from orchestrator.lab.machine import WBEM_E_PROVIDER_LOAD_FAILURE, WmiError
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.profile import ServingFault
from orchestrator.lab.windows.services import State
from orchestrator.lab.windows.wmi.model import Row, Rows, WmiClass, table
from orchestrator.lab.windows.wql import Condition

SIP_TCP, SIP_TLS = 5060, 5061
DEFAULT_TLS_COUNT = 40
_IN_POOL = ("standard", "front-end", "director")
_AGENT = "Archiving Agent"
_AT_EDGE = ("access-proxy", "proxy")


def _has_lcs_2005(host: Host) -> bool:
    return host.profile.product in (
        "lcs-2005",
        "lcs-2005-sp1",
    ) and host.profile.role != ("archiving")


def _ident(host: Host, what: str) -> str:
    return f"{{{str(uuid5(NAMESPACE_DNS, f'{what}.{host.profile.fqdn}')).upper()}}}"


def _minor(host: Host) -> int:
    return int(host.profile.product == "lcs-2005-sp1")


def _pool(host: Host, _: Condition | None) -> Iterator[Row]:
    profile = host.profile
    if profile.role not in _IN_POOL:
        return
    name = profile.pool or profile.name
    yield {
        "InstanceID": _ident(host, "pool"),
        "BackEndDBPath": _backend(host),
        "MajorVersion": 2,
        "MinorVersion": _minor(host),
        "PoolDisplayName": name,
        "PoolDN": f"CN={name},CN=Pools,CN=RTC Service,CN=Microsoft,CN=System",
        "PoolFQDN": f"{name}.{profile.domain}",
        "PoolMemberList": list(profile.pool_members) or [profile.fqdn],
        "PoolType": "Enterprise" if profile.edition == "enterprise" else "Standard",
    }


def _backend(host: Host) -> str:
    profile = host.profile
    if profile.role in _AT_EDGE:
        return ""
    if profile.edition == "enterprise":
        return f"{profile.pool or profile.name}-db.{profile.domain}\\rtc"
    return "(local)\\rtc"


def _listening(host: Host, _: Condition | None) -> Iterator[Row]:
    transports = ((SIP_TCP, "TCP"), (SIP_TLS, "TLS"))
    for port, transport in transports:
        tls = port == SIP_TLS
        yield {
            "InstanceID": _ident(host, f"listen-{port}"),
            "Enabled": True,
            "IPAddress": "*",
            "Port": port,
            "TransportType": transport,
            "TLSCertIssuer": [76, 97, 98] if tls else None,
            "TLSCertSN": [1, 2, 3] if tls else None,
            "TreatAllConnectionsAsServer": False,
        }


def _routing(host: Host, _: Condition | None) -> Iterator[Row]:
    yield {"InstanceID": _ident(host, "routing"), "DefaultPort": SIP_TLS}


def _trusted(host: Host, _: Condition | None) -> Iterator[Row]:
    for fqdn in host.profile.trusted_servers:
        yield {"InstanceID": _ident(host, fqdn), "FQDN": fqdn, "Version": 2}


def _edge_proxies(host: Host, _: Condition | None) -> Iterator[Row]:
    for fqdn in host.profile.edge_proxies:
        yield {"InstanceID": _ident(host, f"edge-{fqdn}"), "FQDN": fqdn}


def _proxies(host: Host, _: Condition | None) -> Iterator[Row]:
    for fqdn in host.profile.proxies:
        yield {"InstanceID": _ident(host, f"proxy-{fqdn}"), "FQDN": fqdn}


def _log(host: Host, _: Condition | None) -> Iterator[Row]:
    yield {
        "InstanceID": _ident(host, "log"),
        "Backend": _backend(host),
        "Critical": True,
    }


def _modules(host: Host, _: Condition | None) -> Iterator[Row]:
    for name in ("User Services", _AGENT, "Application Services"):
        down = ServingFault.MODULE if name == _AGENT else None
        started = _came_up(host, down)
        yield {
            "InstanceID": _ident(host, name),
            "ExecutionStatus": "Started" if started else "Stopped",
        }


def _came_up(host: Host, fault: ServingFault | None) -> bool:
    """Whether what a fault keeps down is up; it keeps down what was restarted."""
    service = host.services.find(host.profile.service[0])
    if service is None or service.state is not State.RUNNING:
        return False
    return host.profile.serving_fault is not fault or service.restarts == 0


def _applications(host: Host, _: Condition | None) -> Iterator[Row]:
    yield {
        "InstanceID": _ident(host, "application"),
        "Running": _came_up(host, ServingFault.APPLICATION),
    }


def _application_settings(host: Host, _: Condition | None) -> Iterator[Row]:
    yield {
        "InstanceID": _ident(host, "application"),
        "Critical": False,
        "Enabled": True,
        "Name": "Lab filter",
        "ScriptPath": "",
        "URI": "http://lab.example/filter",
    }


def _federation(host: Host, _: Condition | None) -> Iterator[Row]:
    profile = host.profile
    if profile.role in _AT_EDGE and profile.next_hop:
        yield {
            "InstanceID": _ident(host, "edge"),
            "IncomingTLSCountForNextHop": DEFAULT_TLS_COUNT,
            "InternalNextHop": profile.next_hop,
            "InternalNextHopPort": SIP_TLS,
            "OutgoingTLSCountForNextHop": DEFAULT_TLS_COUNT,
        }


def _lcs(name: str, properties: str, rows: Rows) -> WmiClass:
    def provided(host: Host, condition: Condition | None) -> Iterable[Row]:
        if host.profile.failing_class == name:
            raise WmiError(WBEM_E_PROVIDER_LOAD_FAILURE, "Provider load failure")
        return rows(host, condition)

    return table(name, "InstanceID", properties, provided, present=_has_lcs_2005)


CLASSES: tuple[WmiClass, ...] = (
    _lcs(
        "MSFT_SIPPoolSetting",
        "BackEndDBPath MajorVersion MinorVersion PoolDisplayName PoolDN PoolFQDN"
        " PoolMemberList PoolType",
        _pool,
    ),
    _lcs(
        "MSFT_SIPListeningAddressData",
        "Enabled IPAddress Port TransportType TLSCertIssuer TLSCertSN"
        " TreatAllConnectionsAsServer",
        _listening,
    ),
    _lcs("MSFT_SIPRoutingSetting", "DefaultPort", _routing),
    _lcs("MSFT_SIPESTrustedServerSetting", "FQDN Version", _trusted),
    _lcs("MSFT_SIPEdgeProxySetting", "FQDN", _edge_proxies),
    _lcs("MSFT_SIPProxyServerSetting", "FQDN", _proxies),
    _lcs("MSFT_SIPLogSetting", "Backend Critical", _log),
    _lcs("MSFT_SIPLoadedExtensionModuleElement", "ExecutionStatus", _modules),
    _lcs("MSFT_SIPApplicationElement", "Running", _applications),
    _lcs(
        "MSFT_SIPApplicationSetting",
        "Critical Enabled Name ScriptPath URI",
        _application_settings,
    ),
    _lcs(
        "MSFT_SIPFederationInternalEdgeSetting",
        "IncomingTLSCountForNextHop InternalNextHop InternalNextHopPort"
        " OutgoingTLSCountForNextHop",
        _federation,
    ),
)
