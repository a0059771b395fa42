"""Definitions, file tables and packages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from orchestrator.adapters.database.models import HotfixRow, PackageRow
from orchestrator.adapters.database.work import Work, read, read_all, spell
from orchestrator.domain.hotfix import Hotfix, Package


class Catalog:
    """The catalog in its tables."""

    def __init__(self, work: Work) -> None:
        """Work within one transaction."""
        self._work = work

    def put_hotfix(self, hotfix: Hotfix) -> None:
        """Store or replace a definition with its table."""
        self._work.put(HotfixRow, {"article": hotfix.article, "body": spell(hotfix)})

    def hotfix(self, article: str) -> Hotfix | None:
        """A definition; what is read here may be replaced, so it is a decision."""
        self._work.decide()
        body = self._work.connection.scalar(
            select(HotfixRow.body).where(HotfixRow.article == article)
        )
        return None if body is None else read(Hotfix, body)

    def hotfixes(self) -> Sequence[Hotfix]:
        """All definitions by article."""
        bodies = self._work.connection.scalars(
            select(HotfixRow.body).order_by(HotfixRow.article)
        )
        return read_all(Hotfix, bodies.all())

    def put_package(self, package: Package, location: str) -> None:
        """Store a package's facts and where its file lies; same hash replaces."""
        row = {
            "sha256": package.sha256,
            "article": package.article,
            "name": package.name,
            "location": location,
            "body": spell(package),
        }
        self._work.put(PackageRow, row)

    def packages(self, article: str) -> Sequence[Package]:
        """The packages of an article by name."""
        bodies = self._work.connection.scalars(
            select(PackageRow.body)
            .where(PackageRow.article == article)
            .order_by(PackageRow.name, PackageRow.sha256)
        )
        return read_all(Package, bodies.all())

    def package_location(self, sha256: str) -> str | None:
        """The local path of a package's file."""
        return self._work.connection.scalar(
            select(PackageRow.location).where(PackageRow.sha256 == sha256)
        )
