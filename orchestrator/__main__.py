"""``python -m orchestrator``."""

from __future__ import annotations

import os
import sys

from orchestrator.application.results import ExitCode
from orchestrator.cli.main import main as run


def main() -> None:
    """Run the command line and end the process with its exit code."""
    code = run()
    if code == ExitCode.INTERRUPTED:
        # Whoever insisted on leaving must not wait for turns that are in flight; the
        # journal knows them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
