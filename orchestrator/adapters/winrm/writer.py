"""The conversation that can write: stage, launch, claim, restart a service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.adapters.winrm import evidence
from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.files import in_command
from orchestrator.adapters.winrm.launch import put_wrapper, start, take_claim
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.reader import WinRmReader
from orchestrator.adapters.winrm.service import Restarter
from orchestrator.adapters.winrm.staging import Stager, Workshop, now_s
from orchestrator.adapters.winrm.tools import StagingError, Toolbox
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    ClaimResult,
    LaunchOrder,
    LaunchReceipt,
    PackageSource,
    StagingFailure,
    StagingReport,
)
from orchestrator.domain.facts import ServiceState
from orchestrator.domain.hotfix import Package


class WinRmWriter(WinRmReader):
    """Changes one host; one connection, one thread."""

    #: What was proven in this conversation, by the attempt's token.
    _proven: tuple[str, Toolbox] | None = None

    def stage(
        self, folder: AttemptFolder, package: Package, source: PackageSource
    ) -> StagingReport | StagingFailure:
        """Create and restrict the folder, bring the package in, prove its hash."""
        started, trips, sent = (
            now_s(),
            self._session.round_trips,
            self._session.bytes_sent,
        )
        with self._translated():
            try:
                with self._workshop(folder) as workshop:
                    stager = Stager(workshop, package, self._session.payload_bytes)
                    found = stager.stage(source)
                    tools, descriptor = workshop.proven(), workshop.descriptor
            except StagingError as error:
                return error.failure
            except UnreadableError as error:
                return StagingFailure(
                    str(error), "an answer that proves the folder", "see the host's WMI"
                )
        return StagingReport(
            route=source.route,
            bytes_sent=self._session.bytes_sent - sent,
            seconds=now_s() - started,
            round_trips=self._session.round_trips - trips,
            host_hash=found,
            hash_tool=tools.hasher,
            owner=descriptor.owner if descriptor else "",
            allowed=tuple(entry.sid for entry in descriptor.entries)
            if descriptor
            else (),
        )

    def launch(self, order: LaunchOrder) -> LaunchReceipt:
        """Start the wrapper, detached. May be repeated: the claim lets one run."""
        with self._translated():
            with self._workshop(order.folder) as workshop:
                workshop.prepare()
                put_wrapper(workshop, order)
            moment = evidence.read_moment(self._wsman)
            return start(self._wsman, self._layout(order.folder, moment), moment)

    def take_claim(self, folder: AttemptFolder) -> ClaimResult:
        """Create the attempt's claim in the wrapper's place."""
        with self._translated():
            layout = self._layout(folder, evidence.read_moment(self._wsman))
            with self._shell() as shell:
                return take_claim(shell, layout)

    def restart_service(self, name: str, *, timeout_s: float) -> ServiceState:
        """Stop and start a service; its state when running or out of time."""
        with self._translated():
            zone = evidence.read_moment(self._wsman).zone
            poll = self._session.limits.service_poll_s
            restarter = Restarter(self._wsman, zone, self._session.sleep, poll)
            return restarter.restart(name, timeout_s)

    def clean_up(self, folder: AttemptFolder) -> None:
        """Remove what was staged; the claim, a folder, and what it holds stay."""
        with self._translated():
            layout: Layout = self._layout(folder, evidence.read_moment(self._wsman))
            with self._shell() as shell:
                shell.run(f"del /f /q {in_command(layout.folder)}\\*.*")

    @contextmanager
    def _workshop(self, folder: AttemptFolder) -> Iterator[Workshop]:
        layout = self._layout(folder, evidence.read_moment(self._wsman))
        token, tools = self._proven or ("", None)
        with self._shell() as shell:
            workshop = Workshop(
                self._wsman,
                shell,
                layout,
                self._session.limits,
                tools if token == folder.token else None,
            )
            yield workshop
            if workshop.tools is not None:
                self._proven = (folder.token, workshop.tools)
