"""Watching on hosts in memory: rounds, samples, symptoms, restarts, lost hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.application.judging import find_hotfix, load_estate
from orchestrator.application.ports.hosts import FaultKind
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import ExitCode, RequestError, Result
from orchestrator.application.survey import survey
from orchestrator.application.watching import MAX_ROUNDS, WatchReport, watch
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.facts import FactKind, RunningProcess
from orchestrator.domain.selection import Selection
from orchestrator.domain.symptom import Cure, Leak, Symptom
from tests.fakes.estate import ARTICLE, NEW, PATH, World, world
from tests.fakes.hosts import FakeHost, ScriptedFault

ALL = Selection()
FIVE = timedelta(minutes=5)
ENOUGH = 14
MIB = 1 << 20


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    """One server that leaks 10 MiB an hour and one that does not."""
    with world(sqlite_storage, ["fe1", "fe2"]) as made:
        yield made


def grow(host: FakeHost, mib_an_hour: float) -> None:
    """Set the service's private bytes as after so long at this slope."""
    service = host.services["RTCSRV"]
    assert service.process_started is not None
    hours = (host.now() - service.process_started).total_seconds() / 3600
    size = int(200 * MIB + hours * mib_an_hour * MIB)
    host.services["RTCSRV"] = replace(service, private_bytes=size)


def look(
    made: World,
    slopes: dict[str, float],
    *,
    rounds: int = ENOUGH,
    interval: timedelta = FIVE,
) -> list[Result[WatchReport]]:
    """Watch while memory grows between the rounds."""
    for name, slope in slopes.items():
        grow(made.hosts[name], slope)
    found = []
    for seen in watch(made.services, ALL, ARTICLE, rounds=rounds, interval=interval):
        found.append(seen)
        made.clock.advance(interval.total_seconds())
        for name, slope in slopes.items():
            grow(made.hosts[name], slope)
    return found


def symptom(result: Result[WatchReport], server: str) -> Symptom:
    return next(one.symptom for one in result.data.servers if one.server == server)


def test_a_leak_shows_after_enough_rounds_and_not_before(estate: World) -> None:
    results = look(estate, {"fe1": 10, "fe2": 0})
    assert symptom(results[0], "fe1").leak is Leak.UNDECIDED
    found = symptom(results[-1], "fe1")
    assert (found.leak, found.process, found.samples) == (
        Leak.LEAKING,
        "RTCSRV",
        ENOUGH,
    )
    assert found.slope == pytest.approx(10 * MIB, rel=0.01)
    assert symptom(results[-1], "fe2").leak is Leak.NOT_LEAKING
    assert results[-1].exit_code is ExitCode.DONE


def test_rounds_begin_at_a_fixed_distance(estate: World) -> None:
    begun = estate.clock.now()
    rounds = watch(estate.services, ALL, ARTICLE, rounds=3, interval=FIVE)
    for number, result in enumerate(rounds):
        assert result.data.round == number + 1
        assert estate.clock.now() - begun == number * FIVE
        estate.clock.advance(0)
    assert estate.clock.slept == [300.0, 300.0]


def test_a_round_that_took_longer_than_the_interval_is_followed_at_once(
    estate: World,
) -> None:
    look(estate, {"fe1": 0}, rounds=2, interval=FIVE)
    assert estate.clock.slept == [0.0]


def test_evidence_processes_are_watched_and_named(estate: World) -> None:
    host = estate.hosts["fe1"]
    host.processes["lsass.exe"] = [RunningProcess(400, host.now(), 30 * MIB)]
    processes = look(estate, {"fe1": 0}, rounds=1)[0].data.servers[0].processes
    assert [one.process for one in processes] == ["RTCSRV", "lsass.exe"]


def test_a_later_watch_goes_on_from_an_earlier_one(estate: World) -> None:
    look(estate, {"fe1": 10}, rounds=ENOUGH // 2)
    found = look(estate, {"fe1": 10}, rounds=ENOUGH // 2)[-1]
    assert symptom(found, "fe1").leak is Leak.LEAKING


def test_an_unreachable_server_stops_nobody_and_is_named(estate: World) -> None:
    estate.hosts["fe2"].faults.append(
        ScriptedFault("survey", FaultKind.UNREACHABLE, call=None)
    )
    found = look(estate, {"fe1": 10})[-1]
    assert found.exit_code is ExitCode.UNREACHABLE
    assert symptom(found, "fe1").leak is Leak.LEAKING
    assert symptom(found, "fe2").leak is Leak.NOT_MEASURED
    assert [one.fault for one in found.data.servers] == ["", "the connection was lost"]


def test_what_was_seen_before_an_interruption_is_kept(estate: World) -> None:
    rounds = watch(estate.services, ALL, ARTICLE, rounds=9, interval=FIVE)
    grow(estate.hosts["fe1"], 0)
    next(rounds)
    del rounds
    with estate.services.storage.begin() as uow:
        seen = uow.facts.samples(since=estate.clock.now() - FIVE)
        records = list(
            uow.evidence.records(subject="fe1", kinds=(RecordKind.OBSERVATION,))
        )
    assert {sample.process for sample in seen["fe1"]} == {"RTCSRV", "lsass.exe"}
    kinds = {
        record.payload["kind"] for record in records if isinstance(record.payload, dict)
    }
    assert kinds == {FactKind.SERVICE.value, FactKind.PROCESS.value}


def test_watching_reads_and_never_writes(estate: World) -> None:
    look(estate, {"fe1": 0}, rounds=2)
    assert set(estate.hosts["fe1"].calls) == {"survey"}


def test_verdicts_weigh_what_was_watched(estate: World) -> None:
    look(estate, {"fe1": 10, "fe2": 0})
    with estate.services.storage.begin() as uow:
        loaded = load_estate(uow, find_hotfix(uow, ARTICLE), estate.clock.now())
    assert loaded.symptoms["fe1"].leak is Leak.LEAKING
    assert loaded.symptoms["fe2"].leak is Leak.NOT_LEAKING


def test_samples_older_than_the_window_count_no_more(estate: World) -> None:
    look(estate, {"fe1": 10})
    estate.clock.advance(timedelta(days=8).total_seconds())
    found = look(estate, {"fe1": 10}, rounds=1)[-1]
    assert symptom(found, "fe1").samples == 1


def test_the_cure_is_proven_by_the_same_measure(estate: World) -> None:
    host = estate.hosts["fe1"]
    survey(estate.services, ALL)
    look(estate, {"fe1": 10})
    estate.clock.advance(60)
    survey(estate.services, ALL)  # the last that sees the old file
    host.files[PATH] = NEW
    survey(estate.services, ALL)
    estate.clock.advance(60)
    host.start_service("RTCSRV")
    found = look(estate, {"fe1": 0})[-1].data.servers[0]
    cure = next(one for one in found.cures if one.before.process == "RTCSRV")
    assert cure.cure is Cure.CURED
    assert cure.confidence == pytest.approx(0.9)
    assert found.symptom.leak is Leak.NOT_LEAKING


@pytest.mark.parametrize(
    ("rounds", "interval"),
    [(0, FIVE), (MAX_ROUNDS + 1, FIVE), (3, timedelta(seconds=1))],
)
def test_bounds_are_refused_before_anything_is_read(
    estate: World, rounds: int, interval: timedelta
) -> None:
    with pytest.raises(RequestError, match="expected"):
        next(watch(estate.services, ALL, ARTICLE, rounds=rounds, interval=interval))
    assert estate.hosts["fe1"].calls == []
