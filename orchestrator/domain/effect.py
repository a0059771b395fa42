"""In effect, not only installed: the moment of replacement against process starts.

A process that started before a file was replaced still runs the old code. The
moment of replacement is our attempt's end, else the end of the installer log's last
run, else at the latest the first survey that saw the right files, all on the host's
clock. A file's own time says nothing: an installer sets it to the build date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from orchestrator.domain.facts import (
    FactKind,
    FreshFacts,
    InstallerLog,
    Lacking,
    OperatingSystem,
    ServiceState,
    TraceName,
    TraceState,
    trace_subject,
)
from orchestrator.domain.hotfix import Hotfix

#: Stands among the services that count where a hotfix requires a restart.
COMPUTER = "the computer"


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """What our own journal and surveys know, on the host's clock."""

    #: The end of our last attempt that installed.
    installed_at: datetime | None = None
    #: Whether our last attempt on the server says installed.
    says_installed: bool = False
    #: The first survey that saw the right files.
    first_right: datetime | None = None
    #: The last survey that saw wrong ones.
    last_wrong: datetime | None = None

    def was_wrong_after(self, moment: datetime) -> bool:
        """Whether a survey saw wrong files later than a moment."""
        return self.last_wrong is not None and self.last_wrong > moment


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Replacement:
    """When the files were replaced: not before ``earliest``, not after ``latest``."""

    earliest: datetime | None
    latest: datetime | None
    #: What says so of ``latest``; and of ``earliest``, where that is another.
    source: str
    lower_source: str = ""
    #: The fact that a survey would bring and that may narrow the moment.
    lacking: Lacking | None = None


def replacement(article: str, own: OwnRecord, facts: FreshFacts) -> Replacement:
    """The moment of replacement as well as it can be proven.

    An installation before a survey that saw wrong files did not bring the right ones.
    """
    if own.installed_at is not None and not own.was_wrong_after(own.installed_at):
        return Replacement(own.installed_at, own.installed_at, "our attempt's end")
    log = facts.value(FactKind.INSTALLER_LOG, InstallerLog, article)
    ended = log.ended if isinstance(log, InstallerLog) and log.succeeded else None
    if ended is not None and not own.was_wrong_after(ended):
        return Replacement(ended, ended, "the installer log's last run")
    folder = facts.value(
        FactKind.TRACE, TraceState, trace_subject(article, TraceName.UNINSTALL_FOLDER)
    )
    created = folder.created if isinstance(folder, TraceState) else None
    lower = max(
        (moment, said)
        for moment, said in (
            (created, "not before the uninstall folder was created"),
            (own.last_wrong, "not before a survey saw the wrong ones"),
            (_NEVER, ""),
        )
        if moment is not None
    )
    return Replacement(
        None if lower[0] == _NEVER else lower[0],
        own.first_right,
        "the first survey that saw it",
        lower[1],
        _missing_log(article, log, facts),
    )


def _missing_log(
    article: str, log: InstallerLog | Lacking, facts: FreshFacts
) -> Lacking | None:
    """The log where a survey would bring it; one that nobody can read proves nothing.

    The same line is drawn for a peer's protection.
    """
    if isinstance(log, InstallerLog):
        return None
    unreadable = facts.nobody_can_read(FactKind.INSTALLER_LOG, article)
    return None if unreadable else log


@dataclass(frozen=True, slots=True)
class InEffect:
    """Every process that counts started after the files were replaced, or none runs."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotInEffect:
    """A process that counts still runs the old code."""

    reason: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EffectUnprovable:
    """The moment of replacement cannot be placed against a process's start."""

    reason: str


Effect = InEffect | NotInEffect | EffectUnprovable | Lacking


class _Place(StrEnum):
    """Where a start lies against the moment of replacement."""

    BEFORE = "before"
    AFTER = "after"
    UNPROVABLE = "unprovable"


def effect_of(hotfix: Hotfix, facts: FreshFacts, replaced: Replacement) -> Effect:
    """Whether new files are in effect in what counts for a hotfix.

    The services of the definition count; where it requires a restart, the start of
    the computer counts as well.
    """
    starts, lacking = _starts(hotfix, facts)
    places = {name: _place(started, replaced) for name, started in starts.items()}
    stale = tuple(name for name, place in places.items() if place is _Place.BEFORE)
    if stale:
        names = ", ".join(stale)
        return NotInEffect(
            f"{names} started before the files were replaced "
            f"({replaced.lower_source or replaced.source})",
            stale,
        )
    if lacking is not None:
        return lacking
    doubtful = [name for name, place in places.items() if place is _Place.UNPROVABLE]
    if doubtful:
        return replaced.lacking or EffectUnprovable(
            "when the files were replaced cannot be proven, so "
            f"{', '.join(doubtful)} may run the old code"
        )
    return InEffect(_in_effect(list(places), replaced))


def _starts(
    hotfix: Hotfix, facts: FreshFacts
) -> tuple[dict[str, datetime], Lacking | None]:
    """When each thing that counts started, and the first start that is not known."""
    found = {name: _service_start(name, facts) for name in hotfix.services}
    if hotfix.restart_required:
        system = facts.value(FactKind.OPERATING_SYSTEM, OperatingSystem)
        found[COMPUTER] = system if isinstance(system, Lacking) else system.boot_time
    known = {name: at for name, at in found.items() if isinstance(at, datetime)}
    lacking = (at for at in found.values() if isinstance(at, Lacking))
    return known, next(lacking, None)


def _service_start(name: str, facts: FreshFacts) -> datetime | Lacking | None:
    """The start of a service's process; ``None`` where there is no process.

    A paused service, or one that is stopping, still has its process.
    """
    state = facts.value(FactKind.SERVICE, ServiceState, name)
    if isinstance(state, Lacking):
        return state
    if not state.exists or state.stopped:
        return None
    missing = Lacking(f"process start of service {name}", "never read")
    return state.process_started or missing


def _place(started: datetime, replaced: Replacement) -> _Place:
    if replaced.latest is not None and started >= replaced.latest:
        return _Place.AFTER
    if replaced.earliest is not None and started < replaced.earliest:
        return _Place.BEFORE
    return _Place.UNPROVABLE


def _in_effect(proven: list[str], replaced: Replacement) -> str:
    if not proven:
        return "no process that counts runs"
    return f"{', '.join(proven)} started after the replacement ({replaced.source})"
