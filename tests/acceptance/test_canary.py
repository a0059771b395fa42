"""A password that is easy to find: no command leaves it anywhere, however it ends.

Every command runs against a small simulated estate over WinRM, with hooks, with
``--debug`` and in both formats, with the right password and with a wrong one. The
password reaches the commands by the environment, so that it would show wherever a
command hands its environment on. Then all output, every file, every table, and the
command lines and environments of every child process are searched for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import pytest
import typer.main

from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.application.ports.storage import Storage
from orchestrator.bootstrap import Program
from orchestrator.cli.app import app
from orchestrator.cli.main import main
from tests.fakes.estate import world
from tests.unit.cli.conftest import FakeProgram

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

CANARY = "Canary!7f3a+9e/20c4"
WRONG = "Wrong?Canary!51d8/aa"
ARTICLE = "KB903927"
SERVERS = 3
COMMAND_SECONDS = 120
UP_SECONDS = 60
LOOK_SECONDS = 0.05
#: Driven by a test of their own, or all the time by the fixture.
ELSEWHERE = {("demo",), ("lab", "serve")}


def spellings(secret: str) -> set[bytes]:
    """A secret as it is, and as protocols and logs may write it."""
    plain, wide = secret.encode(), secret.encode("utf-16-le")
    found = {plain, wide, quote(secret, safe="").encode(), json.dumps(secret).encode()}
    for raw in (plain, wide):
        found |= {raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")}
    return found


SOUGHT = spellings(CANARY) | spellings(WRONG)


def holds_secret(content: bytes) -> bool:
    """Whether either password is in it in any spelling."""
    return any(spelling in content for spelling in SOUGHT)


@dataclass
class Witness:
    """Sees the processes below this one come and go."""

    seen: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    handed_on: list[str] = field(default_factory=list)

    @contextmanager
    def watching(self, program: int) -> Iterator[None]:
        """Look at a program and at all that it starts, for as long as the block."""
        done = Event()
        thread = Thread(target=self._look, args=(program, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self, program: int, done: Event) -> None:
        while not done.wait(LOOK_SECONDS):
            with suppress(OSError):
                own = self._line(program)
                for process in _below(program):
                    with suppress(OSError):
                        self._judge(process, own)

    def _line(self, process: int) -> bytes:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
        self.seen[process] = line.replace(b"\0", b" ").decode(errors="replace")
        if holds_secret(line):
            self.lines.append(self.seen[process])
        return line

    def _judge(self, process: int, own: bytes) -> None:
        # The program's own environment is how the operator gave it the password, and
        # a fork of it, which reads a package, is still the program.
        handed_on = holds_secret(Path(f"/proc/{process}/environ").read_bytes())
        if self._line(process) != own and handed_on:
            self.handed_on.append(self.seen[process])


def _below(program: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{program}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _below(child)


@dataclass
class Operator:
    """Drives commands, and keeps what they wrote."""

    folder: Path
    witness: Witness = field(default_factory=Witness)
    outputs: list[bytes] = field(default_factory=list)
    driven: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this user's own; the password as a variable."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ORCHESTRATOR_")
        }
        prefix = "ORCHESTRATOR_CREDENTIAL_LAB"
        return ours | {
            "ORCHESTRATOR_DATABASE": f"sqlite:///{self.folder / 'orchestrator.db'}",
            "ORCHESTRATOR_CREDENTIALS_FILE": str(self.folder / "credentials.yml"),
            "ORCHESTRATOR_POLL_SECONDS": "0.5",
            "ORCHESTRATOR_HOOKS_FOLDER": str(self.folder / "site"),
            f"{prefix}_USERNAME": "LAB\\operator",
            f"{prefix}_PASSWORD": CANARY,
            f"{prefix}_MECHANISMS": "ntlm",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
        }

    def run(
        self, *words: str, stdin: str = "", given: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """A command to its end: exit code and stdout."""
        with (
            subprocess.Popen(
                [sys.executable, "-m", "orchestrator", *words, "--debug"],
                env={**self.environment, **(given or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as process,
            self.witness.watching(process.pid),
        ):
            out, err = process.communicate(stdin.encode(), timeout=COMMAND_SECONDS)
        self.outputs += [out, err]
        self.driven |= {words[:1], words[:2]}
        return process.returncode, out

    def ask(self, *words: str) -> Any:
        """The data of a command's JSON document."""
        _, out = self.run(*words, "--format", "json")
        return json.loads(out)["data"]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator of an estate that was driven through everything."""
    made = Operator(tmp_path_factory.mktemp("canary"))
    lab_folder = tmp_path_factory.mktemp("lab")
    with serving(made, lab_folder):
        bring(made, lab_folder)
        look(made)
        change(made)
        fail(made)
        yield made


@contextmanager
def serving(operator: Operator, folder: Path) -> Iterator[None]:
    """The estate; its inventory tells that it is up."""
    words = [
        *("lab", "serve", "--servers", str(SERVERS), "--port", "0", "--debug"),
        *("--write-inventory", str(folder / "estate.yml")),
        *("--write-packages", str(folder / "packages")),
    ]
    with (
        (operator.folder / "lab.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *words],
            env=operator.environment,
            stdout=log,
            stderr=log,
        ) as lab,
        operator.witness.watching(lab.pid),
    ):
        try:
            until = time.monotonic() + UP_SECONDS
            while not (folder / "estate.yml").exists():
                assert lab.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
            yield
        finally:
            lab.terminate()
            lab.wait(UP_SECONDS)


def bring(operator: Operator, lab: Path) -> None:
    """All that an operator brings in."""
    site = operator.folder / "site"
    site.mkdir()
    (site / "before_wave.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.command: printenv\n      changed_when: false\n"
    )
    operator.run("catalog", "import", ARTICLE)
    operator.run(
        "catalog", "table", ARTICLE, str(next((lab / "packages").glob("*.csv")))
    )
    for package in (lab / "packages").glob("*.exe"):
        pin = hashlib.sha256(package.read_bytes()).hexdigest()
        operator.run("catalog", "package", ARTICLE, str(package), "--sha256", pin)
    operator.run("catalog", "show", ARTICLE)
    operator.run("catalog", "list")
    assert operator.run("inventory", "import", str(lab / "estate.yml"))[0] == 0
    operator.run("inventory", "list")
    operator.run("inventory", "show", "lcs01fe1")
    operator.run("inventory", "export", "--to", "ansible")


def look(operator: Operator) -> None:
    """All that only looks."""
    operator.run("credential", "list")
    assert operator.run("credential", "check", "lab", "lcs01fe1")[0] == 0
    assert operator.run("survey")[0] == 0
    operator.run("survey", "--watch", "--rounds", "1")
    for written_as in ("table", "json", "csv"):
        operator.run("audit", ARTICLE, "--format", written_as)
    operator.run("audit", ARTICLE, "--output", str(operator.folder / "audit.txt"))
    operator.run("explain", "lcs01fe1")
    until = ("--until", "2099-01-01", "--owner", "o", "--reason", "r")
    operator.run("waive", "lcs01fe3", ARTICLE, *until)


def change(operator: Operator) -> None:
    """A rollout with hooks, and all that steers one."""
    how = ("--policy", "applicable", "--activate", "restart-service")
    plan = operator.ask("plan", ARTICLE, *how)["plan"]
    operator.run("plan", "make", ARTICLE, "lcs01fe1")
    operator.run("plan", "show", plan)
    operator.run("plan", "list")
    operator.run("approve", plan, "--by", "A. Manager", "--reason", "canary")
    operator.run("apply", plan, "--dry-run")
    run = operator.ask("apply", plan)["run"]
    for word in ("status", "pause", "resume", "abort", "retry", "rollback"):
        operator.run(word, run)
    evidence = str(operator.folder / "evidence.jsonl")
    operator.run("evidence", "export", evidence)
    operator.run("evidence", "verify", evidence)
    day = ("--before", "2026-01-01", "--by", "A. Manager", "--reason", "canary")
    operator.run("evidence", "prune", *day)
    operator.run("history", "lcs01fe1")
    operator.run("explain", "lcs01fe1", "--format", "json")


def fail(operator: Operator) -> None:
    """The ways in which a password might slip out of a failure."""
    wrong = {"ORCHESTRATOR_CREDENTIAL_LAB_PASSWORD": WRONG}
    for written_as in ("table", "json"):
        shown = ("--format", written_as)
        check = ("credential", "check", "lab", "lcs01fe1", *shown)
        assert operator.run(*check, given=wrong)[0] not in (0, 1)
        assert operator.run("survey", *shown, given=wrong)[0] not in (0, 1)
    url = f"postgresql+psycopg://me:{quote(CANARY, safe='')}@127.0.0.1:1/none"
    assert operator.run("survey", given={"ORCHESTRATOR_DATABASE": url})[0] != 0
    nonsense = {"ORCHESTRATOR_DATABASE": f"nonsense://me:{quote(CANARY, safe='')}@x"}
    assert operator.run("survey", given=nonsense)[0] != 0
    broker = f"amqp://me:{quote(CANARY, safe='')}@127.0.0.1:1/none"
    both = {"ORCHESTRATOR_BROKER": broker, "ORCHESTRATOR_DATABASE": url}
    assert operator.run("doctor")[0] in (0, 3)
    assert operator.run("doctor", given=both)[0] != 0
    assert operator.run("worker", "--site", "site-1", given=both)[0] != 0
    alone = {"ORCHESTRATOR_BROKER": broker}
    assert operator.run("worker", "--site", "site-1", given=alone)[0] == 2
    mechanisms = {"ORCHESTRATOR_CREDENTIAL_LAB_MECHANISMS": "carrier-pigeon"}
    assert operator.run("survey", given=mechanisms)[0] != 0
    kept = ("credential", "set", "kept", "--username", "me", "--password-stdin")
    unwritable = {"ORCHESTRATOR_CREDENTIALS_FILE": "/proc/none/credentials.yml"}
    operator.run(*kept, stdin=f"{CANARY}\n", given=unwritable)
    assert operator.run(*kept, "--mechanism", "smoke", stdin=f"{CANARY}\n")[0] == 2


def test_every_command_was_driven(operator: Operator) -> None:
    assert set(commands()) - ELSEWHERE - operator.driven == set()


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for name, command in typer.main.get_group(app).commands.items():
        below = getattr(command, "commands", None)
        yield from ((name, word) for word in below) if below else ((name,),)


def test_no_output_holds_the_password(operator: Operator) -> None:
    assert len(operator.outputs) > 70
    assert [out for out in operator.outputs if holds_secret(out)] == []


def test_no_file_that_is_left_holds_the_password(operator: Operator) -> None:
    files = [path for path in operator.folder.rglob("*") if path.is_file()]

    assert operator.folder / "lab.log" in files
    assert any("hooks" in path.parts for path in files), "no hook left anything"
    assert [path for path in files if holds_secret(path.read_bytes())] == []


def test_no_table_of_the_database_holds_the_password(operator: Operator) -> None:
    with closing(sqlite3.connect(operator.folder / "orchestrator.db")) as database:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [name for (name,) in database.execute(query)]
        rows = {
            name: repr(database.execute(f'SELECT * FROM "{name}"').fetchall())  # noqa: S608 - its own names
            for name in tables
        }

    assert sum(map(len, rows.values())) > 10_000
    assert [name for name, text in rows.items() if holds_secret(text.encode())] == []


def test_no_process_shows_the_password_or_hands_it_on(operator: Operator) -> None:
    witness = operator.witness

    assert any("ansible" in line for line in witness.seen.values()), "no hook was seen"
    assert witness.lines == []
    assert witness.handed_on == []


def test_a_crash_in_the_middle_of_a_conversation_shows_no_password(
    sqlite_storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    credential = Credential("lab", "me", Secret(CANARY), (Mechanism.NTLM,))

    class Breaking:
        def reader(self, *_: object) -> None:
            message = f"broke with {credential!r} and {credential.secret}"
            raise RuntimeError(message)

        writer = reader

    with world(sqlite_storage, ["fe1"]) as made:
        services = replace(made.services, hosts=Breaking())  # type: ignore[arg-type] # breaks on purpose
        program: Program = FakeProgram(world=replace(made, services=services))
        code = main(["survey", "--debug", "--format", "json"], program=program)

    written = capsys.readouterr()
    assert code == 1
    assert "broke with" in written.err
    assert not holds_secret((written.out + written.err).encode())
