"""The one JSON document of a command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.application.results import Problem, Status

#: Raised only together with a new version of the contract.
SCHEMA = "orchestrator/1"


def envelope(kind: str, status: Status, data: Any, problems: Sequence[Problem]) -> str:
    """The document, in ASCII, so that nothing in a name can steer a terminal.

    Args:
        kind: names the shape of ``data``.
        status: of the whole command.
        data: already in its JSON form; ``None`` where the command failed.
        problems: each with its code and, where one is concerned, its server.
    """
    document = {
        "schema": SCHEMA,
        "kind": kind,
        "status": status.value,
        "data": data,
        "errors": [
            {
                "code": problem.code.value,
                "server": problem.server,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }
    return json.dumps(document, indent=2) + "\n"
