"""``evidence`` and ``audit --as-of`` as a person or a script calls them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestrator.application.results import ErrorCode
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, World
from tests.unit.cli.conftest import Call

Ask = Callable[..., Any]


def test_a_bundle_goes_out_and_is_checked(call: Call, tmp_path: Path) -> None:
    file = str(tmp_path / "evidence.zip")
    call("survey")
    exported = call("evidence", "export", file, "--format", "json").document
    head = exported["data"]["head"]
    checked = call("evidence", "verify", file, "--head", head)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith("intact")
    assert "cannot tell" in checked.out
    other = call("evidence", "verify", file, "--head", "0" * 64, "--format", "json")
    assert other.code == 3
    assert other.document["status"] == "partial"
    assert other.document["errors"][0]["code"] == ErrorCode.TAMPERED


def test_verify_of_no_bundle_is_one_sentence(call: Call, tmp_path: Path) -> None:
    answer = call("evidence", "verify", str(tmp_path / "absent.zip"))
    assert answer.code == 2
    assert "absent.zip" in answer.err
    assert "Traceback" not in answer.err


def test_the_past_and_a_fresh_survey_exclude_one_another(call: Call) -> None:
    answer = call("audit", ARTICLE, "--as-of", "2026-01-01", "--fresh")
    assert answer.code == 2
    assert "--fresh" in answer.err


def test_a_time_that_is_none_names_its_option(call: Call) -> None:
    answer = call("audit", ARTICLE, "--as-of", "yesterday")
    assert answer.code == 2
    assert "--as-of: found 'yesterday'" in answer.err


def test_before_anything_was_recorded_nothing_is_known(ask: Ask) -> None:
    found = ask("audit", ARTICLE, "--as-of", "2020-01-01T00:00:00Z")
    assert found["status"] == "failed"
    assert found["errors"][0]["code"] == ErrorCode.NOT_FOUND


def test_retention_asks_for_a_yes_and_closes_the_past(
    call: Call, estate: World, clock: FakeClock
) -> None:
    for _ in range(2):
        call("survey")
        clock.advance(60)
        estate.clock.advance(60)
    words = ("evidence", "prune", "--by", "A. Manager", "--reason", "rule 7")
    now = clock.now()
    counted = call(*words, "--before", now.isoformat())
    assert (counted.code, "--yes" in counted.out) == (0, True)
    done = call(*words, "--before", now.isoformat(), "--yes", "--format", "json")
    assert done.document["data"]["done"]
    assert len(done.document["data"]["head"]) == 64
    then = (now - timedelta(seconds=1)).isoformat()
    past = call("audit", ARTICLE, "--as-of", then, "--format", "json")
    assert past.code == 5
    assert past.document["errors"][0]["code"] == ErrorCode.PRUNED


def test_retention_needs_a_reason(call: Call) -> None:
    words = ("--before", "2026-01-01", "--by", "A", "--reason", " ")
    answer = call("evidence", "prune", *words)
    assert answer.code == 2
    assert "--reason" in answer.err
