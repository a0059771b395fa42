"""What a verdict is made of: its names, its proof, and all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.domain.effect import Effect, OwnRecord
from orchestrator.domain.exposure import Exposure
from orchestrator.domain.facts import (
    FactSet,
    FreshFacts,
    Lacking,
    OperatingSystem,
    Product,
    TraceName,
    TraceState,
)
from orchestrator.domain.files import FileFinding, FilesSeen
from orchestrator.domain.hotfix import FileRow, Hotfix, NoPackage, Package
from orchestrator.domain.server import Server
from orchestrator.domain.symptom import Symptom

#: Facts older than this are stale, unless policy says otherwise.
FACT_LIMIT = timedelta(hours=24)


class Verdict(StrEnum):
    """What a server is, in the order of evaluation; ``unknown`` stands apart."""

    NOT_APPLICABLE = "not-applicable"
    CONTRADICTED = "contradicted"
    INSTALLED_NOT_ACTIVE = "installed-not-active"
    COMPLIANT = "compliant"
    NOT_AFFECTED = "not-affected"
    INDETERMINATE = "indeterminate"
    BLOCKED = "blocked"
    NEEDED = "needed"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a verdict is ``indeterminate``."""

    NO_FILE_TABLE = "no-file-table"
    LATER_BRANCH = "later-branch"
    EXPOSURE_UNKNOWN = "exposure-unknown"
    SYMPTOM_WITHOUT_EXPOSURE = "symptom-without-exposure"
    REPLACEMENT_UNPROVABLE = "replacement-unprovable"


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of a verdict's proof: a fact, found against expected."""

    fact: str
    found: str
    expected: str
    holds: bool
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason and proof, and what a plan needs of it."""

    server: str
    verdict: Verdict
    reason: str
    proof: tuple[Proof, ...] = ()
    cause: Cause | None = None
    system: OperatingSystem | None = None
    files: tuple[FileFinding, ...] = ()
    exposure: Exposure | None = None
    effect: Effect | None = None
    #: Unfixed, and nothing stands in the way of installing.
    installable: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """All that a verdict rests on."""

    hotfix: Hotfix
    server: Server
    facts: FactSet
    exposure: Exposure
    package: Package | NoPackage
    now: datetime
    own: OwnRecord = field(default_factory=OwnRecord)
    symptom: Symptom = field(default_factory=Symptom)
    fact_limit: timedelta = FACT_LIMIT
    #: The facts in the eyes of this judgement.
    fresh: FreshFacts = field(init=False)

    def __post_init__(self) -> None:
        """Make once what every rule asks for."""
        fresh = FreshFacts(self.facts, self.now, self.fact_limit)
        object.__setattr__(self, "fresh", fresh)


@dataclass(frozen=True, slots=True)
class Known:
    """What was worked out of a case, for the rules and the proof."""

    system: OperatingSystem | Lacking
    product: Product | Lacking
    #: The rows of the table that the server must meet; none where files is ``None``.
    rows: tuple[FileRow, ...]
    #: ``None`` without a table for the server, or where its system is not known.
    files: FilesSeen | None
    effect: Effect
    #: What each place says that an update.exe package leaves its mark in.
    traces: Mapping[TraceName, TraceState | Lacking]

    @property
    def findings(self) -> tuple[FileFinding, ...]:
        """The files as far as they are known."""
        return self.files.findings if self.files else ()

    @property
    def all_fixed(self) -> bool:
        """Whether every file of the table is right."""
        return self.files is not None and self.files.all_fixed


def is_product(hotfix: Hotfix, product: Product) -> bool:
    """Whether a hotfix is for a product; one that lists none is for any."""
    return not hotfix.products or product.name in hotfix.products
