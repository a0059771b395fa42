from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.budgets import (
    CLASS_OF,
    Budget,
    CommonCause,
    Ended,
    FailureClass,
    OverBudget,
    sentence_of,
    stop_of,
)
from orchestrator.domain.remediation import Outcome


@pytest.mark.parametrize(
    ("text", "total", "allowed"),
    [
        ("3", 50, 3),
        ("0", 50, 0),
        ("10%", 50, 5),
        ("10%", 49, 4),
        ("10%", 5, 0),
        ("30%", 10, 3),
        ("70%", 10, 7),
        ("0%", 1000, 0),
        ("100%", 7, 7),
        ("33.3%", 3, 0),
        ("2.5%", 40, 1),
    ],
)
def test_a_budget_tolerates(text: str, total: int, allowed: int) -> None:
    assert Budget.parse(text).allows(total) == allowed


@pytest.mark.parametrize("text", ["", "-1", "ten", "101%", "-1%", "%", "1.5", "nan%"])
def test_a_budget_that_cannot_be_read_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number such as 3 or 10%"):
        Budget.parse(text)


def ended(outcomes: Sequence[Outcome], **shares: str) -> list[Ended]:
    return [
        Ended(f"s{index:03}", outcome, shares) for index, outcome in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("budget", "total", "failures", "stops"),
    [
        # 10 % of 50 tolerates five: the sixth stops.
        ("10%", 50, 5, False),
        ("10%", 50, 6, True),
        # An absolute 3 stops at the fourth.
        ("3", 50, 3, False),
        ("3", 50, 4, True),
        ("0", 50, 0, False),
        ("0", 50, 1, True),
        # 10 % of 9 is no failure at all.
        ("10%", 9, 1, True),
    ],
)
def test_a_rollout_stops_at_the_first_failure_past_its_budget(
    budget: str, total: int, failures: int, stops: bool
) -> None:
    budgets = {FailureClass.INSTALL: Budget.parse(budget)}
    found = stop_of(ended([Outcome.INSTALL_FAILED] * failures), total, budgets)
    assert isinstance(found, OverBudget) is stops


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_counts_in_its_class_alone(outcome: Outcome) -> None:
    budgets = {failure: Budget(count=0) for failure in FailureClass}
    found = stop_of(ended([outcome]), 10, budgets)
    if outcome in CLASS_OF:
        assert isinstance(found, OverBudget)
        assert found.failure is CLASS_OF[outcome]
    else:
        assert found is None


def test_unreachable_servers_do_not_spend_the_install_budget() -> None:
    budgets = {FailureClass.INSTALL: Budget(count=0)}
    assert stop_of(ended([Outcome.UNREACHABLE] * 40), 50, budgets) is None


def test_failures_that_share_what_no_success_has_stop_below_the_budget() -> None:
    bad = ended([Outcome.STAGING_FAILED] * 3, site="east")
    good = [Ended("g", Outcome.REMEDIATED, {"site": "west"})]
    found = stop_of([*bad, *good], 50, {})
    assert found == CommonCause(
        FailureClass.STAGING, "site", "east", ("s000", "s001", "s002")
    )
    assert "share site east" in sentence_of(found, "orchestrator resume run-1")


def test_two_failures_are_no_common_cause() -> None:
    bad = ended([Outcome.STAGING_FAILED] * 2, site="east")
    good = [Ended("g", Outcome.REMEDIATED, {"site": "west"})]
    assert stop_of([*bad, *good], 50, {}) is None


def test_a_success_that_shares_it_clears_a_common_cause() -> None:
    bad = ended([Outcome.STAGING_FAILED] * 3, site="east")
    good = [
        Ended("g1", Outcome.REMEDIATED, {"site": "east"}),
        Ended("g2", Outcome.REMEDIATED, {"site": "west"}),
    ]
    assert stop_of([*bad, *good], 50, {}) is None


def test_what_every_server_shares_tells_no_cause_apart() -> None:
    bad = ended([Outcome.UNREACHABLE] * 5, credential="fleet")
    assert stop_of(bad, 50, {}) is None


@given(st.lists(st.sampled_from(list(Outcome))))
def test_the_order_of_ends_does_not_matter(outcomes: list[Outcome]) -> None:
    turns = ended(outcomes, site="east")
    shuffled = list(reversed(turns))
    assert stop_of(turns, len(turns) + 1) == stop_of(shuffled, len(turns) + 1)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 100))
def test_a_larger_budget_never_stops_sooner(
    failures: int, count: int, more: int
) -> None:
    turns = ended([Outcome.VERIFY_FAILED] * failures)
    small = stop_of(turns, 500, {FailureClass.VERIFY: Budget(count=count)})
    large = stop_of(turns, 500, {FailureClass.VERIFY: Budget(count=count + more)})
    assert not (small is None and large is not None)
