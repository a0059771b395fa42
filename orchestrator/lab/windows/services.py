"""Services: states that take time, dependencies, and starts that fail.

Return codes are those of Win32_Service's StartService and StopService.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from orchestrator.lab.windows.clock import Agenda
from orchestrator.lab.windows.processes import Process, ProcessTable
from orchestrator.lab.windows.profile import ServiceFault

ERROR_SERVICE_SPECIFIC = 1066
ERROR_NEVER_STARTED = 1077


class State(StrEnum):
    """The state of a service as WMI words it."""

    STOPPED = "Stopped"
    STARTING = "Start Pending"
    RUNNING = "Running"
    STOPPING = "Stop Pending"


class Answer(IntEnum):
    """What starting or stopping a service returns."""

    DONE = 0
    DEPENDENTS_RUNNING = 3
    NOT_ACCEPTED = 5
    NOT_ACTIVE = 6
    ALREADY_RUNNING = 10
    DEPENDENCY_FAILED = 13
    DISABLED = 14


@dataclass(slots=True)
class Service:
    """One service. Times are simulated seconds."""

    name: str
    title: str
    path: str
    account: str = "LocalSystem"
    start_mode: str = "Auto"
    depends_on: tuple[str, ...] = ()
    shared: bool = False
    start_seconds: float = 2.0
    stop_seconds: float = 1.0
    fault: ServiceFault = ServiceFault.NONE
    state: State = State.STOPPED
    pid: int = 0
    exit_code: int = ERROR_NEVER_STARTED
    specific_code: int = 0
    #: How often it came up since the computer was first looked at.
    restarts: int = 0

    @property
    def image(self) -> str:
        """The program's file name."""
        program = self.path.strip('"').partition(" -k ")[0]
        return program.rpartition("\\")[2]


class ServiceManager:
    """The services of one computer."""

    def __init__(
        self,
        agenda: Agenda,
        processes: ProcessTable,
        spawn: Callable[[Service], Process],
    ) -> None:
        """``spawn`` makes a service's process, with what it maps."""
        self._agenda = agenda
        self._processes = processes
        self._spawn = spawn
        self._all: dict[str, Service] = {}

    def __iter__(self) -> Iterator[Service]:
        """All services, in the order they were added."""
        return iter(self._all.values())

    def add(self, service: Service) -> Service:
        """Install a service."""
        self._all[service.name.lower()] = service
        return service

    def find(self, name: str) -> Service | None:
        """A service by its name, whatever the letter case."""
        return self._all.get(name.lower())

    def dependents(self, service: Service) -> list[Service]:
        """Services that need this one and are not stopped."""
        return [
            other
            for other in self
            if service.name.lower() in map(str.lower, other.depends_on)
            and other.state is not State.STOPPED
        ]

    def start(self, service: Service) -> Answer:
        """Begin to start; what it depends on is started first."""
        if service.start_mode == "Disabled":
            return Answer.DISABLED
        if service.state is State.RUNNING:
            return Answer.ALREADY_RUNNING
        if service.state is not State.STOPPED:
            return Answer.NOT_ACCEPTED
        for name in service.depends_on:
            other = self.find(name)
            if other is None or not self._start_before(other):
                return Answer.DEPENDENCY_FAILED
        service.state = State.STARTING
        service.pid = self._spawn(service).pid
        if service.fault is not ServiceFault.START_HANGS:
            self._agenda.after(service.start_seconds, lambda: self._started(service))
        return Answer.DONE

    def _start_before(self, service: Service) -> bool:
        if service.state is State.RUNNING:
            return True
        answer = self.start(service)
        return answer is Answer.DONE or service.state is State.STARTING

    def _started(self, service: Service) -> None:
        if service.state is not State.STARTING:
            return
        if service.fault is ServiceFault.START_FAILS:
            self._gone(service, ERROR_SERVICE_SPECIFIC, 1)
        else:
            service.state, service.exit_code = State.RUNNING, 0
            service.restarts += 1

    def running(self, service: Service, pid: int) -> None:
        """Say that a service has been running, as this process."""
        service.state, service.exit_code, service.pid = State.RUNNING, 0, pid

    def stop(self, service: Service) -> Answer:
        """Begin to stop; refused while others that need it run."""
        if service.state is State.STOPPED:
            return Answer.NOT_ACTIVE
        if service.state is not State.RUNNING:
            return Answer.NOT_ACCEPTED
        if self.dependents(service):
            return Answer.DEPENDENTS_RUNNING
        service.state = State.STOPPING
        self._agenda.after(service.stop_seconds, lambda: self._stopped(service))
        return Answer.DONE

    def _stopped(self, service: Service) -> None:
        if service.state is State.STOPPING:
            self._gone(service, 0, 0)

    def _gone(self, service: Service, code: int, specific: int) -> None:
        service.state = State.STOPPED
        service.exit_code, service.specific_code = code, specific
        if not service.shared:
            self._processes.remove(service.pid)
        service.pid = 0

    def process_ended(self, pid: int) -> None:
        """A service's process was killed: the service is stopped with an error."""
        for service in self:
            if service.pid == pid and service.state is not State.STOPPED:
                self._gone(service, ERROR_SERVICE_SPECIFIC, 0)

    def power_off(self) -> None:
        """Everything stops at once."""
        for service in self:
            service.state, service.pid = State.STOPPED, 0
