"""The one JSON document of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from orchestrator.application.results import Problem, Status

#: Raised only together with a new version of the contract.
SCHEMA = "orchestrator/1"


class OneByOne(list[Any]):
    """A list in JSON whose items are brought into their form as they are written."""

    def __init__(self, values: Sequence[object], form: Callable[[object], Any]) -> None:
        """Hold the values, not their forms."""
        super().__init__(values)
        self._form = form

    @override
    def __iter__(self) -> Iterator[Any]:
        """Each in its JSON form."""
        return map(self._form, super().__iter__())


def envelope(
    kind: str, status: Status, data: Any, problems: Sequence[Problem]
) -> Iterator[str]:
    """The document, in ASCII, so that nothing in a name can steer a terminal.

    It comes in pieces, so that a large one is never held whole.

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
    yield from json.JSONEncoder(indent=2).iterencode(document)
    yield "\n"
