"""In effect, not only installed: the moment of replacement against process starts.

A process that started before a file was replaced still runs the old code. The
moment of replacement is our attempt's end, else the end of the installer log's last
run, else at the latest the first survey that saw the right files, all on the host's
clock. A file's own time says nothing: an installer sets it to the build date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.facts import (
    FactKind,
    FreshFacts,
    InstallerLog,
    Lacking,
    ServiceState,
    TraceName,
    TraceState,
)


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


@dataclass(frozen=True, slots=True)
class Replacement:
    """When the files were replaced: not before ``earliest``, not after ``latest``."""

    earliest: datetime | None
    latest: datetime | None
    source: str


def replacement(own: OwnRecord, facts: FreshFacts) -> Replacement:
    """The moment of replacement as well as it can be proven."""
    if own.installed_at is not None:
        return Replacement(own.installed_at, own.installed_at, "our attempt's end")
    log = facts.value(FactKind.INSTALLER_LOG, InstallerLog)
    if isinstance(log, InstallerLog) and log.succeeded and log.ended is not None:
        return Replacement(log.ended, log.ended, "the installer log's last run")
    folder = facts.value(FactKind.TRACE, TraceState, TraceName.UNINSTALL_FOLDER)
    created = folder.created if isinstance(folder, TraceState) else None
    bounds = [moment for moment in (created, own.last_wrong) if moment is not None]
    return Replacement(
        max(bounds, default=None), own.first_right, "the first survey that saw it"
    )


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


def effect_of(
    services: Iterable[str], facts: FreshFacts, replaced: Replacement
) -> Effect:
    """Whether new files are in effect in the services that count."""
    stale: list[str] = []
    unprovable: list[str] = []
    proven: list[str] = []
    for name in services:
        state = facts.value(FactKind.SERVICE, ServiceState, name)
        if isinstance(state, Lacking):
            return state
        started = state.process_started
        if not state.exists or not state.running:
            continue
        if started is None:
            return Lacking(f"process start of service {name}", "never read")
        _place(name, started, replaced, stale, unprovable, proven)
    if stale:
        names = ", ".join(stale)
        return NotInEffect(
            f"{names} started before the files were replaced ({replaced.source})",
            tuple(stale),
        )
    if unprovable:
        names = ", ".join(unprovable)
        return EffectUnprovable(
            f"when the files were replaced cannot be proven, so {names} may run "
            "the old code"
        )
    return InEffect(_in_effect(proven, replaced))


def _place(  # noqa: PLR0917 - three lists that one pass fills
    name: str,
    started: datetime,
    replaced: Replacement,
    stale: list[str],
    unprovable: list[str],
    proven: list[str],
) -> None:
    if replaced.latest is not None and started >= replaced.latest:
        proven.append(name)
    elif replaced.earliest is not None and started < replaced.earliest:
        stale.append(name)
    else:
        unprovable.append(name)


def _in_effect(proven: list[str], replaced: Replacement) -> str:
    if not proven:
        return "no process that counts runs"
    return f"{', '.join(proven)} started after the replacement ({replaced.source})"
