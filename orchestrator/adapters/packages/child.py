"""The process in which hostile files are parsed: bounded memory, bounded time.

A request is one line of JSON on standard input, the answer one on standard output.
Nothing is written anywhere else, and nothing is read but the files that are named.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from orchestrator.adapters.packages.inside import look_inside
from orchestrator.adapters.packages.version_resource import read_version_resource
from orchestrator.application.codec import to_json

MEMORY_BYTES = 2 * 1024**3  # a package is mapped once and copied once
CPU_SECONDS = 60


def main() -> None:
    """Set the limits, answer one request."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    request = json.load(sys.stdin)
    paths = [Path(name) for name in request["paths"]]
    read = look_inside if request["what"] == "package" else read_version_resource
    json.dump([to_json(read(path)) for path in paths], sys.stdout)


if __name__ == "__main__":
    main()
