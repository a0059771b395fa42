"""An estate of simulated servers: who there is, who talks to whom, who is odd."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import pairwise
from random import Random

from orchestrator.lab.scenario import Assignment, Scenario, ScenarioError
from orchestrator.lab.traits import Wire, apply
from orchestrator.lab.windows.profile import Profile, Role

CELL = 8
"""Servers in a cell: a pool of five front ends and three servers of other roles."""

FRONT_ENDS = 5
PORT = 5985
DOMAIN = "lab.example"
CREDENTIAL = "lab"
ACCOUNT = "LAB\\operator"
"""The account that every simulated server lets in."""

_ALONE: tuple[tuple[tuple[str, Role], ...], ...] = (
    (("dir", "director"), ("ap", "access-proxy"), ("arc", "archiving")),
    (("dir", "director"), ("ap", "access-proxy"), ("arc", "archiving")),
    (("se1", "standard"), ("se2", "standard"), ("se3", "standard")),
)
_LAST_HOST = 250
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One server: the computer, its wire, its place and whom it opens MTLS to."""

    profile: Profile
    wire: Wire
    site: str
    peers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The server's name."""
        return self.profile.name


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall between two sites."""

    name: str
    between: tuple[str, str]
    syn_protection: bool


@dataclass(frozen=True, slots=True)
class Estate:
    """All servers, by cell and place in it."""

    seed: int
    scenario: Scenario
    members: tuple[Member, ...]
    firewalls: tuple[Firewall, ...]

    def find(self, name: str) -> Member:
        """A server by its name.

        Raises:
            KeyError: there is none of that name.
        """
        return {member.name: member for member in self.members}[name]


def build(scenario: Scenario, seed: int, password: str) -> Estate:
    """The estate of a scenario; the same seed gives the same one.

    Raises:
        ScenarioError: a trait is for a server that the estate does not have.
    """
    plain = [
        _member(index, scenario, seed, password) for index in range(scenario.servers)
    ]
    names = [member.name for member in plain]
    chosen = [
        _chosen(row, at, names, seed) for at, row in enumerate(scenario.assignments)
    ]
    members = [_with_traits(one, scenario, chosen) for one in plain]
    sites = sorted({member.site for member in members})
    firewalls = tuple(
        Firewall(f"fw-{one}-{other}", (one, other), syn_protection=True)
        for one, other in pairwise(sites)
    )
    members = _linked(members)
    return Estate(seed, scenario, tuple(_leaking(members, seed)), firewalls)


def address_of(index: int) -> str:
    """The loopback address of the server at a place of the estate."""
    network, place = divmod(index, _LAST_HOST)
    high, low = divmod(network, _LAST_HOST)
    return f"127.{20 + high}.{low}.{place + 1}"


def _member(index: int, scenario: Scenario, seed: int, password: str) -> Member:
    cell, place = divmod(index, CELL)
    number = f"{cell + 1:02d}"
    random = Random(f"{seed}/{index}")  # noqa: S311 -- repeatable, nothing secret
    domain, _, user = ACCOUNT.partition("\\")
    common = Profile(
        name="",
        domain=DOMAIN,
        address=address_of(index),
        accounts={f"{domain}\\{user}".lower(): password},
        uptime_hours=random.uniform(600, 900),
        service_age_hours=random.uniform(100, 300),
        free_megabytes=random.randrange(3000, 12_000),
        timing=scenario.timing,
        product=("lcs-2005-sp1", "lcs-2005", "lcs-2005-sp1")[cell % 3],
    )
    if place < FRONT_ENDS:
        profile = replace(
            common,
            name=f"lcs{number}fe{place + 1}",
            role="front-end",
            edition="enterprise",
            pool=f"pool-{number}",
        )
    else:
        word, role = _ALONE[cell % 3][place - FRONT_ENDS]
        profile = replace(common, name=f"lcs{number}{word}", role=role)
        if word == "se3":
            profile = replace(profile, product="lcs-2003")
    return Member(profile, Wire(), f"site-{cell % scenario.sites + 1}", ())


def _chosen(row: Assignment, at: int, names: list[str], seed: int) -> frozenset[str]:
    """The servers that an assignment is for."""
    if not row.servers:
        ranked = sorted(names, key=lambda name: _rank(f"{seed}/{at}/{name}"))
        return frozenset(ranked[: round(row.share * len(names))])
    found: set[str] = set()
    for pattern in row.servers:
        hits = {name for name in names if fnmatchcase(name, pattern)}
        if not hits and len(names) >= 3 * CELL:
            raise ScenarioError(
                f"traits[{at}]: {row.trait}: no server {pattern!r} in an estate of"
                f" {len(names)}; names are such as {names[0]} and {names[-1]}"
            )
        found |= hits
    return frozenset(found)


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _with_traits(
    member: Member, scenario: Scenario, chosen: list[frozenset[str]]
) -> Member:
    profile, wire = member.profile, member.wire
    for row, names in zip(scenario.assignments, chosen, strict=True):
        if member.name in names:
            profile, wire = apply(row.trait, row.value, profile, wire)
    return replace(member, profile=profile, wire=wire)


def _linked(members: list[Member]) -> list[Member]:
    cells = -(-len(members) // CELL)
    roles = {member.name: member.profile.role for member in members}
    linked = []
    for index, member in enumerate(members):
        peers = tuple(
            name
            for name in dict.fromkeys(_peers(member.name, index // CELL, cells))
            if name in roles and name != member.name
        )
        first = index // CELL * CELL
        pool = members[first : first + FRONT_ENDS]
        profile = replace(
            member.profile,
            trusted_servers=tuple(f"{name}.{DOMAIN}" for name in peers),
            next_hop=f"{peers[0]}.{DOMAIN}" if peers else "",
            edge_proxies=_full(peers, roles, "access-proxy"),
            proxies=_full(peers, roles, "proxy"),
            pool_members=tuple(one.profile.fqdn for one in pool)
            if member.profile.pool
            else (),
        )
        linked.append(replace(member, profile=profile, peers=peers))
    return linked


def _full(
    peers: tuple[str, ...], roles: Mapping[str, Role], role: Role
) -> tuple[str, ...]:
    return tuple(f"{name}.{DOMAIN}" for name in peers if roles[name] == role)


def _peers(name: str, cell: int, cells: int) -> Iterator[str]:
    """Whom a server opens MTLS to: its director, its proxy, the next pool."""
    own, following = f"lcs{cell + 1:02d}", f"lcs{(cell + 1) % cells + 1:02d}"
    word = name.removeprefix(own)
    match word:
        case "arc":
            return
        case "dir":
            yield from (f"{own}fe1", f"{own}fe2", f"{own}ap")
        case "ap":
            yield from (f"{own}dir", f"{following}ap")
        case "se3":
            yield from (f"{own}se1", f"{own}se2")
        case "se1" | "se2":
            yield from ("lcs01dir", f"{own}se3")
        case _:
            yield from (f"{own}dir", f"{following}fe1", f"{following}fe2")


def _leaking(members: list[Member], seed: int) -> Iterator[Member]:
    """Servers that open MTLS into protection lose memory, each at its pace."""
    protected = {
        member.name for member in members if member.profile.syn_attack_protect != 0
    }
    sites = {member.name: member.site for member in members}
    for member in members:
        fellows = [full.partition(".")[0] for full in member.profile.pool_members]
        exposed = any(
            peer in protected or sites[peer] != member.site
            for peer in {*member.peers, *fellows} - {member.name}
        )
        if exposed and not member.profile.leak_per_hour:
            pace = Random(f"{seed}/leak/{member.name}").uniform(0.5, 3.0)  # noqa: S311 -- repeatable, nothing secret
            leak = int(pace * _MEGABYTE) if member.profile.service_pack == 1 else 0
            yield replace(member, profile=replace(member.profile, leak_per_hour=leak))
        else:
            yield member
