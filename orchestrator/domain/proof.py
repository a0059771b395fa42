"""The proof of a verdict: each fact, found against expected, with source and time."""

from __future__ import annotations

from orchestrator.domain.case import Case, Known, Proof, is_product
from orchestrator.domain.effect import InEffect
from orchestrator.domain.exposure import (
    Exposed,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
)
from orchestrator.domain.facts import (
    FactKind,
    InstallerLog,
    Lacking,
    OperatingSystem,
    Product,
    TraceState,
    trace_subject,
)
from orchestrator.domain.files import FileFinding, FileVerdict


def proof_of(case: Case, known: Known) -> tuple[Proof, ...]:
    """Every line of a verdict's proof, found against expected."""
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
                holds=is_product(case.hotfix, known.product),
            )
        )
    lines += [_file_line(case, finding) for finding in known.findings]
    lines += _trace_lines(case, known)
    lines += _log_lines(case)
    lines += _own_lines(case)
    lines.append(_exposure_line(case))
    lines += _effect_lines(known)
    return tuple(lines)


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
        fact=f"{kind} {subject}".rstrip(),
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


def _trace_lines(case: Case, known: Known) -> list[Proof]:
    lines = []
    for trace, state in known.traces.items():
        if isinstance(state, TraceState):
            subject = trace_subject(case.hotfix.article, trace)
            found = "present" if state.present else "absent"
            lines.append(
                _line(case, FactKind.TRACE, subject, found, "-", holds=state.present)
            )
    return lines


def _log_lines(case: Case) -> list[Proof]:
    """The last run that the installer logged: what it did then, not what is there."""
    article = case.hotfix.article
    log = case.fresh.value(FactKind.INSTALLER_LOG, InstallerLog, article)
    if isinstance(log, Lacking) or not log.exists:
        return []
    ended = f"{log.ended:%Y-%m-%d %H:%M}Z" if log.ended else "no end"
    how = {True: "succeeded", False: "failed", None: "open"}[log.succeeded]
    found = f"last run {how}, {ended}"
    holds = log.succeeded is True
    return [_line(case, FactKind.INSTALLER_LOG, article, found, "-", holds=holds)]


def _own_lines(case: Case) -> list[Proof]:
    own = case.own
    if not own.says_installed:
        return []
    return [
        Proof("own record", "installed", "-", True, "our journal", own.installed_at)
    ]


def _exposure_line(case: Case) -> Proof:
    match case.exposure:
        case Exposed(path, source):
            return Proof("exposure", path, "none", holds=False, source=source)
        case NotExposed(why):
            return Proof("exposure", why, "none", holds=True)
        case ExposureUnknown(why):
            return Proof("exposure", f"unknown: {why}", "none", holds=False)
        case ExposureLacking(facts):
            return Proof("exposure", str(facts[0]), "none", holds=False)


def _effect_lines(known: Known) -> list[Proof]:
    if not known.all_fixed:
        return []
    holds = isinstance(known.effect, InEffect)
    reason = (
        str(known.effect) if isinstance(known.effect, Lacking) else known.effect.reason
    )
    return [Proof("in effect", reason, "started after replacement", holds=holds)]
