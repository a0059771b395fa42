"""How long waves will take, and whether their servers may be changed so long now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.services import Services
from orchestrator.domain.forecast import WaveForecast, fits, forecast, turn_length
from orchestrator.domain.planning import Plan
from orchestrator.domain.server import Inventory
from orchestrator.domain.windows import Closed, Frozen, Open, opening

#: Earlier turns that a forecast is made from.
FORECAST_TURNS = 500


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a server may not be changed now."""

    frozen: bool
    sentence: str


def outside_window(
    inventory: Inventory,
    servers: Iterable[str],
    now: datetime,
    length: WaveForecast | None,
) -> Shut | None:
    """Why servers may not be changed now: a freeze, a window, or too little of it.

    Args:
        inventory: with its windows and freezes.
        servers: the first of them that may not be changed is named.
        now: when they would be.
        length: how long the wave will take, where that is known.
    """
    for name in servers:
        server = inventory.servers[name]
        match opening(inventory, server, now):
            case Frozen(freeze, until, reason):
                frozen = f"{name} is frozen by {freeze} ({reason}) until {_time(until)}"
                return Shut(frozen=True, sentence=frozen)
            case Closed(opens):
                when = f"opens {_time(opens)}" if opens else "does not open again"
                closed = f"{name} is outside its window, which {when}"
                return Shut(frozen=False, sentence=closed)
            case Open(until):
                short = _too_short(length, now, until)
                if short:
                    return Shut(frozen=False, sentence=f"{name}: {short}")
    return None


def _too_short(
    wave: WaveForecast | None, now: datetime, until: datetime | None
) -> str | None:
    if wave is None or until is None or fits(wave, now, until):
        return None
    minutes = wave.p95.total_seconds() / 60
    return (
        f"the wave may take {minutes:.0f} minutes (95 of 100 times less), "
        f"its window closes {_time(until)}"
    )


def forecasts(
    services: Services, uow: UnitOfWork, plan: Plan
) -> Mapping[int, WaveForecast]:
    """How long each wave will take, by its number, where earlier turns say so."""
    earlier = tuple(uow.runs.last_installs(plan.article).values())[:FORECAST_TURNS]
    found = forecast(plan, turn_length(earlier), services.limits.apply_concurrency)
    return {wave.wave: wave for wave in found}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
