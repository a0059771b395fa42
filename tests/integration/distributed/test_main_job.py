"""The whole main job with two workers of two sites, each a process of its own."""

from __future__ import annotations

import hashlib
import signal
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.lab import inventory_file
from orchestrator.lab.scenario import parse
from orchestrator.lab.serve import Lab, write_package, write_table
from tests.fixtures.fleet import PASSWORD, Fleet, Watch

SCENARIO = b"""
servers: 10
sites: 2
speed: 200
timing: {install: 20, service_start: 4, service_stop: 4, boot: 60}
"""

#: Two front ends of a pool of each site.
SOME = "lcs01fe1,lcs01fe2,lcs02fe1,lcs02fe2"

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(300)]


def bring(fleet: Fleet, lab: Lab, folder: Path) -> None:
    """Import article, table, packages and inventory, by the commands."""
    ports = {name: one.listener.port for name, one in lab.servers.items()}
    estate = folder / "estate.yml"
    estate.write_text(inventory_file.dump(lab.estate, ports))
    fleet.let_in(PASSWORD)
    fleet.call("catalog", "import", "KB903927")
    fleet.call("catalog", "table", "KB903927", str(write_table(folder)))
    for path in write_package(folder):
        pin = hashlib.sha256(path.read_bytes()).hexdigest()
        fleet.call("catalog", "package", "KB903927", str(path), "--sha256", pin)
    assert fleet.call("inventory", "import", str(estate))[1] == 0


def test_the_main_job_with_two_workers_of_two_sites(
    postgres_url: str, broker_url: str, tmp_path: Path
) -> None:
    fleet = Fleet.of(postgres_url, broker_url, tmp_path, {})
    with Lab(parse(SCENARIO, "a test"), 1, PASSWORD, port=0) as lab:
        watch = Watch(lab)
        try:
            bring(fleet, lab, tmp_path)
            _, code = fleet.call("survey")
            assert code == 0
            words = ("plan", "KB903927", SOME, "--activate", "restart-service")
            plan, _ = fleet.call(*words)
            given = ("--by", "A. Manager", "--reason", "a test")
            fleet.call("approve", plan["plan"], *given)
            workers = [fleet.worker(site) for site in ("site-1", "site-2")]
            with watch.looking():
                applied, code = fleet.call("apply", plan["plan"], "--engine", "celery")
            outcomes = Counter(line["outcome"] for line in applied["outcomes"])
            planned = sum(len(wave["servers"]) for wave in plan["waves"])
            assert planned == 4
            assert code == 0, (applied["reason"], [one.said() for one in workers])
            assert outcomes == {"remediated": planned}
            assert sum(watch.installs().values()) == planned
            assert set(watch.installs().values()) <= {0, 1}
            assert watch.most_in_a_pool == 1
            audited, code = fleet.call("audit", "KB903927", SOME)
            assert code == 0, audited["summary"]
            assert audited["summary"]["compliant"] == planned
            by_site = {m.name: m.site for m in lab.estate.members}
            for worker, site in zip(workers, ("site-1", "site-2"), strict=True):
                worker.send(signal.SIGTERM)
                assert worker.end() == 0, worker.said()
                taken = {
                    line.split(": ")[1]
                    for line in worker.said().splitlines()
                    if ": order of " in line
                }
                assert taken
                assert {by_site[name] for name in taken} == {site}
                assert PASSWORD not in worker.said()
        finally:
            fleet.end()
