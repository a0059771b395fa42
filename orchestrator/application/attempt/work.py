"""A server's turn from whatever state the journal has it in, to the end.

The state decides what happens next, so beginning, resuming and settling after a
crash are the same loop. An attempt that is read back in the middle of an effect has
lost contact by definition: the host is asked before anything else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from orchestrator.application.attempt.confirm import activate, confirm
from orchestrator.application.attempt.follow import lose_contact, probe, wait
from orchestrator.application.attempt.prepare import prepare, settle_fault
from orchestrator.application.attempt.turn import Turn
from orchestrator.application.conversation import changing
from orchestrator.application.ports.hosts import HostFaultError, HostWriter
from orchestrator.domain.remediation import AttemptEvent, AttemptState

#: More looks at an unknown attempt in one conversation would tell nothing new.
MAX_PROBES = 3

_BEFORE_EFFECT = frozenset({AttemptState.READY, AttemptState.PREPARING})
_MID_EFFECT = frozenset(
    {
        AttemptState.LAUNCH_INTENDED,
        AttemptState.LAUNCHED,
        AttemptState.CONFIRMING,
        AttemptState.ACTIVATING,
    }
)


def work(turn: Turn) -> None:
    """Take a turn as far as it can go: settled, or unknown past all patience.

    Raises:
        OvertakenError: another worker has the attempt.
    """
    _take_up(turn)
    while not turn.attempt.settled:
        try:
            with changing(turn.services, turn.estate.inventory, turn.server) as host:
                _converse(turn, host)
            if turn.attempt.state is AttemptState.UNKNOWN:
                return
        except HostFaultError as fault:
            if turn.attempt.state in _BEFORE_EFFECT:
                settle_fault(turn, fault)
                return
            if turn.attempt.state is not AttemptState.UNKNOWN:
                lose_contact(turn, fault)
            patience = timedelta(seconds=turn.services.limits.lost_contact_seconds)
            if turn.now() - turn.last_contact >= patience:
                return
            turn.services.clock.sleep(turn.services.limits.poll_seconds)
            turn.still_ours()


def _take_up(turn: Turn) -> None:
    """Make the attempt this worker's; what was in the middle is now unknown."""
    state = turn.attempt.state
    if state in _BEFORE_EFFECT:
        turn.take_over(AttemptEvent.BEGIN)
    elif state in _MID_EFFECT:
        turn.take_over(AttemptEvent.LOSE_CONTACT, reason="the worker ended before it")
    elif state is AttemptState.UNKNOWN:
        turn.take_over()


def _converse(turn: Turn, host: HostWriter) -> None:
    """Go on with one open conversation until settled, or unknown twice over."""
    probes = 0
    while not turn.attempt.settled:
        probes += turn.attempt.state is AttemptState.UNKNOWN
        if probes > MAX_PROBES:
            return
        _HANDLERS[turn.attempt.state](turn, host)
        turn.last_contact = turn.now()


#: What each state asks for. An intent is never read here: it is launched in the
#: same breath, or unknown.
_HANDLERS: Mapping[AttemptState, Callable[[Turn, HostWriter], None]] = {
    AttemptState.PREPARING: prepare,
    AttemptState.LAUNCHED: wait,
    AttemptState.CONFIRMING: confirm,
    AttemptState.ACTIVATING: activate,
    AttemptState.UNKNOWN: probe,
}
