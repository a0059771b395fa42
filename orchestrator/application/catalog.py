"""The catalog: what operators bring in about a hotfix, with where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.application.codec import from_json, to_json
from orchestrator.application.judging import find_hotfix
from orchestrator.application.ports.files import (
    ArticleDraft,
    ArticleReader,
    BadInputError,
    Difference,
    IncompleteDefinition,
    Lack,
    PackageFacts,
    PackageInside,
    PackageProblem,
    PackageReader,
    Problem,
    TableReader,
)
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import Result
from orchestrator.application.services import Services
from orchestrator.domain.authenticode import DigestAnswer
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.hotfix import FileRow, Hotfix, Package, Provenance

_INSIDE = "inside"
#: Products in package names (KB816915), to the version of their system.
_SYSTEMS = {"windows2000": "5.0.", "windowsxp": "5.1.", "windowsserver2003": "5.2."}
_ARTICLE = re.compile(r"(KB)?\d{6,7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A hotfix of the catalog with what is known, what lacks and from where."""

    article: str
    title: str
    products: tuple[str, ...]
    windows_version: str
    service_pack: int
    restart_required: bool
    replaces: tuple[str, ...]
    platforms: tuple[str, ...]
    languages: tuple[str, ...]
    symptom: str
    exposure: str
    services: tuple[str, ...]
    file_table: tuple[FileRow, ...]
    table_provenance: Provenance | None
    lab: bool
    packages: tuple[Package, ...]
    provenance: Mapping[str, Provenance]
    #: What each package's own bytes say, by its SHA-256.
    insides: Mapping[str, PackageInside] = field(default_factory=dict)
    lacks: tuple[Lack, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogLine:
    """A line of ``catalog list``."""

    article: str
    title: str
    rows: int
    packages: int
    pinned: int
    lab: bool


@dataclass(frozen=True, slots=True)
class CatalogList:
    """Every hotfix of the catalog."""

    hotfixes: tuple[CatalogLine, ...]


def import_article(
    services: Services, reader: ArticleReader, path: Path
) -> Result[CatalogEntry]:
    """Store the definition that a file gives, by itself or with a shipped one.

    An article's number in place of a file takes the shipped definition. A file table
    that was imported before stays.

    Raises:
        BadInputError: the file is malformed, or not enough for a definition.
    """
    found = _shipped(reader, path) or _read(reader, path)
    lacks: tuple[Lack, ...] = ()
    differences: tuple[Difference, ...] = ()
    if isinstance(found, ArticleDraft):
        base = _stored(services, found.article) or reader.shipped(found.article)
        completed = reader.complete(found, base)
        if isinstance(completed, IncompleteDefinition):
            raise BadInputError(
                str(path),
                [
                    Problem(lack.field, "nothing", lack.reason, lack.hint)
                    for lack in completed.missing
                ],
            )
        hotfix = completed.hotfix
        lacks, differences = completed.lacks, completed.differences
    else:
        hotfix = found
    with services.storage.begin() as uow:
        before = uow.catalog.hotfix(hotfix.article)
        if hotfix.file_table is None and before is not None:
            hotfix = replace(hotfix, file_table=before.file_table)
        _keep(uow, hotfix)
        entry = entry_of(uow, hotfix)
    return Result("catalog", replace(entry, lacks=lacks, differences=differences))


def _stored(services: Services, article: str) -> Hotfix | None:
    """An operator's own definition comes before the shipped one."""
    with services.storage.read() as uow:
        return uow.catalog.hotfix(article)


def _shipped(reader: ArticleReader, path: Path) -> Hotfix | None:
    """The shipped definition, where the path is an article's number and no file."""
    name = str(path).upper()
    if path.exists() or not _ARTICLE.fullmatch(name):
        return None
    return reader.shipped(name if name.startswith("KB") else f"KB{name}")


def _read(reader: ArticleReader, path: Path) -> Hotfix | ArticleDraft:
    if not path.exists() and _ARTICLE.fullmatch(str(path).upper()):
        hint = "give the file with the article's text, or a definition"
        found = "no such file, and no definition of it is shipped"
        raise BadInputError(str(path), [Problem("", found, "either", hint)])
    return reader.read(path)


def _keep(uow: UnitOfWork, hotfix: Hotfix) -> None:
    uow.catalog.put_hotfix(hotfix)
    uow.evidence.append(Entry(RecordKind.CATALOG, hotfix.article, to_json(hotfix)))


def import_table(
    services: Services,
    reader: TableReader,
    article: str,
    path: Path,
    *,
    supplied_by: str,
    source: str,
) -> Result[CatalogEntry]:
    """Store an operator's file table, with who supplied it and from where.

    Raises:
        BadInputError: a row is malformed, doubled or contradicts another.
    """
    with services.storage.read() as uow:
        hotfix = find_hotfix(uow, article)
    read = reader(
        path, supplied_by=supplied_by, source=source, plausible=hotfix.plausible
    )
    with services.storage.begin() as uow:
        with_table = replace(find_hotfix(uow, article), file_table=read.table)
        _keep(uow, with_table)
        entry = entry_of(uow, with_table)
    return Result(
        "catalog", entry, warnings=tuple(str(warning) for warning in read.warnings)
    )


def import_package(
    services: Services,
    reader: PackageReader,
    article: str,
    path: Path,
    pin: str | None,
) -> Result[CatalogEntry]:
    """Store what a package is; unpinned it can be shown, never planned.

    Raises:
        BadInputError: the file is no package of this article, or not the pinned one.
    """
    with services.storage.read() as uow:
        hotfix = find_hotfix(uow, article)
    facts = reader(path, pin=pin)
    if isinstance(facts, PackageProblem):
        raise BadInputError(
            str(path), [Problem("", facts.found, facts.expected, facts.hint)]
        )
    misfit = _misfit(facts, hotfix)
    if misfit is not None:
        raise BadInputError(str(path), [misfit])
    package = _package(facts, Provenance(services.account, path.name))
    with services.storage.begin() as uow:
        uow.catalog.put_package(package, str(path.resolve()))
        uow.evidence.append(_imported(package, facts.inside))
        entry = entry_of(uow, find_hotfix(uow, article))
    return Result("catalog", entry, warnings=tuple(_warnings(facts)))


def _misfit(facts: PackageFacts, hotfix: Hotfix) -> Problem | None:
    """Why a package is not for this article: another number, another Windows."""
    if facts.article != hotfix.article:
        found, expected = f"a package of {facts.article}", f"one of {hotfix.article}"
        hint = "give the article that the package is for"
        return Problem("name", found, expected, hint)
    parts = facts.product.lower().split(".")
    systems = [_SYSTEMS[part] for part in parts if part in _SYSTEMS]
    version = hotfix.prerequisites.windows_version
    if systems and not any(version.startswith(system) for system in systems):
        hint = "bring the package for that system"
        return Problem("name", f"one for {facts.product}", f"Windows {version}", hint)
    return None


def _package(facts: PackageFacts, provenance: Provenance) -> Package:
    return Package(
        article=facts.article,
        name=facts.name,
        sha256=facts.sha256,
        sha1=facts.sha1,
        size=facts.size,
        platform=facts.platform,
        language=facts.language,
        service_pack=facts.service_pack,
        pinned=facts.pinned,
        provenance=provenance,
        lab=facts.lab,
    )


def _imported(package: Package, inside: PackageInside | None) -> Entry:
    """The record of an import; what the bytes say is kept here and nowhere else."""
    payload = {"package": to_json(package), _INSIDE: to_json(inside)}
    return Entry(RecordKind.CATALOG, package.article, payload)


def _insides(uow: UnitOfWork, packages: Iterable[Package]) -> dict[str, PackageInside]:
    """What was read from each package when it was imported last."""
    wanted = {package.sha256: package.article for package in packages}
    found: dict[str, PackageInside] = {}
    for article in set(wanted.values()):
        records = uow.evidence.records(subject=article, kinds=(RecordKind.CATALOG,))
        for record in records:
            match record.payload:
                case {"package": {"sha256": str(sha256)}, "inside": dict(inside)}:
                    found[sha256] = from_json(PackageInside, inside)
                case _:
                    pass  # a definition, or pruned
    return {sha256: inside for sha256, inside in found.items() if sha256 in wanted}


def _warnings(facts: PackageFacts) -> Iterator[str]:
    if not facts.pinned:
        yield (
            f"{facts.name} is not pinned and so cannot be planned; give --sha256 HASH"
        )
    if facts.inside is None:
        return
    signature = facts.inside.signature
    if signature.digest is not DigestAnswer.MATCHES:
        yield f"{facts.name}: its signature is {signature.digest.value}"
    for remark in signature.remarks:
        yield f"{facts.name}: {remark}"
    if facts.inside.cabinet.deltas_only:
        yield (
            f"{facts.name} holds deltas only: to read its file table, extract it on "
            "Windows and give catalog table the folder"
        )


def show(services: Services, article: str) -> Result[CatalogEntry]:
    """A hotfix of the catalog."""
    with services.storage.read() as uow:
        return Result("catalog", entry_of(uow, find_hotfix(uow, article)))


def list_catalog(services: Services) -> Result[CatalogList]:
    """Every hotfix of the catalog."""
    with services.storage.read() as uow:
        return Result(
            "catalog-list",
            CatalogList(
                tuple(_list_line(uow, hotfix) for hotfix in uow.catalog.hotfixes())
            ),
        )


def _list_line(uow: UnitOfWork, hotfix: Hotfix) -> CatalogLine:
    packages = uow.catalog.packages(hotfix.article)
    table = hotfix.file_table
    return CatalogLine(
        hotfix.article,
        hotfix.title,
        rows=len(table.rows) if table else 0,
        packages=len(packages),
        pinned=sum(package.pinned for package in packages),
        lab=bool(table and table.lab),
    )


def entry_of(uow: UnitOfWork, hotfix: Hotfix) -> CatalogEntry:
    """A hotfix as it is shown."""
    table = hotfix.file_table
    packages = tuple(uow.catalog.packages(hotfix.article))
    return CatalogEntry(
        article=hotfix.article,
        title=hotfix.title,
        products=hotfix.products,
        windows_version=hotfix.prerequisites.windows_version,
        service_pack=hotfix.prerequisites.service_pack,
        restart_required=hotfix.restart_required,
        replaces=hotfix.replaces,
        platforms=tuple(platform.value for platform in hotfix.platforms),
        languages=hotfix.languages,
        symptom=hotfix.symptom,
        exposure=hotfix.exposure.value,
        services=hotfix.services,
        file_table=table.rows if table else (),
        table_provenance=table.provenance if table else None,
        lab=bool(table and table.lab),
        packages=packages,
        provenance=hotfix.provenance,
        insides=_insides(uow, packages),
    )
