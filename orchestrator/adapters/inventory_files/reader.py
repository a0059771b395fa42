"""Inventory files become the domain's inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.adapters.inventory_files.models import (
    InventoryFile,
    ServerEntry,
)
from orchestrator.adapters.inventory_files.references import References, peers_of
from orchestrator.application.ports.files import BadInputError
from orchestrator.documents.csv_text import load_csv
from orchestrator.documents.document import Document, read_text
from orchestrator.documents.validation import in_order, validate
from orchestrator.documents.yaml_text import load_yaml
from orchestrator.domain.server import (
    Endpoint,
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


def read_inventory(path: Path) -> Inventory:
    """Read ``.csv`` as a list of servers, anything else as YAML.

    Raises:
        BadInputError: every problem that was found, each with line and field.
    """
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        document = _from_csv(text, path.name)
    else:
        document = load_yaml(text, path.name)
    return _build(validate(InventoryFile, document), document)


def _from_csv(text: str, file: str) -> Document:
    """A CSV file holds servers only; sites and pools follow from their columns."""
    document = load_csv(text, file, section="servers")
    rows: list[dict[str, str]] = document.data["servers"]
    pools: dict[str, dict[str, str]] = {}
    for row in rows:
        if "pool" in row and "site" in row:
            entry = {"name": row["pool"], "site": row["site"]}
            pools.setdefault(row["pool"].casefold(), entry)
    sites = {
        row["site"].casefold(): {"name": row["site"]} for row in rows if "site" in row
    }
    data: dict[str, Any] = {
        "servers": rows,
        "sites": list(sites.values()),
        "pools": list(pools.values()),
    }
    return Document(file, data, document.lines)


def _build(file: InventoryFile, document: Document) -> Inventory:
    references = References(file, document)
    inventory = Inventory(
        servers={
            entry.name: _server(entry, number, references)
            for number, entry in enumerate(file.servers)
        },
        pools={
            entry.name: Pool(
                entry.name,
                references.site(entry.site, ("pools", number, "site")),
                entry.max_unavailable,
                entry.credential,
            )
            for number, entry in enumerate(file.pools)
        },
        sites={
            entry.name: Site(
                entry.name, entry.time_zone, entry.credential, entry.max_concurrent
            )
            for entry in file.sites
        },
        firewalls=_firewalls(file, references),
        external_peers={
            entry.name: ExternalPeer(entry.name, entry.syn_protection)
            for entry in file.external_peers
        },
        windows=_windows(file, references),
        freezes=_freezes(file, references),
        links=_links(file, references),
    )
    if references.problems:
        raise BadInputError(document.file, in_order(references.problems))
    return inventory


def _server(entry: ServerEntry, number: int, references: References) -> Server:
    site, pool = references.place_of(entry, number)
    return Server(
        name=entry.name,
        endpoint=_endpoint(entry),
        site=site,
        role=entry.role,
        product=entry.product,
        edition=entry.edition,
        pool=pool,
        mtls_peers=tuple(peers_of(entry, number, references)),
        credential=entry.credential,
        users=entry.users,
        labels=entry.labels,
    )


def _endpoint(entry: ServerEntry) -> Endpoint:
    if entry.endpoint:
        return Endpoint(entry.endpoint.address, entry.endpoint.port, entry.endpoint.tls)
    address = entry.address or entry.fqdn or entry.name
    return Endpoint(address, entry.port, tls=bool(entry.tls))


def _firewalls(file: InventoryFile, references: References) -> tuple[Firewall, ...]:
    def end(number: int, place: int, name: str) -> str:
        return references.end(name, ("firewalls", number, "between", place))

    return tuple(
        Firewall(
            entry.name,
            (end(number, 0, entry.between[0]), end(number, 1, entry.between[1])),
            entry.syn_protection,
        )
        for number, entry in enumerate(file.firewalls)
    )


def _links(file: InventoryFile, references: References) -> tuple[Link, ...]:
    return tuple(
        Link(
            entry.name,
            tuple(
                references.site(name, ("links", number, "sites", place))
                for place, name in enumerate(entry.sites)
            ),
            entry.max_concurrent,
        )
        for number, entry in enumerate(file.links)
    )


def _windows(
    file: InventoryFile, references: References
) -> tuple[MaintenanceWindow, ...]:
    return tuple(
        MaintenanceWindow(
            entry.name,
            references.scope(entry.applies_to, ("windows", number, "applies_to")),
            entry.start,
            entry.rrule,
            entry.minutes,
        )
        for number, entry in enumerate(file.windows)
    )


def _freezes(file: InventoryFile, references: References) -> tuple[Freeze, ...]:
    return tuple(
        Freeze(
            entry.name,
            references.scope(entry.applies_to, ("freezes", number, "applies_to")),
            entry.start,
            entry.end,
            entry.reason,
        )
        for number, entry in enumerate(file.freezes)
    )
