"""Who leaks: the MTLS graph crossed with SYN attack protection.

KB903927: the computer that *opens* an MTLS connection leaks when the other end, or
a firewall on the way, resets it because of SYN attack protection. So exposure is a
property of the graph. It is yes, no or unknown, and unknown is never taken for no
unless a policy says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.facts import (
    FactKind,
    FreshFacts,
    Lacking,
    OperatingSystem,
    SynProtection,
)
from orchestrator.domain.hotfix import ExposureRule, Hotfix, Platform
from orchestrator.domain.server import POOL_PREFIX, Inventory, Protection, Server

#: Versions of Windows for which the rule on an absent value is sourced.
SERVER_2003 = "5.2.3790"

#: The source of an edge that an operator has written down.
INVENTORY = "inventory"
#: Peers as the server's own classes name them, with what they call each.
Observed = Iterable[tuple[str, str]]


class AssumedPeers(StrEnum):
    """What a policy takes an unreadable peer or firewall for."""

    PROTECTED = "protected"
    UNPROTECTED = "unprotected"


@dataclass(frozen=True, slots=True)
class Shield:
    """What is known of the SYN attack protection of one end or firewall."""

    state: Protection
    why: str
    #: The fact that a survey would bring; then ``state`` means nothing yet.
    lacking: Lacking | None = None

    @property
    def unknown(self) -> bool:
        """Whether nobody can read it; what a survey would bring is not that."""
        return self.state is Protection.UNKNOWN and self.lacking is None


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a connection to a peer may be reset: the peer, or a firewall before it."""

    peer: str
    shield: Shield
    #: The firewall's name; ``None`` where the stop is the peer itself.
    firewall: str | None = None
    #: Who says that the server opens MTLS to this peer.
    source: str = INVENTORY

    @property
    def name(self) -> str:
        """The stop in a reason."""
        before = f"firewall {self.firewall} before "
        return self.peer if self.firewall is None else before + self.peer

    @property
    def told(self) -> str:
        """The stop and its protection; whoever names the peer, if not the inventory."""
        by = "" if self.source.startswith(INVENTORY) else f" ({self.source})"
        return f"{self.name}{by}: {self.shield.why}"


@dataclass(frozen=True, slots=True)
class Exposed:
    """Some connection that the server opens meets protection."""

    path: str
    #: Who says that it opens this connection; empty where the path needs no peer.
    source: str = ""


@dataclass(frozen=True, slots=True)
class NotExposed:
    """Every connection that it opens is known to meet none."""

    why: str


@dataclass(frozen=True, slots=True)
class ExposureUnknown:
    """A peer or firewall that nobody can read stands in the way of a no."""

    why: str


@dataclass(frozen=True, slots=True)
class ExposureLacking:
    """A peer of the inventory was not surveyed, or too long ago."""

    facts: tuple[Lacking, ...]


Exposure = Exposed | NotExposed | ExposureUnknown | ExposureLacking


def shield_of(system: OperatingSystem, syn: SynProtection) -> Shield:
    """A server's protection by the sourced rule.

    An explicit 0 is off, 1 and 2 are on. Absent means on from Service Pack 1 and on
    x64 (KB903927, KB899599: the value must be created as 0 to turn it off), off on
    x86 without a service pack. For other versions of Windows the meaning of an
    absent value was not sourced.
    """
    if syn.value is not None:
        return _explicit(syn.value)
    if system.version != SERVER_2003:
        return Shield(
            Protection.UNKNOWN, f"SynAttackProtect absent on Windows {system.version}"
        )
    if system.service_pack >= 1 or system.platform is not Platform.X86:
        return Shield(Protection.ON, "SynAttackProtect absent, on by default")
    return Shield(Protection.OFF, "SynAttackProtect absent, off without SP1")


def observed_shield(server: str, facts: FreshFacts) -> Shield:
    """A server's protection from what was observed of it."""
    syn = facts.value(FactKind.SYN_PROTECTION, SynProtection)
    if isinstance(syn, Lacking):
        return _dark(server, FactKind.SYN_PROTECTION, syn, facts)
    if syn.value is not None:
        return _explicit(syn.value)
    system = facts.value(FactKind.OPERATING_SYSTEM, OperatingSystem)
    if isinstance(system, Lacking):
        return _dark(server, FactKind.OPERATING_SYSTEM, system, facts)
    return shield_of(system, syn)


def _explicit(value: int) -> Shield:
    state = Protection.OFF if value == 0 else Protection.ON
    return Shield(state, f"SynAttackProtect is {value}")


def _dark(server: str, kind: FactKind, lacking: Lacking, facts: FreshFacts) -> Shield:
    """No answer: nobody can read it, or else a survey would bring it."""
    if facts.nobody_can_read(kind):
        return Shield(Protection.UNKNOWN, str(lacking))
    wanted = Lacking(f"{lacking.fact} of peer {server}", lacking.why)
    return Shield(Protection.UNKNOWN, str(lacking), wanted)


@dataclass(frozen=True, slots=True)
class Topology:
    """The inventory with the protection of each of its servers."""

    inventory: Inventory
    shields: Mapping[str, Shield]
    assume: AssumedPeers | None = None

    def exposure_of(
        self, hotfix: Hotfix, server: Server, also: Observed = ()
    ) -> Exposure:
        """Whether a server opens MTLS into protection.

        Args:
            hotfix: whose rule of exposure counts.
            server: the one that opens the connections.
            also: further peers, as the server's own classes list them.
        """
        if hotfix.exposure is ExposureRule.ALWAYS:
            return Exposed(f"{hotfix.article} applies without a peer")
        stops = self.stops(server, also)
        for stop in stops:
            shield = stop.shield
            if self._counts_as_on(shield):
                assumed = ", assumed protected" if shield.unknown else ""
                path = f"{server.name} → {stop.told}{assumed}"
                return Exposed(path, stop.source)
        lacking = tuple(stop.shield.lacking for stop in stops if stop.shield.lacking)
        if lacking:
            return ExposureLacking(lacking)
        unknown = [stop.told for stop in stops if stop.shield.unknown]
        if unknown and self.assume is None:
            return ExposureUnknown("; ".join(unknown))
        peers = {stop.peer for stop in stops}
        return NotExposed(_no_exposure(len(peers), unknown))

    def stops(self, server: Server, also: Observed = ()) -> tuple[Stop, ...]:
        """Every place where a connection that a server opens may be reset.

        Args:
            server: the one that opens the connections.
            also: further peers, as the server's own classes list them.
        """
        return tuple(
            stop
            for peer, source in peers_of(self.inventory, server, also).items()
            for stop in self._way(server, peer, source)
        )

    def _counts_as_on(self, shield: Shield) -> bool:
        if shield.unknown:
            return self.assume is AssumedPeers.PROTECTED
        return shield.state is Protection.ON

    def _way(self, server: Server, peer: str, source: str) -> list[Stop]:
        """The peer itself and each firewall between, with their protection."""
        firewalls = [
            Stop(
                peer,
                Shield(wall.syn_protection, f"inventory says {wall.syn_protection}"),
                wall.name,
                source,
            )
            for wall in self.inventory.firewalls
            if self._stands_between(wall.between, server, peer)
        ]
        return [Stop(peer, self._peer_shield(peer), source=source), *firewalls]

    def _peer_shield(self, peer: str) -> Shield:
        known = self.inventory.servers.get(peer)
        if known is not None:
            return self._surveyed_shield(known)
        outside = self.inventory.external_peers.get(peer)
        if outside is None:
            return Shield(Protection.UNKNOWN, "not in the inventory")
        return Shield(
            outside.syn_protection, f"inventory says {outside.syn_protection}"
        )

    def _surveyed_shield(self, peer: Server) -> Shield:
        never = Lacking(f"syn-protection of peer {peer.name}", "never read")
        shield = self.shields.get(
            peer.name, Shield(Protection.UNKNOWN, "never surveyed", never)
        )
        if peer.retired and shield.lacking:
            return Shield(Protection.UNKNOWN, "retired, no survey will read it")
        return shield

    def _stands_between(self, ends: tuple[str, str], server: Server, peer: str) -> bool:
        known = self.inventory.servers.get(peer)
        here = {server.name, server.site}
        there = {peer, known.site} if known else {peer}
        first, second = ends
        return (first in here and second in there) or (
            second in here and first in there
        )


def peers_of(
    inventory: Inventory, server: Server, also: Observed = ()
) -> Mapping[str, str]:
    """Each peer that a server opens MTLS to, pools resolved, and who says so."""
    sources: dict[str, dict[str, None]] = {}
    for peer, source in (*((one, INVENTORY) for one in server.mtls_peers), *also):
        for name in _resolved(inventory, peer):
            sources.setdefault(name, {})[source] = None
    sources.pop(server.name, None)
    return {name: ", ".join(found) for name, found in sources.items()}


def _resolved(inventory: Inventory, peer: str) -> list[str]:
    """A pool's members; one without any is unknown, never a peer the less."""
    pool = peer.removeprefix(POOL_PREFIX)
    members = inventory.members(pool) if pool != peer else ()
    return [one.name for one in members] or [peer]


def _no_exposure(peers: int, unknown: list[str]) -> str:
    if not peers:
        return "opens MTLS to no peer"
    assumed = f"; assumed unprotected: {'; '.join(unknown)}" if unknown else ""
    return f"no protection at or before its {peers} MTLS peer(s){assumed}"
