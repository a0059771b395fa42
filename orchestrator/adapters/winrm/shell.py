"""The remote shell: one at a time, every command terminated, always deleted.

Requests are built here rather than with pypsrp's shell, whose Receive sleeps for
minutes between tries and whose booleans are spelled as XML Schema does not.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from xml.etree.ElementTree import Element, SubElement

from pypsrp.shell import SignalCode
from pypsrp.wsman import NAMESPACES, WSManAction

from orchestrator.adapters.winrm.faults import (
    AdapterError,
    CommandTimeoutError,
    MalformedError,
    WsFaultError,
)
from orchestrator.adapters.winrm.session import Session
from orchestrator.adapters.winrm.soap import children, first, text_of

URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
_RSP = "{" + NAMESPACES["rsp"] + "}"
_DONE = "/CommandState/Done"
#: What the shell puts round a command line: ``cmd /c "`` and a closing quote, with
#: the full path of cmd.
_WRAPPING_CHARS = 64
_UTF8 = 65001
_PLAIN_LINE = re.compile(r"[\x20-\x7e]+")


class CommandRefusedError(ValueError):
    """A command line that cannot be sent: a fault of this program."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and its full 32-bit exit code if the host told it."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None

    def lines(self) -> tuple[str, ...]:
        """Standard output by line; only ASCII is relied on."""
        return tuple(self.stdout.decode("ascii", "replace").splitlines())


class Shell:
    """A context: opened on entry, deleted on exit, whatever happens between."""

    def __init__(self, session: Session, code_page: int) -> None:
        """Nothing is sent yet.

        Raises:
            CommandRefusedError: code page 65001, under which hosts before 2008 R2
                run no batch file and say nothing.
        """
        if code_page == _UTF8:
            raise CommandRefusedError("code page 65001")
        self._session = session
        self._code_page = code_page
        self._selectors: tuple[tuple[str, str], ...] = ()

    def __enter__(self) -> Self:
        """Open the shell; a full quota is waited for."""
        body = Element(f"{_RSP}Shell")
        SubElement(body, f"{_RSP}InputStreams").text = "stdin"
        SubElement(body, f"{_RSP}OutputStreams").text = "stdout stderr"
        answer = self._session.call(
            WSManAction.CREATE,
            URI,
            body,
            options=[
                ("WINRS_NOPROFILE", "TRUE"),
                ("WINRS_CODEPAGE", str(self._code_page)),
            ],
        )
        self._selectors = _selectors(answer)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Delete the shell; a lost connection is no reason to leave it behind.

        A failure here hides no other: the host ends idle shells by itself.
        """
        with suppress(AdapterError):
            self._call(WSManAction.DELETE, None, repeatable=True)

    def run(
        self,
        command: str,
        stdin: Iterable[bytes] = (),
        *,
        timeout_s: float | None = None,
        output_bytes: int | None = None,
    ) -> Output:
        """Run a command line to its end, feed it, and terminate it.

        Args:
            command: printable ASCII, as cmd takes it.
            stdin: what it reads; each piece goes in one request.
            timeout_s: how long it may run; the limit for commands if left out.
            output_bytes: the most it may print.

        Raises:
            CommandRefusedError: the line is too long or not plain.
            CommandTimeoutError: it did not end in time.
            MalformedError: it printed more than it may, or the answer is no answer.
        """
        self._check(command)
        command_id = self._start(command)
        try:
            self._feed(command_id, stdin)
            return _Receiving(
                self._call,
                command_id,
                receive_s=self._session.limits.receive_timeout_s,
                until=time.monotonic()
                + (timeout_s or self._session.limits.command_timeout_s),
                limit=output_bytes or self._session.limits.output_bytes,
            ).all()
        finally:
            # The next command is refused unless this one was ended (3.1.4.14).
            with suppress(AdapterError):
                self._terminate(command_id)

    def _check(self, command: str) -> None:
        longest = self._session.limits.command_line_chars - _WRAPPING_CHARS
        if len(command) > longest:
            raise CommandRefusedError(
                f"a command line of {len(command)} characters, at most {longest}"
            )
        if not _PLAIN_LINE.fullmatch(command):
            raise CommandRefusedError("a command line that is not plain ASCII")

    def _start(self, command: str) -> str:
        body = Element(f"{_RSP}CommandLine")
        SubElement(body, f"{_RSP}Command").text = command
        answer = self._call(
            WSManAction.COMMAND,
            body,
            options=(
                ("WINRS_CONSOLEMODE_STDIN", "FALSE"),
                ("WINRS_SKIP_CMD_SHELL", "FALSE"),
            ),
        )
        command_id = text_of(first(answer, "CommandResponse", "CommandId"))
        if not command_id:
            raise MalformedError("a command without an id")
        return command_id

    def _feed(self, command_id: str, stdin: Iterable[bytes]) -> None:
        pieces = [piece for piece in stdin if piece]
        for number, piece in enumerate(pieces, start=1):
            body = Element(f"{_RSP}Send")
            stream = SubElement(
                body, f"{_RSP}Stream", Name="stdin", CommandId=command_id
            )
            stream.text = base64.b64encode(piece).decode()
            if number == len(pieces):
                stream.set("End", "true")
            self._call(WSManAction.SEND, body)
            self._session.bytes_sent += len(piece)

    def _terminate(self, command_id: str) -> None:
        body = Element(f"{_RSP}Signal", CommandId=command_id)
        SubElement(body, f"{_RSP}Code").text = SignalCode.TERMINATE
        self._call(WSManAction.SIGNAL, body, repeatable=True)

    def _call(
        self,
        action: str,
        body: Element | None,
        *,
        options: tuple[tuple[str, str], ...] = (),
        timeout_s: int | None = None,
        repeatable: bool = False,
    ) -> Element:
        return self._session.call(
            action,
            URI,
            body,
            options=options,
            selectors=self._selectors,
            timeout_s=timeout_s,
            repeatable=repeatable,
        )


class _Receiving:
    """The receive loop of one command, bounded in time and size."""

    def __init__(
        self,
        call: Callable[..., Element],
        command_id: str,
        *,
        receive_s: int,
        until: float,
        limit: int,
    ) -> None:
        self._call = call
        self._command_id = command_id
        self._receive_s = receive_s
        self._until = until
        self._limit = limit
        self._streams = {"stdout": bytearray(), "stderr": bytearray()}

    def all(self) -> Output:
        """Everything until the command is done."""
        while True:
            answer = self._receive()
            for stream in children(answer, "Stream"):
                self._take(stream)
            state = first(answer, "CommandState")
            if state is not None and state.get("State", "").endswith(_DONE):
                return Output(
                    bytes(self._streams["stdout"]),
                    bytes(self._streams["stderr"]),
                    _exit_code(state),
                )

    def _receive(self) -> Element | None:
        body = Element(f"{_RSP}Receive")
        wanted = SubElement(body, f"{_RSP}DesiredStream", CommandId=self._command_id)
        wanted.text = "stdout stderr"
        left = self._until - time.monotonic()
        if left <= 0:
            raise CommandTimeoutError("the command did not end in its time")
        try:
            answer = self._call(
                WSManAction.RECEIVE,
                body,
                options=(("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE"),),
                timeout_s=max(1, min(self._receive_s, int(left))),
            )
        except WsFaultError as fault:
            if fault.timed_out:  # no output in this time: ask again (3.1.4.14)
                return None
            raise
        return first(answer, "ReceiveResponse")

    def _take(self, stream: Element) -> None:
        buffer = self._streams.get(stream.get("Name", ""))
        if buffer is None or not stream.text:
            return
        try:
            buffer += base64.b64decode(stream.text, validate=False)
        except (binascii.Error, ValueError) as error:
            raise MalformedError("output that is no base64") from error
        if len(buffer) > self._limit:
            raise MalformedError(f"output over {self._limit} bytes")


def _exit_code(state: Element) -> int | None:
    text = text_of(first(state, "ExitCode"))
    return int(text) if re.fullmatch(r"-?\d{1,10}", text) else None


def _selectors(answer: Element) -> tuple[tuple[str, str], ...]:
    found = first(answer, "ResourceCreated", "ReferenceParameters", "SelectorSet")
    pairs = tuple(
        (selector.get("Name", ""), text_of(selector))
        for selector in children(found, "Selector")
    )
    if not pairs:
        raise MalformedError("a shell without an id")
    return pairs
