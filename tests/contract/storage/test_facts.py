"""Facts: the newest of each counts, whatever the order they come in."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.ports.storage import FirstSeen
from orchestrator.domain.facts import FactKind, FactSet, Observation, Unreadable
from orchestrator.domain.symptom import Sample
from tests.fixtures.samples import AT, free_space
from tests.fixtures.storage import Opener, at_once
from tests.fixtures.values import observations

_names = (f"srv{number}" for number in itertools.count())

LATER = AT + timedelta(hours=1)


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=st.lists(st.lists(observations, max_size=4), max_size=4))
def test_putting_in_any_batches_is_putting_at_once(
    storage: SqlStorage, batches: list[list[Observation]]
) -> None:
    name = next(_names)
    for batch in batches:
        with storage.begin() as uow:
            uow.facts.put(name, batch)
    with storage.read() as uow:
        assert uow.facts.of(name) == FactSet.of(itertools.chain(*batches))
        assert uow.facts.of_all().get(name, FactSet()) == uow.facts.of(name)


def test_an_older_observation_never_replaces_a_newer(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.facts.put("a", [free_space(2, LATER)])
        uow.facts.put("a", [free_space(1, AT)])
        found = uow.facts.of("a").find(FactKind.FREE_SPACE)
    assert found == free_space(2, LATER)


def test_a_newer_unreadable_one_replaces_a_value(storage: SqlStorage) -> None:
    dark = Observation(FactKind.FREE_SPACE, Unreadable("denied"), "wmi", LATER)
    with storage.begin() as uow:
        uow.facts.put("a", [free_space(1), dark])
        assert uow.facts.of("a").find(FactKind.FREE_SPACE) == dark


def test_two_surveys_of_one_server_lose_nothing(
    storage: SqlStorage, open_again: Opener
) -> None:
    storages = (storage, open_again())

    def put(number: int) -> None:
        seen = Observation(
            FactKind.SERVICE, Unreadable("denied"), "wmi", AT, f"svc{number}"
        )
        with storages[number % 2].begin() as uow:
            uow.facts.put("a", [seen])

    at_once(12, put)
    with storage.read() as uow:
        assert len(uow.facts.of("a").observations) == 12


def test_the_last_contact_counts(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.facts.put_contact("a", LATER, "no route")
        uow.facts.put_contact("a", AT, None)
        uow.facts.put_contact("b", AT, "refused")
        uow.facts.put_contact("b", LATER, None)
        assert uow.facts.contacts() == {"a": (LATER, "no route"), "b": (LATER, None)}


def test_out_of_reach_are_those_whose_last_contact_failed(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        assert uow.facts.out_of_reach() == frozenset()
        uow.facts.put_contact("well", AT, None)
        uow.facts.put_contact("back", AT, "no route")
        uow.facts.put_contact("back", LATER, None)
        uow.facts.put_contact("gone", AT, None)
        uow.facts.put_contact("gone", LATER, "no route")
        uow.facts.put_contact("odd", AT, "null")
        uow.facts.put_contact("silent", AT, "")
        assert uow.facts.out_of_reach() == {"gone", "odd", "silent"}


def test_a_hosts_fault_may_hold_any_character(storage: SqlStorage) -> None:
    fault = "said \0 and \ud800 and \x1b[2J"
    with storage.begin() as uow:
        uow.facts.put_contact("a", AT, fault)
        uow.facts.put("a", [Observation(FactKind.FILE, Unreadable(fault), fault, AT)])
        assert uow.facts.contacts() == {"a": (AT, fault)}
        assert uow.facts.of("a").find(FactKind.FILE) is not None


def test_first_seen_is_kept_per_article(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.facts.put_first_seen("a", "KB1", FirstSeen(wrong=AT))
        uow.facts.put_first_seen("a", "KB1", FirstSeen(right=LATER, wrong=AT))
        uow.facts.put_first_seen("a", "KB2", FirstSeen())
        assert uow.facts.first_seen("KB1") == {"a": FirstSeen(LATER, AT)}
        assert uow.facts.first_seen("KB2") == {"a": FirstSeen()}
        assert uow.facts.first_seen("KB3") == {}


def test_reading_a_thousand_servers_takes_less_than_a_second_of_work(
    storage: SqlStorage,
) -> None:
    seen = [
        Observation(FactKind.SERVICE, Unreadable("denied"), "wmi", AT, f"svc{number}")
        for number in range(20)
    ]
    with storage.begin() as uow:
        for number in range(1_000):
            uow.facts.put(f"srv{number}", seen)
    begun = time.process_time()
    with storage.read() as uow:
        assert len(uow.facts.of_all()) == 1_000
    assert time.process_time() - begun < 1


def look(process: str, minutes: int, size: int, process_id: int = 7) -> Sample:
    at = AT + timedelta(minutes=minutes)
    return Sample(process, at, process_id, AT, size)


def test_samples_come_back_per_server_in_order_of_time(storage: SqlStorage) -> None:
    first, second, other = look("X", 0, 5), look("X", 1, 6), look("Y", 0, 1 << 40)
    with storage.begin() as uow:
        uow.facts.put_samples("watched-1", [second, first])
        uow.facts.put_samples("watched-2", [other])
    with storage.read() as uow:
        found = uow.facts.samples(since=AT)
        assert list(found["watched-1"]) == [first, second]
        assert list(found["watched-2"]) == [other]
        alone = uow.facts.samples(since=AT, server="watched-1")
        assert list(alone) == ["watched-1"]
        later = uow.facts.samples(since=second.at, server="watched-1")
        assert list(later["watched-1"]) == [second]
        assert uow.facts.samples(since=LATER, server="watched-1") == {}


def test_the_same_look_again_replaces(storage: SqlStorage) -> None:
    again = look("X", 0, 9)
    with storage.begin() as uow:
        uow.facts.put_samples("watched-3", [look("X", 0, 5), look("X", 0, 5, 8)])
        uow.facts.put_samples("watched-3", [again])
        found = uow.facts.samples(since=AT, server="watched-3")["watched-3"]
    assert sorted(sample.private_bytes for sample in found) == [5, 9]
