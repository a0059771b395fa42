"""A hotfix as data: what an article says, and the file table that proves it.

Nothing here names an article. A second definition with other files, another service
pack or other products works by data alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.domain.version import Branch, FileVersion

_REVISION = re.compile(r"-v(\d{1,3})[-.]", re.IGNORECASE | re.ASCII)


class Platform(StrEnum):
    """A processor platform of Windows, as package names spell it (KB816915)."""

    X86 = "x86"
    X64 = "x64"
    IA64 = "ia64"


class ExposureRule(StrEnum):
    """How a fault reaches a server."""

    #: The server opens MTLS to a peer, or through a firewall, that resets
    #: connections under SYN attack protection (KB903927).
    MTLS_TO_SYN_PROTECTED_PEER = "mtls-to-syn-protected-peer"
    #: Every server that the article applies to has the fault.
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who says so, and where it was read."""

    supplied_by: str
    source: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a file table: a file at or above this version holds the fix."""

    file: str
    #: Full path on the host, lower case; ``%systemroot%`` stands for the Windows
    #: folder.
    path: str
    version: FileVersion
    platform: Platform
    branch: Branch
    #: The service pack that the row is for; ``None`` where the table does not say.
    service_pack: int | None = None
    size: int | None = None  # bytes; corroborates, never decides
    date: datetime | None = None  # UTC; corroborates, never decides


@dataclass(frozen=True, slots=True)
class FileTable:
    """The expected files with their provenance."""

    rows: tuple[FileRow, ...]
    provenance: Provenance
    #: Set for a table that belongs to the simulated estate.
    lab: bool = False

    def rows_for(self, platform: Platform, service_pack: int) -> tuple[FileRow, ...]:
        """The rows that a server of this platform and service pack must meet."""
        return tuple(
            row
            for row in self.rows
            if row.platform is platform and row.service_pack in (None, service_pack)
        )


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """What must hold for the fault to occur and the package to install."""

    #: Version of Windows, for example ``5.2.3790`` for Server 2003.
    windows_version: str
    service_pack: int
    #: Free space that staging, backup and installation need, in bytes.
    free_bytes: int


@dataclass(frozen=True, slots=True)
class PlausibleWindow:
    """Versions outside are probably a typing mistake: a warning, never a refusal."""

    above: FileVersion
    below: FileVersion
    reason: str


@dataclass(frozen=True, slots=True)
class Hotfix:
    """One article's hotfix."""

    article: str
    title: str
    #: Product names such as ``lcs-2005-sp1``; empty applies to any.
    products: tuple[str, ...]
    prerequisites: Prerequisites
    restart_required: bool
    replaces: tuple[str, ...]
    #: Three-letter language codes of packages; empty where the article lists none.
    languages: tuple[str, ...]
    platforms: tuple[Platform, ...]
    symptom: str
    exposure: ExposureRule
    #: The services whose processes must run the new code for the fix to count.
    services: tuple[str, ...]
    #: Processes shown as evidence, never demanded (lsass cannot be restarted).
    evidence_processes: tuple[str, ...] = ()
    plausible: PlausibleWindow | None = None
    file_table: FileTable | None = None
    #: Field name to where its value was read.
    provenance: dict[str, Provenance] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The digits of the article: ``903927``."""
        return self.article.removeprefix("KB")


@dataclass(frozen=True, slots=True)
class Package:
    """An installer file that the operator brought, and the hash it is pinned to."""

    article: str
    name: str
    sha256: str
    #: The same bytes by the hash that an old host's certutil can compute.
    sha1: str
    size: int  # bytes
    platform: Platform
    #: Three-letter code; ``None`` for a package that fits every language.
    language: str | None
    service_pack: int | None
    #: The SHA-256 that the operator gave; unpinned is unplannable.
    pinned: bool
    provenance: Provenance
    lab: bool = False

    @property
    def revision(self) -> int:
        """The edition that the name tells: 2 for ``…-KBnnnnnn-v2-…``, else 1."""
        match = _REVISION.search(self.name)
        return int(match[1]) if match else 1


@dataclass(frozen=True, slots=True)
class NoPackage:
    """No package fits a server: a precondition that fails."""

    reason: str


def choose_package(
    packages: tuple[Package, ...],
    *,
    platform: Platform,
    language: str | None,
    service_pack: int,
) -> Package | NoPackage:
    """The pinned package for a platform, language and service pack.

    An exact language wins over a package for all languages, and a later revision
    over an earlier one.
    """
    fitting = [
        package
        for package in packages
        if package.platform is platform
        and package.language in (None, language)
        and package.service_pack in (None, service_pack)
    ]
    if not fitting:
        tongue = language or "unknown language"
        wanted = f"{platform.value}, {tongue}, SP{service_pack}"
        return NoPackage(f"no package for {wanted}; import one with catalog package")
    pinned = [package for package in fitting if package.pinned]
    if not pinned:
        return NoPackage(f"{fitting[0].name} is not pinned; give --sha256")
    return max(
        pinned,
        key=lambda found: (found.language is not None, found.revision, found.name),
    )
