"""Facts, hotfix and exposure in; one verdict with its proof out.

The rules are evaluated in the order of the contract and the first that matches wins.
A rule is passed over when known facts refute it, or when what it lacks makes a
server ``indeterminate`` on principle; any other missing or stale fact ends in
``unknown`` and is named. Being unreachable decides nothing: facts that are still
fresh stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.domain.effect import (
    Effect,
    EffectUnprovable,
    InEffect,
    NotInEffect,
    OwnRecord,
    effect_of,
    replacement,
)
from orchestrator.domain.exposure import (
    Exposed,
    Exposure,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
)
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FreeSpace,
    FreshFacts,
    Lacking,
    OperatingSystem,
    PendingRenames,
    Product,
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.files import FileFinding, FileVerdict, judge_files
from orchestrator.domain.hotfix import FileRow, Hotfix, NoPackage, Package
from orchestrator.domain.server import Server
from orchestrator.domain.symptom import Leak, Symptom

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

    @property
    def fresh(self) -> FreshFacts:
        """The facts in the eyes of this judgement."""
        return FreshFacts(self.facts, self.now, self.fact_limit)


@dataclass(frozen=True, slots=True)
class _Match:
    """A rule matched."""

    verdict: Verdict
    reason: str
    cause: Cause | None = None


_PASS = None
_Answer = _Match | Lacking | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the first rules worked out, for the later ones."""

    system: OperatingSystem | Lacking
    product: Product | Lacking
    #: ``None`` where there is no table.
    files: tuple[FileFinding, ...] | Lacking | None
    effect: Effect

    @property
    def all_fixed(self) -> bool:
        """Whether every file of the table is right."""
        return isinstance(self.files, tuple) and all(
            finding.verdict is FileVerdict.FIXED for finding in self.files
        )

    def bad_file(self) -> FileFinding | None:
        """The first file that is missing or too old."""
        bad = (FileVerdict.MISSING, FileVerdict.TOO_OLD)
        found = self.files if isinstance(self.files, tuple) else ()
        return next((finding for finding in found if finding.verdict in bad), None)


def judge(case: Case) -> Judgement:
    """The verdict of one server on one hotfix."""
    known = _know(case)
    answer = _first(case, known)
    system = known.system if isinstance(known.system, OperatingSystem) else None
    return Judgement(
        server=case.server.name,
        verdict=answer.verdict,
        reason=answer.reason,
        cause=answer.cause,
        proof=_proof(case, known),
        system=system,
        files=known.files if isinstance(known.files, tuple) else (),
        exposure=case.exposure,
        effect=known.effect,
        installable=_installable(case, known),
    )


def _installable(case: Case, known: _Known) -> bool:
    """Unfixed as far as the table says, with every precondition met.

    Without a table nothing could be confirmed afterwards, so nothing is installed.
    """
    unfixed = isinstance(known.files, tuple) and not known.all_fixed
    return unfixed and _blocked(case, known) is _PASS


def _first(case: Case, known: _Known) -> _Match:
    for rule in _RULES:
        answer = rule(case, known)
        if isinstance(answer, _Match):
            return answer
        if isinstance(answer, Lacking):
            return _Match(Verdict.UNKNOWN, str(answer))
    return _Match(Verdict.NEEDED, _needed_reason(case, known))


def _know(case: Case) -> _Known:
    fresh = case.fresh
    system = fresh.value(FactKind.OPERATING_SYSTEM, OperatingSystem)
    return _Known(
        system=system,
        product=fresh.value(FactKind.PRODUCT, Product),
        files=_files(case, system),
        effect=effect_of(
            case.hotfix, fresh, replacement(case.hotfix.article, case.own, fresh)
        ),
    )


def _rows(hotfix: Hotfix, system: OperatingSystem) -> tuple[FileRow, ...]:
    table = hotfix.file_table
    return table.rows_for(system.platform, system.service_pack) if table else ()


def _files(
    case: Case, system: OperatingSystem | Lacking
) -> tuple[FileFinding, ...] | Lacking | None:
    if isinstance(system, Lacking):
        return system
    rows = _rows(case.hotfix, system)
    if not rows:
        return None
    return judge_files(rows, case.fresh)


def _not_applicable(case: Case, known: _Known) -> _Answer:
    """The fault cannot occur here: other system, service pack or product."""
    wanted = case.hotfix.prerequisites
    system, product = known.system, known.product
    if isinstance(system, OperatingSystem):
        if system.version != wanted.windows_version:
            return _not_here("Windows", system.version, wanted.windows_version)
        if system.service_pack != wanted.service_pack:
            return _not_here(
                "service pack", str(system.service_pack), str(wanted.service_pack)
            )
    if isinstance(product, Product) and not _is_product(case.hotfix, product):
        expected = ", ".join(case.hotfix.products)
        return _not_here("product", product.name or "none installed", expected)
    if isinstance(system, Lacking):
        return system
    return product if isinstance(product, Lacking) else _PASS


def _is_product(hotfix: Hotfix, product: Product) -> bool:
    return not hotfix.products or product.name in hotfix.products


def _not_here(what: str, found: str, expected: str) -> _Match:
    return _Match(
        Verdict.NOT_APPLICABLE, f"{what} is {found}, the fault needs {expected}"
    )


def _contradicted(case: Case, known: _Known) -> _Answer:
    """A trace or our own record says installed while a file is missing or old."""
    if known.files is None or known.all_fixed:
        return _PASS
    if isinstance(known.files, Lacking):
        return known.files
    bad = known.bad_file()
    if bad is None:
        return _PASS
    claims, lacking = _claims(case)
    if claims:
        return _Match(
            Verdict.CONTRADICTED,
            f"{', '.join(claims)} says installed, but {bad.path}: {bad.reason}, "
            f"expected {bad.expected}",
        )
    return lacking or _PASS


def _claims(case: Case) -> tuple[list[str], Lacking | None]:
    """What says that the hotfix is installed, and the first trace not known."""
    claims = ["our own record"] if case.own.says_installed else []
    lacking: Lacking | None = None
    for trace in TraceName:
        subject = trace_subject(case.hotfix.article, trace)
        state = case.fresh.value(FactKind.TRACE, TraceState, subject)
        if isinstance(state, Lacking):
            lacking = lacking or state
        elif state.present:
            claims.append(trace.value)
    return claims, lacking


def _installed_not_active(_: Case, known: _Known) -> _Answer:
    """The files are right, but a process that counts still runs the old code."""
    if not known.all_fixed:
        return _PASS
    if isinstance(known.effect, Lacking):
        return known.effect
    if isinstance(known.effect, NotInEffect):
        return _Match(Verdict.INSTALLED_NOT_ACTIVE, known.effect.reason)
    return _PASS


def _compliant(_: Case, known: _Known) -> _Answer:
    """Every file right, on a branch that has the fix, and in effect."""
    if known.all_fixed and isinstance(known.effect, InEffect):
        return _Match(Verdict.COMPLIANT, f"every file is right; {known.effect.reason}")
    return _PASS


def _not_affected(case: Case, known: _Known) -> _Answer:
    """No exposure and no symptom: the article says leave it alone."""
    if known.all_fixed:
        return _PASS
    match case.exposure:
        case ExposureLacking(facts):
            return facts[0]
        case NotExposed(why) if case.symptom.leak is not Leak.LEAKING:
            return _Match(Verdict.NOT_AFFECTED, why)
        case _:
            return _PASS


def _indeterminate(case: Case, known: _Known) -> _Answer:
    """Cannot be decided on principle."""
    if known.files is None:
        return _undecidable(
            Cause.NO_FILE_TABLE,
            "no file table for this platform and service pack; "
            "import one with catalog table",
        )
    if isinstance(known.effect, EffectUnprovable) and known.all_fixed:
        return _undecidable(Cause.REPLACEMENT_UNPROVABLE, known.effect.reason)
    if known.bad_file() is None and isinstance(known.files, tuple):
        undecided = next(
            found for found in known.files if found.verdict is FileVerdict.UNDECIDED
        )
        return _undecidable(Cause.LATER_BRANCH, f"{undecided.path}: {undecided.reason}")
    if isinstance(case.exposure, ExposureUnknown):
        return _undecidable(Cause.EXPOSURE_UNKNOWN, case.exposure.why)
    if isinstance(case.exposure, NotExposed):
        return _undecidable(
            Cause.SYMPTOM_WITHOUT_EXPOSURE,
            f"leaks {case.symptom.slope:.0f} bytes an hour, yet {case.exposure.why}",
        )
    return _PASS


def _undecidable(cause: Cause, reason: str) -> _Match:
    return _Match(Verdict.INDETERMINATE, reason, cause)


def _blocked(case: Case, known: _Known) -> _Answer:
    """Needed, but a precondition fails: which, found against expected."""
    if isinstance(case.package, NoPackage):
        return _Match(Verdict.BLOCKED, case.package.reason)
    space = case.fresh.value(FactKind.FREE_SPACE, FreeSpace)
    if isinstance(space, Lacking):
        return space
    wanted = case.hotfix.prerequisites.free_bytes
    if space.bytes < wanted:
        return _Match(
            Verdict.BLOCKED, f"free space is {space.bytes} bytes, needs {wanted}"
        )
    renames = case.fresh.value(FactKind.PENDING_RENAMES, PendingRenames)
    if isinstance(renames, Lacking):
        return renames
    pending = pending_target(known.files, renames, known.system)
    if pending is not None:
        return _Match(
            Verdict.BLOCKED,
            f"{pending} is to be replaced when the computer restarts, "
            "expected no pending rename of it",
        )
    return _PASS


def pending_target(
    files: Sequence[FileFinding] | Lacking | None,
    renames: PendingRenames,
    system: OperatingSystem | Lacking,
) -> str | None:
    """A file of the table that a pending rename will replace at the next start.

    A pending deletion of the displaced copy is normal after an installation.
    """
    if files is None or isinstance(files, Lacking) or isinstance(system, Lacking):
        return None
    paths = {system.resolve(finding.path) for finding in files}
    for operation in renames.operations:
        target = operation.target.removeprefix("!").removeprefix("\\??\\").lower()
        if target in paths:
            return target
    return None


def _needed_reason(case: Case, known: _Known) -> str:
    bad = known.bad_file()
    file = f"{bad.path}: {bad.reason}, expected {bad.expected}" if bad else "not fixed"
    path = case.exposure.path if isinstance(case.exposure, Exposed) else ""
    return f"{file}; exposed by {path}" if path else file


_RULES: tuple[Callable[[Case, _Known], _Answer], ...] = (
    _not_applicable,
    _contradicted,
    _installed_not_active,
    _compliant,
    _not_affected,
    _indeterminate,
    _blocked,
)


def _proof(case: Case, known: _Known) -> tuple[Proof, ...]:
    wanted = case.hotfix.prerequisites
    lines: list[Proof] = []
    if isinstance(known.system, OperatingSystem):
        found = f"{known.system.version} SP{known.system.service_pack}"
        expected = f"{wanted.windows_version} SP{wanted.service_pack}"
        lines.append(_line(case, FactKind.OPERATING_SYSTEM, "", found, expected))
    if isinstance(known.product, Product):
        lines.append(
            _line(
                case,
                FactKind.PRODUCT,
                "",
                known.product.name or "none",
                " or ".join(case.hotfix.products) or "any",
                holds=_is_product(case.hotfix, known.product),
            )
        )
    lines += [_file_line(case, f) for f in _tuple(known.files)]
    lines += _trace_lines(case)
    lines.append(_exposure_line(case))
    lines += _effect_lines(known)
    return tuple(lines)


def _tuple(
    files: tuple[FileFinding, ...] | Lacking | None,
) -> tuple[FileFinding, ...]:
    return files if isinstance(files, tuple) else ()


def _line(
    case: Case,
    kind: FactKind,
    subject: str,
    found: str,
    expected: str,
    *,
    holds: bool | None = None,
) -> Proof:
    seen = case.facts.find(kind, subject)
    return Proof(
        fact=f"{kind.value} {subject}".rstrip(),
        found=found,
        expected=expected,
        holds=found == expected if holds is None else holds,
        source=seen.source if seen else "",
        at=seen.at if seen else None,
    )


def _file_line(case: Case, finding: FileFinding) -> Proof:
    branch = f" {finding.branch.value}" if finding.branch else ""
    found = f"{finding.found}{branch}" if finding.found else finding.verdict.value
    return _line(
        case,
        FactKind.FILE,
        finding.path,
        found,
        f"{finding.expected} or later",
        holds=finding.verdict is FileVerdict.FIXED,
    )


def _trace_lines(case: Case) -> list[Proof]:
    lines = []
    for trace in TraceName:
        subject = trace_subject(case.hotfix.article, trace)
        state = case.fresh.value(FactKind.TRACE, TraceState, subject)
        if isinstance(state, TraceState):
            found = "present" if state.present else "absent"
            lines.append(
                _line(case, FactKind.TRACE, subject, found, "-", holds=state.present)
            )
    return lines


def _exposure_line(case: Case) -> Proof:
    match case.exposure:
        case Exposed(path):
            return Proof("exposure", path, "none", holds=False)
        case NotExposed(why):
            return Proof("exposure", why, "none", holds=True)
        case ExposureUnknown(why):
            return Proof("exposure", f"unknown: {why}", "none", holds=False)
        case ExposureLacking(facts):
            return Proof("exposure", str(facts[0]), "none", holds=False)


def _effect_lines(known: _Known) -> list[Proof]:
    if not known.all_fixed:
        return []
    holds = isinstance(known.effect, InEffect)
    reason = (
        str(known.effect) if isinstance(known.effect, Lacking) else known.effect.reason
    )
    return [Proof("in effect", reason, "started after replacement", holds=holds)]
