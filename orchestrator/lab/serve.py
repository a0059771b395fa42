"""The simulated estate at work: one WinRM endpoint for each server, on loopback."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Self

from orchestrator.lab import estate as estates
from orchestrator.lab import inventory_file
from orchestrator.lab.estate import PORT, Estate, Member
from orchestrator.lab.scenario import Scenario
from orchestrator.lab.traits import Reach, Wire
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.windows.package import (
    BUILD_DATE,
    DLL_SIZES,
    FIXED_VERSION,
    file_name,
    make_lab_package,
)
from orchestrator.lab.windows.profile import Platform
from orchestrator.lab.wsman import (
    WINRM_0_5,
    WINRM_1_1,
    WINRM_2_0,
    Endpoint,
    Faults,
    Listener,
    Personality,
    Reply,
    Service,
)

ARTICLE = "KB903927"
PLATFORMS: tuple[Platform, ...] = ("x86", "x64")
WATCH_SECONDS = 0.2
"""Real seconds between two looks at computers on which something is going on."""

_PERSONALITIES: dict[str, Personality] = {
    "0.5": WINRM_0_5,
    "1.1": WINRM_1_1,
    "2.0": WINRM_2_0,
}
TABLE_HEAD = """\
# lab
# supplied-by: the lab
# source: invented numbers of the simulated estate, never for a real computer
"""
_OFF = Faults(refuse=True)
_CREATE = "Win32_Process/Create"


@dataclass(frozen=True, slots=True)
class Served:
    """A server of the estate that is being served."""

    member: Member
    computer: SimulatedComputer
    listener: Listener


class Lab:
    """An estate and its service; a context manager that leaves nothing behind."""

    def __init__(
        self, scenario: Scenario, seed: int, password: str, *, port: int = PORT
    ) -> None:
        """Build the estate; ``port`` 0 takes a free port for each server.

        Raises:
            ScenarioError: the scenario names servers that the estate lacks.
        """
        self.estate: Estate = estates.build(scenario, seed, password)
        self.servers: dict[str, Served] = {}
        self._port = port
        self._service = Service()
        self._lost: SimpleQueue[Served] = SimpleQueue()
        self._stop = Event()
        self._watcher = Thread(target=self._watch, name="lab-watch", daemon=True)

    def start(self) -> Self:
        """Serve all servers.

        Raises:
            ServiceError: an address or port cannot be had.
        """
        speed = self.estate.scenario.speed
        computers = [
            SimulatedComputer(member.profile, speed=speed)
            for member in self.estate.members
        ]
        self._service = Service(
            [
                _endpoint(member, computer, self._port)
                for member, computer in zip(self.estate.members, computers, strict=True)
            ]
        )
        self._service.start()
        for member, computer, listener in zip(
            self.estate.members, computers, self._service.listeners, strict=True
        ):
            served = Served(member, computer, listener)
            self.servers[member.name] = served
            computer.on_power_loss(partial(self._lose, served))
        self._watcher.start()
        return self

    def stop(self) -> None:
        """End everything."""
        self._stop.set()
        self._watcher.join()
        self._service.stop()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def power_loss(self, name: str) -> None:
        """Pull a server's plug; it comes back by itself."""
        computer = self.servers[name].computer
        self._service.call(_on_service_thread(computer.power_loss))

    def _lose(self, served: Served) -> None:
        """Called by a computer, on the service's thread, as its power fails."""
        self._service.restart(served.computer)
        self._lost.put(served)

    def _watch(self) -> None:
        """Let time pass where something goes on; nothing listens while power is off.

        Computers are touched on the service's thread alone, so that none of them
        waits for a service that waits for it.
        """
        down: list[Served] = []
        while not self._stop.wait(WATCH_SECONDS):
            for served in self.servers.values():
                if served.computer.busy:
                    self._service.call(_on_service_thread(served.computer.now))
            down += self._gone()
            for served in list(down):
                if served.computer.host.online:
                    down.remove(served)
                    served.listener.inject(faults_of(served.member.wire))

    def _gone(self) -> list[Served]:
        found: list[Served] = []
        while not self._lost.empty():
            served = self._lost.get()
            served.listener.inject(_OFF)
            found.append(served)
        return found


async def _on_service_thread(work: Callable[[], object]) -> None:
    work()


def _endpoint(member: Member, computer: SimulatedComputer, port: int) -> Endpoint:
    return Endpoint(
        address=member.profile.address,
        port=port,
        computer=computer,
        personality=_PERSONALITIES[member.profile.stack],
        faults=faults_of(member.wire),
    )


def faults_of(wire: Wire) -> Faults:
    """A server's wire in the words of the WinRM service."""
    drops = frozenset() if wire.drop_at_request is None else {wire.drop_at_request}
    return Faults(
        refuse=wire.reach is Reach.REFUSED,
        silent=wire.reach is Reach.FILTERED,
        delay_s=wire.delay_seconds,
        drop_before=frozenset(drops),
        lose_reply_to=_CREATE if wire.drop_after_launch else "",
        reply=Reply.GARBAGE if wire.reach is Reach.GARBAGE else Reply.NORMAL,
        shells_elsewhere=2 if wire.quota_full else 0,
    )


def write_inventory(estate: Estate, path: Path) -> None:
    """Write the estate's inventory file."""
    path.write_text(inventory_file.dump(estate), encoding="utf-8")


def write_package(folder: Path, *, padding: int = 0) -> list[Path]:
    """Write the lab's packages, one for each platform, and give their paths."""
    written = []
    for platform in PLATFORMS:
        path = folder / file_name(ARTICLE, platform)
        path.write_bytes(make_lab_package(ARTICLE, platform, padding=padding))
        written.append(path)
    return written


def write_table(folder: Path) -> Path:
    """Write the file table that belongs to the lab's packages, as CSV."""
    text = io.StringIO()
    text.write(TABLE_HEAD)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "path", "version", "platform", "branch", "size", "date"))
    for platform in PLATFORMS:
        rows = [("%systemroot%\\system32\\schannel.dll", DLL_SIZES[platform])]
        if platform != "x86":
            rows.append(("%systemroot%\\SysWOW64\\schannel.dll", DLL_SIZES["x86"]))
        for path, size in rows:
            facts = (
                FIXED_VERSION,
                platform,
                "SP1QFE",
                size,
                f"{BUILD_DATE:%Y-%m-%d %H:%M}",
            )
            writer.writerow(("schannel.dll", path, *facts))
    target = folder / f"LAB-{ARTICLE}-files.csv"
    target.write_text(text.getvalue(), encoding="utf-8")
    return target
