"""Hosts in memory that keep the rules of the real ones.

What an apply may rest on holds here too: a claim is taken once, a wrapper without
the claim runs nothing, an installer takes time on the host's own clock and leaves
files, traces and a log, a restart of the computer ends what ran. A test scripts
faults by verb, before or after the effect, as a connection that dies does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from orchestrator.application.ports.clock import Clock
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    FaultKind,
    HostFaultError,
    HostIdentity,
    InstallerAction,
    LaunchOrder,
    LaunchReceipt,
    PackageSource,
    StagingFailure,
    StagingReport,
    SurveyScope,
)
from orchestrator.application.ports.secrets import Credential
from orchestrator.domain.facts import (
    FactKey,
    FactKind,
    FactValue,
    FileState,
    FreeSpace,
    InstallerLog,
    Observation,
    OperatingSystem,
    PendingRename,
    PendingRenames,
    Processes,
    Product,
    RunningProcess,
    ServiceEndpoint,
    ServiceState,
    SynProtection,
    TraceName,
    TraceState,
    Unreadable,
    trace_subject,
)
from orchestrator.domain.hotfix import Package, Platform
from orchestrator.domain.remediation import AttemptEvidence, ProcessSeen
from orchestrator.domain.server import Server
from orchestrator.domain.serving import Listener, Part, Reach, Serving

TOKEN = re.compile(r"[a-z0-9-]{8,64}")
ADMINISTRATORS = "S-1-5-32-544"
SYSTEM = "S-1-5-18"


@dataclass(frozen=True, slots=True)
class FakeInstaller:
    """What a package does on a host when its wrapper runs it."""

    seconds: float = 60.0
    exit_code: int = 0
    #: The files as they are afterwards, by path as the table asks for them.
    files: Mapping[str, FileState] = field(default_factory=dict)
    #: Whether registry, uninstall folder and log say what was done.
    leaves_traces: bool = True
    extended_code: str | None = None
    pending: tuple[PendingRename, ...] = ()
    hangs: bool = False
    restarts_computer: bool = False


@dataclass(slots=True)
class FakeAttempt:
    """An attempt's folder on a host."""

    staged: Package | None = None
    claimed: bool = False
    #: The claim is a settler's: no wrapper ran under it, and evidence says so.
    settler: bool = False
    refusal: str | None = None
    exit_text: str | None = None
    process: ProcessSeen | None = None
    ends: datetime | None = None
    ended: datetime | None = None
    order: LaunchOrder | None = None


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """A fault at the n-th call of a verb, before or after its effect."""

    verb: str
    kind: FaultKind = FaultKind.UNREACHABLE
    after: bool = False
    #: Which call of the verb, from 1; ``None`` for every one.
    call: int | None = 1
    message: str = "the connection was lost"


@dataclass(slots=True)
class FakeHost:
    """One Windows computer. Times that it tells are its own clock's."""

    clock: Clock
    operating_system: OperatingSystem
    product: Product = field(default_factory=lambda: Product("lcs-2005-sp1"))
    files: dict[str, FileState] = field(default_factory=dict)
    traces: dict[str, TraceState] = field(default_factory=dict)
    logs: dict[str, InstallerLog] = field(default_factory=dict)
    syn: SynProtection = field(default_factory=lambda: SynProtection(None))
    pending: tuple[PendingRename, ...] = ()
    free_bytes: int = 4 << 30
    services: dict[str, ServiceState] = field(default_factory=dict)
    processes: dict[str, list[RunningProcess]] = field(default_factory=dict)
    #: Facts that the host would not give.
    unreadable: dict[FactKey, str] = field(default_factory=dict)
    #: Files whose own version resource names a branch, by path.
    resources: dict[str, FileState] = field(default_factory=dict)
    stack: str = "1.1"
    #: Host's clock less ours.
    clock_offset: timedelta = timedelta()
    installer: FakeInstaller = field(default_factory=FakeInstaller)
    uninstaller: FakeInstaller = field(default_factory=FakeInstaller)
    #: Staging ends so, where set.
    staging_failure: StagingFailure | None = None
    #: Set to another hash to play a package that changed after it was staged.
    tampered: bool = False
    restart_seconds: float = 5.0
    #: What LCS tells of itself.
    serves: Serving = field(
        default_factory=lambda: Serving(
            (Listener("*", 5061, Reach.OPEN),),
            (Part("Filter", up=True),),
            (Part("{1}", up=True),),
        )
    )
    #: What it tells at each look once its service was restarted; the last remains.
    serves_after_restart: list[Serving | Unreadable] = field(default_factory=list)
    restarted: bool = False
    #: Services that stop but do not start again.
    stuck_services: set[str] = field(default_factory=set)
    faults: list[ScriptedFault] = field(default_factory=list)
    attempts: dict[str, FakeAttempt] = field(default_factory=dict)
    #: Files are cut off before their end when they are read.
    unhashable: bool = False
    #: What installs replaced, by article: the uninstall folder.
    kept: dict[str, dict[str, FileState]] = field(default_factory=dict)
    installer_runs: int = 0
    #: Every verb that was called, in order.
    calls: list[str] = field(default_factory=list)
    next_process_id: int = 1000

    # -- the host's own life ------------------------------------------------

    def now(self) -> datetime:
        """The host's clock."""
        return self.clock.now() + self.clock_offset

    def restart(self) -> None:
        """The computer restarts: what ran is gone, services start anew."""
        boot = self.now()
        self.operating_system = replace(self.operating_system, boot_time=boot)
        for attempt in self.attempts.values():
            attempt.process = None
            attempt.ends = None
        for name in self.services:
            self.start_service(name)

    def progress(self) -> None:
        """Let every installer that is due by now come to its end."""
        for attempt in self.attempts.values():
            if attempt.ends is not None and attempt.ends <= self.now():
                self._end(attempt, attempt.ends)

    def _end(self, attempt: FakeAttempt, at: datetime) -> None:
        order = attempt.order
        if order is None:
            raise AssertionError("an installer ran without an order")
        installer = self._installer_of(order)
        attempt.ends, attempt.process = None, None
        if installer.restarts_computer:
            self.restart()
            return
        attempt.exit_text, attempt.ended = str(installer.exit_code), at
        if installer.exit_code in (0, 3010):
            self._replace_files(order, installer)
            self.pending += installer.pending
        if installer.leaves_traces:
            self._leave_traces(order, installer, at)

    def _replace_files(self, order: LaunchOrder, installer: FakeInstaller) -> None:
        """An install keeps what it replaces; an uninstall puts that back."""
        absent = FileState(exists=False)
        if order.action is InstallerAction.INSTALL:
            self.kept[order.article] = {
                path: self.files.get(path, absent) for path in installer.files
            }
        else:
            self.files.update(self.kept.pop(order.article, {}))
        self.files.update(installer.files)

    def _leave_traces(
        self, order: LaunchOrder, installer: FakeInstaller, at: datetime
    ) -> None:
        succeeded = installer.exit_code in (0, 3010)
        started = at - timedelta(seconds=installer.seconds)
        self.logs[order.article] = InstallerLog(
            exists=True,
            started=started,
            ended=at,
            succeeded=succeeded,
            extended_code=installer.extended_code,
            tail=(f"{order.article} ended with {installer.exit_code}.",),
        )
        if not succeeded:
            return
        installs = order.action is InstallerAction.INSTALL
        for name in TraceName:
            created = started if name is TraceName.UNINSTALL_FOLDER else None
            self.traces[trace_subject(order.article, name)] = TraceState(
                present=installs, created=created if installs else None
            )

    def _installer_of(self, order: LaunchOrder) -> FakeInstaller:
        installs = order.action is InstallerAction.INSTALL
        return self.installer if installs else self.uninstaller

    def start_service(self, name: str) -> None:
        """A new process for a service, from now."""
        self.next_process_id += 1
        self.services[name] = replace(
            self.services[name],
            state="Running",
            process_id=self.next_process_id,
            process_started=self.now(),
        )

    # -- what an attempt does -----------------------------------------------

    def attempt(self, folder: AttemptFolder) -> FakeAttempt:
        """The folder's attempt, created where there is none.

        Raises:
            ValueError: the token could not be the name of a folder.
        """
        if not TOKEN.fullmatch(folder.token):
            raise ValueError(f"token {folder.token!r}")
        return self.attempts.setdefault(folder.token, FakeAttempt())

    def run_wrapper(self, order: LaunchOrder) -> None:
        """What run.cmd does: claim, check again, run, write the code."""
        attempt = self.attempt(order.folder)
        if attempt.claimed:
            return
        attempt.claimed, attempt.order = True, order
        if self.tampered:
            attempt.refusal = "the package's hash is not the staged one"
            return
        self.installer_runs += 1
        installer = self._installer_of(order)
        self.next_process_id += 1
        started = self.now()
        command = rf"cmd.exe /c c:\windows\orchestrator\{order.folder.token}\run.cmd"
        attempt.process = ProcessSeen(self.next_process_id, started, "cmd.exe", command)
        if not installer.hangs:
            attempt.ends = started + timedelta(seconds=installer.seconds)

    # -- the conversation ----------------------------------------------------

    @contextmanager
    def call(self, verb: str, server: str) -> Iterator[None]:
        """Count a call, let time pass for the installers, raise what is scripted."""
        self.calls.append(verb)
        self.progress()
        self._raise(verb, server, after=False)
        yield
        self._raise(verb, server, after=True)

    def _raise(self, verb: str, server: str, *, after: bool) -> None:
        count = self.calls.count(verb)
        for fault in self.faults:
            due = fault.call is None or fault.call == count
            if fault.verb == verb and fault.after is after and due:
                raise HostFaultError(fault.kind, server, fault.message)


def server_2003(
    clock: Clock, *, service_pack: int = 1, language: str = "ENU", **more: object
) -> FakeHost:
    """A front end as one finds it: x86, SP1, LCS running for a day."""
    day_ago = clock.now() - timedelta(days=1)
    system = OperatingSystem(
        version="5.2.3790",
        service_pack=service_pack,
        platform=Platform.X86,
        language=language,
        language_id=1033,
        caption="Microsoft(R) Windows(R) Server 2003, Standard Edition",
        boot_time=day_ago,
        host_time=clock.now(),
        windows_directory=r"C:\WINDOWS",
        system_directory=r"C:\WINDOWS\system32",
    )
    host = FakeHost(clock, system)
    host.services["RTCSRV"] = ServiceState(
        exists=True,
        state="Running",
        process_id=900,
        start_mode="Auto",
        process_started=day_ago,
    )
    host.processes["lsass.exe"] = [RunningProcess(400, day_ago, 30 << 20)]
    for name, value in more.items():
        setattr(host, name, value)
    return host


@dataclass(slots=True)
class FakeReader:
    """A HostReader on a FakeHost."""

    server: Server
    host: FakeHost

    def identify(self) -> HostIdentity:
        """What answers."""
        with self.host.call("identify", self.server.name):
            system = self.host.operating_system
            url = f"http://{self.server.endpoint.address}:80/wsman"
            return HostIdentity(
                self.host.stack, system.version, f"{system.service_pack}.0", url
            )

    def survey(self, scope: SurveyScope) -> tuple[Observation, ...]:
        """Every fact of the scope."""
        with self.host.call("survey", self.server.name):
            url = f"http://{self.server.endpoint.address}:80/wsman"
            where = ServiceEndpoint(url, self.host.stack, "ntlm")
            return (
                *(self._observe(*fact) for fact in self._facts(scope)),
                self._observe(FactKind.ENDPOINT, "", where),
            )

    def service(self, name: str) -> ServiceState:
        """A service as it is now."""
        with self.host.call("service", self.server.name):
            return self.host.services.get(name, ServiceState(exists=False))

    def serving(self) -> Observation:
        """LCS's listeners, applications and modules."""
        with self.host.call("serving", self.server.name):
            told = self.host.serves_after_restart
            if not (self.host.restarted and told):
                return self._observe(FactKind.SERVING, "", self.host.serves)
            value = told.pop(0) if len(told) > 1 else told[0]
            return Observation(FactKind.SERVING, value, "fake", self.host.clock.now())

    def evidence(self, folder: AttemptFolder) -> AttemptEvidence:
        """What the host tells of an attempt."""
        with self.host.call("evidence", self.server.name):
            attempt = self.host.attempt(folder)
            order = attempt.order
            log = self.host.logs.get(order.article) if order else None
            return AttemptEvidence(
                host_time=self.host.now(),
                boot_time=self.host.operating_system.boot_time,
                mentioning=(attempt.process,) if attempt.process else (),
                installers=(),
                claimed=attempt.claimed and not attempt.settler,
                exit_text=attempt.exit_text,
                refusal=attempt.refusal,
                ended=attempt.ended,
                log_tail=log.tail if log else (),
            )

    def file_resource(self, path: str, size: int) -> Observation:
        """A file's state with the branch of its own resource."""
        with self.host.call("file_resource", self.server.name):
            state = self.host.files.get(path, FileState(exists=False))
            if state.exists and state.size == size and not self.host.unhashable:
                content = f"{state.version} {size}".encode()
                whole = state.sha256 or sha256(content).hexdigest()
                state = replace(self.host.resources.get(path, state), sha256=whole)
            return self._observe(FactKind.FILE, path, state)

    def _observe(self, kind: FactKind, subject: str, value: FactValue) -> Observation:
        reason = self.host.unreadable.get((kind, subject))
        seen = Unreadable(reason) if reason else value
        return Observation(kind, seen, "fake", self.host.clock.now(), subject)

    def _facts(self, scope: SurveyScope) -> Iterator[tuple[FactKind, str, FactValue]]:
        host = self.host
        system = replace(host.operating_system, host_time=host.now())
        yield FactKind.OPERATING_SYSTEM, "", system
        yield FactKind.PRODUCT, "", host.product
        yield FactKind.SYN_PROTECTION, "", host.syn
        yield FactKind.PENDING_RENAMES, "", PendingRenames(host.pending)
        yield FactKind.FREE_SPACE, "", FreeSpace(host.free_bytes)
        for path in scope.files:
            yield FactKind.FILE, path, host.files.get(path, FileState(exists=False))
        for article in scope.articles:
            yield from self._article(article)
        for name in scope.services:
            state = host.services.get(name, ServiceState(exists=False))
            yield FactKind.SERVICE, name, state
        for image in scope.processes:
            found = Processes(tuple(host.processes.get(image, ())))
            yield FactKind.PROCESS, image, found

    def _article(self, article: str) -> Iterator[tuple[FactKind, str, FactValue]]:
        log = self.host.logs.get(article, InstallerLog(exists=False))
        yield FactKind.INSTALLER_LOG, article, log
        for name in TraceName:
            subject = trace_subject(article, name)
            state = self.host.traces.get(subject, TraceState(present=False))
            yield FactKind.TRACE, subject, state


@dataclass(slots=True)
class FakeWriter(FakeReader):
    """A HostWriter on a FakeHost."""

    def stage(
        self, folder: AttemptFolder, package: Package, source: PackageSource
    ) -> StagingReport | StagingFailure:
        """Put the package into the attempt's folder."""
        with self.host.call("stage", self.server.name):
            if self.host.staging_failure is not None:
                return self.host.staging_failure
            self.host.attempt(folder).staged = package
            return StagingReport(
                route=source.route,
                bytes_sent=package.size,
                seconds=1.0,
                round_trips=1,
                host_hash=package.sha1,
                hash_tool="fake",
                owner=ADMINISTRATORS,
                allowed=(SYSTEM, ADMINISTRATORS),
            )

    def launch(self, order: LaunchOrder) -> LaunchReceipt:
        """Start the wrapper; the claim lets one run.

        Raises:
            AssertionError: an install without a staged package, a fault of the caller.
        """
        with self.host.call("launch", self.server.name):
            attempt = self.host.attempt(order.folder)
            if order.action is InstallerAction.INSTALL and attempt.staged is None:
                raise AssertionError("launched before a package was staged")
            self.host.run_wrapper(order)
            seen = attempt.process
            return LaunchReceipt(
                process_id=seen.process_id if seen else self.host.next_process_id,
                started=seen.started if seen else None,
                boot_time=self.host.operating_system.boot_time,
                host_time=self.host.now(),
            )

    def take_claim(self, folder: AttemptFolder) -> ClaimResult:
        """Take the claim in the wrapper's place."""
        with self.host.call("take_claim", self.server.name):
            attempt = self.host.attempt(folder)
            was_taken = attempt.claimed and not attempt.settler
            attempt.settler = not was_taken
            attempt.claimed = True
            return ClaimResult.WAS_TAKEN if was_taken else ClaimResult.TAKEN_NOW

    def restart_service(self, name: str, *, timeout_s: float) -> ServiceState:
        """Stop and start; a stuck service stays stopped."""
        with self.host.call("restart_service", self.server.name):
            if name not in self.host.services:
                return ServiceState(exists=False)
            self.host.clock.sleep(min(timeout_s, self.host.restart_seconds))
            if name in self.host.stuck_services:
                stopped = replace(
                    self.host.services[name],
                    state="Stopped",
                    process_id=None,
                    process_started=None,
                )
                self.host.services[name] = stopped
                return stopped
            self.host.start_service(name)
            self.host.restarted = True
            return self.host.services[name]

    def clean_up(self, folder: AttemptFolder) -> None:
        """Remove what was staged; the claim stays."""
        with self.host.call("clean_up", self.server.name):
            self.host.attempt(folder).staged = None


@dataclass(slots=True)
class FakeGateway:
    """A HostGateway to hosts in memory, by the server's name."""

    hosts: Mapping[str, FakeHost]
    #: Servers that nothing answers for, and why.
    faults: dict[str, HostFaultError] = field(default_factory=dict)
    #: Asked before each conversation; may raise, as a refused credential does.
    admit: Callable[[Server, Credential], None] = lambda _server, _credential: None
    #: Where each server was said to be when it was last talked to.
    known: dict[str, str | None] = field(default_factory=dict)

    @contextmanager
    def reader(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[FakeReader]:
        """A conversation that cannot write."""
        self.known[server.name] = known
        yield FakeReader(server, self._open(server, credential))

    @contextmanager
    def writer(
        self, server: Server, credential: Credential, known: str | None = None
    ) -> Iterator[FakeWriter]:
        """A conversation that can."""
        self.known[server.name] = known
        yield FakeWriter(server, self._open(server, credential))

    def _open(self, server: Server, credential: Credential) -> FakeHost:
        if server.name in self.faults:
            raise self.faults[server.name]
        if server.name not in self.hosts:
            raise HostFaultError(
                FaultKind.UNREACHABLE, server.name, "no host at this address"
            )
        self.admit(server, credential)
        return self.hosts[server.name]


def estate(clock: Clock, names: Sequence[str]) -> dict[str, FakeHost]:
    """Hosts that are all alike, by name."""
    return {name: server_2003(clock) for name in names}
