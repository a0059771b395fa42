"""The estate, entry by entry, so that an import writes only what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from sqlalchemy import delete, select

from orchestrator.adapters.database.models import InventoryRow
from orchestrator.adapters.database.work import Work, read, spell
from orchestrator.domain.server import (
    ExternalPeer,
    Firewall,
    Freeze,
    Inventory,
    Link,
    MaintenanceWindow,
    Pool,
    Server,
    Site,
)

T = TypeVar("T")

#: A section and a key: which entry it is.
_Key = tuple[str, str]


class Estate:
    """The inventory in its table."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def load(self) -> Inventory:
        """The whole inventory; in a unit that writes, nobody else changes it now."""
        self._work.decide()
        sections: dict[str, dict[str, str]] = defaultdict(dict)
        for (section, key), body in self._stored().items():
            sections[section][key] = body
        return Inventory(
            servers=_by_name(Server, sections["server"]),
            pools=_by_name(Pool, sections["pool"]),
            sites=_by_name(Site, sections["site"]),
            firewalls=_in_order(Firewall, sections["firewall"]),
            external_peers=_by_name(ExternalPeer, sections["external-peer"]),
            windows=_in_order(MaintenanceWindow, sections["window"]),
            freezes=_in_order(Freeze, sections["freeze"]),
            links=_in_order(Link, sections["link"]),
        )

    def save(self, inventory: Inventory) -> None:
        """Replace the whole inventory.

        Raises:
            ValueError: it lacks a server that is stored; such a one is retired.
        """
        self._work.decide()
        before = self._stored()
        after = dict(_entries(inventory))
        gone = before.keys() - after.keys()
        lost = sorted(name for section, name in gone if section == "server")
        if lost:
            raise ValueError(f"servers {', '.join(lost)} must be retired, not removed")
        for section, key in gone:
            self._work.run(
                delete(InventoryRow).where(
                    InventoryRow.section == section, InventoryRow.key == key
                )
            )
        changed = (
            {"section": section, "key": key, "body": body}
            for (section, key), body in after.items()
            if before.get((section, key)) != body
        )
        self._work.put(InventoryRow, *changed)

    def _stored(self) -> dict[_Key, str]:
        rows = self._work.connection.execute(
            select(InventoryRow.section, InventoryRow.key, InventoryRow.body).order_by(
                InventoryRow.section, InventoryRow.key
            )
        )
        return {(section, key): body for section, key, body in rows}


def _by_name(wanted: type[T], bodies: Mapping[str, str]) -> dict[str, T]:
    return {key: read(wanted, body) for key, body in bodies.items()}


def _in_order(wanted: type[T], bodies: Mapping[str, str]) -> tuple[T, ...]:
    return tuple(read(wanted, body) for body in bodies.values())


def _entries(inventory: Inventory) -> Iterator[tuple[_Key, str]]:
    """Every entry under its key."""
    named: dict[str, Mapping[str, object]] = {
        "server": inventory.servers,
        "pool": inventory.pools,
        "site": inventory.sites,
        "external-peer": inventory.external_peers,
    }
    listed: dict[str, Iterable[object]] = {
        "firewall": inventory.firewalls,
        "window": inventory.windows,
        "freeze": inventory.freezes,
        "link": inventory.links,
    }
    for section, members in named.items():
        for name, entry in members.items():
            yield (section, name), spell(entry)
    for section, entries in listed.items():
        for place, entry in enumerate(entries):
            # Padded, so that texts sort as the numbers do.
            yield (section, f"{place:08d}"), spell(entry)
