"""What happens when a lab package runs: an installation in phases, as update.exe's.

The switches, the log, the registry traces, the uninstall folder and the choice of
the branch follow the published descriptions of Windows Server 2003 packages. The
prerequisite code is recalled, not sourced: a client may treat it like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.lab.windows import traces
from orchestrator.lab.windows.cmd.ports import Invocation, Jobs, Program
from orchestrator.lab.windows.cmd.streams import Outcome, Routine
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.package import Package
from orchestrator.lab.windows.pe import FileVersion, make_image, version_of
from orchestrator.lab.windows.profile import InstallFault, Platform

SUCCESS, RESTART_REQUIRED, MASKED_FAILURE = 0, 3010, 1603
BAD_SWITCH = 87
CATALOG_FAILED = 0xF01E
PREREQUISITE_FAILED = 0xF0F4
NOT_ENOUGH_SPACE = 112
NEEDED_MEGABYTES = 20
"""Free space below which an installation gives up; the lab's own figure."""

ENGINE_PATH = "C:\\lab-unpacked\\update\\update.exe"
ENGINE_MEMORY = 96 << 20
"""Bytes; invented, to be more than a remote shell of WinRM 1.1 may use."""
EXTRACT_FOLDER = "C:\\LAB-extract"
_KNOWN = frozenset(
    {
        *("help", "passive", "quiet", "norestart", "forcerestart", "warnrestart"),
        *("promptrestart", "overwriteoem", "nobackup", "forceappsclose", "log"),
        *("integrate", "extract", "er", "verbose", "b", "u", "q", "n", "f", "o", "z"),
        *("x", "hotpatch", "?"),
    }
)


@dataclass(frozen=True, slots=True)
class Switches:
    """A package's command line, read."""

    values: dict[str, str]
    unknown: tuple[str, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether one of these switches was given."""
        return any(name in self.values for name in names)

    @property
    def silent(self) -> bool:
        """Whether it runs without asking anybody."""
        return self.has("quiet", "passive", "q", "u")


def parse_switches(arguments: list[str]) -> Switches:
    """Read switches in either style, ``/log:path`` or ``-log:path``."""
    values: dict[str, str] = {}
    unknown = []
    for argument in arguments:
        name, _, value = argument[1:].partition(":")
        if argument[:1] not in ("/", "-") or name.lower() not in _KNOWN:
            unknown.append(argument)
        else:
            values[name.lower()] = value.strip('"')
    return Switches(values, tuple(unknown))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a package does not install here."""

    code: int
    message: str


def refusal(package: Package, host: Host) -> Refusal | None:
    """The first prerequisite that fails, if any."""
    profile = host.profile
    if package.platform != profile.platform:
        found = f"package is for {package.platform}, computer is {profile.platform}"
    elif profile.service_pack != package.service_pack:
        found = (
            f"package needs Service Pack {package.service_pack},"
            f" computer has {profile.service_pack}"
        )
    elif package.language not in (profile.language, "INTL"):
        found = f"package is {package.language}, system is {profile.language}"
    elif host.files.free_bytes < NEEDED_MEGABYTES << 20:
        return Refusal(NOT_ENOUGH_SPACE, "There is not enough free disk space.")
    else:
        return None
    return Refusal(PREREQUISITE_FAILED, f"Prerequisite check failed: {found}")


def package_program(host: Host, package: Package) -> Program:
    """What a package's executable does: unpack, then let its engine work."""

    def program(run: Invocation) -> Routine:
        switches = parse_switches(split(run.tail))
        yield run.executor.pause(0.1 * host.profile.timing.install)
        if switches.unknown or switches.has("help", "?"):
            return BAD_SWITCH if switches.unknown else SUCCESS
        if switches.has("extract", "x"):
            return extract(host, package, switches)
        if not switches.silent:
            # It waits for somebody at a dialog that nobody can see.
            return (yield Outcome())
        engine = run.executor.start(
            ENGINE_PATH,
            f"{ENGINE_PATH} {run.tail}",
            run.pid,
            lambda _: Engine(host, package, switches).work(run.executor),
        )
        process = host.processes.find(engine.pid)
        if process is not None:
            process.private_bytes = ENGINE_MEMORY
        return (yield engine.outcome)

    return program


def uninstall_program(host: Host) -> Program:
    """What spuninst.exe does: it takes back what its own folder lists."""

    def program(run: Invocation) -> Routine:
        switches = parse_switches(split(run.tail))
        if switches.unknown:
            return BAD_SWITCH
        if not switches.silent:
            return (yield Outcome())
        yield run.executor.pause(0.5 * host.profile.timing.install)
        folder = run.path.rpartition("\\")[0].rpartition("\\")[0]
        return SUCCESS if traces.take_back(host, folder) else MASKED_FAILURE

    return program


def split(tail: str) -> list[str]:
    """Arguments of a command line; quotes hold blanks together and fall away."""
    return [part.replace('"', "") for part in re.findall(r'(?:[^\s"]|"[^"]*"?)+', tail)]


def extract(host: Host, package: Package, switches: Switches) -> int:
    """Unpack the files instead of installing them."""
    folder = switches.values.get("extract") or switches.values.get("x")
    branch = f"SP{package.service_pack}QFE"
    for name, content in package.files.items():
        host.files.put(f"{folder or EXTRACT_FOLDER}\\{branch}\\{name}", content)
    return SUCCESS


class Engine:
    """update.exe at work on one package."""

    def __init__(self, host: Host, package: Package, switches: Switches) -> None:
        """Prepare; :meth:`work` is the process."""
        self._host, self._package, self._switches = host, package, switches
        self._fault = host.profile.install_fault
        self._began = host.agenda.elapsed()
        self._targets = [target_of(name) for name in package.files]

    def work(self, executor: Jobs) -> Routine:
        """The phases of an installation, over the host's install time."""

        def take(share: float) -> Outcome:
            return executor.pause(share * self._host.profile.timing.install)

        self._open_log()
        if self._fault is InstallFault.HANG:
            yield Outcome()
        yield take(0.2)
        refused = self._refusal()
        if refused is not None:
            return self._fail(refused)
        if self._fault is InstallFault.NO_EFFECT:
            yield take(0.7)
            return self._succeed()
        self._back_up()
        yield take(0.3)
        self._replace()
        if self._fault is InstallFault.POWER_LOSS:
            self._host.power_loss()
            yield Outcome()
        yield take(0.2)
        traces.record(
            *(self._host, self._package, self._targets), backed_up=self._backs_up
        )
        yield take(0.2)
        return self._succeed()

    def _open_log(self) -> None:
        stamp = self._host.agenda.local().strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]
        given = self._switches.values.items()
        arguments = " ".join(
            f"/{key}:{text}" if text else f"/{key}" for key, text in given
        )
        self._log("=" * 80)
        self._log(f"{stamp} (local)")
        self._log(f"{ENGINE_PATH} (version {self._package.engine})")
        self._log(f"Hotfix started with following command line: {arguments}")
        self._log("TestVolatileFlag: RegOpenKeyEx failed with error 0x2")

    def _refusal(self) -> Refusal | None:
        refused = refusal(self._package, self._host)
        if refused is None and self._fault is InstallFault.FATAL:
            return Refusal(CATALOG_FAILED, "Failed to install catalog files.")
        return refused

    def _fail(self, refused: Refusal) -> int:
        article = self._package.article
        self._log(f"{article} Setup encountered an error: {refused.message}")
        self._log(f"{article} installation did not complete.")
        self._log(f"Update.exe extended error code = 0x{refused.code:x}")
        if self._switches.has("er"):
            return refused.code
        self._log(
            f"Update.exe return code was masked to 0x{MASKED_FAILURE:x} for MSI custom"
            " action compliance."
        )
        return MASKED_FAILURE

    @property
    def _backs_up(self) -> bool:
        given_up = self._switches.has("nobackup", "n")
        return not (given_up or self._host.profile.no_rollback_folder)

    def _back_up(self) -> None:
        if self._host.profile.clock_step_seconds:
            self._host.clock.step(self._host.profile.clock_step_seconds)
        if self._backs_up:
            traces.back_up(self._host, self._package, self._targets)

    def _replace(self) -> None:
        at_boot = self._fault is InstallFault.PENDING_TARGET
        replace = traces.replace_at_boot if at_boot else traces.replace_in_use
        for name, target in zip(self._package.files, self._targets, strict=True):
            best = self._choose(name, target)
            if best is not None:
                replace(self._host, target, best, self._package.built)
                self._log(f"Copied file: {target}")

    def _choose(self, name: str, target: str) -> bytes | None:
        """The hotfix copy to install, never older than what is there."""
        host, ours = self._host, self._package.files[name]
        installed, wanted = version_of(host.read(target) or b""), version_of(ours)
        traces.park(host, self._package, name)
        if installed is None or wanted is None or installed.numbers < wanted.numbers:
            return ours
        self._log(
            f"AnalyzeForBranching: target file {target} has version"
            f" {installed.dotted}, branch {installed.branch}"
        )
        if installed.branch == "qfe":
            return None
        if installed.numbers == wanted.numbers:
            return ours
        platform: Platform = "x86" if "\\" in name else host.profile.platform
        return hotfix_copy(wanted, installed, platform, len(ours))

    def _succeed(self) -> int:
        self._log(f"{self._package.article} installed successfully.")
        restart = self._fault is InstallFault.RESTART
        return RESTART_REQUIRED if restart else SUCCESS

    def _log(self, text: str) -> None:
        path = self._switches.values.get("log")
        default = f"{traces.WINDOWS}\\{self._package.article}.log"
        seconds = self._host.agenda.elapsed() - self._began
        self._host.append(path or default, f"{seconds:.3f}: {text}\r\n".encode())


def target_of(name: str) -> str:
    r"""Where a file of a package goes; ``wow\wNAME`` is the 32-bit copy."""
    folder, _, base = name.rpartition("\\")
    if folder.lower() == "wow":
        return f"{traces.WINDOWS}\\SysWOW64\\{base[1:]}"
    return f"{traces.WINDOWS}\\system32\\{base}"


def hotfix_copy(
    ours: FileVersion, installed: FileVersion, platform: Platform, size: int
) -> bytes:
    """The hotfix-branch copy that a later GDR package left behind: its version."""
    tail = ours.strings.get("FileVersion", "").partition(" ")[2]
    strings = dict(ours.strings) | {
        "FileVersion": f"{installed.dotted} {tail}",
        "ProductVersion": installed.dotted,
    }
    version = FileVersion(installed.numbers, strings)
    return make_image(version, platform=platform, size=size)
