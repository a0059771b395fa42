"""The demonstration: the commands that an operator uses, one after another."""

from __future__ import annotations

import hashlib
import json as json_text
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from orchestrator.application.results import ErrorCode, ExitCode, RequestError
from orchestrator.cli.reports import BeforeAfter, DemoReport
from orchestrator.cli.text import clean
from orchestrator.domain.verdict import Verdict
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL

ARTICLE = "KB903927"
SERVERS = 24
#: For the simulated servers to come up.
LAB_SECONDS = 60.0
#: For one command; the longest installs on every server of the plan.
STEP_SECONDS = 300.0
#: For the simulated servers to go down.
STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_MARKER = ".orchestrator-demo"
#: An estate of the lab always has servers that are not as they should be.
_EXPECTED = frozenset(
    {ExitCode.DONE, ExitCode.NOT_AS_IT_SHOULD_BE, ExitCode.UNREACHABLE}
)


class StepFailedError(RequestError):
    """A command of the demonstration did not end as it should."""

    exit_code = ExitCode.FAULT

    def __init__(self, what: str, hint: str) -> None:
        """A fault of the program: the demonstration depends on nothing else."""
        super().__init__(ErrorCode.PROGRAM_FAULT, what, hint)


@dataclass(frozen=True, slots=True)
class Demo:
    """A folder with all that the demonstration leaves, and where it talks to."""

    folder: Path
    talk: TextIO
    environment: dict[str, str]
    began: float

    @classmethod
    def open(cls, folder: Path, *, json: bool, no_color: bool | None) -> Demo:
        """Begin in a fresh folder.

        Raises:
            RequestError: the folder holds what no demonstration left there.
        """
        began = time.monotonic()
        found = folder.resolve()
        if (
            found.exists()
            and not (found / _MARKER).exists()
            and (not found.is_dir() or any(found.iterdir()))
        ):
            raise RequestError(
                ErrorCode.BAD_INPUT,
                f"found files of yours in {found}, expected none or an earlier demo's",
                "give another --folder",
            )
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        (found / _MARKER).touch()
        # In JSON the one document on stdout is the report.
        talk = sys.stderr if json else sys.stdout
        environment = _environment(found) | ({"NO_COLOR": "1"} if no_color else {})
        return cls(found, talk, environment, began)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The simulated estate, up for as long as the block lasts."""
        self._run(
            *("credential", "set", CREDENTIAL, "--username", ACCOUNT),
            *("--mechanism", "ntlm", "--password-stdin"),
            stdin=secrets.token_urlsafe(),
        )
        words = [
            *("lab", "serve", "--servers", str(SERVERS), "--port", "0"),
            *("--write-inventory", self._path("estate.yml")),
            *("--write-packages", self._path("packages")),
        ]
        self._say(words, " &")
        with (self.folder / "lab.log").open("wb") as log:
            lab = subprocess.Popen(  # noqa: S603 - our own program with our own words
                _program(words), stdout=log, stderr=log, env=self.environment
            )
        try:
            self._await(lab)
            yield
        finally:
            _end(lab)

    def _await(self, lab: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + LAB_SECONDS
        while not (self.folder / "estate.yml").exists():
            if lab.poll() is not None or time.monotonic() > until:
                raise StepFailedError(
                    "the simulated servers did not come up",
                    f"see {self.folder / 'lab.log'}",
                )
            time.sleep(_LOOK_SECONDS)

    def play(self) -> DemoReport:
        """Every step from the article to the proof."""
        self._bring()
        self._briefly("survey", line=-1)
        self._run("audit", ARTICLE)
        before = self._audit("before.json")
        self._run("plan", ARTICLE, "--activate", "restart-service")
        plan = self._ask("plan", "list")["plans"][0]["plan"]
        self._run("approve", plan, "--by", "A. Manager", "--reason", "demonstration")
        self._run("apply", plan)
        after = self._audit("after.json")
        newest = self._ask("status", "--watch")
        outcomes = {line["server"]: line for line in newest["outcomes"]}
        return DemoReport(
            servers=tuple(
                _line(was, after[name], outcomes.get(name, {}))
                for name, was in before.items()
            ),
            seconds=round(time.monotonic() - self.began),
            folder=str(self.folder),
            database=self._path("orchestrator.db"),
            reports=(self._path("before.json"), self._path("after.json")),
        )

    def _bring(self) -> None:
        packages = self.folder / "packages"
        self._briefly("catalog", "import", ARTICLE)
        self._briefly("catalog", "table", ARTICLE, str(next(packages.glob("*.csv"))))
        for path in sorted(packages.glob("*.exe")):
            pin = hashlib.sha256(path.read_bytes()).hexdigest()
            self._briefly("catalog", "package", ARTICLE, str(path), "--sha256", pin)
        self._run("inventory", "import", self._path("estate.yml"))

    def _audit(self, name: str) -> dict[str, Any]:
        """Audit into a report; its servers by name."""
        path = self._path(name)
        self._run("audit", ARTICLE, "--format", "json", "--output", path)
        servers = json_text.loads(Path(path).read_bytes())["data"]["servers"]
        return {line["server"]: line for line in servers}

    def wait(self) -> None:
        """Leave the servers up until Ctrl-C, and say how to reach them."""
        for name in ("ORCHESTRATOR_DATABASE", "ORCHESTRATOR_CREDENTIALS_FILE"):
            value = shlex.quote(self.environment[name])
            self.talk.write(f"export {name}={value}\n")
        self.talk.write("The servers stay up until Ctrl-C.\n")
        self.talk.flush()
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(STOP_SECONDS)

    def _path(self, name: str) -> str:
        return str(self.folder / name)

    def _say(self, words: list[str] | tuple[str, ...], tail: str = "") -> None:
        line = clean(shlex.join(("orchestrator", *words)))
        self.talk.write(f"\n$ {line}{tail}\n")
        self.talk.flush()

    def _run(self, *words: str, stdin: str = "") -> None:
        self._say(words)
        self._ended(words, self._call(words, stdin, self.talk)[0])

    def _briefly(self, *words: str, line: int = 0) -> None:
        """A command of which one line is enough."""
        self._say(words)
        code, out = self._call(words, "", subprocess.PIPE)
        self._ended(words, code)
        self.talk.write(f"{out.splitlines()[line]}\n")

    def _ask(self, *words: str) -> Any:
        """A command's data, without showing it."""
        code, out = self._call((*words, "--format", "json"), "", subprocess.PIPE)
        self._ended(words, code)
        return json_text.loads(out)["data"]

    def _call(
        self, words: tuple[str, ...], stdin: str, out: TextIO | int
    ) -> tuple[int, str]:
        with subprocess.Popen(  # noqa: S603 - our own program with our own words
            _program(words),
            stdin=subprocess.PIPE,
            stdout=out,
            env=self.environment,
            text=True,
        ) as process:
            try:
                text, _ = process.communicate(stdin, timeout=STEP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise StepFailedError(
                    f"{shlex.join(words)} took more than {STEP_SECONDS:.0f} s",
                    f"see {self.folder}",
                ) from None
        return process.returncode, text or ""

    def _ended(self, words: tuple[str, ...], code: int) -> None:
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code not in _EXPECTED:
            raise StepFailedError(
                f"{shlex.join(words)} ended with {code}",
                f"its own message stands above; see {self.folder}",
            )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of this user's own settings, credentials or keyring is touched."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ORCHESTRATOR_")
    }
    return ours | {
        "ORCHESTRATOR_DATABASE": f"sqlite:///{folder / 'orchestrator.db'}",
        "ORCHESTRATOR_CREDENTIALS_FILE": str(folder / "credentials.yml"),
        # The simulated installers are quick.
        "ORCHESTRATOR_POLL_SECONDS": "0.5",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "XDG_CONFIG_HOME": str(folder),
    }


def _program(words: list[str] | tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "orchestrator", *words]


def _end(lab: subprocess.Popen[bytes]) -> None:
    lab.terminate()
    try:
        lab.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        lab.kill()
        lab.wait()


def _line(was: Any, now: Any, outcome: Any) -> BeforeAfter:
    return BeforeAfter(
        server=was["server"],
        before=Verdict(was["verdict"]),
        after=Verdict(now["verdict"]),
        outcome=outcome.get("outcome") or "",
        reason=now["reason"],
    )
