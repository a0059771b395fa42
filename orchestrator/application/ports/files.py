"""Files that an operator hands in: articles, tables, inventories, packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from orchestrator.domain.authenticode import Signature
from orchestrator.domain.hotfix import (
    FileTable,
    Hotfix,
    Platform,
    PlausibleWindow,
    Provenance,
)
from orchestrator.domain.server import Inventory
from orchestrator.domain.version import FileVersion

MAX_PROBLEMS = 20  # more would bury the first


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file, or worth a warning."""

    #: Line and field, as far as they are known: ``line 12, servers[3].port``.
    where: str
    found: str
    expected: str
    hint: str = ""

    @override
    def __str__(self) -> str:
        """One sentence."""
        place = f"{self.where}: " if self.where else ""
        action = f"; {self.hint}" if self.hint else ""
        return f"{place}found {self.found}, expected {self.expected}{action}"


class BadInputError(Exception):
    """A file cannot be taken; nothing of it was stored."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        """Keep the first problems, in the order of the file."""
        self.file = file
        self.problems = tuple(problems[:MAX_PROBLEMS])
        self.left_off = len(problems) - len(self.problems)
        more = f" (and {self.left_off} more)" if self.left_off else ""
        super().__init__(f"{file}: {' | '.join(map(str, self.problems))}{more}")


@dataclass(frozen=True, slots=True)
class Lack:
    """A field that an article's text does not give, and how to supply it."""

    field: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """An article's text and a definition say different things."""

    field: str
    article: str
    definition: str


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """What the text of an article states; ``None`` or empty where it does not."""

    article: str
    title: str
    revision: str
    #: Our product names, read from the applies-to list.
    products: tuple[str, ...] = ()
    windows_version: str | None = None
    service_pack: int | None = None
    restart_required: bool | None = None
    replaces: tuple[str, ...] | None = None
    platforms: tuple[Platform, ...] = ()
    symptom: str = ""
    file_table: FileTable | None = None
    lacks: tuple[Lack, ...] = ()
    provenance: Mapping[str, Provenance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompleteDefinition:
    """A definition that can be stored, with what is worth telling about it."""

    hotfix: Hotfix
    lacks: tuple[Lack, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class IncompleteDefinition:
    """An article alone is not enough: what the operator must add in a ``.yml``."""

    draft: ArticleDraft
    missing: tuple[Lack, ...]
    hint: str


class ArticleReader(Protocol):
    """Articles as text, and definitions as data."""

    def read(self, path: Path) -> ArticleDraft | Hotfix:
        """A ``.yml`` file is a definition, anything else the text of an article.

        Raises:
            BadInputError: the file is neither.
        """

    def shipped(self, article: str) -> Hotfix | None:
        """The definition that comes with the program, if there is one."""

    def complete(
        self, draft: ArticleDraft, base: Hotfix | None
    ) -> CompleteDefinition | IncompleteDefinition:
        """Lay what an article states over a definition of the same number."""


@dataclass(frozen=True, slots=True)
class TableRead:
    """A file table, and what in it looks like a typing mistake."""

    table: FileTable
    warnings: tuple[Problem, ...] = ()


def implausible(table: FileTable, plausible: PlausibleWindow | None) -> list[Problem]:
    """The rows whose version looks like a typing mistake, or of another update."""
    if plausible is None:
        return []
    return [
        Problem(
            f"{row.file} {row.platform} {row.branch}",
            str(row.version),
            f"above {plausible.above} and below {plausible.below}: {plausible.reason}",
            "compare it with the source once more",
        )
        for row in table.rows
        if not plausible.above < row.version < plausible.below
    ]


class TableReader(Protocol):
    """Reads a file table from CSV, YAML, or the folder of an extracted package."""

    def __call__(
        self,
        path: Path,
        *,
        supplied_by: str,
        source: str,
        plausible: PlausibleWindow | None,
    ) -> TableRead:
        """The table; what the file itself says of its origin wins.

        Raises:
            BadInputError: a row is malformed, doubled or contradicts another.
        """


class InventoryReader(Protocol):
    """Reads an inventory from YAML or CSV."""

    def __call__(self, path: Path) -> Inventory:
        """The estate that the file describes.

        Raises:
            BadInputError: it is malformed or refers to what it does not have.
        """


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The cabinet inside an installer file, as far as it can be listed."""

    found: bool
    #: Names, as many as are shown.
    entries: tuple[str, ...] = ()
    #: How many it holds, or how many were counted before the limit.
    total: int = 0
    #: It holds deltas and no file of a branch: only Windows can extract those.
    deltas_only: bool = False
    #: Why it could not be listed, or not to its end.
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PackageInside:
    """What an installer file's own bytes say of it."""

    version: FileVersion | None
    #: The resource's strings "Installer Engine" and "Installer Version" (KB832475).
    engine: str
    engine_version: str
    cabinet: Cabinet
    signature: Signature
    #: Made by the simulated estate, by the names of maker and product.
    lab: bool


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What an installer file is, as far as its name and bytes show."""

    name: str
    article: str
    platform: Platform
    #: ``None`` for a package that fits every language.
    language: str | None
    service_pack: int | None
    size: int  # bytes
    sha256: str
    #: For hosts whose certutil knows no SHA-256.
    sha1: str
    #: Whether the operator's SHA-256 was given; it was then equal.
    pinned: bool
    #: Made by the simulated estate; can never be mistaken for the real one.
    lab: bool
    #: The systems that the name says it is for: ``WindowsServer2003``.
    product: str = ""
    inside: PackageInside | None = None


@dataclass(frozen=True, slots=True)
class PackageProblem:
    """Why an installer file is refused."""

    found: str
    expected: str
    hint: str


class PackageReader(Protocol):
    """Reads an installer file."""

    def __call__(self, path: Path, *, pin: str | None) -> PackageFacts | PackageProblem:
        """Its facts, or why it is refused."""
