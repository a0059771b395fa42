"""Maintenance windows and freezes: when a server may be changed.

A window is a recurrence rule (RFC 5545) in the local time of the server's site and a
length. A server that no window names may be changed at any time. A freeze closes what
it names, windows or not. All answers are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from orchestrator.domain.server import Inventory, MaintenanceWindow, Server

#: How far ahead the next opening is looked for.
HORIZON = timedelta(days=400)
#: Occurrences that are looked at; a rule with more in the horizon is each minute.
MAX_OCCURRENCES = 10_000
#: Freezes and closed times in a row that are looked beyond.
MAX_CLOSURES = 100


@dataclass(frozen=True, slots=True)
class Open:
    """The server may be changed until then; ``None``: no window limits it."""

    until: datetime | None
    window: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """Outside every window; the next one, if there is any within the horizon."""

    opens: datetime | None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze forbids it until then."""

    name: str
    until: datetime
    reason: str


Opening = Open | Closed | Frozen


def opening(inventory: Inventory, server: Server, now: datetime) -> Opening:
    """Whether a server may be changed at a moment, and until when.

    A window that a freeze cuts ends where the freeze begins.
    """
    zone = zone_of(inventory, server)
    freezes = [
        (_utc(freeze.start, zone), _utc(freeze.end, zone), freeze)
        for freeze in inventory.freezes
        if _names(freeze.applies_to, server)
    ]
    for begins, ends, freeze in freezes:
        if begins <= now < ends:
            return Frozen(freeze.name, ends, freeze.reason)
    found = _window(inventory.windows, server, zone, now)
    if isinstance(found, Closed):
        return found
    ahead = [begins for begins, _, _ in freezes if begins > now]
    return _cut(found, min(ahead, default=None))


def next_open(inventory: Inventory, server: Server, now: datetime) -> datetime | None:
    """The first moment from now on at which a server may be changed, if any comes."""
    moment = now
    for _ in range(MAX_CLOSURES):
        match opening(inventory, server, moment):
            case Open():
                return moment
            case Frozen(until=until):
                moment = until
            case Closed(opens):
                if opens is None:
                    return None
                moment = opens
    return None


def zone_of(inventory: Inventory, server: Server) -> ZoneInfo:
    """The time zone of a server's site."""
    site = inventory.sites.get(server.site)
    return ZoneInfo(site.time_zone if site else "UTC")


def _cut(found: Open, freeze: datetime | None) -> Open:
    if freeze is None or (found.until is not None and found.until <= freeze):
        return found
    return Open(freeze, found.window)


def _names(applies_to: str, server: Server) -> bool:
    return applies_to in (
        "*",
        server.name,
        f"site:{server.site}",
        f"pool:{server.pool}",
    )


def _window(
    windows: Iterable[MaintenanceWindow], server: Server, zone: ZoneInfo, now: datetime
) -> Open | Closed:
    own = [window for window in windows if _names(window.applies_to, server)]
    if not own:
        return Open(None)
    spans = [
        (begins, ends, window.name)
        for window in own
        for begins, ends in _occurrences(window, zone, now)
    ]
    running = [span for span in spans if span[0] <= now]
    if running:
        _, ends, name = max(running, key=lambda span: span[1])
        return Open(ends, name)
    return Closed(min((begins for begins, _, _ in spans), default=None))


def _occurrences(
    window: MaintenanceWindow, zone: ZoneInfo, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The occurrences that have not ended, the first that lies ahead included.

    The rule runs on local wall time, so that a window stays at its hour when clocks
    change; its length is real time.
    """
    rule = rrulestr(window.rrule, dtstart=datetime.fromisoformat(window.start))
    length = timedelta(minutes=window.minutes)
    # A day more on either side, since wall time and UTC differ by less.
    local = now.astimezone(zone).replace(tzinfo=None) - length - timedelta(days=1)
    for start in _after(rule, local):
        begins = start.replace(tzinfo=zone).astimezone(UTC)
        if begins - now > HORIZON:
            return
        if begins + length > now:
            yield begins, begins + length
        if begins > now:
            return


def _after(rule: rrule | rruleset, moment: datetime) -> Iterator[datetime]:
    found: Iterator[datetime] = rule.xafter(moment, count=MAX_OCCURRENCES, inc=True)
    return found


def _utc(local: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
