"""A computer with a few classes and commands, to stand behind the service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.lab.machine import (
    WBEM_E_INVALID_CLASS,
    WBEM_E_INVALID_METHOD,
    WBEM_E_INVALID_QUERY,
    WBEM_E_NOT_FOUND,
    CommandOutput,
    Instance,
    WmiError,
    WmiValue,
)

PASSWORD = "Correct-Horse-9"
BOOT = datetime(2026, 3, 4, 5, 6, 7, 376625, tzinfo=UTC)


@dataclass
class FakeCommand:
    line: str
    arguments: tuple[str, ...]
    pending: bytes = b""
    ended: bool = False
    code: int = 0
    terminated: bool = False
    received: bytes = b""

    def write(self, data: bytes, *, end: bool) -> None:
        self.received += data
        if end and self.line == "more":
            self.pending, self.ended = self.received, True

    def read(self) -> CommandOutput:
        out, self.pending = self.pending, b""
        return CommandOutput(
            out, b"", done=self.ended, exit_code=self.code if self.ended else None
        )

    def terminate(self) -> None:
        self.terminated = self.ended = True
        self.code = 1


@dataclass
class FakeShell:
    code_page: int | None
    working_directory: str | None
    environment: Mapping[str, str]
    commands: list[FakeCommand] = field(default_factory=list)
    closed: bool = False

    def run(
        self, command: str, arguments: Sequence[str], *, skip_cmd_shell: bool
    ) -> FakeCommand:
        started = FakeCommand(command, tuple(arguments))
        match command:
            case "echo":
                started.pending = (" ".join(arguments) + "\r\n").encode("cp437")
                started.ended = True
            case "exit":
                started.ended, started.code = True, int(arguments[0])
            case "large":
                started.pending, started.ended = b"x" * int(arguments[0]), True
            case "where":
                started.pending = f"{self.working_directory}|{skip_cmd_shell}".encode()
                started.ended = True
            case _:
                pass  # "more" waits for its input, "wait" forever
        self.commands.append(started)
        return started

    def close(self) -> None:
        self.closed = True


def processes(count: int) -> list[Instance]:
    return [
        Instance("Win32_Process", {"Name": f"p{n}.exe", "ProcessId": n, "Owner": None})
        for n in range(count)
    ]


def default_tables() -> dict[str, list[Instance]]:
    system: dict[str, WmiValue] = {
        "Caption": "Microsoft(R) Windows(R) Server 2003",
        "BuildNumber": "3790",
        "CSDVersion": "Service Pack 1",
        "Description": "",
        "LastBootUpTime": BOOT,
        "PlusProductID": None,
        "Primary": True,
        "Bell": "ding\x07dong <&> \u00e9",
    }
    member = Instance("Win32_Group", {"Name": "Administrators", "Since": BOOT})
    return {
        "win32_operatingsystem": [Instance("Win32_OperatingSystem", system)],
        "win32_process": processes(45),
        "win32_computersystem": [
            Instance(
                "Win32_ComputerSystem",
                {"Roles": ["LM_Server", "NT"], "Empty": [], "Inner": member},
            )
        ],
        "cim_large": [Instance("CIM_Large", {"Text": "y" * 60_000})] * 4,
        "cim_huge": [Instance("CIM_Huge", {"Text": "z" * 200_000})],
        "win32_nothing": [],
    }


_QUERY = re.compile(r"select\s+(.+?)\s+from\s+(\w+)", re.IGNORECASE | re.DOTALL)


@dataclass
class FakeComputer:
    """Rows by lower-case class name; one account, LAB\\operator unless told."""

    tables: dict[str, list[Instance]] = field(default_factory=default_tables)
    accounts: dict[tuple[str, str], str] = field(
        default_factory=lambda: {("LAB", "OPERATOR"): PASSWORD}
    )
    shells: list[FakeShell] = field(default_factory=list)
    launched: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return BOOT

    def identity(self) -> tuple[str, str]:
        return "5.2.3790", "1.0"

    def password_of(self, domain: str, user: str) -> str | None:
        return self.accounts.get((domain.upper(), user.upper()))

    def query(self, namespace: str, wql: str) -> Sequence[Instance]:
        found = _QUERY.search(wql)
        if namespace.lower() != "root/cimv2" or found is None:
            raise WmiError(WBEM_E_INVALID_QUERY, "Invalid query ")
        rows = self._rows(found[2])
        if found[1] == "*":
            return rows
        names = [each.strip() for each in found[1].split(",")]
        return [
            Instance(row.class_name, {key: row.properties[key] for key in names})
            for row in rows
        ]

    def _rows(self, class_name: str) -> list[Instance]:
        if class_name == "Broken":
            raise ZeroDivisionError
        rows = self.tables.get(class_name.lower())
        if rows is None:
            raise WmiError(WBEM_E_INVALID_CLASS, "The class does not exist. ")
        return rows

    def get(
        self, namespace: str, class_name: str, selectors: Mapping[str, str]
    ) -> Instance:
        assert namespace
        for row in self._rows(class_name):
            values = {key.lower(): str(v) for key, v in row.properties.items()}
            if all(values.get(key.lower()) == v for key, v in selectors.items()):
                return row
        raise WmiError(WBEM_E_NOT_FOUND, "Not found ")

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        assert namespace is not None
        assert selectors is not None
        if (class_name, method) == ("Win32_Process", "Create"):
            self.launched.append(str(arguments["CommandLine"]))
            return {"ProcessId": 4000 + len(self.launched), "ReturnValue": 0}
        if method == "Echo":
            return {**arguments, "ReturnValue": 0}
        raise WmiError(WBEM_E_INVALID_METHOD, "No such method ")

    def open_shell(
        self,
        *,
        code_page: int | None,
        working_directory: str | None,
        environment: Mapping[str, str],
    ) -> FakeShell:
        shell = FakeShell(code_page, working_directory, environment)
        self.shells.append(shell)
        return shell
