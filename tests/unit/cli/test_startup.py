"""A command loads what it needs, so that short ones stay short."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import sys
from orchestrator.cli.main import main
main(["catalog", "list"])
print(*sys.modules, file=sys.stderr)
"""


def test_a_command_that_only_shows_loads_no_network_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env={**os.environ, "ORCHESTRATOR_DATABASE": f"sqlite:///{tmp_path}/o.db"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    spared = {"pypsrp", "spnego", "requests", "scipy", "lief"}
    assert set(done.stderr.split()) & spared == set()
