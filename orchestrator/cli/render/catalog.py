"""What operators brought in: the catalog, the inventory, credentials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from orchestrator.application.catalog import CatalogEntry, CatalogLine, CatalogList
from orchestrator.application.credentials import (
    CredentialCheck,
    CredentialKept,
    CredentialList,
)
from orchestrator.application.estate import InventoryChange, ServerList
from orchestrator.application.ports.files import Cabinet, PackageInside
from orchestrator.cli.render.parts import (
    LAB,
    fields,
    heading,
    listed,
    moment,
    table,
    text,
)
from orchestrator.domain.hotfix import FileRow, Package, Provenance
from orchestrator.domain.server import Server


def entry(found: CatalogEntry) -> Iterator[RenderableType]:
    """A hotfix with its table and packages, and what lacks."""
    yield heading(f"{found.article}: {found.title}", lab=found.lab)
    yield fields(
        (
            ("products", listed(found.products) or "any"),
            ("system", f"{found.windows_version} SP{found.service_pack}"),
            ("restart", "required" if found.restart_required else "not required"),
            ("replaces", listed(found.replaces) or "none"),
            ("platforms", listed(found.platforms)),
            ("languages", listed(found.languages)),
            ("symptom", found.symptom),
            ("exposure", found.exposure),
            ("services", listed(found.services)),
            ("file table", _provenance(found.table_provenance) or "none"),
        )
    )
    if found.file_table:
        yield table(
            ("file", "version", "platform", "branch", "path"),
            map(_row, found.file_table),
        )
    if found.packages:
        yield table(
            ("package", "platform", "language", "pinned", "", "sha256"),
            map(_package, found.packages),
        )
    for package in found.packages:
        if package.sha256 in found.insides:
            yield heading(package.name)
            yield fields(_inside(found.insides[package.sha256]))
    yield from _remarks(found)


def _inside(inside: PackageInside) -> Iterator[tuple[str, object]]:
    """What a package's own bytes say, and the three answers of its signature."""
    signature = inside.signature
    by = f", {moment(signature.stamped)} by {signature.stamped_by}"
    stamped = by if signature.stamped else ""
    yield "version", inside.version or "none"
    yield "engine", f"{inside.engine} {inside.engine_version}".strip() or "none"
    yield "cabinet", _cabinet(inside.cabinet)
    yield "signature", signature.digest.value
    yield "its chain", signature.chain.value
    yield (
        "its timestamp",
        f"{signature.timestamp.value}{stamped}",
    )
    yield "remarks", "; ".join(signature.remarks)


def _cabinet(cabinet: Cabinet) -> str:
    if not cabinet.found:
        return cabinet.problem or "none"
    deltas = ", deltas only" if cabinet.deltas_only else ""
    problem = f"; {cabinet.problem}" if cabinet.problem else ""
    return f"{cabinet.total} files{deltas}{problem}"


def _provenance(given: Provenance | None) -> str:
    return f"from {given.supplied_by}, {given.source}" if given else ""


def _row(row: FileRow) -> Sequence[object]:
    return (row.file, row.version, row.platform.value, row.branch.value, row.path)


def _package(package: Package) -> Sequence[object]:
    return (
        package.name,
        package.platform.value,
        package.language or "all",
        "yes" if package.pinned else "no",
        LAB if package.lab else "",
        package.sha256,
    )


def _remarks(found: CatalogEntry) -> Iterator[RenderableType]:
    for lack in found.lacks:
        hint = f"; {lack.hint}" if lack.hint else ""
        yield text(f"lacks {lack.field}: {lack.reason}{hint}", "yellow")
    for apart in found.differences:
        yield text(
            f"{apart.field}: the article says {apart.article}, "
            f"the definition {apart.definition}",
            "yellow",
        )


def catalog(found: CatalogList) -> Iterator[RenderableType]:
    """Every hotfix."""
    yield table(
        ("article", "title", "table rows", "packages", "pinned", ""),
        map(_line, found.hotfixes),
    )


def _line(line: CatalogLine) -> Sequence[object]:
    mark = LAB if line.lab else ""
    return (line.article, line.title, line.rows, line.packages, line.pinned, mark)


def change(made: InventoryChange) -> Iterator[RenderableType]:
    """What an import changed."""
    yield fields(
        (
            ("added", listed(made.added)),
            ("changed", listed(made.changed)),
            ("returned", listed(made.returned)),
            ("retired", listed(made.retired)),
            ("not in the file", listed(made.absent) if not made.retired else ""),
            ("surroundings", "changed" if made.surroundings_changed else ""),
        )
    )
    yield heading(f"{made.servers} servers in the file, {made.unchanged} unchanged")


def servers(found: ServerList) -> Iterator[RenderableType]:
    """A line for each server, and for each link to their sites."""
    yield table(
        ("server", "site", "pool", "role", "product", "endpoint"),
        (
            (
                each.name,
                each.site,
                each.pool or "",
                each.role.value,
                each.product,
                _endpoint(each),
            )
            for each in found.servers
        ),
    )
    yield heading(f"{len(found.servers)} servers")
    if found.links:
        yield table(
            ("link", "sites", "servers at once"),
            (
                (link.name, ", ".join(link.sites), link.max_concurrent)
                for link in found.links
            ),
        )


def _endpoint(server: Server) -> str:
    end = server.endpoint
    scheme = "https://" if end.tls else ""
    return f"{scheme}{end.address}" + (f":{end.port}" if end.port else "")


def server(found: Server) -> Iterator[RenderableType]:
    """All that the inventory says of a server."""
    yield heading(found.name + (" (retired)" if found.retired else ""))
    yield fields(
        (
            ("endpoint", _endpoint(found)),
            ("site", found.site),
            ("pool", found.pool),
            ("role", found.role.value),
            ("product", f"{found.product} {found.edition}".rstrip()),
            ("opens MTLS to", listed(found.mtls_peers)),
            ("credential", found.credential),
            ("users", found.users),
            ("labels", listed(f"{key}={value}" for key, value in found.labels.items())),
        )
    )


def kept(made: CredentialKept) -> Iterator[RenderableType]:
    """Where a credential is now."""
    yield fields(
        (
            ("credential", made.name),
            ("user name", made.username),
            ("mechanisms", listed(kind.value for kind in made.mechanisms)),
            ("kept in", made.kept_in),
        )
    )


def credentials(found: CredentialList) -> Iterator[RenderableType]:
    """Every credential, never its secret."""
    yield table(
        ("credential", "user name", "mechanisms", "source"),
        (
            (
                each.name,
                each.username,
                listed(kind.value for kind in each.mechanisms),
                each.source,
            )
            for each in found.credentials
        ),
    )


def checked(found: CredentialCheck) -> Iterator[RenderableType]:
    """A server that let a credential in."""
    yield fields(
        (
            ("credential", f"{found.credential} ({found.username})"),
            ("let in by", f"{found.server}, {found.url}"),
            ("service", found.stack),
            ("system", f"{found.os_version} {found.service_pack}".rstrip()),
        )
    )
