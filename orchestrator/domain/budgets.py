"""One budget per class of failure, and the stop when failures have one cause.

A budget is a number of failures that is tolerated. As a share it is taken of the
plan's servers and rounded down, so that 10 % of 5 tolerates none and 10 % of 50
tolerates five: the rollout stops at the sixth. An absolute 3 stops at the fourth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.remediation import Outcome


class FailureClass(StrEnum):
    """What went wrong, as far as a stop cares."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    PRECONDITION = "precondition"
    STAGING = "staging"
    INSTALL = "install"
    VERIFY = "verify"
    #: Installed, and not in effect or not healthy.
    EFFECT = "effect"


#: The class that an outcome counts in; the others are no failures.
CLASS_OF: Mapping[Outcome, FailureClass] = {
    Outcome.UNREACHABLE: FailureClass.UNREACHABLE,
    Outcome.REFUSED: FailureClass.REFUSED,
    Outcome.BLOCKED: FailureClass.PRECONDITION,
    Outcome.STAGING_FAILED: FailureClass.STAGING,
    Outcome.INSTALL_FAILED: FailureClass.INSTALL,
    Outcome.INTERRUPTED: FailureClass.INSTALL,
    Outcome.UNKNOWN: FailureClass.INSTALL,
    Outcome.VERIFY_FAILED: FailureClass.VERIFY,
    Outcome.PENDING_RESTART: FailureClass.VERIFY,
    Outcome.UNHEALTHY: FailureClass.EFFECT,
}


@dataclass(frozen=True, slots=True)
class Budget:
    """How many failures are tolerated: a count, or a share of the plan's servers."""

    count: int | None = None
    percent: float | None = None

    def allows(self, total: int) -> int:
        """The tolerated number among so many servers; a share is rounded down."""
        if self.count is not None:
            return self.count
        if self.percent is not None:
            # A hair is added, so that 30 % of 10 is 3 in binary fractions too.
            return int(total * self.percent / 100 + 1e-9)
        return total

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read ``3`` or ``10%``.

        Raises:
            ValueError: it is neither.
        """
        stripped = text.strip()
        try:
            if stripped.endswith("%"):
                percent = float(stripped[:-1])
                if 0 <= percent <= 100:  # noqa: PLR2004 - a percentage
                    return cls(percent=percent)
            elif stripped.isdecimal():
                return cls(count=int(stripped))
        except ValueError:
            pass
        raise ValueError(f"found {text!r}, expected a number such as 3 or 10%")


#: Unless a plan says otherwise. Servers out of reach, or rightly left alone, stop no
#: other. Refusals are few, since each may lock the account. What went wrong after an
#: installer was launched wants eyes before it happens often.
DEFAULT_BUDGETS: Mapping[FailureClass, Budget] = {
    FailureClass.REFUSED: Budget(count=2),
    FailureClass.STAGING: Budget(count=2),
    FailureClass.INSTALL: Budget(percent=10.0),
    FailureClass.VERIFY: Budget(percent=10.0),
    FailureClass.EFFECT: Budget(percent=10.0),
}

#: So many failures of one class, all sharing what no success has, have one cause.
COMMON_CAUSE_AT = 3


@dataclass(frozen=True, slots=True)
class Ended:
    """A server whose turn ended, with what it shares with others."""

    server: str
    outcome: Outcome
    #: ``site``, ``pool``, ``credential`` or ``package`` to its name.
    shares: Mapping[str, str]


#: What is shared, as in :attr:`Ended.shares`, and its name.
_Share = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A class of failure has more than the plan tolerates."""

    failure: FailureClass
    found: int
    allowed: int
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommonCause:
    """Failures share what no success has: below every budget, and still one cause."""

    failure: FailureClass
    what: str
    name: str
    servers: tuple[str, ...]


Stop = OverBudget | CommonCause


def stop_of(
    ended: Iterable[Ended],
    total: int,
    budgets: Mapping[FailureClass, Budget] = DEFAULT_BUDGETS,
) -> Stop | None:
    """What stops a rollout now; ``None`` while every budget holds.

    Args:
        ended: the servers whose turns ended.
        total: the servers of the plan, which shares are taken of.
        budgets: per class; a class without one tolerates everything.
    """
    tally = Tally()
    for turn in ended:
        tally.add(turn)
    return tally.stop(total, budgets)


class Tally:
    """Turns as they end. Asking it costs the same however many there were."""

    def __init__(self) -> None:
        """None yet."""
        self._failures: dict[FailureClass, list[Ended]] = {}
        #: Per class, how many failures have what in common.
        self._common: dict[FailureClass, Counter[_Share]] = {}
        #: What some success has.
        self._well: set[_Share] = set()
        #: Of each thing that turns share, the names that were seen.
        self._names: dict[str, set[str]] = {}

    def add(self, turn: Ended) -> None:
        """Take a turn that ended into account."""
        for what, name in turn.shares.items():
            self._names.setdefault(what, set()).add(name)
        failure = CLASS_OF.get(turn.outcome)
        if failure is None:
            self._well.update(turn.shares.items())
            return
        self._failures.setdefault(failure, []).append(turn)
        self._common.setdefault(failure, Counter()).update(turn.shares.items())

    def stop(
        self, total: int, budgets: Mapping[FailureClass, Budget] = DEFAULT_BUDGETS
    ) -> Stop | None:
        """What stops a rollout of so many servers now."""
        for failure in FailureClass:
            found = self._failures.get(failure, [])
            budget = budgets.get(failure)
            if budget is not None and len(found) > budget.allows(total):
                allowed = budget.allows(total)
                return OverBudget(failure, len(found), allowed, _servers(found))
        return self._common_cause()

    def _common_cause(self) -> CommonCause | None:
        for failure, counts in self._common.items():
            shared = sorted(
                pair for pair, count in counts.items() if count >= COMMON_CAUSE_AT
            )
            for what, name in shared:
                # What every server of a run has in common tells no cause apart.
                if (what, name) in self._well or len(self._names[what]) == 1:
                    continue
                found = self._failures[failure]
                having = [turn for turn in found if turn.shares.get(what) == name]
                return CommonCause(failure, what, name, _servers(having))
        return None


def _servers(turns: Iterable[Ended]) -> tuple[str, ...]:
    return tuple(sorted(turn.server for turn in turns))


def sentence_of(stop: Stop, resume: str) -> str:
    """What stopped a run and what would let it go on, in one sentence.

    Args:
        stop: from :func:`stop_of`.
        resume: the command that goes on.
    """
    names = ", ".join(stop.servers)
    if isinstance(stop, OverBudget):
        return (
            f"{stop.found} {stop.failure.value} failure(s), {stop.allowed} tolerated: "
            f"{names}; look at them, then {resume}"
        )
    return (
        f"{len(stop.servers)} {stop.failure.value} failures share {stop.what} "
        f"{stop.name}, which no success has: {names}; mend it, then {resume}"
    )
