"""Facts, hotfix and exposure in; one verdict with its proof out.

The rules are evaluated in the order of the contract and the first that matches wins.
A rule is passed over when known facts refute it, or when what it lacks makes a
server ``indeterminate`` on principle; any other missing or stale fact ends in
``unknown`` and is named. Being unreachable decides nothing: facts that are still
fresh stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.domain.case import (
    FACT_LIMIT,
    Case,
    Cause,
    Judgement,
    Known,
    Proof,
    Verdict,
    is_product,
)
from orchestrator.domain.effect import (
    EffectUnprovable,
    InEffect,
    NotInEffect,
    effect_of,
    replacement,
)
from orchestrator.domain.exposure import (
    Exposed,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
)
from orchestrator.domain.facts import (
    FactKind,
    FreeSpace,
    Lacking,
    OperatingSystem,
    PendingRenames,
    Product,
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.files import FileFinding, examine_files
from orchestrator.domain.hotfix import FileRow, NoPackage
from orchestrator.domain.proof import proof_of
from orchestrator.domain.symptom import Leak

__all__ = [
    "FACT_LIMIT",
    "Case",
    "Cause",
    "Judgement",
    "Proof",
    "Verdict",
    "judge",
    "pending_target",
]


@dataclass(frozen=True, slots=True)
class _Match:
    """A rule matched."""

    verdict: Verdict
    reason: str
    cause: Cause | None = None


_PASS = None
_Answer = _Match | Lacking | None


def judge(case: Case) -> Judgement:
    """The verdict of one server on one hotfix."""
    known = _know(case)
    blocked = _blocked(case, known)
    answer = _first(case, known) or blocked or _needed(case, known)
    system = known.system if isinstance(known.system, OperatingSystem) else None
    return Judgement(
        server=case.server.name,
        verdict=answer.verdict,
        reason=answer.reason,
        cause=answer.cause,
        proof=proof_of(case, known),
        system=system,
        files=known.findings,
        exposure=case.exposure,
        effect=known.effect,
        installable=_unfixed(known) and blocked is _PASS,
    )


def _unfixed(known: Known) -> bool:
    """Whether the table says so; without one nothing could be confirmed afterwards."""
    files = known.files
    return files is not None and bool(files.bad or files.undecided)


def _first(case: Case, known: Known) -> _Match | None:
    """What the first rule that matches says, or the first that lacks a fact."""
    for rule in _RULES:
        answer = rule(case, known)
        if answer is not None:
            return _unless_lacking(answer)
    return None


def _unless_lacking(answer: _Match | Lacking) -> _Match:
    if isinstance(answer, Lacking):
        return _Match(Verdict.UNKNOWN, str(answer))
    return answer


def _know(case: Case) -> Known:
    fresh = case.fresh
    system = fresh.value(FactKind.OPERATING_SYSTEM, OperatingSystem)
    rows = _rows(case, system)
    return Known(
        system=system,
        product=fresh.value(FactKind.PRODUCT, Product),
        rows=rows,
        files=examine_files(rows, fresh) if rows else None,
        effect=effect_of(
            case.hotfix, fresh, replacement(case.hotfix.article, case.own, fresh)
        ),
        traces={
            trace: fresh.value(
                FactKind.TRACE, TraceState, trace_subject(case.hotfix.article, trace)
            )
            for trace in TraceName
        },
    )


def _rows(case: Case, system: OperatingSystem | Lacking) -> tuple[FileRow, ...]:
    table = case.hotfix.file_table
    if table is None or isinstance(system, Lacking):
        return ()
    return table.rows_for(system.platform, system.service_pack)


def _not_applicable(case: Case, known: Known) -> _Answer:
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
    if isinstance(product, Product) and not is_product(case.hotfix, product):
        expected = ", ".join(case.hotfix.products)
        return _not_here("product", product.name or "none installed", expected)
    if isinstance(system, Lacking):
        return system
    return product if isinstance(product, Lacking) else _PASS


def _not_here(what: str, found: str, expected: str) -> _Match:
    return _Match(
        Verdict.NOT_APPLICABLE, f"{what} is {found}, the fault needs {expected}"
    )


def _contradicted(case: Case, known: Known) -> _Answer:
    """A trace or our own record says installed while a file is missing or old."""
    if known.files is None:
        return _PASS
    bad = known.files.bad
    if bad is None:
        return known.files.lacking
    claims, lacking = _claims(case, known)
    if claims:
        return _Match(
            Verdict.CONTRADICTED,
            f"{', '.join(claims)} says installed, but {bad.path}: {bad.reason}, "
            f"expected {bad.expected}",
        )
    return lacking


def _claims(case: Case, known: Known) -> tuple[list[str], Lacking | None]:
    """What says that the hotfix is installed, and the first trace not known."""
    claims = ["our own record"] if case.own.says_installed else []
    lacking: Lacking | None = None
    for trace, state in known.traces.items():
        if isinstance(state, Lacking):
            lacking = lacking or state
        elif state.present:
            claims.append(trace.value)
    return claims, lacking


def _installed_not_active(_: Case, known: Known) -> _Answer:
    """The files are right, but a process that counts still runs the old code."""
    if not known.all_fixed:
        return _PASS
    if isinstance(known.effect, Lacking):
        return known.effect
    if isinstance(known.effect, NotInEffect):
        return _Match(Verdict.INSTALLED_NOT_ACTIVE, known.effect.reason)
    return _PASS


def _compliant(_: Case, known: Known) -> _Answer:
    """Every file right, on a branch that has the fix, and in effect."""
    if known.all_fixed and isinstance(known.effect, InEffect):
        return _Match(Verdict.COMPLIANT, f"every file is right; {known.effect.reason}")
    return _PASS


def _not_affected(case: Case, _: Known) -> _Answer:
    """No exposure and no symptom: the article says leave it alone."""
    if case.symptom.leak is Leak.LEAKING:
        return _PASS
    match case.exposure:
        case ExposureLacking(facts):
            return facts[0]
        case NotExposed(why):
            return _Match(Verdict.NOT_AFFECTED, why)
        case _:
            return _PASS


def _indeterminate(case: Case, known: Known) -> _Answer:
    """Cannot be decided on principle."""
    if known.files is None:
        return _undecidable(
            Cause.NO_FILE_TABLE,
            "no file table for this platform and service pack; "
            "import one with catalog table",
        )
    if known.all_fixed and isinstance(known.effect, EffectUnprovable):
        return _undecidable(Cause.REPLACEMENT_UNPROVABLE, known.effect.reason)
    undecided = known.files.undecided
    if known.files.bad is None and undecided is not None:
        return _undecidable(Cause.LATER_BRANCH, f"{undecided.path}: {undecided.reason}")
    return _exposure_undecidable(case)


def _exposure_undecidable(case: Case) -> _Answer:
    match case.exposure:
        case ExposureLacking(facts):
            return facts[0]
        case ExposureUnknown(why):
            return _undecidable(Cause.EXPOSURE_UNKNOWN, why)
        case NotExposed(why):
            return _undecidable(
                Cause.SYMPTOM_WITHOUT_EXPOSURE,
                f"leaks {case.symptom.slope:.0f} bytes an hour, yet {why}",
            )
        case Exposed():
            return _PASS


def _undecidable(cause: Cause, reason: str) -> _Match:
    return _Match(Verdict.INDETERMINATE, reason, cause)


def _blocked(case: Case, known: Known) -> _Match | None:
    """A precondition that fails: which, found against expected.

    One that is known to fail decides, whatever is not known of the others.
    """
    answers = [check(case, known) for check in _PRECONDITIONS]
    failed = (answer for answer in answers if isinstance(answer, _Match))
    lacking = (answer for answer in answers if isinstance(answer, Lacking))
    answer = next(failed, None) or next(lacking, None)
    return None if answer is None else _unless_lacking(answer)


def _package(case: Case, _: Known) -> _Answer:
    if isinstance(case.package, NoPackage):
        return _Match(Verdict.BLOCKED, case.package.reason)
    return _PASS


def _space(case: Case, _: Known) -> _Answer:
    space = case.fresh.value(FactKind.FREE_SPACE, FreeSpace)
    wanted = case.hotfix.prerequisites.free_bytes
    if isinstance(space, Lacking):
        return space
    if space.bytes < wanted:
        return _Match(
            Verdict.BLOCKED, f"free space is {space.bytes} bytes, needs {wanted}"
        )
    return _PASS


def _renames(case: Case, known: Known) -> _Answer:
    renames = case.fresh.value(FactKind.PENDING_RENAMES, PendingRenames)
    if isinstance(renames, Lacking):
        return renames
    if isinstance(known.system, Lacking):
        return known.system
    pending = pending_target(known.rows, renames, known.system)
    if pending is None:
        return _PASS
    return _Match(
        Verdict.BLOCKED,
        f"{pending} is to be replaced when the computer restarts, "
        "expected no pending rename of it",
    )


_PRECONDITIONS = (_package, _space, _renames)


def pending_target(
    files: Iterable[FileFinding | FileRow],
    renames: PendingRenames,
    system: OperatingSystem,
) -> str | None:
    r"""A file of the table that a pending rename will replace at the next start.

    A pending deletion of the displaced copy is normal after an installation.

    Args:
        files: of the table, as its rows or as they were found.
        renames: as the host has them; a target may begin with ``!`` and ``\??\``.
        system: where ``%systemroot%`` is.
    """
    paths = {system.resolve(file.path) for file in files}
    for operation in renames.operations:
        target = operation.target.removeprefix("!").removeprefix("\\??\\").lower()
        if target in paths:
            return target
    return None


def _needed(case: Case, known: Known) -> _Match:
    bad = known.files.bad if known.files else None
    file = f"{bad.path}: {bad.reason}, expected {bad.expected}" if bad else "not fixed"
    path = case.exposure.path if isinstance(case.exposure, Exposed) else ""
    reason = f"{file}; exposed by {path}" if path else file
    return _Match(Verdict.NEEDED, reason)


_RULES: tuple[Callable[[Case, Known], _Answer], ...] = (
    _not_applicable,
    _contradicted,
    _installed_not_active,
    _compliant,
    _not_affected,
    _indeterminate,
)
