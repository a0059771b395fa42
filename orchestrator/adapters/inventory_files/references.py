"""Checks across the parts of an inventory: doubled names and dangling references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from orchestrator.adapters.inventory_files.models import InventoryFile, ServerEntry
from orchestrator.application.ports.files import Problem
from orchestrator.documents.document import Document, Location, shown


class _Named(Protocol):
    """Any part with a name."""

    name: str


class References:
    """Finds parts by name, ignoring case, and collects what is wrong.

    Windows, DNS and Active Directory ignore case, so ``LCS01`` and ``lcs01`` are one
    server. Each name is answered in the spelling of its own entry.
    """

    def __init__(self, file: InventoryFile, document: Document) -> None:
        """Index every name."""
        self._document = document
        self.problems: list[Problem] = []
        self._sites = self._index("sites", file.sites)
        self._pools = self._index("pools", file.pools)
        self._servers = self._index("servers", file.servers)
        self._peers = self._index("external_peers", file.external_peers)
        for section in ("firewalls", "links", "windows", "freezes"):
            self._index(section, getattr(file, section))
        self._pool_sites = {pool.name: pool.site for pool in file.pools}
        self._alias_servers(file.servers)
        self._apart()
        self._opposite = {**self._peers, **self._servers}
        self._ends = {**self._opposite, **self._sites}

    def place_of(self, server: ServerEntry, number: int) -> tuple[str, str | None]:
        """Site and pool of a server; the pool's site is the default and must agree."""
        at: Location = ("servers", number, "site")
        pool = self.pool(server.pool, ("servers", number, "pool"))
        pool_site = self._find(self._sites, self._pool_sites.get(pool or "", ""))
        if server.site is None:
            if pool is None:
                self._add(at, "nothing", "a site, or a pool that has one")
            return pool_site or "", pool
        site = self.site(server.site, at)
        if pool_site and site != pool_site:
            expected = f"{pool_site!r}, the site of its pool {pool!r}"
            self._add(at, shown(server.site), expected)
        return site, pool

    def site(self, name: str, at: Location) -> str:
        """A site in its own spelling."""
        return self._need(self._sites, name, at, "the name of a site under 'sites'")

    def pool(self, name: str | None, at: Location) -> str | None:
        """A pool in its own spelling."""
        if name is None:
            return None
        return self._need(self._pools, name, at, "the name of a pool under 'pools'")

    def peer(self, name: str, at: Location) -> str:
        """A server, ``pool:NAME`` or an outside peer."""
        if name.startswith("pool:"):
            return f"pool:{self.pool(name.removeprefix('pool:'), at)}"
        return self._need(
            self._opposite, name, at, "a server, pool:NAME or external peer"
        )

    def end(self, name: str, at: Location) -> str:
        """An end of a firewall: a site, a server or an outside peer."""
        expected = "a site, a server or an external peer"
        return self._need(self._ends, name, at, expected)

    def scope(self, name: str, at: Location) -> str:
        """What a window or a freeze applies to."""
        kind, colon, rest = name.partition(":")
        match kind if colon else name:
            case "*":
                return name
            case "site" if colon:
                return f"site:{self.site(rest, at)}"
            case "pool" if colon:
                return f"pool:{self.pool(rest, at)}"
            case _:
                expected = "*, site:NAME, pool:NAME or a server"
                return self._need(self._servers, name, at, expected)

    def _index(self, section: str, parts: Iterable[_Named]) -> dict[str, str]:
        known: dict[str, str] = {}
        for number, part in enumerate(parts):
            folded = part.name.casefold()
            if folded in known:
                found = f"{shown(part.name)} twice (case does not count)"
                self._add((section, number, "name"), found, "each name once")
            known.setdefault(folded, part.name)
        return known

    def _alias_servers(self, servers: Iterable[ServerEntry]) -> None:
        """A server is also found by its DNS name."""
        for number, server in enumerate(servers):
            folded = (server.fqdn or server.name).casefold()
            owner = self._servers.setdefault(folded, server.name)
            if owner.casefold() != server.name.casefold():
                expected = f"a name that server {owner!r} does not have"
                self._add(("servers", number, "fqdn"), shown(server.fqdn), expected)

    def _apart(self) -> None:
        """A firewall's end is a bare name, so it must mean one thing only."""
        kinds = (("sites", self._sites), ("external_peers", self._peers))
        for section, names in kinds:
            others = self._servers if section == "sites" else self._sites
            for folded in names.keys() & {**self._servers, **others}.keys():
                number = list(names).index(folded)
                expected = "a name that no server, site or other peer has"
                found = shown(names[folded])
                self._add((section, number, "name"), found, expected)

    def _need(
        self, known: dict[str, str], name: str, at: Location, expected: str
    ) -> str:
        found = self._find(known, name)
        if found is None:
            self._add(at, shown(name), expected, "add it, or correct the name")
        return found or name

    def _find(self, known: dict[str, str], name: str) -> str | None:
        return known.get(name.casefold())

    def _add(self, at: Location, found: str, expected: str, hint: str = "") -> None:
        where = self._document.where(at)
        self.problems.append(Problem(where, found, expected, hint))


def peers_of(server: ServerEntry, number: int, references: References) -> Iterator[str]:
    """The server's MTLS peers, each once."""
    seen: set[str] = set()
    for place, name in enumerate(server.mtls_peers):
        peer = references.peer(name, ("servers", number, "mtls_peers", place))
        if peer not in seen:
            seen.add(peer)
            yield peer
