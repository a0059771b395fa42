"""Parsing in a process of its own, since a parser of hostile files may go wrong.

It may hang, crash in native code, or take all memory; then the child ends and the
file is refused. The child gets no environment, so no secret either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.adapters.packages.version_resource import VersionResource
from orchestrator.application.codec import from_json
from orchestrator.application.ports.files import PackageInside
from orchestrator.domain.canonical import Json

TIMEOUT_S = 90.0  # for one request; a package of 350 MB takes a few seconds

_CHILD = "orchestrator.adapters.packages.child"


class UnparsableError(Exception):
    """The parser did not come to an end on this file."""


def package_inside(path: Path) -> PackageInside:
    """What a package's bytes say.

    Raises:
        UnparsableError: its parser ran out of time or memory, or crashed.
    """
    return from_json(PackageInside, _ask("package", [path])[0])


def version_resources(paths: Sequence[Path]) -> list[VersionResource | None]:
    """The version resource of each file; ``None`` where it has none.

    Raises:
        UnparsableError: a parser ran out of time or memory, or crashed.
    """
    return [
        from_json(VersionResource, found) if found else None
        for found in _ask("images", paths)
    ]


def _ask(what: str, paths: Sequence[Path]) -> list[Json]:
    request = json.dumps(
        {"what": what, "paths": [str(path.resolve()) for path in paths]}
    )
    try:
        done = subprocess.run(  # noqa: TID251, S603 -- this is the adapter; our own code
            [sys.executable, "-P", "-s", "-m", _CHILD],
            input=request.encode(),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired:
        raise UnparsableError(f"not done after {TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise UnparsableError(f"the parser ended with {done.returncode}")
    answer: list[Json] = json.loads(done.stdout)
    return answer
