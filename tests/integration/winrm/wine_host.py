"""A host with a command interpreter that neither Microsoft nor this project wrote.

WMI comes from the lab's simulated computer; files, shells and detached programs are
wine's. Its certutil, cacls and findstr do nothing and say that they did, its ``&&``
is not Windows', and it loses quotes: what works here leans on little.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.lab.machine import CommandOutput, Instance, WmiValue
from orchestrator.lab.windows.computer import SimulatedComputer

WINE = "/usr/bin/wine"
_PATH = re.compile(r'""(.+?)""')


def environment(prefix: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(prefix),
        "WINEPREFIX": str(prefix),
        "WINEDEBUG": "-all",
    }


def wine(prefix: Path, line: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [WINE, "cmd", "/c", line],
        env=environment(prefix),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


ADMINISTRATORS = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]
USERS = [*ADMINISTRATORS[:-4], 33, 2, 0, 0]


class WineCommand:
    def __init__(self, prefix: Path, line: str) -> None:
        self._process = wine(prefix, line)
        self._output = bytearray()
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while chunk := os.read(stream.fileno(), 65536):
                with self._lock:
                    self._output += chunk

    def write(self, data: bytes, *, end: bool) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
            if end:
                self._process.stdin.close()
        except (BrokenPipeError, ValueError):
            return  # the program ended without reading, as the real ones may

    def read(self) -> CommandOutput:
        done = self._process.poll() is not None and not self._reader.is_alive()
        with self._lock:
            output, self._output = bytes(self._output), bytearray()
        code = self._process.returncode if done else None
        return CommandOutput(output, b"", done=done, exit_code=code)

    def terminate(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                return


@dataclass
class WineShell:
    prefix: Path
    commands: list[WineCommand] = field(default_factory=list)

    def run(self, command: str, arguments: Sequence[str], **_: bool) -> WineCommand:
        started = WineCommand(self.prefix, " ".join((command, *arguments)))
        self.commands.append(started)
        return started

    def close(self) -> None:
        for command in self.commands:
            command.terminate()


class WineComputer:
    """Answers WMI as the lab does, and runs everything else in wine."""

    def __init__(self, simulated: SimulatedComputer, prefix: Path) -> None:
        self.simulated = simulated
        self.prefix = prefix
        self.launched: list[subprocess.Popen[bytes]] = []
        self._descriptors: dict[str, WmiValue] = {}

    @property
    def attempts(self) -> Path:
        return self.prefix / "drive_c" / "windows" / "orchestrator"

    def now(self) -> datetime:
        return self.simulated.now()

    def identity(self) -> tuple[str, str]:
        return self.simulated.identity()

    def password_of(self, domain: str, user: str) -> str | None:
        return self.simulated.password_of(domain, user)

    def query(self, namespace: str, wql: str) -> Sequence[Instance]:
        return self.simulated.query(namespace, wql)

    def get(
        self, namespace: str, class_name: str, selectors: Mapping[str, str]
    ) -> Instance:
        return self.simulated.get(namespace, class_name, selectors)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        if method == "Create":
            return self._launch(arguments)
        if class_name == "Win32_LogicalFileSecuritySetting":
            return self._security(method, arguments, selectors)
        return self.simulated.invoke(
            namespace, class_name, method, arguments, selectors
        )

    def open_shell(self, **_: object) -> WineShell:
        return WineShell(self.prefix)

    def wait(self) -> None:
        for process in self.launched:
            process.communicate(timeout=90)

    def _launch(self, arguments: Mapping[str, WmiValue]) -> Mapping[str, WmiValue]:
        named = {name.lower(): value for name, value in arguments.items()}
        path = _PATH.search(str(named["commandline"]))
        assert path is not None
        self.launched.append(wine(self.prefix, path[1]))
        return {"ReturnValue": 0, "ProcessId": self.launched[-1].pid}

    def _security(
        self,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        path = {name.lower(): value for name, value in selectors.items()}[
            "path"
        ].lower()
        if method == "SetSecurityDescriptor":
            (self._descriptors[path],) = arguments.values()
            return {"ReturnValue": 0}
        found = self._descriptors.get(path) or _inherited()
        return {"ReturnValue": 0, "Descriptor": found}


def _inherited() -> Instance:
    """As a folder under the Windows folder is made: users may read it."""
    entry = Instance(
        "Win32_ACE",
        {
            "AccessMask": 0x1200A9,
            "AceFlags": 0x13,
            "AceType": 0,
            "Trustee": Instance("Win32_Trustee", {"SID": USERS}),
        },
    )
    owner = Instance("Win32_Trustee", {"SID": ADMINISTRATORS})
    return Instance(
        "Win32_SecurityDescriptor",
        {"ControlFlags": 0x8004, "DACL": [entry], "Owner": owner},
    )


def now() -> datetime:
    return datetime.now(UTC)
