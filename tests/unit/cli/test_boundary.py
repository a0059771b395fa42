"""Whatever goes wrong ends as one sentence and an exit code."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typing_extensions import override

from orchestrator.application.ports.files import BadInputError, Problem
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.ports.secrets import CredentialError, Secret
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.results import ErrorCode, ExitCode
from orchestrator.bootstrap import Program
from orchestrator.cli import asking
from orchestrator.cli.failures import failure_of
from orchestrator.cli.main import main
from orchestrator.cli.options import Options
from orchestrator.cli.session import Session
from orchestrator.domain.selection import SelectionError
from orchestrator.lab.scenario import ScenarioError
from tests.fakes.estate import ARTICLE, World
from tests.unit.cli.conftest import Call, FakeProgram

_CASES: list[tuple[BaseException, ErrorCode, ExitCode]] = [
    (SelectionError("found no server"), ErrorCode.BAD_INPUT, ExitCode.BAD_INPUT),
    (ScenarioError("traits"), ErrorCode.BAD_INPUT, ExitCode.BAD_INPUT),
    (CredentialError("mode 0644"), ErrorCode.NO_CREDENTIAL, ExitCode.BAD_INPUT),
    (StorageError("no database", "start it"), ErrorCode.STORAGE, ExitCode.FAULT),
    (
        HostFaultError(FaultKind.UNREACHABLE, "a", "no answer"),
        ErrorCode.UNREACHABLE,
        ExitCode.UNREACHABLE,
    ),
    (
        HostFaultError(FaultKind.REFUSED, "a", "wrong password"),
        ErrorCode.REFUSED,
        ExitCode.NOT_AS_IT_SHOULD_BE,
    ),
    (typer.BadParameter("x"), ErrorCode.BAD_INPUT, ExitCode.BAD_INPUT),
    (KeyboardInterrupt(), ErrorCode.INTERRUPTED, ExitCode.INTERRUPTED),
    (tomllib.TOMLDecodeError("line 1"), ErrorCode.BAD_INPUT, ExitCode.BAD_INPUT),
    (
        FileNotFoundError(2, "No such file", "x"),
        ErrorCode.BAD_INPUT,
        ExitCode.BAD_INPUT,
    ),
    (ZeroDivisionError("x"), ErrorCode.PROGRAM_FAULT, ExitCode.FAULT),
]


@pytest.mark.parametrize(
    ("error", "code", "exit_code"), _CASES, ids=lambda case: type(case).__name__
)
def test_each_failure_has_its_code(
    error: BaseException, code: ErrorCode, exit_code: ExitCode
) -> None:
    failure = failure_of(error)

    assert [problem.code for problem in failure.problems] == [code]
    assert failure.exit_code is exit_code


def test_each_problem_of_a_file_is_told_and_the_rest_counted() -> None:
    problems = [Problem(f"line {n}", "x", "y") for n in range(30)]

    told = failure_of(BadInputError("estate.csv", problems)).problems

    assert "estate.csv: line 0: found x, expected y" in told[0].message
    assert "10 more" in told[-1].message


def test_a_fault_shows_its_way_only_when_asked(
    call: Call, estate: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _raising(RuntimeError("boom"))
    monkeypatch.setattr(type(estate.services.storage), "read", broken)

    plain, debug = call("catalog", "list"), call("catalog", "list", "--debug")

    assert plain.code == debug.code == 1
    assert "Traceback" not in plain.err
    assert "boom" not in plain.err
    assert "RuntimeError: boom" in debug.err


def _raising(error: BaseException) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_the_password_of_a_database_is_never_shown(
    capsys: pytest.CaptureFixture[str], estate: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://me:hunter2@nowhere.invalid/db"
    error = RuntimeError(f"cannot reach {url}")
    monkeypatch.setattr(type(estate.services.storage), "read", _raising(error))

    main(
        ("catalog", "list", "--database", url, "--debug"),
        program=FakeProgram(world=estate),
    )

    written = capsys.readouterr()
    assert "Traceback" in written.err
    assert "hunter2" not in written.out + written.err


def test_a_wrong_setting_is_named_without_its_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_POLL_SECONDS", "hunter2")

    assert main(("catalog", "list")) == 2
    err = capsys.readouterr().err
    assert "poll_seconds" in err
    assert "hunter2" not in err


def test_an_interrupt_ends_with_130(
    call: Call, estate: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(estate.services.storage), "read", _raising(KeyboardInterrupt())
    )

    called = call("catalog", "list", "--format", "json")

    assert called.code == 130
    assert called.document["errors"][0]["code"] == "interrupted"


def test_a_password_comes_from_standard_input_and_shows_nowhere(
    call: Call, estate: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\nmore\n"))

    called = call(
        *("credential", "set", "new", "--username", "LAB\\me"),
        *("--mechanism", "ntlm", "--password-stdin", "--format", "json"),
    )

    kept = estate.services.credentials.resolve("new")
    assert called.document["data"]["mechanisms"] == ["ntlm"]
    assert isinstance(kept.secret, Secret)  # type: ignore[union-attr] # it was kept just now
    assert kept.secret.reveal() == "hunter2"  # type: ignore[union-attr] # likewise
    assert "hunter2" not in called.out + called.err


def test_without_a_terminal_nobody_is_asked(call: Call) -> None:
    called = call("credential", "set", "new", "--username", "me")

    assert called.code == 2
    assert "--password-stdin" in called.err
    assert not asking.can_ask()


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("--version",)) == 0
    assert capsys.readouterr().out.startswith("orchestrator ")


def test_a_credential_is_tried_on_one_server(call: Call) -> None:
    called = call("credential", "check", "fleet", "fe1", "--format", "json")

    assert called.code == 0
    assert called.document["data"]["server"] == "fe1"


def test_help_loads_no_driver() -> None:
    script = (
        "import sys; from orchestrator.cli.main import main; main(['plan', '--help'])\n"
        "print(sorted({'sqlalchemy', 'pypsrp', 'rich'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_is_no_fault() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        process.wait(60)

    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


class Disk(io.StringIO):
    """A standard output that takes so many characters and no more."""

    left = 100

    @override
    def write(self, text: str) -> int:
        taken = super().write(text[: self.left])
        self.left -= taken
        if taken < len(text):
            raise OSError(errno.ENOSPC, "No space left on device")
        return taken


@pytest.mark.parametrize("written_as", ["table", "json", "csv", "html", "prometheus"])
def test_a_result_that_breaks_off_fails_and_says_that_it_is_not_whole(
    estate: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    written_as: str,
) -> None:
    disk = Disk()
    monkeypatch.setattr(sys, "stdout", disk)

    words = ("audit", ARTICLE, "--format", written_as)
    code = main(words, program=FakeProgram(world=estate))

    err = capsys.readouterr().err
    assert code == ExitCode.FAULT
    assert "No space left on device" in err
    assert "what was written to stdout is not whole" in err
    assert len(disk.getvalue()) == 100


def test_a_failure_before_the_first_byte_is_still_one_document(call: Call) -> None:
    called = call("audit", "KB000001", "--format", "json")

    assert called.document["status"] == "failed"
    assert "not whole" not in called.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
@pytest.mark.parametrize("words", [("catalog", "list"), ("catalog", "show", "KB1")])
def test_a_full_disk_is_told_without_a_traceback(
    words: tuple[str, ...], sqlite_url: str
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "orchestrator", *words),
                *("--database", sqlite_url, "--format", "json"),
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode in (ExitCode.FAULT, ExitCode.BAD_INPUT)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_usual_program_is_made_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABASE", "sqlite:///other.db")
    program: Program = Session(Options(database="sqlite:///given.db")).program

    assert program.settings.database == "sqlite:///given.db"
    assert Session().program.settings.database == "sqlite:///other.db"
