"""The distributed form under faults: each row of the table in docs/distributed.md.

Every process is a real one; so are RabbitMQ and PostgreSQL. Counted on the simulated
hosts all the while: how often update.exe was started on each server, and on how many
at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.domain.remediation import Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import Lab
from tests.fixtures.fleet import PASSWORD, Fleet, Process, Watch, wait_until
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.rabbitmq import RabbitServer

#: Two front ends of one pool.
SCENARIO = b"""
servers: 2
sites: 1
speed: 20
timing: {install: %d, service_start: 2, service_stop: 2, boot: 60}
"""
SITE = "site-1"
_BOTH = {"name": "pool-01", "site": SITE, "max_unavailable": 2}
#: What stands in the inventory where one server at a time is what another limit allows.
LIMITS: Mapping[str, Mapping[str, Any]] = {
    "pool": {},
    "site": {"pools": [_BOTH], "sites": [{"name": SITE, "max_concurrent": 1}]},
    "link": {
        "pools": [_BOTH],
        "links": [{"name": "wan", "sites": [SITE], "max_concurrent": 1}],
    },
}
EACH_LIMIT = pytest.mark.parametrize("limit", LIMITS)
SETTINGS = {
    "ORCHESTRATOR_LEASE_SECONDS": "4",
    "ORCHESTRATOR_WORKER_WAIT_SECONDS": "40",
    "ORCHESTRATOR_LOST_CONTACT_SECONDS": "30",
}
#: More of the same, which only ``make faults`` takes.
ALL = bool(os.environ.get("ORCHESTRATOR_ALL_FAULTS"))
KILLED = ("before launch", "after launch", *(("after stage",) if ALL else ()))
STOPPED = ("before launch", *(("after launch", "after stage") if ALL else ()))
MORTAL = "tests.faults.dying_worker"

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(240)]


@dataclass(slots=True)
class Bench:
    """A fleet over a lab, with an approved plan."""

    fleet: Fleet
    watch: Watch
    plan: str

    def apply(self) -> Process:
        return self.fleet.start("apply", self.plan, "--engine", "celery")

    def installing(self) -> bool:
        return bool(self.watch.running())

    def check(self, *outcomes: Outcome) -> None:
        """Every server ended so; no installer ran twice, nor two of them at once."""
        ended = self.fleet.report()
        found = {line.server: (line.outcome, line.reason) for line in ended.outcomes}
        told = f"{found}, {self.watch.installs()}, " + "\n".join(
            f"{one.log.name}: {one.said()}" for one in self.fleet.started
        )
        wanted = outcomes or (Outcome.REMEDIATED,)
        assert {outcome for outcome, _ in found.values()} == set(wanted), told
        assert max(self.watch.installs().values()) <= 1, told
        if not outcomes:
            assert min(self.watch.installs().values()) == 1, told
        assert self.watch.most_at_once <= 1, told
        assert ended.state is RunState.FINISHED, told


@pytest.fixture
def install() -> int:
    """Simulated seconds of an installer; twenty of them are a real one."""
    return 30


@pytest.fixture
def limit() -> str:
    """What lets only one of the two servers be at work."""
    return "pool"


@pytest.fixture
def bench(
    postgres_url: str, broker_url: str, tmp_path: Path, install: int, limit: str
) -> Iterator[Bench]:
    fleet = Fleet.of(postgres_url, broker_url, tmp_path, SETTINGS)
    with Lab(parse(SCENARIO % install, "a test"), 1, PASSWORD, port=0) as lab:
        watch = Watch(lab)
        try:
            fleet.let_in(PASSWORD)
            name = fleet.prepare(lab, LIMITS[limit])
            with watch.looking():
                yield Bench(fleet, watch, name)
        finally:
            fleet.end()


@pytest.mark.parametrize("place", KILLED)
def test_a_worker_that_is_killed_round_its_launch_is_replaced(
    bench: Bench, place: str
) -> None:
    first = bench.fleet.worker(SITE, module=MORTAL, DIES=place)
    applying = bench.apply()
    assert first.end() == -signal.SIGKILL
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()


@EACH_LIMIT
def test_a_worker_that_is_killed_during_an_install_is_replaced(bench: Bench) -> None:
    first = bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    first.kill()
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()


def test_a_worker_that_is_killed_after_an_install_is_replaced(bench: Bench) -> None:
    # The first call after the installer's end is the reading that confirms it.
    first = bench.fleet.worker(SITE, module=MORTAL, DIES="before restart_service")
    applying = bench.apply()
    assert first.end() == -signal.SIGKILL
    assert not bench.installing()
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()


@pytest.mark.parametrize("place", STOPPED)
def test_a_worker_that_stands_still_is_overtaken_and_touches_nothing_when_it_wakes(
    bench: Bench, place: str
) -> None:
    first = bench.fleet.worker(SITE, module=MORTAL, STOPS=place)
    applying = bench.apply()
    wait_until("the first to have taken one", lambda: "order of" in first.said())
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()
    first.send(signal.SIGCONT)
    wait_until("the first to be done", lambda: ": over" in first.said())
    first.send(signal.SIGTERM)
    assert first.end() == 0, first.said()
    bench.check()


@EACH_LIMIT
@pytest.mark.parametrize("install", [100])
def test_a_broker_that_drops_every_connection_delivers_twice_and_harms_nothing(
    bench: Bench, rabbit_server: RabbitServer
) -> None:
    workers = [bench.fleet.worker(SITE) for _ in range(2)]
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    rabbit_server.control("close_all_connections", "--global", "a test")
    assert applying.end() == 0, applying.said()
    bench.check()
    assert sum(one.said().count("order of") for one in workers) > 2


def test_a_broker_that_is_killed_and_comes_back_loses_no_order(
    bench: Bench, rabbit_server: RabbitServer
) -> None:
    bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    rabbit_server.stop()
    rabbit_server.start()
    assert applying.end() == 0, applying.said()
    bench.check()


def test_a_database_that_is_killed_and_comes_back_is_outlasted(
    bench: Bench, postgres_server: PostgresServer
) -> None:
    bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    postgres_server.stop()
    postgres_server.start()
    assert applying.end() == 0, applying.said()
    bench.check()


def test_a_coordinator_that_is_killed_is_resumed(bench: Bench) -> None:
    bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    applying.kill()
    resumed = bench.fleet.start("resume", "--engine", "celery")
    assert resumed.end() == 0, resumed.said()
    bench.check()


def test_a_worker_that_is_asked_to_leave_finishes_what_is_at_work(
    bench: Bench,
) -> None:
    first = bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    first.send(signal.SIGTERM)
    assert first.end() == 0, first.said()
    assert first.said().count(": over") == 1
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()


def test_a_worker_that_is_asked_twice_leaves_at_once_and_is_replaced(
    bench: Bench,
) -> None:
    first = bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    first.send(signal.SIGTERM)
    wait_until("it to have heard", lambda: "a second signal" in first.said())
    first.send(signal.SIGTERM)
    assert first.end() == 130, first.said()
    bench.fleet.worker(SITE)
    assert applying.end() == 0, applying.said()
    bench.check()


def test_without_a_worker_every_server_is_skipped_with_what_to_do(
    bench: Bench,
) -> None:
    bench.fleet.environment["ORCHESTRATOR_WORKER_WAIT_SECONDS"] = "2"
    applying = bench.apply()
    assert applying.end() == 3, applying.said()
    bench.check(Outcome.SKIPPED)
    reasons = {line.reason for line in bench.fleet.report().outcomes}
    why = f"no worker of site {SITE} took it up within 2 s"
    assert reasons == {f"{why}; start one: orchestrator worker --site {SITE}"}
    late = bench.fleet.worker(SITE)
    wait_until("the stale orders", lambda: late.said().count(": over") == 2)
    assert max(bench.watch.installs().values()) == 0


def test_a_worker_that_vanishes_for_good_leaves_unknown_and_resume_settles_it(
    bench: Bench,
) -> None:
    bench.fleet.environment["ORCHESTRATOR_WORKER_WAIT_SECONDS"] = "2"
    first = bench.fleet.worker(SITE)
    applying = bench.apply()
    wait_until("an installer", bench.installing)
    first.kill()
    assert applying.end() in (3, 4), applying.said()
    found = {line.outcome for line in bench.fleet.report().outcomes}
    assert Outcome.UNKNOWN in found
    bench.fleet.worker(SITE)
    resumed = bench.fleet.start("resume", "--engine", "celery")
    resumed.end()
    assert max(bench.watch.installs().values()) <= 1
    assert Outcome.UNKNOWN not in {
        line.outcome for line in bench.fleet.report().outcomes
    }, resumed.said()
