"""Where an update.exe package leaves that it was installed, and its log.

Absence proves nothing (MS06-035: a slipstreamed update need not create its key), and
presence is not a file version: each trace is a fact of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from orchestrator.adapters.winrm.registry import Registry
from orchestrator.adapters.winrm.values import Row
from orchestrator.adapters.winrm.wsman import WsMan, any_of, select
from orchestrator.domain.facts import InstallerLog, TraceState

_HOTFIX_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Hotfix"
_UNINSTALL_KEY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def updates_key(service_pack: int) -> str:
    """The key carries the number of the *next* service pack (MS06-035)."""
    return rf"SOFTWARE\Microsoft\Updates\Windows Server 2003\SP{service_pack + 1}"


def read_keys(
    registry: Registry, key: str, articles: Iterable[str]
) -> dict[str, TraceState]:
    """Which articles have a key below a key; one request for all of them."""
    found = {name.lower() for name in registry.subkeys(key) or ()}
    return {
        article: TraceState(
            present=article.lower() in found,
            detail=rf"HKLM\{key}\{article}" if article.lower() in found else "",
        )
        for article in articles
    }


def read_hotfix_keys(
    registry: Registry, articles: Iterable[str]
) -> dict[str, TraceState]:
    r"""Keys under CurrentVersion\Hotfix."""
    return read_keys(registry, _HOTFIX_KEY, articles)


def read_uninstall_keys(
    registry: Registry, articles: Iterable[str]
) -> dict[str, TraceState]:
    r"""Keys under CurrentVersion\Uninstall."""
    return read_keys(registry, _UNINSTALL_KEY, articles)


def read_qfe(wsman: WsMan, articles: Sequence[str]) -> dict[str, TraceState]:
    """Win32_QuickFixEngineering; 2003 may call a row ``File 1`` and repeat it."""
    rows = wsman.query(
        select(
            "HotFixID, ServicePackInEffect",
            "Win32_QuickFixEngineering",
            f"{any_of('HotFixID', articles)} OR "
            f"{any_of('ServicePackInEffect', articles)}",
        )
    )
    return {article: _qfe(article, rows) for article in articles}


def _qfe(article: str, rows: Iterable[Row]) -> TraceState:
    names = [
        (row.text("HotFixID") or "", row.text("ServicePackInEffect") or "")
        for row in rows
    ]
    own = [
        pair for pair in names if article.lower() in (pair[0].lower(), pair[1].lower())
    ]
    return TraceState(
        present=bool(own), detail="; ".join(sorted({" ".join(pair) for pair in own}))
    )


def uninstall_folder(windows: str, article: str) -> str:
    """``$NtUninstallKBnnnnnn$`` under the Windows folder."""
    return rf"{windows}\$ntuninstall{article.lower()}$"


def log_path(windows: str, article: str) -> str:
    """``KBnnnnnn.log`` under the Windows folder."""
    return rf"{windows}\{article.lower()}.log"


def read_folders(
    wsman: WsMan, windows: str, articles: Iterable[str], zone: timezone
) -> dict[str, TraceState]:
    """The uninstall folders with the host's time of their creation."""
    paths = {article: uninstall_folder(windows, article) for article in articles}
    rows = wsman.query(
        select("Name, CreationDate", "Win32_Directory", any_of("Name", paths.values()))
    )
    found = {row.needed("Name").lower(): row for row in rows}
    states = {}
    for article, path in paths.items():
        row = found.get(path)
        created = row.moment("CreationDate", zone) if row else None
        states[article] = TraceState(
            present=row is not None, detail=path if row else "", created=created
        )
    return states


@dataclass(frozen=True, slots=True)
class LogMarkers:
    """Sentences of update.exe's log. Only failure was sourced; success was not."""

    failed: tuple[str, ...] = (
        "setup encountered an error",
        "installation did not complete",
        "extended error code",
    )
    succeeded: tuple[str, ...] = ("installed successfully",)


_LINE = re.compile(r"\s*(\d{1,9})[.,](\d{1,3}):\s?(.*)")
_SESSION = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)[.,](\d{1,3}) \(local\)"
)
_EXTENDED = re.compile(r"extended error code = (0x[0-9a-f]{1,8})", re.IGNORECASE)
#: How far a log's last write may lie from its last line when whole hours are told
#: apart.
_SLACK = timedelta(minutes=10)


def read_log(
    data: bytes,
    zone: timezone,
    *,
    written: datetime | None = None,
    tail: int = 20,
    markers: LogMarkers | None = None,
) -> InstallerLog:
    """The last run in a log. Lines are ``seconds.milliseconds: text``.

    Args:
        data: the file as it is.
        zone: the host's zone now; the log's times are local.
        written: the file's last write in UTC. Where it lies whole hours from the
            last line, the zone has changed since, and it is right.
        tail: how many of the last lines are kept.
        markers: the sentences that tell success and failure.
    """
    lines = [found for line in _text(data).splitlines() if (found := _line(line))]
    starts = [number for number, line in enumerate(lines) if _SESSION.search(line[1])]
    run = lines[starts[-1] :] if starts else lines
    if not run:
        return InstallerLog(exists=True)
    begun = _begun(run[0][1], zone)
    ended = begun + (run[-1][0] - run[0][0]) if begun else None
    shift = _shift(ended, written)
    words = "\n".join(text for _, text in run).lower()
    extended = _EXTENDED.findall(words)
    return InstallerLog(
        exists=True,
        started=begun + shift if begun else None,
        ended=ended + shift if ended else None,
        succeeded=_succeeded(words, markers or LogMarkers()),
        extended_code=extended[-1] if extended else None,
        tail=tuple(text for _, text in run[-tail:]),
    )


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("latin-1")


def _line(line: str) -> tuple[timedelta, str] | None:
    found = _LINE.match(line)
    if found is None:
        return None
    seconds, fraction, text = found.groups()
    since = timedelta(seconds=int(seconds), milliseconds=int(fraction.ljust(3, "0")))
    return since, text.strip()


def _begun(text: str, zone: timezone) -> datetime | None:
    found = _SESSION.search(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, milli = map(int, found.groups())
    try:
        local = datetime(year, month, day, hour, minute, second, milli * 1000, zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _shift(ended: datetime | None, written: datetime | None) -> timedelta:
    if ended is None or written is None:
        return timedelta()
    hours = round((written - ended) / timedelta(hours=1))
    whole = timedelta(hours=hours)
    near = abs(written - ended - whole) <= _SLACK
    return whole if abs(hours) == 1 and near else timedelta()


def _succeeded(words: str, markers: LogMarkers) -> bool | None:
    if any(marker in words for marker in markers.failed):
        return False
    return True if any(marker in words for marker in markers.succeeded) else None
