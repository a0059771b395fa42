"""Out of its load balancer before a server's services restart, back in after.

A server is not restarted before it is drained, and not called done before it is
back. It happens under the server's lease, so a pool's limit holds for it too.
"""

from __future__ import annotations

from orchestrator.application.attempt.turn import Turn
from orchestrator.application.hooks import part_of, run_recorded, trouble
from orchestrator.application.ports.hooks import Hook, HookCall
from orchestrator.domain.remediation import DRAINED, Outcome


def drain(turn: Turn) -> tuple[Outcome, str] | None:
    """Take a server out of its load balancer; else how its turn ends, untouched.

    The intent is stored first: whoever goes on after a crash puts the server back.
    """
    if not turn.services.hooks.offers(Hook.DRAIN_SERVER):
        return None
    refused = _undrainable(turn)
    if refused is not None:
        return Outcome.INSTALLED_NOT_ACTIVE, refused
    turn.save(details={**turn.attempt.details, DRAINED: "yes"})
    wrong = _round_restart(turn, Hook.DRAIN_SERVER)
    if wrong is None:
        return None
    back = undrain(turn)
    if back is not None:
        return Outcome.UNHEALTHY, f"{wrong}; {back[1]}"
    return Outcome.INSTALLED_NOT_ACTIVE, f"{wrong}; its services were not restarted"


def undrain(turn: Turn) -> tuple[Outcome, str] | None:
    """Put a drained server back; else the outcome of one that stays out."""
    if not turn.attempt.drained:
        return None
    wrong = _round_restart(turn, Hook.UNDRAIN_SERVER)
    if wrong is not None:
        return Outcome.UNHEALTHY, wrong
    details = dict(turn.attempt.details)
    del details[DRAINED]
    turn.save(details=details)
    return None


def left_drained(turn: Turn) -> str:
    """What to add to a reason where a server stays out of its load balancer."""
    if not turn.attempt.drained:
        return ""
    return f"; {turn.server.name} is still drained: put it back once it is well"


def _undrainable(turn: Turn) -> str | None:
    """Why a server must not be drained: it, or its whole pool, would stay out."""
    if not turn.services.hooks.offers(Hook.UNDRAIN_SERVER):
        return "drain_server is switched on and undrain_server is not; switch on both"
    pool = turn.planned.pool
    members = len(turn.estate.inventory.members(pool)) if pool else 0
    limit = turn.plan.pool_limits.get(pool, 1) if pool else 1
    if members > 1 and limit >= members:
        return (
            f"pool {pool} lets all its {members} members be away at once, so draining "
            f"could take the whole pool; set max_unavailable below {members}"
        )
    return None


def _round_restart(turn: Turn, hook: Hook) -> str | None:
    call = HookCall(
        hook=hook,
        run=turn.attempt.run,
        plan=turn.plan.name,
        article=turn.plan.article,
        wave=turn.attempt.wave,
        waves=len(turn.plan.waves),
        estate=part_of(turn.estate.inventory, (turn.server.name,)),
    )
    return trouble(hook, run_recorded(turn.services, call))
