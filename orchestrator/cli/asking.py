"""Asking a person: only where there is one, and never showing what was typed."""

from __future__ import annotations

import getpass
import sys
from threading import Lock
from typing import TYPE_CHECKING

from orchestrator.application.ports.secrets import Credential, Secret
from orchestrator.application.results import ErrorCode, RequestError
from orchestrator.cli.text import clean

if TYPE_CHECKING:
    from orchestrator.cli.progress import Reporter

#: A password from stdin is one line of at most this many characters.
MAX_PASSWORD = 1024


def can_ask() -> bool:
    """Whether somebody sits at this terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class Asker:
    """Asks once for each credential that no other source has."""

    def __init__(self, reporter: Reporter) -> None:
        """Hold ``reporter`` while asking."""
        self._reporter = reporter
        self._lock = Lock()
        self._answers: dict[str, Credential | None] = {}

    def __call__(self, name: str) -> Credential | None:
        """The credential, or ``None`` where the person gives no user name."""
        with self._lock:
            if name not in self._answers:
                with self._reporter.held():
                    self._answers[name] = _ask(name)
            return self._answers[name]


def _ask(name: str) -> Credential | None:
    sys.stderr.write(f"user name for credential {clean(name)} (empty for none): ")
    sys.stderr.flush()
    username = sys.stdin.readline().strip()
    if not username:
        return None
    return Credential(name, username, ask_secret(username))


def ask_secret(username: str) -> Secret:
    """A password, typed unseen."""
    prompt = f"password of {clean(username)}: "
    return Secret(getpass.getpass(prompt, stream=sys.stderr))


def read_secret() -> Secret:
    """A password from standard input: its first line."""
    return Secret(sys.stdin.readline(MAX_PASSWORD).rstrip("\r\n"))


def secret_for(username: str, *, from_stdin: bool) -> Secret:
    """A password as the operator chose to give it; never on the command line.

    Raises:
        RequestError: nobody sits there to be asked, or none was given.
    """
    if from_stdin:
        secret = read_secret()
    elif can_ask():
        secret = ask_secret(username)
    else:
        raise RequestError(
            ErrorCode.BAD_INPUT,
            "found no terminal to ask for the password on",
            "give it with --password-stdin",
        )
    if not secret.reveal():
        raise RequestError(ErrorCode.BAD_INPUT, "found an empty password")
    return secret
