"""Each part that is out of order is named, with what to mend, and hides no other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.application.doctor import (
    BrokerSeen,
    Check,
    DatabaseSeen,
    Health,
    Patient,
    QueueSeen,
    WorkerSeen,
    examine,
)
from orchestrator.application.ports.engine import EngineError
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.results import ExitCode
from orchestrator.domain.server import Inventory, Site
from tests.fakes.estate import FakeCredentials, server

DATABASE = DatabaseSeen("postgresql://host/name", True, "0001", "0001", 0.1)
WORKER = WorkerSeen("a-1", ("site-1",), "0.1.0", 0.1)
BROKER = BrokerSeen("amqp://host/", "3.10.8", {"site-1": QueueSeen(0, 1)}, (WORKER,))
HEALTHY = Patient(
    database=lambda: DATABASE,
    inventory=lambda: Inventory(
        servers={"fe1": server("fe1", None)}, sites={"site-1": Site("site-1")}
    ),
    broker=lambda _: BROKER,
    credentials=FakeCredentials(),
    refused_file=lambda: None,
    hooks=lambda: None,
    elsewhere=True,
    release="0.1.0",
    lease_seconds=120,
    installer_seconds=3600,
)


def found(patient: Patient, subject: str) -> Check:
    return next(one for one in examine(patient).data.checks if one.subject == subject)


def away(_: Iterable[str]) -> BrokerSeen:
    raise EngineError("broker amqp://host/: refused", "see that RabbitMQ runs")


def no_database() -> DatabaseSeen:
    raise StorageError("database postgresql://host/name: refused", "see that it runs")


def seen(**change: Any) -> Patient:
    return replace(HEALTHY, broker=lambda _: replace(BROKER, **change))


def test_an_installation_as_it_should_be_is_done() -> None:
    report = examine(HEALTHY)
    assert report.exit_code is ExitCode.DONE
    unseen = [one for one in report.data.checks if one.health is not Health.OK]
    assert [(one.subject, one.health) for one in unseen] == [
        ("consumer timeout", Health.UNSEEN)
    ]


def test_what_cannot_be_looked_at_is_said_with_what_to_look_at_by_hand() -> None:
    check = found(HEALTHY, "consumer timeout")
    assert check.found.startswith("not looked at")
    assert "rabbitmqctl environment | grep consumer_timeout" in check.hint
    assert "more than 7200000 ms" in check.hint


@pytest.mark.parametrize(
    ("patient", "subject", "health", "word"),
    [
        (replace(HEALTHY, database=no_database), "database", Health.FAIL, "refused"),
        (
            replace(HEALTHY, database=lambda: replace(DATABASE, shared=False)),
            "engine",
            Health.FAIL,
            "SQLite",
        ),
        (
            replace(HEALTHY, database=lambda: replace(DATABASE, ahead_seconds=-9.0)),
            "clock of the database",
            Health.WARN,
            "9.0 s behind",
        ),
        (
            replace(HEALTHY, database=lambda: replace(DATABASE, ahead_seconds=99.0)),
            "clock of the database",
            Health.FAIL,
            "99.0 s ahead",
        ),
        (
            replace(HEALTHY, database=lambda: replace(DATABASE, schema="0000")),
            "schema",
            Health.WARN,
            "expected 0001",
        ),
        (
            replace(HEALTHY, database=lambda: replace(DATABASE, schema="0002")),
            "schema",
            Health.FAIL,
            "expected 0001",
        ),
        (replace(HEALTHY, broker=away), "broker", Health.FAIL, "refused"),
        (replace(HEALTHY, broker=None), "broker", Health.FAIL, "none is set"),
        (
            replace(HEALTHY, broker=None, elsewhere=False),
            "broker",
            Health.OK,
            "none is set",
        ),
        (seen(queues={"site-1": None}), "site site-1", Health.WARN, "never"),
        (
            seen(queues={"site-1": QueueSeen(3, 0)}),
            "site site-1",
            Health.FAIL,
            "3 orders",
        ),
        (seen(workers=()), "site site-1", Health.WARN, "1 workers"),
        (
            seen(workers=(replace(WORKER, ahead_seconds=60.0),)),
            "clock of a-1",
            Health.FAIL,
            "60.0 s ahead",
        ),
        (
            seen(workers=(replace(WORKER, release="0.2.0"),)),
            "release of a-1",
            Health.WARN,
            "found 0.2.0",
        ),
        (
            replace(HEALTHY, credentials=FakeCredentials({}), elsewhere=False),
            "credential fleet",
            Health.FAIL,
            "not found",
        ),
        (
            replace(HEALTHY, credentials=FakeCredentials({})),
            "credential fleet",
            Health.WARN,
            "not found",
        ),
        (
            replace(HEALTHY, refused_file=lambda: "c.yml: found mode 0644"),
            "credentials file",
            Health.FAIL,
            "0644",
        ),
        (
            replace(HEALTHY, hooks=lambda: "hooks_folder x is no folder"),
            "hooks",
            Health.FAIL,
            "no folder",
        ),
    ],
)
def test_a_part_that_is_out_of_order_is_named(
    patient: Patient, subject: str, health: Health, word: str
) -> None:
    check = found(patient, subject)
    assert check.health is health
    assert word in check.found
    code = examine(patient).exit_code
    bad = health is Health.FAIL
    assert code is (ExitCode.NOT_AS_IT_SHOULD_BE if bad else ExitCode.DONE)


def test_without_a_database_broker_and_file_are_looked_at_all_the_same() -> None:
    patient = replace(HEALTHY, database=no_database)
    assert found(patient, "broker").health is Health.OK
    assert found(patient, "hooks").health is Health.OK
