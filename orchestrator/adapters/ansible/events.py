"""Raw events of ansible-runner in; values of bounded size out. Nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.application.ports.hooks import HookEvent

#: Of one hook so many task ends are kept, the newest; the others are counted.
MAX_EVENTS = 200
#: Characters of a task's name, a host's name and a message.
MAX_NAME = 200
MAX_MESSAGE = 1000
#: Lines outside any event, such as a syntax error: the newest are kept.
MAX_LINES = 20

_ENDS = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}
_BAD = frozenset({"failed", "unreachable"})
_LAST = "playbook_on_stats"


@dataclass(slots=True)
class EventLog:
    """What a hook's events told so far."""

    kept: deque[HookEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    seen: int = 0
    #: The newest failure that the playbook does not ignore.
    failure: HookEvent | None = None
    #: Whether the playbook came to its own end.
    complete: bool = False
    #: Events of which only the announcement arrived, not the content.
    lost: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))

    @property
    def omitted(self) -> int:
        """How many task ends were not kept."""
        return self.seen - len(self.kept)

    def take(self, raw: Mapping[str, Any]) -> bool:
        """Take one raw event; ``True`` lets ansible-runner store it too."""
        name = raw.get("event")
        if name == "verbose":
            self.lines.append(_text(raw.get("stdout"), MAX_NAME))
        elif name != "EOF" and "event_data" not in raw:
            self.lost += 1
        elif name == _LAST:
            self.complete = True
        elif name in _ENDS:
            self._task_ended(_ENDS[name], raw["event_data"])
        return True

    def _task_ended(self, end: str, data: Mapping[str, Any]) -> None:
        bad = end in _BAD and not data.get("ignore_errors")
        event = HookEvent(
            event=end,
            task=_text(data.get("task"), MAX_NAME),
            host=_text(data.get("host"), MAX_NAME),
            message=_message(data.get("res")) if bad else "",
        )
        self.seen += 1
        self.kept.append(event)
        if bad:
            self.failure = event


def _message(result: object) -> str:
    """Why a task failed; what it marks as secret stays hidden."""
    if not isinstance(result, Mapping):
        return ""
    said = result.get("censored") or result.get("msg") or result.get("stderr")
    return _text(said, MAX_MESSAGE)


def _text(value: object, limit: int) -> str:
    """One line of printable text, cut."""
    words = str(value if value is not None else "").split()
    line = "".join(
        letter if letter.isprintable() else "?" for letter in " ".join(words)
    )
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
