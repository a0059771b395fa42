from __future__ import annotations

from typing import Any

from orchestrator.adapters.ansible.events import (
    MAX_EVENTS,
    MAX_LINES,
    MAX_MESSAGE,
    EventLog,
)


def ended(name: str, **data: Any) -> dict[str, Any]:
    return {"event": name, "event_data": {"task": "T", "host": "h", **data}}


def failed(message: object, **data: Any) -> dict[str, Any]:
    return ended("runner_on_failed", res={"msg": message}, **data)


def test_the_newest_failure_that_is_not_ignored_counts() -> None:
    log = EventLog()
    log.take(failed("first"))
    log.take(failed("second", task="Call"))
    log.take(failed("ignored", ignore_errors=True))
    assert log.failure is not None
    assert (log.failure.task, log.failure.message) == ("Call", "second")


def test_an_unreachable_host_is_a_failure() -> None:
    log = EventLog()
    log.take(ended("runner_on_unreachable", res={"msg": "no route"}))
    assert log.failure is not None
    assert log.failure.event == "unreachable"


def test_what_a_task_hides_stays_hidden() -> None:
    log = EventLog()
    hidden = {"censored": "hidden by no_log", "msg": "token=hunter2"}
    log.take(ended("runner_on_failed", res=hidden))
    assert log.failure is not None
    assert log.failure.message == "hidden by no_log"


def test_the_result_of_a_task_that_succeeded_is_not_kept() -> None:
    log = EventLog()
    log.take(ended("runner_on_ok", res={"msg": "private"}))
    assert log.kept[0].message == ""


def test_sizes_are_bounded_and_what_is_left_out_is_counted() -> None:
    log = EventLog()
    for number in range(MAX_EVENTS + 7):
        log.take(failed(f"{number} " + "x" * 10_000, task="t" * 10_000))
        log.take({"event": "verbose", "stdout": "line"})
    assert len(log.kept) == MAX_EVENTS
    assert log.omitted == 7
    assert len(log.lines) == MAX_LINES
    assert max(len(event.message) for event in log.kept) == MAX_MESSAGE


def test_control_characters_do_not_reach_a_terminal() -> None:
    log = EventLog()
    log.take(failed("a\x1b[2Jb\nc\x00"))
    assert log.failure is not None
    assert log.failure.message == "a?[2Jb c?"


def test_an_event_without_its_content_is_counted_as_lost() -> None:
    log = EventLog()
    log.take({"uuid": "1", "counter": 1, "stdout": "PLAY"})
    log.take({"event": "runner_on_ok", "uuid": "2", "counter": 2})
    log.take({"event": "EOF"})
    log.take({"event": "verbose", "stdout": "[WARNING]: something"})
    assert log.lost == 2


def test_a_playbook_is_complete_only_with_its_last_event() -> None:
    log = EventLog()
    log.take(ended("runner_on_ok"))
    assert not log.complete
    log.take({"event": "playbook_on_stats", "event_data": {}})
    assert log.complete


def test_results_of_an_unexpected_shape_are_survived() -> None:
    log = EventLog()
    log.take(ended("runner_on_failed", res=None))
    log.take(ended("runner_on_failed", res={"msg": ["a", "b"]}))
    log.take({"event": "runner_on_failed", "event_data": {}})
    assert log.seen == 3
