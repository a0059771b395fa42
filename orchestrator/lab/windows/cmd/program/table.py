"""Windows' own programs, by the internal name in their version resource."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.lab.windows.cmd import cmd_program
from orchestrator.lab.windows.cmd.ports import Program
from orchestrator.lab.windows.cmd.program import (
    certutil,
    copying,
    registry,
    rights,
    search,
    system,
    tasks,
)

TOOLS: Mapping[str, Program] = {
    "attrib": rights.attrib,
    "cacls": rights.cacls,
    "certutil": certutil.run,
    "chcp": system.chcp,
    "cmd": cmd_program.run,
    "find": search.find,
    "findstr": search.findstr,
    "hostname": system.hostname,
    "more": search.more,
    "ping": system.ping,
    "reg": registry.reg,
    "sort": search.sort,
    "taskkill": tasks.taskkill,
    "tasklist": tasks.tasklist,
    "xcopy": copying.xcopy,
}
"""Those that are there at all are the files in the Windows folder."""
