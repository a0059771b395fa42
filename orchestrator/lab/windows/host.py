"""The state of one simulated computer, and what happens to it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.lab.windows.clock import Agenda
from orchestrator.lab.windows.filesystem import FileSystem, Node
from orchestrator.lab.windows.languages import LANGUAGES
from orchestrator.lab.windows.package import FIXED_VERSION
from orchestrator.lab.windows.pe import FileVersion, numbers_of, version_of
from orchestrator.lab.windows.processes import Process, ProcessTable
from orchestrator.lab.windows.profile import Profile
from orchestrator.lab.windows.registry import Registry
from orchestrator.lab.windows.services import Service, ServiceManager

HOTFIX_KEY = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Hotfix"
UPDATES_KEY = "HKLM\\SOFTWARE\\Microsoft\\Updates\\Windows Server 2003"
SESSION_MANAGER = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
PENDING = "PendingFileRenameOperations"
SCHANNEL = "C:\\WINDOWS\\system32\\schannel.dll"
MAPS_SCHANNEL = frozenset({"lsass.exe", "rtcsrv.exe", "rtclog.exe", "svchost.exe"})
"""Programs whose processes hold the security provider from their start on."""

NT_PREFIX = "\\??\\"
SYSTEM_PROCESSES = (
    ("System Idle Process", 0, 0, None),
    ("System", 4, 0, None),
    ("smss.exe", None, 4, "C:\\WINDOWS\\System32\\smss.exe"),
    ("csrss.exe", None, 4, "C:\\WINDOWS\\system32\\csrss.exe"),
    ("winlogon.exe", None, 4, "C:\\WINDOWS\\system32\\winlogon.exe"),
    ("services.exe", None, 4, "C:\\WINDOWS\\system32\\services.exe"),
    ("lsass.exe", None, 4, "C:\\WINDOWS\\system32\\lsass.exe"),
)
LSASS_SHARE = 3
"""lsass loses a third of what the LCS service loses; the lab's own figure."""


class LaunchError(Exception):
    """A program could not be started; the code is Win32_Process.Create's."""

    def __init__(self, code: int) -> None:
        """Keep the code."""
        super().__init__(f"Create failed with {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the System log; kind 1 error, 2 warning, 3 information."""

    moment: datetime
    source: str
    code: int
    kind: int
    message: str


@dataclass(frozen=True, slots=True)
class Displaced:
    """A security provider that was replaced while the computer was up."""

    #: Seconds ago; older processes still map this file.
    age: float
    node: Node


class Host:
    """One computer's parts. All times follow its :class:`Agenda`."""

    def __init__(self, profile: Profile, agenda: Agenda, files: FileSystem) -> None:
        """Put the parts together; :func:`furnish` and :meth:`boot` bring life."""
        self.profile = profile
        self.language = LANGUAGES[profile.language]
        self.clock = agenda.clock
        self.agenda = agenda
        self.files = files
        files.in_use = self._in_use
        self.registry = Registry()
        self.processes = ProcessTable(self.agenda)
        self.services = ServiceManager(self.agenda, self.processes, self._spawn)
        self.events: list[Event] = []
        self.installed_on = agenda.now() - timedelta(days=400)
        self.booted = agenda.now()
        self.online = False
        self.launcher: Callable[[str, str | None], int] = _no_launcher
        self.killer: Callable[[int, int], object] = _no_jobs
        self.on_power_loss: list[Callable[[], None]] = []
        self.denied_keys: tuple[str, ...] = ()
        self.displaced: Displaced | None = None

    def read(self, path: str) -> bytes | None:
        """A file's content, or ``None`` when it is not there."""
        node = self.files.find(path)
        return None if node is None or node.is_folder else node.content

    def append(self, path: str, content: bytes) -> None:
        """Add to the end of a file, with its folders."""
        self.files.put(path, (self.read(path) or b"") + content)

    def delete(self, path: str) -> None:
        """Remove a file or a folder with all in it; an absent one is ignored."""
        if self.files.exists(path):
            self.files.remove_tree(path)

    @staticmethod
    def native(path: str) -> str:
        """A path in the form that the session manager keeps."""
        return f"{NT_PREFIX}{path}"

    def launch(self, command_line: str, folder: str | None) -> int:
        """Start a program and give its process id.

        Raises:
            LaunchError: there is no such program or folder.
        """
        return self.launcher(command_line, folder)

    def kill(self, pid: int, code: int) -> None:
        """End a process from outside."""
        self.killer(pid, code)
        self.processes.remove(pid)
        self.services.process_ended(pid)

    def _spawn(self, service: Service) -> Process:
        return self.start_process(service.image, service.path.strip('"'), parent=4)

    def start_process(
        self,
        name: str,
        path: str | None,
        *,
        parent: int = 0,
        pid: int | None = None,
        age: float = 0.0,
    ) -> Process:
        """Start a system program or service; it maps what it needs as it is now."""
        process = self.processes.add(
            *(name,), path=path, command_line=path, parent=parent, pid=pid, age=age
        )
        process.images = [node for node in (self.files.find(path or ""),) if node]
        if name.lower() in MAPS_SCHANNEL:
            provider = self._schannel(age)
            process.images += [provider] if provider else []
            process.private_bytes *= 4
            mapped = version_of(provider.content) if provider else None
            process.leak_per_hour = self._leak(name.lower(), mapped)
        return process

    def _schannel(self, age: float) -> Node | None:
        if self.displaced and age > self.displaced.age:
            return self.displaced.node
        return self.files.find(SCHANNEL)

    def _in_use(self, path: str) -> bool:
        node = self.files.find(path)
        return any(node is image for one in self.processes for image in one.images)

    def _leak(self, name: str, mapped: FileVersion | None) -> int:
        fixed = numbers_of(FIXED_VERSION)
        if mapped and mapped.branch == "qfe" and mapped.numbers >= fixed:
            return 0
        if name == self.profile.service[2]:
            return self.profile.leak_per_hour
        return self.profile.leak_per_hour // LSASS_SHARE if name == "lsass.exe" else 0

    def boot(self, *, age: float = 0.0, service_age: float | None = None) -> None:
        """Come up; with ``age`` (seconds) it has been up for so long already."""
        if not age:
            self._apply_pending()
        self.booted = self.agenda.at(self.agenda.elapsed() - age)
        self.online = True
        for name, pid, parent, path in SYSTEM_PROCESSES:
            self.start_process(name, path, parent=parent, pid=pid, age=age)
        for service in self.services:
            if service.start_mode == "Auto":
                self._come_up(service, age if service_age is None else service_age)

    def _come_up(self, service: Service, age: float) -> None:
        if not age:
            self.services.start(service)
            return
        path = service.path.strip('"')
        process = self.start_process(service.image, path, parent=4, age=age)
        self.services.running(service, process.pid)

    def power_loss(self) -> None:
        """Everything that runs is gone; the computer comes back by itself."""
        self.online = False
        self.agenda.clear()
        for listener in self.on_power_loss:
            listener()
        self.processes.clear()
        self.services.power_off()
        self.agenda.after(self.profile.timing.boot, self.boot)

    def _apply_pending(self) -> None:
        pairs = self.registry.data(SESSION_MANAGER, PENDING)
        if not isinstance(pairs, tuple):
            return
        self.registry.delete_value(SESSION_MANAGER, PENDING)
        for source, target in zip(pairs[::2], pairs[1::2], strict=False):
            self._apply(source.removeprefix(NT_PREFIX), target)

    def _apply(self, source: str, target: str) -> None:
        if not target:
            self.delete(source)
            return
        final = target.removeprefix("!").removeprefix(NT_PREFIX)
        if self.read(source) is not None:
            self.delete(final)
            self.files.rename(source, final)

    def registry_denied(self, path: str) -> bool:
        """Whether the remote account may not see a key."""
        lowered = path.lower()
        return any(lowered.startswith(key.lower()) for key in self.denied_keys)

    def environment(self) -> Mapping[str, str]:
        """The system's environment variables."""
        return {
            "ComSpec": "C:\\WINDOWS\\system32\\cmd.exe",
            "NUMBER_OF_PROCESSORS": "1",
            "OS": "Windows_NT",
            "Path": "C:\\WINDOWS\\system32;C:\\WINDOWS;C:\\WINDOWS\\System32\\Wbem",
            "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH",
            "PROCESSOR_ARCHITECTURE": {"x64": "AMD64", "ia64": "IA64"}.get(
                self.profile.platform, "x86"
            ),
            "TEMP": "C:\\WINDOWS\\TEMP",
            "TMP": "C:\\WINDOWS\\TEMP",
            "windir": "C:\\WINDOWS",
        }


def _no_jobs(_: int, __: int) -> None:
    return


def _no_launcher(_: str, __: str | None) -> int:
    raise LaunchError(9)
