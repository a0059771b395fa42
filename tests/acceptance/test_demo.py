"""The whole way, through the commands that an operator uses, over real WinRM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from orchestrator.domain.verdict import Verdict

SECONDS = 280

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 60)]


@dataclass(frozen=True, slots=True)
class Played:
    """A demonstration that has ended, and the estate's database to go on with."""

    folder: Path
    document: Any
    told: str

    def run(self, *words: str) -> tuple[int, str]:
        """A command on the demonstration's database: exit code and stdout."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *words],
            env={
                **os.environ,
                "ORCHESTRATOR_DATABASE": f"sqlite:///{self.folder}/orchestrator.db",
                "XDG_CONFIG_HOME": str(self.folder),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout

    def report(self, name: str) -> Any:
        """The data of a report that the demonstration left."""
        return json.loads((self.folder / name).read_text())["data"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("elsewhere") / "demo"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "orchestrator", "demo"),
            *("--format", "json", "--folder", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return Played(folder, json.loads(done.stdout), done.stderr)


def test_stdout_is_one_valid_document(played: Played) -> None:
    schema = json.loads(
        (files("orchestrator.cli") / "schemas" / "demo.json").read_text()
    )

    jsonschema.validate(played.document, schema)
    assert Path(played.document["data"]["database"]).is_file()
    assert all(Path(path).is_file() for path in played.document["data"]["reports"])


def test_the_first_audit_shows_every_verdict_with_its_reason(played: Played) -> None:
    before = played.report("before.json")

    assert {line["verdict"] for line in before["servers"]} == set(Verdict)
    assert all(line["reason"] for line in before["servers"])
    assert before["lab"] is True


def test_what_was_needed_is_compliant_or_has_an_outcome(played: Played) -> None:
    servers = played.document["data"]["servers"]

    needed = [line for line in servers if line["before"] == "needed"]
    assert needed
    for line in needed:
        assert line["after"] == "compliant" or (line["outcome"] and line["reason"])


def test_a_second_apply_of_the_plan_is_refused(played: Played) -> None:
    _, out = played.run("plan", "list", "--format", "json")
    plans = json.loads(out)["data"]["plans"]
    started = next(made["plan"] for made in plans if made["run"])

    code, out = played.run("apply", started, "--format", "json")

    assert code == 5
    assert json.loads(out)["errors"][0]["code"] == "plan-started"


def test_a_new_plan_has_nothing_to_do(played: Played) -> None:
    code, out = played.run(
        "plan", "KB903927", "--activate", "restart-service", "--format", "json"
    )

    assert code == 0
    assert json.loads(out)["data"]["waves"] == []


def test_the_password_is_in_the_private_file_alone(played: Played) -> None:
    private = played.folder / "credentials.yml"
    password = yaml.safe_load(private.read_text())["credentials"]["lab"]["password"]

    elsewhere = [
        path
        for path in played.folder.rglob("*")
        if path.is_file() and path != private and password.encode() in path.read_bytes()
    ]
    assert elsewhere == []
    assert password not in played.told + json.dumps(played.document)
