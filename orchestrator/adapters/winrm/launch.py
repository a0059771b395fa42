"""Starting the wrapper detached, and taking its claim in its place.

Win32_Process.Create starts it outside the shell, whose end would kill it and whose
80 MB it would not fit. It tells the process's number and never its exit code.
"""

from __future__ import annotations

from datetime import datetime, timezone

from orchestrator.adapters.winrm.evidence import Moment
from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.files import in_command
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.staging import Workshop
from orchestrator.adapters.winrm.tools import HASHERS, StagingError, write_text
from orchestrator.adapters.winrm.wrapper import wrapper_text
from orchestrator.adapters.winrm.wsman import WsMan, any_of, select
from orchestrator.application.ports.hosts import (
    ClaimResult,
    LaunchOrder,
    LaunchReceipt,
)

#: Return values of Win32_Process.Create.
_MEANING = {
    2: "access denied",
    3: "insufficient privilege",
    8: "unknown failure",
    9: "path not found",
    21: "invalid parameter",
}
_TAKEN, _CLAIMED, _SETTLER = "[taken]", "[claimed]", "[settler]"


def put_wrapper(workshop: Workshop, order: LaunchOrder) -> None:
    """Write the wrapper where there is none yet.

    An existing one is never replaced: cmd reads a batch file line by line, so a
    wrapper at work would lose its end.

    Raises:
        StagingError: another wrapper stands there, or this one did not arrive.
    """
    path = in_command(workshop.layout.wrapper)
    wanted = [wrapper_text(order, tool).splitlines() for tool in HASHERS]
    there = workshop.shell.run(f"type {path}").lines()
    if there and list(there) in wanted:
        return
    if there:
        raise StagingError(
            found="another wrapper in the attempt's folder",
            expected="none, or the one of this attempt",
            hint="look at the folder; then plan the server again",
        )
    tools, width = workshop.proven(), workshop.limits.line_chars
    text = wrapper_text(order, tools.hasher)
    write_text(workshop.shell, tools, workshop.layout, "run.cmd", text, width=width)


def start(wsman: WsMan, layout: Layout, moment: Moment) -> LaunchReceipt:
    """Start the wrapper; its process and the host's clock.

    Raises:
        UnreadableError: Windows refused to start it, and why.
    """
    answer = wsman.invoke(
        "Win32_Process",
        "Create",
        [
            ("CommandLine", f'cmd.exe /c ""{layout.wrapper}""'),
            ("CurrentDirectory", layout.folder),
        ],
    )
    code, process_id = answer.number("ReturnValue"), answer.number("ProcessId")
    if code != 0 or process_id is None:
        why = _MEANING.get(code or 0, "see Win32_Process.Create's return values")
        raise UnreadableError(f"Win32_Process.Create answered {code}: {why}")
    started = _started(wsman, process_id, moment.zone)
    return LaunchReceipt(process_id, started, moment.boot_time, moment.host_time)


def _started(wsman: WsMan, process_id: int, zone: timezone) -> datetime | None:
    query = select("CreationDate", "Win32_Process", any_of("ProcessId", [process_id]))
    rows = wsman.query(query)
    return rows[0].moment("CreationDate", zone) if rows else None


def take_claim(shell: Shell, layout: Layout) -> ClaimResult:
    """Create the claim and mark it as the settler's.

    A claim that carries the mark was taken by a settler before, whose answer was
    lost: no wrapper ran under it, so it counts as taken now.

    Raises:
        UnreadableError: the claim is neither ours nor anybody's.
    """
    claim, mark = in_command(layout.claim), in_command(layout.settler_file)
    command = "&".join(
        (
            f"md {claim} 2>nul",
            f"(if not errorlevel 1 (echo settler>{mark}&echo {_TAKEN}))",
            f"(if exist {claim}\\nul echo {_CLAIMED})",
            f"(if exist {mark} echo {_SETTLER})",
        )
    )
    lines = shell.run(command).lines()
    if _TAKEN in lines or (_CLAIMED in lines and _SETTLER in lines):
        return ClaimResult.TAKEN_NOW
    if _CLAIMED in lines:
        return ClaimResult.WAS_TAKEN
    raise UnreadableError(f"the claim {layout.claim} could not be created")
