"""Whether a server serves as it did before: listeners, applications, modules."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.application.attempt.turn import Turn
from orchestrator.application.ports.hosts import HostReader
from orchestrator.domain.facts import Observation, Unreadable
from orchestrator.domain.serving import Reach, Serving, lost

#: In an attempt's details: what was up before its change, one to a line.
SERVED = "serving"


def what_serves(turn: Turn, host: HostReader) -> list[str]:
    """What is up before the change; nothing where LCS does not tell."""
    seen = host.serving()
    turn.note(seen)
    return sorted(_serving(seen).up())


def still_serving(turn: Turn, host: HostReader) -> tuple[str, str]:
    """What is missing of what was up before, and what was found, in words.

    A service that has just started is given time to bring the rest up.
    """
    before = turn.attempt.details.get(SERVED, "").splitlines()
    if not before:
        return "", ""
    until = turn.now() + timedelta(seconds=turn.services.limits.serving_seconds)
    while True:
        seen = host.serving()
        missing = _missing(before, seen)
        if not missing or turn.now() >= until:
            turn.note(seen)
            return missing, _found(before, seen)
        turn.services.clock.sleep(turn.services.limits.poll_seconds)
        turn.still_ours()


def _serving(seen: Observation) -> Serving:
    return seen.value if isinstance(seen.value, Serving) else Serving()


def _missing(before: list[str], seen: Observation) -> str:
    if isinstance(seen.value, Unreadable):
        return f"what LCS says of itself ({seen.value.reason})"
    return ", ".join(lost(before, _serving(seen)))


def _found(before: list[str], seen: Observation) -> str:
    filtered = [
        f"{one.address}:{one.port}"
        for one in _serving(seen).listeners
        if one.reach is Reach.FILTERED
    ]
    note = f"; no answer from here to {', '.join(filtered)}" if filtered else ""
    return f"; up as before: {', '.join(sorted(_serving(seen).up() & {*before}))}{note}"
