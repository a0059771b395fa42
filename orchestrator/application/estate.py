"""The inventory: imported whole, retired rather than deleted, shown and exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.application.codec import to_json
from orchestrator.application.ports.files import InventoryReader
from orchestrator.application.results import Result, not_found
from orchestrator.application.services import Services
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Link, Server


@dataclass(frozen=True, slots=True)
class InventoryChange:
    """The difference that an import made, or would make, by server name."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    #: In the database, not in the file; retired only with ``--prune``.
    absent: tuple[str, ...]
    retired: tuple[str, ...]
    returned: tuple[str, ...]
    unchanged: int
    servers: int
    #: Whether sites, links, pools, firewalls, peers, windows or freezes changed.
    surroundings_changed: bool


@dataclass(frozen=True, slots=True)
class ServerList:
    """The selected servers, and the links that some of them are behind."""

    servers: tuple[Server, ...]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class AnsibleView:
    """The inventory as Ansible's dynamic inventory has it."""

    inventory: Mapping[str, object]


def import_inventory(
    services: Services, reader: InventoryReader, path: Path, *, prune: bool = False
) -> Result[InventoryChange]:
    """Take a file as the estate. Twice the same file changes nothing.

    Raises:
        BadInputError: the file is malformed; nothing of it is stored.
    """
    incoming = reader(path)
    with services.storage.begin() as uow:
        before = uow.inventory.load()
        after, change = merge(before, incoming, prune=prune)
        if after != before:
            uow.inventory.save(after)
            uow.evidence.append(
                Entry(RecordKind.INVENTORY, "inventory", to_json(after))
            )
    warnings = (_absent(change),) if change.absent and not prune else ()
    return Result("inventory-change", change, warnings=warnings)


def _absent(change: InventoryChange) -> str:
    names = ", ".join(change.absent)
    return f"not in the file and kept: {names}; --prune retires them"


def merge(
    before: Inventory, incoming: Inventory, *, prune: bool
) -> tuple[Inventory, InventoryChange]:
    """The estate after an import, and what is different."""
    absent = tuple(
        server.name for server in before.active() if server.name not in incoming.servers
    )
    kept = {
        name: replace(server, retired=server.retired or prune)
        for name, server in before.servers.items()
        if name not in incoming.servers
    }
    after = replace(incoming, servers={**kept, **incoming.servers})
    known = before.servers
    changed = tuple(
        name
        for name in sorted(incoming.servers)
        if name in known
        and not known[name].retired
        and known[name] != incoming.servers[name]
    )
    change = InventoryChange(
        added=tuple(name for name in sorted(incoming.servers) if name not in known),
        changed=changed,
        absent=absent,
        retired=absent if prune else (),
        returned=tuple(
            name
            for name in sorted(incoming.servers)
            if name in known and known[name].retired
        ),
        unchanged=sum(known.get(n) == s for n, s in incoming.servers.items()),
        servers=len(incoming.servers),
        surroundings_changed=_surroundings(before) != _surroundings(after),
    )
    return after, change


def _surroundings(inventory: Inventory) -> Inventory:
    return replace(inventory, servers={})


def list_servers(services: Services, selection: Selection) -> Result[ServerList]:
    """The selected servers that are not retired."""
    with services.storage.read() as uow:
        inventory = uow.inventory.load()
    chosen = selection.choose(inventory.active())
    sites = {server.site for server in chosen}
    links = tuple(link for link in inventory.links if not sites.isdisjoint(link.sites))
    return Result("inventory", ServerList(chosen, links))


def show_server(services: Services, name: str) -> Result[Server]:
    """One server, retired or not."""
    with services.storage.read() as uow:
        return Result("server", find_server(uow.inventory.load(), name))


def find_server(inventory: Inventory, name: str) -> Server:
    """A server by name, without regard to case.

    Raises:
        RequestError: the inventory has none.
    """
    by_name = {known.lower(): server for known, server in inventory.servers.items()}
    server = by_name.get(name.lower())
    if server is None:
        raise not_found("server", name, "see orchestrator inventory list")
    return server
