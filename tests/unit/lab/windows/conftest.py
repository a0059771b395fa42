"""Computers whose time the test moves by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.lab.machine import WmiValue
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.profile import Profile

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass
class Time:
    """A source of ticks that stands still until it is told."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Lab:
    """One computer and its time."""

    computer: SimulatedComputer
    time: Time = field(default_factory=Time)

    @property
    def host(self) -> Host:
        return self.computer.host

    def wait(self, seconds: float) -> None:
        self.time.seconds += seconds
        self.computer.now()

    def rows(self, wql: str) -> list[dict[str, Any]]:
        return [dict(one.properties) for one in self.computer.query("root/cimv2", wql)]

    def one(self, wql: str) -> dict[str, Any]:
        (row,) = self.rows(wql)
        return row

    def call(
        self,
        path: str,
        arguments: Mapping[str, WmiValue] | None = None,
        /,
        **selectors: str,
    ) -> dict[str, Any]:
        class_name, method = path.split(".")
        space = "root/default" if class_name == "StdRegProv" else "root/cimv2"
        return dict(
            self.computer.invoke(space, class_name, method, arguments or {}, selectors)
        )


Make = Callable[..., Lab]


@pytest.fixture
def make() -> Make:
    def make_lab(**traits: Any) -> Lab:
        time = Time()
        profile = Profile(**{"name": "lcs01fe1", **traits})
        return Lab(SimulatedComputer(profile, start=START, ticks=time), time)

    return make_lab
