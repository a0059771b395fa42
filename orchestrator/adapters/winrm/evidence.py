"""What a host tells of an attempt, read in the order that cannot lie.

Processes first, then the claim, then the exit code: an installer that ends in between
has its code seen, and is never taken for one that vanished.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from orchestrator.adapters.winrm import files, traces
from orchestrator.adapters.winrm.facts import only
from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.values import Row, minutes_east
from orchestrator.adapters.winrm.wsman import WsMan, any_of, select
from orchestrator.domain.remediation import AttemptEvidence, ProcessSeen

_INSTALLERS = ("update.exe", "spuninst.exe")
_EXIT, _REFUSED, _FAILED, _END = "[exit]", "[refused]", "[failed]", "[end]"
_CLAIMED, _SETTLER = "[claimed]", "[settler]"


@dataclass(frozen=True, slots=True)
class Moment:
    """The host's clock, boot and zone, as they are now."""

    windows: str
    host_time: datetime
    boot_time: datetime
    zone: timezone
    code_page: int | None = None


def read_moment(wsman: WsMan) -> Moment:
    """The few values of the system that every look at an attempt needs.

    Raises:
        UnreadableError: one is missing.
    """
    query = select(
        "WindowsDirectory, LocalDateTime, LastBootUpTime, CurrentTimeZone",
        "Win32_OperatingSystem",
    )
    row = only(wsman.query(query), "Win32_OperatingSystem")
    zone = minutes_east(row.number("CurrentTimeZone") or 0)
    now, boot = row.moment("LocalDateTime", zone), row.moment("LastBootUpTime", zone)
    if now is None or boot is None:
        raise UnreadableError("Win32_OperatingSystem gives no time or boot time")
    windows = row.needed("WindowsDirectory").rstrip("\\")
    return Moment(windows, now, boot, zone)


def read_processes(
    wsman: WsMan, layout: Layout, zone: timezone
) -> tuple[tuple[ProcessSeen, ...], tuple[ProcessSeen, ...]]:
    """Processes that name the attempt's folder, and installers whoever's they are."""
    rows = wsman.query(
        select("ProcessId, Name, CommandLine, CreationDate", "Win32_Process")
    )
    seen = [found for row in rows if (found := _seen(row, zone))]
    needle = f"\\{layout.token}\\".lower()
    mentioning = tuple(one for one in seen if needle in one.command_line.lower())
    installers = tuple(one for one in seen if one.image.lower() in _INSTALLERS)
    return mentioning, installers


def _seen(row: Row, zone: timezone) -> ProcessSeen | None:
    process_id, started = row.number("ProcessId"), row.moment("CreationDate", zone)
    if process_id is None or started is None:
        return None
    return ProcessSeen(
        process_id, started, row.text("Name") or "", row.text("CommandLine") or ""
    )


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands in the attempt's folder."""

    claimed: bool
    exit_text: str | None = None
    refusal: str | None = None


def read_marks(shell: Shell, layout: Layout) -> Marks:
    """Claim, code and refusal with one read-only command line.

    Raises:
        UnreadableError: the command's output is not whole.
    """
    lines = shell.run(_marks_command(layout)).lines()
    if not lines or lines[-1].strip() != _END:
        raise UnreadableError("the attempt's marks came incomplete")
    claimed = _CLAIMED in lines and _SETTLER not in lines
    exit_text = _between(lines, _EXIT, _REFUSED)
    refusal = _between(lines, _REFUSED, _FAILED) or _between(lines, _FAILED, _END)
    return Marks(claimed, exit_text, refusal)


def _marks_command(layout: Layout) -> str:
    # No "&&" and no "else": interpreters other than Microsoft's disagree on them.
    path = files.in_command
    parts = [
        f"(if exist {path(layout.claim)}\\nul echo {_CLAIMED})",
        f"(if exist {path(layout.settler_file)} echo {_SETTLER})",
    ]
    for mark, name in (
        (_EXIT, layout.exit_file),
        (_REFUSED, layout.refusal_file),
        (_FAILED, layout.unclaimed_file),
    ):
        parts += [f"echo {mark}", f"type {path(name)} 2>nul"]
    return "&".join([*parts, f"echo {_END}"])


def _between(lines: tuple[str, ...], start: str, end: str) -> str | None:
    inside = lines[lines.index(start) + 1 : lines.index(end)]
    return " ".join(line.strip() for line in inside if line.strip()) or None


def read_evidence(
    wsman: WsMan, shell: Shell, layout: Layout, moment: Moment, limits: WinRmLimits
) -> AttemptEvidence:
    """Everything that settles an attempt."""
    mentioning, installers = read_processes(wsman, layout, moment.zone)
    marks = read_marks(shell, layout)
    over = marks.exit_text is not None
    return AttemptEvidence(
        host_time=moment.host_time,
        boot_time=moment.boot_time,
        mentioning=mentioning,
        installers=installers,
        claimed=marks.claimed,
        exit_text=marks.exit_text,
        refusal=marks.refusal,
        ended=_ended(wsman, layout, moment.zone) if over else None,
        log_tail=_tail(shell, layout, moment.zone, limits) if over else (),
    )


def _ended(wsman: WsMan, layout: Layout, zone: timezone) -> datetime | None:
    query = select("LastModified", "CIM_DataFile", any_of("Name", [layout.exit_file]))
    rows = wsman.query(query)
    return rows[0].moment("LastModified", zone) if rows else None


def _tail(
    shell: Shell, layout: Layout, zone: timezone, limits: WinRmLimits
) -> tuple[str, ...]:
    data = files.fetch(shell, layout.log, limits.log_bytes)
    return traces.read_log(data, zone, tail=limits.log_tail_lines).tail
