"""A simulated Windows Server 2003 computer, as its WinRM service sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import RLock

from orchestrator.lab.machine import Instance, Shell, WmiError, WmiValue
from orchestrator.lab.windows.clock import Agenda, HostClock
from orchestrator.lab.windows.cmd.jobs import Executor
from orchestrator.lab.windows.cmd.shell import CmdShell, ShellQuota, executor_for
from orchestrator.lab.windows.filesystem import FileSystem
from orchestrator.lab.windows.furnish import furnish
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.paths import FileError
from orchestrator.lab.windows.profile import Profile
from orchestrator.lab.windows.system import HostSystem, Launcher
from orchestrator.lab.windows.wmi.catalog import REPOSITORY

RPC_UNAVAILABLE, HRESULT_WIN32 = 0x800706BA, 0x80070000
_HOUR = 3600
#: WinRM 2.0 allows its shells more; the figures are those of the win32 docs.
_QUOTAS = {"2.0": ShellQuota(processes=15, memory_kb=150 << 10)}


class SimulatedComputer:
    """One computer. It is furnished when it is first looked at.

    Every entry from outside takes its lock and first does what is due by its
    clock, so it may be called from any thread.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        speed: float = 1.0,
        start: datetime | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember how to make it; ``start`` is its clock's first moment."""
        self.profile = profile
        offset = timedelta(seconds=profile.clock_offset_seconds)
        clock = HostClock(
            (start or datetime.now(UTC)) + offset,
            speed=speed,
            bias_minutes=profile.bias_minutes,
            ticks=ticks,
        )
        self._agenda = Agenda(clock)
        self._lock = RLock()
        self._listeners: list[Callable[[], None]] = []

    @cached_property
    def _parts(self) -> tuple[Host, HostSystem, Executor]:
        """Made at the first use."""
        profile, agenda = self.profile, self._agenda
        files = FileSystem(agenda.now, free=profile.free_megabytes << 20)
        host = Host(profile, agenda, files)
        furnish(host)
        system = HostSystem(host, self.visit)
        executor = executor_for(system)
        host.launcher = Launcher(system, executor)
        host.killer = executor.kill
        host.on_power_loss = [executor.kill_all, *self._listeners]
        host.boot(
            age=profile.uptime_hours * _HOUR,
            service_age=profile.service_age_hours * _HOUR,
        )
        return host, system, executor

    @property
    def host(self) -> Host:
        """What it is made of."""
        return self._parts[0]

    @property
    def executor(self) -> Executor:
        """What runs on it as commands and programs."""
        return self._parts[2]

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Hold the lock, with everything done that is due."""
        with self._lock:
            self._agenda.catch_up()
            yield

    @contextmanager
    def _awake(self) -> Iterator[Host]:
        with self.visit():
            if not self.host.online:
                raise WmiError(RPC_UNAVAILABLE, "The RPC server is unavailable.")
            yield self.host

    @property
    def online(self) -> bool:
        """Whether it is powered and up."""
        with self.visit():
            return self.host.online

    @property
    def busy(self) -> bool:
        """Whether something is going on that time alone will change."""
        return self._agenda.busy

    def power_loss(self) -> None:
        """Pull the plug; it comes back by itself after its boot time."""
        with self.visit():
            self.host.power_loss()

    def on_power_loss(self, listener: Callable[[], None]) -> None:
        """Have something done at every loss of power."""
        self._listeners.append(listener)

    def step_clock(self, seconds: float) -> None:
        """Set its clock forward or back."""
        with self.visit():
            self._agenda.clock.step(seconds)

    def now(self) -> datetime:
        """Its own clock, in UTC."""
        with self.visit():
            return self._agenda.now()

    def identity(self) -> tuple[str, str]:
        """OS version and service pack as Identify prints them."""
        return "5.2.3790", f"{self.profile.service_pack}.0"

    def password_of(self, domain: str, user: str) -> str | None:
        """The password of an account that is let in."""
        return self.profile.accounts.get(f"{domain}\\{user}".lower())

    def query(self, namespace: str, wql: str) -> Sequence[Instance]:
        """Run WQL."""
        with self._awake() as host:
            return REPOSITORY.query(host, namespace, wql)

    def get(
        self, namespace: str, class_name: str, selectors: Mapping[str, str]
    ) -> Instance:
        """One object by key."""
        with self._awake() as host:
            return REPOSITORY.get(host, namespace, class_name, selectors)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        """Call a method."""
        with self._awake() as host:
            return REPOSITORY.invoke(
                *(host, namespace, class_name, method),
                arguments=arguments,
                selectors=selectors,
            )

    def open_shell(
        self,
        *,
        code_page: int | None,
        working_directory: str | None,
        environment: Mapping[str, str],
    ) -> Shell:
        """Open a remote shell.

        Raises:
            WmiError: the computer is down, or the working folder is not there.
        """
        with self._awake() as host:
            _, system, executor = self._parts
            try:
                return CmdShell(
                    *(system, executor),
                    folder=working_directory,
                    environment=environment,
                    code_page=code_page or host.language.oem,
                    quota=_QUOTAS.get(self.profile.stack, ShellQuota()),
                )
            except FileError as error:
                code = HRESULT_WIN32 | error.code
                raise WmiError(code, error.message) from error
