"""Rolling back, retrying and ending a run from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.estate import ARTICLE, World
from tests.unit.cli.conftest import Call

Ask = Callable[..., Any]


def applied(ask: Ask) -> str:
    ask("survey")
    plan: str = ask("plan", ARTICLE)["data"]["plan"]
    ask("approve", plan, "--by", "A. Manager", "--reason", "change 1")
    run: str = ask("apply", plan)["data"]["run"]
    return run


def test_a_rollback_is_a_plan_of_uninstalls(ask: Ask, call: Call) -> None:
    document = ask("rollback", applied(ask), "fe2")
    wave = document["data"]["waves"][0]
    assert document["kind"] == "plan"
    assert [(line["server"], line["action"]) for line in wave["servers"]] == [
        ("fe2", "uninstall")
    ]
    assert call("apply", document["data"]["plan"]).code == 5


def test_a_retry_without_a_failure_is_bad_input(ask: Ask, call: Call) -> None:
    called = call("retry", applied(ask), "--format", "json")
    assert called.code == 2
    assert "as its plan wanted it" in called.document["errors"][0]["message"]


def test_a_finished_run_cannot_be_aborted_at_once(ask: Ask, call: Call) -> None:
    called = call("abort", applied(ask), "--now", "--format", "json")
    assert called.code == 5
    assert called.document["errors"][0]["code"] == "illegal-state"


def test_plan_show_tells_what_approval_is_missing(
    ask: Ask, call: Call, estate: World
) -> None:
    ask("survey")
    plan = ask("plan", ARTICLE, "--approvals", "2")["data"]["plan"]
    assert "2 of 2 approvals, each of an account" in _flat(call("plan", "show", plan))
    ask("approve", plan, "--by", "A. Manager", "--reason", "change 1")
    assert "1 of 2 approvals, each of another account" in _flat(
        call("plan", "show", plan)
    )
    assert set(estate.runs().values()) == {0}


def test_what_a_person_left_out_or_overdid_is_told_what_was_expected(
    ask: Ask, call: Call
) -> None:
    ask("survey")
    plan = ask("plan", ARTICLE)["data"]["plan"]
    blank = call("approve", plan, "--by", "A. Manager", "--reason", " ")
    much = call("plan", ARTICLE, "--budget", "install=101%")
    assert (blank.code, much.code) == (2, 2)
    assert "--reason: found nothing, expected a few words" in blank.err
    assert "expected CLASS=N or CLASS=N%, 0 to 100%" in much.err


def _flat(called: Any) -> str:
    return " ".join(called.out.split())
