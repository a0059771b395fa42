"""The conversation that cannot write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from orchestrator.adapters.winrm import evidence, facts, files, identify
from orchestrator.adapters.winrm.evidence import Moment
from orchestrator.adapters.winrm.faults import translated
from orchestrator.adapters.winrm.ladder import Capability
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.registry import Registry
from orchestrator.adapters.winrm.serving import read_serving
from orchestrator.adapters.winrm.session import Session
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.survey import Survey, or_unreadable
from orchestrator.adapters.winrm.wsman import WsMan
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    HostIdentity,
    SurveyScope,
)
from orchestrator.domain.facts import (
    FactKind,
    FileState,
    Observation,
    ServiceEndpoint,
    ServiceState,
)
from orchestrator.domain.remediation import AttemptEvidence


class WinRmReader:
    """Reads one host; one connection, one thread."""

    def __init__(
        self,
        name: str,
        session: Session,
        where: Capability,
        now: Callable[[], datetime],
    ) -> None:
        """Nothing is sent yet."""
        self._name = name
        self._session = session
        self._where = where
        self._now = now
        self._wsman = WsMan(session)
        self._registry = Registry(self._wsman)
        self._code_page: int | None = None
        self._code_page_read = False

    def identify(self) -> HostIdentity:
        """What answers, asked with the credential."""
        with self._translated():
            found = identify.read_identity(self._session.raw(identify.REQUEST))
            identity = found or identify.Identity("")
            return HostIdentity(
                stack=identity.stack,
                os_version=identity.os_version,
                service_pack=identity.service_pack,
                url=self._url,
            )

    def survey(self, scope: SurveyScope) -> tuple[Observation, ...]:
        """Every fact of the scope."""
        with self._translated():
            seen = Survey(
                wsman=self._wsman,
                registry=self._registry,
                limits=self._session.limits,
                now=self._now,
                shell=self._shell,
            ).run(scope)
            return (*seen, self._reached())

    @property
    def _url(self) -> str:
        return self._where.address.url(self._session.limits.url_path)

    def _reached(self) -> Observation:
        """How this conversation came about, once the host has answered."""
        found = ServiceEndpoint(self._url, self._where.stack, self._session.mechanism)
        return Observation(FactKind.ENDPOINT, found, "Identify", self._now())

    def service(self, name: str) -> ServiceState:
        """A service as it is now."""
        with self._translated():
            zone = evidence.read_moment(self._wsman).zone
            return facts.read_services(self._wsman, [name], zone)[name]

    def serving(self) -> Observation:
        """LCS's listeners, applications and modules as they are now."""
        limits = self._session.limits
        with self._translated():
            value = or_unreadable(
                lambda: read_serving(self._wsman, self._where.address.host, limits)
            )
        source = "MSFT_SIP… classes, TCP connections"
        return Observation(FactKind.SERVING, value, source, self._now())

    def evidence(self, folder: AttemptFolder) -> AttemptEvidence:
        """What the host tells of an attempt."""
        with self._translated():
            moment = evidence.read_moment(self._wsman)
            layout = self._layout(folder, moment)
            with self._shell() as shell:
                return evidence.read_evidence(
                    self._wsman, shell, layout, moment, self._session.limits
                )

    def file_resource(self, path: str, size: int) -> Observation:
        """A file's state with the branch of its own version resource."""
        with self._translated():
            moment = evidence.read_moment(self._wsman)
            resolved = path.lower().replace("%systemroot%", moment.windows.lower())
            state = files.read_files(
                self._wsman, [resolved], moment.zone, names_per_query=1
            )[resolved]
            source = "CIM_DataFile"
            if state.exists and state.size == size:
                state, source = self._fetched(resolved, state, size), f"type {resolved}"
            return Observation(FactKind.FILE, state, source, self._now(), path)

    def _fetched(self, path: str, state: FileState, size: int) -> FileState:
        """The state with its branch; without one where the bytes are not all there."""
        if size > self._session.limits.resource_bytes:
            return state
        with self._shell() as shell:
            data = files.fetch(shell, path, size)
        if len(data) != size:
            return state
        lab = files.resource_of(data)
        return replace(
            state, branch=lab.branch if lab else None, sha256=files.sha256(data)
        )

    def _layout(self, folder: AttemptFolder, moment: Moment) -> Layout:
        root = self._session.limits.root_folder
        return Layout(moment.windows.lower(), root, folder.token)

    def _shell(self) -> Shell:
        if not self._code_page_read:
            self._code_page = facts.read_code_page(self._registry)
            self._code_page_read = True
        return self._shell_with(self._code_page)

    def _shell_with(self, code_page: int | None) -> Shell:
        default = self._session.limits.default_code_page
        return Shell(self._session, code_page or default)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._name)
