"""After a change a server must serve as before: listeners, applications, modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.application.apply import OutcomeLine, apply
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.storage import Storage
from orchestrator.application.survey import survey
from orchestrator.domain.facts import Unreadable
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.remediation import Outcome, Step
from orchestrator.domain.selection import Selection
from orchestrator.domain.serving import Listener, Part, Reach, Serving
from tests.fakes.estate import ARTICLE, World, world

POLICY = PlanPolicy(activation=Activation.RESTART_SERVICE)
ALL = Selection()


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, ["fe1"]) as made:
        yield made


def applied(made: World) -> OutcomeLine:
    survey(made.services, ALL)
    name = plan(made.services, ARTICLE, ALL, POLICY).data.plan
    approve(made.services, name, by="A. Manager", reason="change 1")
    (line,) = apply(made.services, name).data.outcomes
    return line


def health(line: OutcomeLine) -> str:
    return next(step.result for step in line.steps if step.step is Step.HEALTH)


def test_what_is_up_again_is_named_in_the_health_step(estate: World) -> None:
    line = applied(estate)
    assert line.outcome is Outcome.REMEDIATED
    for name in ("application Filter", "port 5061 open", "module {1}"):
        assert name in health(line)


def test_an_application_that_stays_down_makes_a_server_unhealthy(estate: World) -> None:
    host = estate.hosts["fe1"]
    down = replace(host.serves, applications=(Part("Filter", up=False),))
    host.serves_after_restart = [down]
    line = applied(estate)
    assert line.outcome is Outcome.UNHEALTHY
    assert "application Filter" in line.reason
    assert "module" not in line.reason


def test_a_listener_that_is_closed_afterwards_makes_a_server_unhealthy(
    estate: World,
) -> None:
    host = estate.hosts["fe1"]
    closed = (Listener("*", 5061, Reach.CLOSED),)
    host.serves_after_restart = [replace(host.serves, listeners=closed)]
    line = applied(estate)
    assert line.outcome is Outcome.UNHEALTHY
    assert "port 5061 open on *" in line.reason


def test_a_filtered_port_is_recorded_and_is_no_failure(estate: World) -> None:
    host = estate.hosts["fe1"]
    filtered = (Listener("*", 5061, Reach.FILTERED),)
    host.serves_after_restart = [replace(host.serves, listeners=filtered)]
    line = applied(estate)
    assert line.outcome is Outcome.REMEDIATED
    assert "no answer from here to *:5061" in health(line)


def test_a_server_whose_lcs_tells_nothing_is_judged_by_its_services(
    estate: World,
) -> None:
    estate.hosts["fe1"].serves = Serving()
    assert applied(estate).outcome is Outcome.REMEDIATED


def test_what_cannot_be_read_afterwards_is_not_taken_for_healthy(estate: World) -> None:
    estate.hosts["fe1"].serves_after_restart = [Unreadable("access denied")]
    line = applied(estate)
    assert line.outcome is Outcome.UNHEALTHY
    assert "access denied" in line.reason


def test_an_application_is_given_time_to_come_up(estate: World) -> None:
    host = estate.hosts["fe1"]
    down = replace(host.serves, applications=(Part("Filter", up=False),))
    host.serves_after_restart = [down, down, host.serves]
    assert applied(estate).outcome is Outcome.REMEDIATED


def test_the_time_for_an_application_to_come_up_is_bounded(estate: World) -> None:
    host = estate.hosts["fe1"]
    down = replace(host.serves, applications=(Part("Filter", up=False),))
    host.serves_after_restart = [down]
    limits = estate.services.limits
    applied(estate)
    looks = host.calls.count("serving") - 1
    assert looks == 1 + limits.serving_seconds / limits.poll_seconds
