"""What an inventory file may hold; checked part by part, before references."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rruleset, rrulestr
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from orchestrator.documents.validation import Matching
from orchestrator.domain.server import Protection, Role

MAX_SERVERS = 20_000
MAX_OTHERS = 5_000  # pools, sites, peers, firewalls, windows or freezes
MAX_PEERS = 1_000  # of one server
MAX_LABELS = 64
MAX_NAME = 253  # characters, as in DNS
MAX_WINDOW_MINUTES = 7 * 24 * 60
MAX_RULE = 500  # characters of a recurrence rule

_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")


def _address(text: str) -> str:
    """A DNS name or an IP address; anything else could steer a URL."""
    if _HOST.fullmatch(text) and len(text) <= MAX_NAME:
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("a DNS name or an IP address") from None


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Berlin or UTC") from None
    return text


def _local_time(text: str) -> str:
    """Kept as text: the time zone is that of each server's site."""
    wanted = "a local time without an offset such as 2026-01-31T22:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(wanted) from None
    if moment.tzinfo is not None:
        raise ValueError(wanted)
    return moment.isoformat(timespec="minutes")


def _rule(text: str) -> str:
    """One RFC 5545 rule that recurs daily or less often."""
    wanted = "one RFC 5545 rule such as FREQ=WEEKLY;BYDAY=SA, daily at most"
    bare = text.upper().removeprefix("RRULE:")
    if not re.match(r"[^\n]*FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)\b[^\n]*\Z", bare):
        raise ValueError(wanted)
    if re.search(r"INTERVAL=0*(?:;|\Z)", bare):
        raise ValueError("an INTERVAL of at least 1")  # dateutil would never return
    try:
        recurs = _ever_recurs(bare)
    except Exception as error:
        # dateutil raises a different kind for each way to be wrong.
        raise ValueError(wanted) from error
    if not recurs:
        raise ValueError("a rule that some day fulfils")
    return bare


def _ever_recurs(rule: str) -> bool:
    """Whether some day fulfils it; the last 40 years of dateutil's calendar tell.

    An impossible rule is searched up to the year 9999, so the search begins late.
    """
    parsed = rrulestr(rule, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 -- local times
    if isinstance(parsed, rruleset):
        raise TypeError("several rules at once")
    late = parsed.replace(
        dtstart=datetime(9960, 1, 1),  # noqa: DTZ001 -- local times
        interval=1,
        count=None,
        until=None,
    )
    return next(iter(late), None) is not None


def _on_off(value: Any) -> Any:
    """YAML 1.1 tools write ``on`` and ``off`` as true and false."""
    match value:
        case True:
            return "on"
        case False:
            return "off"
        case str():
            word = value.strip().lower()
            return {"true": "on", "false": "off"}.get(word, word)
        case _:
            return value


def _split(value: Any) -> Any:
    """A CSV cell holds several values separated by semicolons."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return value


def _split_labels(value: Any) -> Any:
    """A CSV cell holds labels as ``name=value``, separated by semicolons."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in _split(value)]
    if not all(mark for _, mark, _ in pairs):
        raise ValueError("labels as name=value, separated by semicolons")
    return {name.strip(): text.strip() for name, _, text in pairs}


_PLAIN = r"\w(?:[\w .-]*[\w.-])?"
_NAME_LENGTH = Field(max_length=MAX_NAME)
HostName = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*",
        "a host name of letters, digits, dots, hyphens and underscores",
    ),
    _NAME_LENGTH,
]
#: Nothing that a shell, a log or a terminal acts on.
Name = Annotated[
    str,
    Matching(_PLAIN, "a name of letters, digits, blanks, dots, hyphens"),
    _NAME_LENGTH,
]
Reference = Annotated[
    str,
    Matching(rf"\*|(?:(?:pool|site):)?{_PLAIN}", "a name, pool:NAME, site:NAME or *"),
    _NAME_LENGTH,
]
CredentialName = Annotated[
    str, Matching(r"[a-z0-9-]{1,64}", "up to 64 of a-z, 0-9 and hyphen")
]
Product = Annotated[
    str, Matching(r"[a-z0-9][a-z0-9.-]{0,63}", "a product such as lcs-2005-sp1")
]
Address = Annotated[str, AfterValidator(_address), Field(max_length=MAX_NAME)]
Port = Annotated[int, Field(ge=1, le=65_535)]
LocalTime = Annotated[str, AfterValidator(_local_time), Field(max_length=32)]
Sentence = Annotated[
    str, Matching(r"[^\x00-\x1f\x7f-\x9f]{1,500}", "one line of at most 500 characters")
]
LabelName = Annotated[
    str, Matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a label of letters and digits")
]
LabelValue = Annotated[
    str, Matching(r"[\w .:@/+-]{0,256}", "letters, digits, blanks and . : @ / + -")
]
SynProtection = Annotated[Protection, BeforeValidator(_on_off)]


class Part(BaseModel):
    """What all parts have in common."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SiteEntry(Part):
    """A place with its own network, time zone and limits."""

    name: Name
    time_zone: Annotated[
        str, AfterValidator(_time_zone), Field(max_length=64, description="IANA name")
    ] = "UTC"
    credential: CredentialName | None = None
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] | None = None


class LinkEntry(Part):
    """A line that one or more sites share."""

    name: Name
    sites: Annotated[list[Name], Field(min_length=1, max_length=MAX_OTHERS)]
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)]


class PoolEntry(Part):
    """Servers that stand in for one another."""

    name: Name
    site: Name
    max_unavailable: Annotated[int, Field(ge=1, le=1_000)] = 1
    credential: CredentialName | None = None


class PeerEntry(Part):
    """A peer that is not ours to survey."""

    name: HostName
    syn_protection: SynProtection = Protection.UNKNOWN


class FirewallEntry(Part):
    """A firewall between two ends: sites, servers or outside peers."""

    name: Name
    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    syn_protection: SynProtection = Protection.UNKNOWN


class EndpointEntry(Part):
    """Where WinRM listens."""

    address: Address
    port: Port | None = None
    tls: bool = False


class ServerEntry(Part):
    """One server; its name is its identity in every record."""

    name: HostName
    fqdn: Annotated[HostName | None, Field(description="its DNS name")] = None
    address: Address | None = None
    port: Port | None = None
    tls: bool | None = None
    endpoint: Annotated[
        EndpointEntry | None, Field(description="instead of address, port and tls")
    ] = None
    site: Annotated[Name | None, Field(description="default: the pool's site")] = None
    pool: Name | None = None
    role: Role
    product: Product
    edition: Literal["", "standard", "enterprise"] = ""
    mtls_peers: Annotated[
        list[Reference], BeforeValidator(_split), Field(max_length=MAX_PEERS)
    ] = []
    credential: CredentialName | None = None
    users: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    labels: Annotated[
        dict[LabelName, LabelValue],
        BeforeValidator(_split_labels),
        Field(max_length=MAX_LABELS),
    ] = {}

    @model_validator(mode="before")
    @classmethod
    def _name_from_fqdn(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name") and data.get("fqdn"):
            return {**data, "name": data["fqdn"]}
        return data

    @model_validator(mode="after")
    def _one_endpoint(self) -> ServerEntry:
        if self.endpoint and (self.address or self.port or self.tls is not None):
            raise ValueError("either 'endpoint' or 'address', 'port' and 'tls'")
        return self


class WindowEntry(Part):
    """When servers may be changed."""

    name: Name
    applies_to: Reference
    start: LocalTime
    rrule: Annotated[str, AfterValidator(_rule), Field(max_length=MAX_RULE)]
    minutes: Annotated[int, Field(ge=1, le=MAX_WINDOW_MINUTES)]


class FreezeEntry(Part):
    """A time in which nothing may be changed."""

    name: Name
    applies_to: Reference
    start: LocalTime
    end: LocalTime
    reason: Sentence

    @model_validator(mode="after")
    def _ends_later(self) -> FreezeEntry:
        if self.end <= self.start:
            raise ValueError("an 'end' later than the 'start'")
        return self


Others = Field(max_length=MAX_OTHERS)


class InventoryFile(Part):
    """An estate: sites, pools, servers, and what lies between them."""

    sites: Annotated[list[SiteEntry], Others] = []
    links: Annotated[list[LinkEntry], Others] = []
    pools: Annotated[list[PoolEntry], Others] = []
    external_peers: Annotated[list[PeerEntry], Others] = []
    firewalls: Annotated[list[FirewallEntry], Others] = []
    servers: Annotated[list[ServerEntry], Field(max_length=MAX_SERVERS)]
    windows: Annotated[list[WindowEntry], Others] = []
    freezes: Annotated[list[FreezeEntry], Others] = []
