"""The estate as the inventory describes it: servers, pools, sites, paths between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

#: Before the name of a pool where a server could stand too.
POOL_PREFIX = "pool:"


class Role(StrEnum):
    """What a Live Communications Server does in its estate."""

    STANDARD = "standard"
    FRONT_END = "front-end"
    ACCESS_PROXY = "access-proxy"
    PROXY = "proxy"
    DIRECTOR = "director"
    ARCHIVING = "archiving"
    OTHER = "other"


class Protection(StrEnum):
    """What is known of SYN attack protection on a firewall or an outside peer."""

    ON = "on"
    OFF = "off"
    #: Nobody can read it.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server's WinRM service listens.

    Without a port the connection is looked for on the configured ladder of ports.
    """

    address: str
    port: int | None = None
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the estate. ``name`` is its identity in every record."""

    name: str
    endpoint: Endpoint
    site: str
    role: Role
    #: Product name as in a definition, for example ``lcs-2005-sp1``.
    product: str
    #: ``standard`` or ``enterprise``; empty where it does not apply.
    edition: str = ""
    pool: str | None = None
    #: Names of servers, ``pool:NAME`` or outside peers that it opens MTLS to.
    mtls_peers: tuple[str, ...] = ()
    #: The name of a credential; the secret itself is never in the inventory.
    credential: str | None = None
    users: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    retired: bool = False

    @property
    def has_dns_name(self) -> bool:
        """Whether its address is a full DNS name, so that it has no other."""
        address = self.endpoint.address
        return "." in address and not address.replace(".", "").isdecimal()


@dataclass(frozen=True, slots=True)
class Pool:
    """Servers that stand in for one another."""

    name: str
    site: str
    #: How many members may be away at once; a pool of one included.
    max_unavailable: int = 1
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place with its own network, time zone and limits."""

    name: str
    time_zone: str = "UTC"
    credential: str | None = None
    #: How many of its servers may be worked on at once; ``None`` for no own limit.
    max_concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A line to one or more sites, which their servers share."""

    name: str
    sites: tuple[str, ...]
    #: How many servers behind it may be worked on at once.
    max_concurrent: int


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall between two ends, each a site, a server or an outside peer."""

    name: str
    between: tuple[str, str]
    syn_protection: Protection


@dataclass(frozen=True, slots=True)
class ExternalPeer:
    """A peer that is not ours to survey, such as a federated partner."""

    name: str
    syn_protection: Protection = Protection.UNKNOWN


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """When servers may be changed: a recurrence rule (RFC 5545) and a length."""

    name: str
    #: ``site:NAME``, ``pool:NAME``, a server's name, or ``*`` for all.
    applies_to: str
    #: Local start of the first occurrence, ISO 8601 without an offset.
    start: str
    rrule: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing may be changed; local times of the site."""

    name: str
    applies_to: str
    start: str
    end: str
    reason: str


@dataclass(frozen=True)
class Inventory:
    """The whole estate at one moment. Without slots: it remembers its pools."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    firewalls: tuple[Firewall, ...] = ()
    external_peers: Mapping[str, ExternalPeer] = field(default_factory=dict)
    windows: tuple[MaintenanceWindow, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    links: tuple[Link, ...] = ()

    def end(self, fqdn: str) -> str:
        """What a DNS name stands for: a server, an outside peer or ``pool:NAME``.

        DNS ignores case. A first label alone tells a server whose own DNS name the
        inventory lacks. A name that stands for nothing is given back.
        """
        name = fqdn.casefold()
        host = self._ends.get(name.partition(".")[0])
        server = self.servers.get(host or "")
        elsewhere = server is not None and server.has_dns_name
        return self._ends.get(name) or (host if host and not elsewhere else fqdn)

    @cached_property
    def _ends(self) -> Mapping[str, str]:
        servers = self.servers.values()
        named = {one.endpoint.address: one.name for one in servers if one.has_dns_name}
        known = {pool: POOL_PREFIX + pool for pool in self.pools} | named
        known |= {name: name for name in (*self.external_peers, *self.servers)}
        return {name.casefold(): end for name, end in known.items()}

    def active(self) -> tuple[Server, ...]:
        """The servers that are not retired, by name."""
        return tuple(
            self.servers[name]
            for name in sorted(self.servers)
            if not self.servers[name].retired
        )

    def members(self, pool: str) -> tuple[Server, ...]:
        """The active servers of a pool, by name."""
        return self._members.get(pool, ())

    @cached_property
    def _members(self) -> Mapping[str, tuple[Server, ...]]:
        found: dict[str, list[Server]] = {}
        for server in self.active():
            if server.pool is not None:
                found.setdefault(server.pool, []).append(server)
        return {pool: tuple(members) for pool, members in found.items()}

    def credential_of(self, server: Server) -> str | None:
        """The server's credential name, else its pool's, else its site's."""
        pool = self.pools.get(server.pool or "")
        site = self.sites.get(server.site)
        named = (server, pool, site)
        return next(
            (owner.credential for owner in named if owner and owner.credential), None
        )
