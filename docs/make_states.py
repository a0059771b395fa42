"""Draws docs/states.md from the state tables: ``python docs/make_states.py``.

A test compares the page with what is drawn here, so the two cannot drift apart.
"""  # noqa: INP001 - a script beside the page that it writes, no package

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from orchestrator.domain.remediation import TRANSITIONS, AttemptState
from orchestrator.domain.rollout import ENDED, RUN_TRANSITIONS, RunState

PAGE = Path(__file__).with_name("states.md")

_HEAD = """# States

Drawn from the tables by `python docs/make_states.py`; do not edit by hand. An event
that a state has no arrow for is illegal there: it raises and changes nothing.
"""
_ATTEMPT = """
## One server's attempt

`TRANSITIONS` in `orchestrator/domain/remediation.py`. Intent is stored before each
effect, so after a crash an attempt is in one of these states and the host says how to
go on. The only way back to a launch is a host that says that there was none.
"""
_RUN = """
## A run

`RUN_TRANSITIONS` in `orchestrator/domain/rollout.py`. Only a running run begins another
server; what is in flight finishes in every state, unless an operator aborts at once.
Then it is unknown: resuming an aborted run settles that and begins nothing.
"""

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def diagram(
    table: Mapping[State, Mapping[Event, State]],
    first: State,
    ends: Collection[State],
) -> str:
    """A mermaid state diagram of a table."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_name(first)}"]
    for state, row in table.items():
        lines += [
            f"    {_name(state)} --> {_name(after)}: {event}"
            for event, after in row.items()
        ]
        if state in ends:
            lines.append(f"    {_name(state)} --> [*]")
    return "\n".join([*lines, "```", ""])


def _name(state: StrEnum) -> str:
    return state.value.replace("-", "_")


def page() -> str:
    """The whole page."""
    attempt = diagram(TRANSITIONS, AttemptState.READY, {AttemptState.SETTLED})
    run = diagram(RUN_TRANSITIONS, RunState.RUNNING, ENDED)
    return f"{_HEAD}{_ATTEMPT}\n{attempt}{_RUN}\n{run}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
