"""Taking an install back: where that may be tried, and what proves that it worked."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.domain.facts import Fingerprint, Lacking, TraceState
from orchestrator.domain.remediation import Action, Attempt, Outcome
from orchestrator.domain.verdict import Cause, Judgement, Verdict

#: How an attempt ends that left the hotfix on the server.
INSTALLED = frozenset(
    {
        Outcome.REMEDIATED,
        Outcome.INSTALLED_NOT_ACTIVE,
        Outcome.UNHEALTHY,
        Outcome.PENDING_RESTART,
    }
)


def says_installed(attempt: Attempt) -> bool:
    """Whether an attempt's end claims that the hotfix is on the server."""
    return attempt.action is Action.INSTALL and attempt.outcome in INSTALLED


def obstacle(
    attempt: Attempt,
    judgement: Judgement,
    folder: TraceState | Lacking,
    later: str | None,
) -> str | None:
    """Why what an attempt installed cannot be taken back; ``None`` if it can.

    Args:
        attempt: the one that is to be undone.
        judgement: of the server as it is now.
        folder: its uninstall folder.
        later: the run that changed the server after the attempt, if any did.
    """
    if not says_installed(attempt):
        end = attempt.outcome.value if attempt.outcome else attempt.state.value
        return f"{attempt.run} did not install it here: {end}"
    if later is not None:
        return f"{later} changed it after {attempt.run}"
    if isinstance(folder, Lacking):
        return str(folder)
    if not folder.present:
        return "its uninstall folder is not there, so nothing can be put back"
    if not attempt.files_before or unproven(attempt.files_before):
        return "its files before the install were not recorded with their hashes"
    return _moved_on(attempt, judgement) or _not_installed(judgement)


def unproven(files: Mapping[str, Fingerprint]) -> str | None:
    """The first file whose fingerprint would not prove that it is back."""
    return next((path for path in sorted(files) if not files[path].proves), None)


def _moved_on(attempt: Attempt, judgement: Judgement) -> str | None:
    for finding in judgement.files:
        left = attempt.files_after.get(finding.path)
        if left is None:
            return f"what {attempt.run} left of {finding.path} was not recorded"
        if finding.found != left.version:
            return (
                f"{finding.path} is {finding.found or 'missing'} now and "
                f"{attempt.run} left {left.version}: something else changed it since"
            )
    return None


def _not_installed(judgement: Judgement) -> str | None:
    installed = judgement.verdict in (Verdict.COMPLIANT, Verdict.INSTALLED_NOT_ACTIVE)
    if installed or judgement.cause is Cause.REPLACEMENT_UNPROVABLE:
        return None
    return f"found {judgement.verdict.value}, expected it installed: {judgement.reason}"


def not_restored(
    wanted: Mapping[str, Fingerprint], found: Mapping[str, Fingerprint]
) -> str | None:
    """The first file that is not as it was before, found against expected."""
    for path, before in sorted(wanted.items()):
        now = found.get(path)
        if now != before:
            return f"{path} is {_words(now)}, expected {_words(before)} as before"
    return None


def _words(file: Fingerprint | None) -> str:
    if file is None:
        return "not read"
    if not file.exists:
        return "missing"
    digest = f"SHA-256 {file.sha256[:12]}" if file.sha256 else "not hashed"
    return f"{file.version or 'without version'} ({digest})"
