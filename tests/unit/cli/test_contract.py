"""What scripts rely on: one document, its shape, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.application.plans import APPROVAL_DAYS
from orchestrator.application.results import ErrorCode, ExitCode
from orchestrator.cli.schema import FOLDER, schemas
from tests.fakes.estate import ARTICLE, World
from tests.unit.cli.conftest import Call

Ask = Callable[..., Any]
REPOSITORY = Path(__file__).parents[3]

WAIVE = ("waive", "fe1", ARTICLE, "--owner", "x", "--reason", "y", "--until")
RESTART = ("--activate", "restart-service")


def planned(ask: Ask) -> str:
    ask("survey")
    name: str = ask("plan", ARTICLE, *RESTART)["data"]["plan"]
    return name


def approved(ask: Ask) -> str:
    name = planned(ask)
    ask("approve", name, "--by", "A. Manager", "--reason", "change 1")
    return name


def test_every_command_on_stored_things_prints_one_valid_document(
    ask: Ask, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("file,version,platform,branch\nx.dll,5.2.3790.2600,x86,SP1QFE\n")
    package = tmp_path / "WindowsServer2003-KB700001-x86-ENU.exe"
    package.write_bytes(b"MZ" + bytes(100))
    estate = tmp_path / "estate.yml"
    estate.write_text(
        "sites: [{name: s}]\nservers:\n"
        "- {name: a, site: s, role: standard, product: lcs-2005, "
        "endpoint: {address: 127.0.0.1}}\n"
    )
    kinds = [
        ask(*line)["kind"]
        for line in (
            ("catalog", "import", "KB903927"),
            ("catalog", "table", "KB903927", str(table), "--by", "J. Doe"),
            ("catalog", "package", ARTICLE, str(package)),
            ("catalog", "show", ARTICLE),
            ("catalog", "list"),
            ("inventory", "import", str(estate), "--prune"),
            ("inventory", "list"),
            ("inventory", "show", "fe1"),
            ("inventory", "export", "--to", "ansible"),
            ("credential", "list"),
            (*WAIVE, "2090-01-01"),
            ("explain", "fe1", ARTICLE),
            ("history", "fe1"),
            ("audit", ARTICLE),
            ("plan", "list"),
            ("status",),
        )
    ]

    assert kinds == [
        *["catalog"] * 4,
        *("catalog-list", "inventory-change", "inventory", "server"),
        *("ansible-inventory", "credential-list", "waiver", "explanation", "history"),
        *("audit", "plan-list", "run-list"),
    ]


def test_a_plan_has_the_promised_shape(ask: Ask) -> None:
    ask("survey")

    data = ask("plan", ARTICLE, *RESTART)["data"]

    assert data["digest"].startswith(data["plan"])
    assert [wave["number"] for wave in data["waves"]] == [1, 2, 3]
    assert data["waves"][0]["servers"][0]["server"] == "fe1"
    assert data["waves"][0]["servers"][0]["action"] == "install"
    assert data["excluded"] == []


def test_an_apply_has_the_promised_shape_and_names_its_kind(ask: Ask) -> None:
    document = ask("apply", approved(ask))

    line = document["data"]["outcomes"][0]
    assert document["kind"] == "apply"
    assert document["data"]["run"].startswith("run-")
    assert (line["server"], line["wave"], line["outcome"]) == ("fe1", 1, "remediated")
    assert set(line["steps"][0]) == {"step", "started", "finished", "result"}


def test_an_audit_has_the_promised_shape(ask: Ask) -> None:
    ask("survey")

    data = ask("audit", ARTICLE)["data"]

    assert data["as_of"].endswith("Z")
    assert data["summary"]["needed"] == 3
    line = data["servers"][0]
    assert {"server", "verdict", "reason", "observed", "evidence", "waiver"} <= set(
        line
    )


def test_exit_codes_tell_done_from_not_as_it_should_be(call: Call, ask: Ask) -> None:
    plan = approved(ask)

    assert call("audit", ARTICLE).code == 3
    assert call("apply", plan).code == 0
    assert call("audit", ARTICLE).code == 0


def test_only_unreachable_servers_end_with_six_and_a_partial_status(
    call: Call, estate: World
) -> None:
    del estate.hosts["fe2"]

    called = call("survey", "--format", "json")

    assert called.code == 6
    assert called.document["status"] == "partial"
    assert [error["server"] for error in called.document["errors"]] == ["fe2"]


def test_an_unapproved_plan_is_refused_with_five(call: Call, ask: Ask) -> None:
    called = call("apply", planned(ask), "--format", "json")

    assert called.code == 5
    assert called.document["status"] == "failed"
    assert called.document["errors"][0]["code"] == ErrorCode.NOT_APPROVED


def test_a_second_apply_is_refused_and_names_resume(call: Call, ask: Ask) -> None:
    plan = approved(ask)
    call("apply", plan)

    again = call("apply", plan)

    assert again.code == 5
    assert "orchestrator resume run-" in again.err


def test_a_dry_run_consumes_no_plan_and_runs_no_installer(
    call: Call, ask: Ask, estate: World
) -> None:
    plan = approved(ask)

    rehearsed = ask("apply", plan, "--dry-run")

    assert rehearsed["kind"] == "dry-run"
    assert all(line["begins"] for line in rehearsed["data"]["servers"])
    assert rehearsed["data"]["obstacle"] == ""
    assert set(estate.runs().values()) == {0}
    assert call("apply", plan).code == 0


def test_a_dry_run_of_a_plan_that_nobody_approved_says_so(ask: Ask) -> None:
    assert "not approved" in ask("apply", planned(ask), "--dry-run")["data"]["obstacle"]


@pytest.mark.parametrize(
    "line",
    [
        ("audit",),
        ("audit", ARTICLE, "--no-such-option"),
        ("no-such-command",),
        ("plan", ARTICLE, "--growth", "0%"),
        ("plan", ARTICLE, "--policy", "all"),
        ("plan", ARTICLE, "--budget", "luck=1"),
        ("plan", ARTICLE, "--budget", "install=few"),
        ("audit", ARTICLE, "verdict:perfect"),
        ("audit", ARTICLE, "no-such-server"),
        ("audit", "KB999999"),
        ("catalog", "import", "/no/such/file.yml"),
        (*WAIVE, "soon"),
        (*WAIVE, "2001-01-01"),
    ],
)
def test_bad_input_ends_with_two_and_a_document(
    call: Call, line: tuple[str, ...]
) -> None:
    called = call(*line, "--format", "json")

    assert called.code == 2
    assert called.document["status"] == "failed"
    assert called.document["data"] is None
    assert called.document["errors"][0]["code"] in {"bad-input", "not-found"}
    assert "Traceback" not in called.err


def test_shared_options_stand_anywhere(call: Call) -> None:
    for line in (
        ("--format", "json", "catalog", "list"),
        ("catalog", "--format", "json", "list"),
        ("catalog", "list", "--format", "json"),
        ("catalog", "list", "--format=json"),
    ):
        assert call(*line).document["kind"] == "catalog-list"


def test_the_last_place_of_an_option_wins(call: Call) -> None:
    assert (
        call("--format", "json", "catalog", "list", "--format", "table").out[0] != "{"
    )


def test_plan_takes_an_article_where_no_command_stands(ask: Ask) -> None:
    ask("survey")

    for line in (
        ("plan", ARTICLE),
        ("plan", "make", ARTICLE),
        ("plan", "--policy", "affected", ARTICLE),
        ("plan", "--quiet", ARTICLE, "fe1"),
    ):
        assert ask(*line)["kind"] == "plan"
    assert ask("plan", "--quiet", "list")["kind"] == "plan-list"


def test_an_audit_goes_whole_into_a_file(call: Call, tmp_path: Path) -> None:
    target = tmp_path / "audit.json"

    called = call("audit", ARTICLE, "--format", "json", "--output", str(target))

    assert called.out == ""
    assert json.loads(target.read_text())["kind"] == "audit"
    assert list(tmp_path.glob(".*")) == []


def test_progress_and_notes_stay_off_stdout(call: Call) -> None:
    called = call("survey", "--format", "json")

    assert called.document["kind"] == "survey"
    assert "3 of 3 done" in called.err
    assert call("survey", "--format", "json", "--quiet").err == ""


def test_a_newcomer_without_a_command_sees_the_help(call: Call) -> None:
    assert "Usage: orchestrator" in call().out


def test_an_approval_holds_as_long_as_the_use_case_says(ask: Ask) -> None:
    plan = planned(ask)

    given = ask("approve", plan, "--by", "me", "--reason", "x")["data"]["approvals"][0]

    days = int(given["expires"][8:10]) - int(given["at"][8:10])
    assert days % 30 in {APPROVAL_DAYS, APPROVAL_DAYS - 1}


def test_the_shipped_schemas_are_current() -> None:
    shipped = {path.stem: path.read_text() for path in FOLDER.glob("*.json")}

    assert shipped == schemas(), "run python -m orchestrator.cli.schema"


def test_every_error_code_is_documented_and_no_other() -> None:
    text = (REPOSITORY / "docs" / "errors.md").read_text()

    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert rows == [code.value for code in ErrorCode]


def test_every_exit_code_is_documented_and_no_other() -> None:
    text = (REPOSITORY / "docs" / "errors.md").read_text()
    _, _, below = text.partition("\n## Exit codes\n")

    rows = [line.split()[1] for line in below.splitlines() if line.startswith("| ")]
    assert rows[1:] == [str(code.value) for code in ExitCode]
