"""Commands of an installation on several machines, where it is not set up right."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Call

APPLY = ("apply", "0123456789ab", "--engine", "celery")
WORKER = ("worker", "--site", "site-1")


@pytest.mark.parametrize("words", [APPLY, WORKER, ("resume", "--engine", "celery")])
def test_without_a_broker_nothing_is_begun(call: Call, words: tuple[str, ...]) -> None:
    called = call(*words)
    assert called.code == 2
    assert "ORCHESTRATOR_BROKER" in called.err


def test_a_broker_with_sqlite_is_refused_with_what_to_do(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_BROKER", "amqp://us:secret@host/")
    called = call(*WORKER)
    assert called.code == 2
    assert "PostgreSQL" in called.err
    assert "secret" not in called.err


def test_an_address_that_is_none_is_not_repeated(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_BROKER", "http://us:secret@host/")
    monkeypatch.setenv("ORCHESTRATOR_DATABASE", "postgresql://host/name")
    called = call(*WORKER)
    assert called.code == 2
    assert "amqp://" in called.err
    assert "secret" not in called.err


def test_the_doctor_works_where_nothing_is_set_up(call: Call) -> None:
    found = call("doctor", "--format", "json").document
    assert found["kind"] == "doctor"
    assert "broker" in {check["subject"] for check in found["data"]["checks"]}
