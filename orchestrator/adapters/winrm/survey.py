"""A survey: few requests, each group of facts on its own.

What WMI refuses makes that group unreadable and no other; what ends the conversation
ends the survey. Nothing here writes, and nothing here can import what does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from orchestrator.adapters.winrm import facts, files, traces
from orchestrator.adapters.winrm.faults import UnreadableError, WsFaultError
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.registry import Registry
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.wsman import WsMan
from orchestrator.application.ports.hosts import SurveyScope
from orchestrator.domain.facts import (
    FactKind,
    FactValue,
    FileState,
    InstallerLog,
    Observation,
    ServiceState,
    TraceName,
    TraceState,
    Unreadable,
    trace_subject,
)

T = TypeVar("T")


@dataclass(slots=True)
class Survey:
    """One survey of one host, from its first request to its observations."""

    wsman: WsMan
    registry: Registry
    limits: WinRmLimits
    now: Callable[[], datetime]
    #: Opens a shell with the host's code page, which is read for it.
    shell: Callable[[], Shell]
    seen: list[Observation] = field(default_factory=list)

    def run(self, scope: SurveyScope) -> tuple[Observation, ...]:
        """Every fact of the scope; what cannot be read is an observation too."""
        host = self._try(lambda: facts.read_host(self.wsman, self.registry))
        system = host.system if isinstance(host, facts.Host) else host
        self._see(FactKind.OPERATING_SYSTEM, "", system, "Win32_OperatingSystem")
        self._one(
            FactKind.SYN_PROTECTION,
            lambda: facts.read_syn(self.registry),
            r"HKLM\...\Tcpip\Parameters\SynAttackProtect",
        )
        self._one(
            FactKind.PENDING_RENAMES,
            lambda: facts.read_pending(self.registry),
            r"HKLM\...\Session Manager\PendingFileRenameOperations",
        )
        if isinstance(host, facts.Host):
            self._with_host(scope, host)
        else:
            self._without_host(scope, host)
        return tuple(self.seen)

    def _with_host(self, scope: SurveyScope, host: facts.Host) -> None:
        self._one(
            FactKind.FREE_SPACE,
            lambda: facts.read_free(self.wsman, host.windows),
            "Win32_LogicalDisk",
        )
        self._services(scope, host)
        logs = self._files(scope, host)
        if scope.articles:
            self._traces(scope, host)
            self._logs(scope, host, logs)

    def _without_host(self, scope: SurveyScope, why: Unreadable) -> None:
        """Facts that need the Windows folder or the zone cannot be read either."""
        lost: dict[FactKind, Iterable[str]] = {
            FactKind.PRODUCT: ("",),
            FactKind.FREE_SPACE: ("",),
            FactKind.FILE: scope.files,
            FactKind.SERVICE: scope.services,
            FactKind.PROCESS: scope.processes,
            FactKind.INSTALLER_LOG: scope.articles,
            FactKind.TRACE: [
                trace_subject(article, trace)
                for article in scope.articles
                for trace in TraceName
            ],
        }
        for kind, subjects in lost.items():
            for subject in subjects:
                self._see(kind, subject, why, "Win32_OperatingSystem")

    def _services(self, scope: SurveyScope, host: facts.Host) -> None:
        """Services, processes, and from the product's service the product."""
        marker, images = self.limits.product_service, scope.processes
        names = dict.fromkeys((*scope.services, marker))
        rows = self._try(lambda: facts.service_rows(self.wsman, names))
        known = {} if isinstance(rows, Unreadable) else rows
        running = self._try(
            lambda: facts.read_running(self.wsman, known, images, host.zone)
        )
        states: Mapping[str, ServiceState] | Unreadable
        if isinstance(running, Unreadable):
            states = running
            self._many(FactKind.PROCESS, images, running, "Win32_Process")
        else:
            states = facts.services_of(names, known, running)
            processes = facts.processes_of(images, running)
            self._many(FactKind.PROCESS, images, processes, "Win32_Process")
        states = rows if isinstance(rows, Unreadable) else states
        self._many(FactKind.SERVICE, scope.services, states, "Win32_Service")
        service = None if isinstance(states, Unreadable) else states[marker]
        self._product(scope, service)

    def _product(self, scope: SurveyScope, service: ServiceState | None) -> None:
        self._one(
            FactKind.PRODUCT,
            lambda: facts.read_product(self.wsman, service, scope.inventory_product),
            f"MSFT_SIPPoolSetting, service {self.limits.product_service}",
        )

    def _files(
        self, scope: SurveyScope, host: facts.Host
    ) -> Mapping[str, FileState] | Unreadable:
        """Files of the table and, in the same queries, the installer logs."""
        paths = {path: host.system.resolve(path) for path in scope.files}
        logs = [traces.log_path(host.windows, article) for article in scope.articles]
        found = self._try(
            lambda: files.read_files(
                self.wsman,
                [*paths.values(), *logs],
                host.zone,
                names_per_query=self.limits.names_per_query,
            )
        )
        for path, resolved in paths.items():
            value = found if isinstance(found, Unreadable) else found[resolved]
            self._see(FactKind.FILE, path, value, "CIM_DataFile")
        return found

    def _traces(self, scope: SurveyScope, host: facts.Host) -> None:
        articles, registry = scope.articles, self.registry
        updates = traces.updates_key(host.system.service_pack)
        readers: dict[TraceName, tuple[Callable[[], dict[str, TraceState]], str]] = {
            TraceName.UPDATES_KEY: (
                lambda: traces.read_keys(registry, updates, articles),
                rf"HKLM\{updates}",
            ),
            TraceName.HOTFIX_KEY: (
                lambda: traces.read_hotfix_keys(registry, articles),
                r"HKLM\...\CurrentVersion\Hotfix",
            ),
            TraceName.UNINSTALL_KEY: (
                lambda: traces.read_uninstall_keys(registry, articles),
                r"HKLM\...\CurrentVersion\Uninstall",
            ),
            TraceName.QFE_ROW: (
                lambda: traces.read_qfe(self.wsman, articles),
                "Win32_QuickFixEngineering",
            ),
            TraceName.UNINSTALL_FOLDER: (
                lambda: traces.read_folders(
                    self.wsman, host.windows, articles, host.zone
                ),
                "Win32_Directory",
            ),
        }
        for trace, (read, source) in readers.items():
            found = self._try(read)
            for article in articles:
                value = found if isinstance(found, Unreadable) else found[article]
                subject = trace_subject(article, trace)
                self._see(FactKind.TRACE, subject, value, source)

    def _logs(
        self,
        scope: SurveyScope,
        host: facts.Host,
        found: Mapping[str, FileState] | Unreadable,
    ) -> None:
        wanted: list[tuple[str, str, FileState]] = []
        for article in scope.articles:
            path = traces.log_path(host.windows, article)
            state = found if isinstance(found, Unreadable) else found[path]
            if isinstance(state, Unreadable):
                self._see(FactKind.INSTALLER_LOG, article, state, path)
            elif not state.exists:
                absent = InstallerLog(exists=False)
                self._see(FactKind.INSTALLER_LOG, article, absent, "CIM_DataFile")
            else:
                wanted.append((article, path, state))
        if wanted:
            self._read_logs(wanted, host)

    def _read_logs(
        self, wanted: list[tuple[str, str, FileState]], host: facts.Host
    ) -> None:
        def read() -> None:
            with self.shell() as shell:
                for article, path, state in wanted:
                    log = self._try(lambda: self._log(shell, path, state, host))  # noqa: B023  # called at once
                    self._see(FactKind.INSTALLER_LOG, article, log, f"type {path}")

        refused = self._try(read)
        if isinstance(refused, Unreadable):
            for article, path, _ in wanted:
                self._see(FactKind.INSTALLER_LOG, article, refused, f"type {path}")

    def _log(
        self, shell: Shell, path: str, state: FileState, host: facts.Host
    ) -> InstallerLog:
        limit = self.limits.log_bytes
        if (state.size or 0) > limit:
            raise UnreadableError(f"{path} has {state.size} bytes, read are {limit}")
        data = files.fetch(shell, path, limit)
        return traces.read_log(
            data,
            host.zone,
            written=state.modified,
            tail=self.limits.log_tail_lines,
        )

    def _many(
        self,
        kind: FactKind,
        subjects: Iterable[str],
        found: Mapping[str, FactValue] | Unreadable,
        source: str,
    ) -> None:
        for subject in subjects:
            value = found if isinstance(found, Unreadable) else found[subject]
            self._see(kind, subject, value, source)

    def _one(self, kind: FactKind, read: Callable[[], FactValue], source: str) -> None:
        self._see(kind, "", self._try(read), source)

    def _see(
        self, kind: FactKind, subject: str, value: FactValue | Unreadable, source: str
    ) -> None:
        self.seen.append(Observation(kind, value, source, self.now(), subject))

    def _try(self, read: Callable[[], T]) -> T | Unreadable:
        return or_unreadable(read)


def or_unreadable(read: Callable[[], T]) -> T | Unreadable:
    """Read; what the host refuses or garbles in one value stays a value."""
    try:
        return read()
    except UnreadableError as error:
        return Unreadable(str(error))
    except WsFaultError as fault:
        if fault.quota:
            raise
        return Unreadable(str(fault))
