"""The files of a table against what is on a host.

Same or later version on a branch that has the fix means fixed. The numbers do not
name the branch (KB824994), so a later version is only right where every branch that
the file may be of has a row it meets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.facts import FactKind, FileState, FreshFacts, Lacking
from orchestrator.domain.hotfix import FileRow
from orchestrator.domain.version import Branch, FileVersion


class FileVerdict(StrEnum):
    """What one file says of the fix."""

    FIXED = "fixed"
    MISSING = "missing"
    TOO_OLD = "too-old"
    #: Not older than the table, on a branch that need not have the fix; or without
    #: a version.
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class FileFinding:
    """One file of the table, found against expected."""

    path: str
    verdict: FileVerdict
    found: FileVersion | None
    branch: Branch | None
    expected: str
    reason: str


@dataclass(frozen=True, slots=True)
class FilesSeen:
    """Every file that is known, and the first fact that lacks, if one does."""

    findings: tuple[FileFinding, ...]
    lacking: Lacking | None = None

    @property
    def all_fixed(self) -> bool:
        """Whether every file of the table is known to be right."""
        return self.lacking is None and all(
            finding.verdict is FileVerdict.FIXED for finding in self.findings
        )

    @property
    def bad(self) -> FileFinding | None:
        """The first file that is missing or too old."""
        return self._first(FileVerdict.MISSING, FileVerdict.TOO_OLD)

    @property
    def undecided(self) -> FileFinding | None:
        """The first file whose numbers and branch do not decide."""
        return self._first(FileVerdict.UNDECIDED)

    def _first(self, *verdicts: FileVerdict) -> FileFinding | None:
        found = (seen for seen in self.findings if seen.verdict in verdicts)
        return next(found, None)


def judge_files(
    rows: Sequence[FileRow], facts: FreshFacts
) -> tuple[FileFinding, ...] | Lacking:
    """Every file of a server's rows; the first fact that lacks, if one does."""
    seen = examine_files(rows, facts)
    return seen.lacking or seen.findings


def examine_files(rows: Sequence[FileRow], facts: FreshFacts) -> FilesSeen:
    """What is known of the files of a server's rows."""
    by_path: dict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        by_path[row.path].append(row)
    findings: list[FileFinding] = []
    lacking: list[Lacking] = []
    for path in sorted(by_path):
        state = _with_version(facts, path)
        if isinstance(state, Lacking):
            lacking.append(state)
        else:
            findings.append(judge_file(by_path[path], state))
    return FilesSeen(tuple(findings), next(iter(lacking), None))


def _with_version(facts: FreshFacts, path: str) -> FileState | Lacking:
    """A file's state; a file whose version was not given is not known."""
    state = facts.value(FactKind.FILE, FileState, path)
    if isinstance(state, FileState) and state.exists and state.version is None:
        return Lacking(f"version of file {path}", "not given by the host")
    return state


def judge_file(rows: Sequence[FileRow], state: FileState) -> FileFinding:
    """One file against its rows, which share a path."""
    expected = " or ".join(
        f"{row.version} {row.branch.value}"
        for row in sorted(rows, key=lambda found: (found.version, found.branch))
    )
    verdict, branch, reason = _compare(rows, state)
    return FileFinding(rows[0].path, verdict, state.version, branch, expected, reason)


def _compare(
    rows: Sequence[FileRow], state: FileState
) -> tuple[FileVerdict, Branch | None, str]:
    if not state.exists:
        return FileVerdict.MISSING, None, "the file is missing"
    if state.version is None:
        return FileVerdict.UNDECIDED, None, "the file has no version"
    version = state.version
    if all(version < row.version for row in rows):
        return FileVerdict.TOO_OLD, state.branch, f"{version} is older"
    possible = _possible_branches(rows, state)
    answers = {_on_branch(rows, version, branch) for branch in possible}
    branch = next(iter(possible)) if len(possible) == 1 else None
    if answers == {FileVerdict.FIXED}:
        return FileVerdict.FIXED, branch, f"{version} is the expected or later"
    if answers == {FileVerdict.TOO_OLD}:
        return FileVerdict.TOO_OLD, branch, f"{version} is older on its branch"
    return FileVerdict.UNDECIDED, branch, _why_undecided(version, branch)


def _possible_branches(rows: Sequence[FileRow], state: FileState) -> frozenset[Branch]:
    """The branches that a file may be of.

    Its own version resource decides. Without it, at a row's exact version that row's
    branch counts, and where rows share the number the size decides or nothing does.
    """
    if state.branch is not None:
        return frozenset({state.branch})
    exact = [row for row in rows if row.version == state.version]
    sized = [row for row in exact if row.size is not None and row.size == state.size]
    chosen = sized if len({row.branch for row in sized}) == 1 else exact
    if chosen:
        return frozenset(row.branch for row in chosen)
    return frozenset({Branch.GDR, Branch.QFE})


def _on_branch(
    rows: Sequence[FileRow], version: FileVersion, branch: Branch
) -> FileVerdict:
    # The files of a service pack itself (RTM) were built as GDR ones are.
    same = {branch, Branch.GDR} if branch is Branch.RTM else {branch}
    own = [row for row in rows if row.branch in same]
    if not own:
        return FileVerdict.UNDECIDED
    if any(version >= row.version for row in own):
        return FileVerdict.FIXED
    return FileVerdict.TOO_OLD


def _why_undecided(version: FileVersion, branch: Branch | None) -> str:
    if branch is None:
        return f"{version} is later, and its branch is not known"
    return f"{version} is on branch {branch.value}, which need not have the fix"


def needs_resource(rows: Sequence[FileRow], state: FileState) -> bool:
    """Whether the file's own version resource would decide what the numbers do not."""
    if state.branch is not None or state.version is None:
        return False
    return judge_file(rows, state).verdict is FileVerdict.UNDECIDED
