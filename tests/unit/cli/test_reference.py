"""The reference of the command line, and the examples that help texts give."""

from __future__ import annotations

import io
import shlex

import pytest

from tests.unit.cli.conftest import Call
from tests.unit.cli.reference import FILE, reference

_EXAMPLES = sorted(
    line.removeprefix("$ orchestrator ")
    for line in reference().splitlines()
    if line.startswith("$ orchestrator ") and "[OPTIONS]" not in line
)
#: These serve until somebody ends them.
_LONG = ("lab serve", "demo")


def test_the_reference_is_current() -> None:
    assert FILE.read_text() == reference(), "run python -m tests.unit.cli.reference"


def test_every_command_gives_an_example() -> None:
    text = reference()

    commands = text.count("[OPTIONS]") - text.count("COMMAND [ARGS]")
    assert text.count("**Examples**") == commands + 1  # plan: a group and a command


def test_the_short_form_of_plan_shows_its_examples(call: Call) -> None:
    assert "$ orchestrator plan KB903927" in call("plan", "--help").out


@pytest.mark.parametrize(
    "example", [line for line in _EXAMPLES if not line.startswith(_LONG)]
)
def test_an_example_is_a_command_line_that_can_be_read(
    call: Call, example: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("a password\n"))
    words = shlex.split(example.partition(" > ")[0].partition(" < ")[0])

    called = call(*words)

    assert "--help" not in called.err
    assert called.code != 1
