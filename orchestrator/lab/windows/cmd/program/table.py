"""Windows' own programs, by the internal name in their version resource."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.lab.windows.cmd import cmd_program
from orchestrator.lab.windows.cmd.ports import Program

TOOLS: Mapping[str, Program] = {
    "cmd": cmd_program.run,
}
