"""The composition root: settings in, use cases' ports out. Knows every adapter."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.database import default_url, open_storage
from orchestrator.adapters.engine.distributed.engine import OverRabbitMq, find_broker
from orchestrator.adapters.engine.threads import Threads
from orchestrator.adapters.inventory_files.ansible import to_ansible
from orchestrator.adapters.secrets.store import Credentials
from orchestrator.adapters.system.process import account, is_gone, process_name
from orchestrator.adapters.winrm.limits import Port, WinRmLimits
from orchestrator.adapters.winrm.on_demand import OnDemandGateway
from orchestrator.application.doctor import (
    BrokerSeen,
    DoctorReport,
    Patient,
    examine,
)
from orchestrator.application.ports.engine import Engine
from orchestrator.application.ports.evidence_files import BundleFiles
from orchestrator.application.ports.files import (
    ArticleReader,
    InventoryReader,
    PackageReader,
    TableRead,
    TableReader,
)
from orchestrator.application.ports.hooks import HookRunner, NoHooks
from orchestrator.application.ports.secrets import Credential, CredentialStore
from orchestrator.application.reporting import ReportWriter
from orchestrator.application.results import Result
from orchestrator.application.rollout.worker import Worker, WorkerReport
from orchestrator.application.services import Limits, Progress, Services, Silent
from orchestrator.config import EngineName, Settings, state_folder
from orchestrator.domain.authenticode import SignaturePolicy
from orchestrator.domain.hotfix import PlausibleWindow
from orchestrator.domain.server import Inventory

if TYPE_CHECKING:
    from orchestrator.adapters.engine.distributed.broker import Broker
    from orchestrator.adapters.engine.processes import Processes
    from orchestrator.application.helper import Helper

#: Ports on which WinRM speaks HTTPS; any other is taken for HTTP.
_TLS_PORTS = frozenset({443, 5986})


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock port

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that the command line may reach for."""

    settings: Settings = field(default_factory=Settings)
    #: Asks a person for a credential; ``None`` where nobody can be asked.
    prompt: Callable[[str], Credential | None] | None = None
    #: Told before an existing database is upgraded.
    notice: Callable[[str], None] = lambda _: None
    #: Why nobody can be asked, where that is so.
    unasked: str = "nobody to ask"

    @property
    def database(self) -> str:
        """The URL of the database; may hold a password, so it is never shown."""
        return self.settings.database or default_url(state_folder())

    @property
    def credentials(self) -> CredentialStore:
        """Where credentials are found."""
        import keyring

        return Credentials(
            environment=os.environ,
            file=self.settings.credentials_file,
            keyring=keyring,
            prompt=self.prompt,
            unasked=self.unasked,
        )

    @property
    def articles(self) -> ArticleReader:
        """Reads articles and definitions."""
        from orchestrator.adapters.articles.reader import Articles

        return Articles()

    @property
    def tables(self) -> TableReader:
        """Reads file tables, from a file or from an extracted package."""
        return read_file_or_folder

    @property
    def inventories(self) -> InventoryReader:
        """Reads inventories."""
        from orchestrator.adapters.inventory_files.reader import read_inventory

        return read_inventory

    @property
    def packages(self) -> PackageReader:
        """Reads installer files."""
        from orchestrator.adapters.packages.reader import read_package

        settings = self.settings
        trusted = frozenset(name.lower() for name in settings.trusted_certificates)
        policy = SignaturePolicy(settings.package_signature, trusted)
        return partial(read_package, policy=policy)

    @property
    def write_report(self) -> ReportWriter:
        """Writes an audit as a file that others read."""
        from orchestrator.adapters.reports.writer import write_report

        return write_report

    @property
    def bundles(self) -> BundleFiles:
        """Writes and checks bundles of evidence."""
        from orchestrator.adapters.evidence_files.bundle import ZipBundles

        return ZipBundles()

    def to_ansible(self, inventory: Inventory) -> dict[str, Any]:
        """The inventory as Ansible wants it."""
        return to_ansible(inventory)

    @contextmanager
    def services(
        self,
        progress: Progress | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Iterator[Services]:
        """The ports of this process, with the database open.

        Args:
            progress: hears of long work.
            interrupted: whether a person asked to stop.
        """
        clock = SystemClock()
        owner = process_name()
        heard = progress or Silent()
        with (
            open_storage(
                self.database, writer=owner, clock=clock.now, notice=self.notice
            ) as storage,
            self._processes(heard) as processes,
        ):
            yield Services(
                storage=storage,
                hosts=OnDemandGateway(self._winrm_limits(), clock=clock.now),
                credentials=self.credentials,
                clock=clock,
                account=account(),
                owner=owner,
                engine=self._engine(processes),
                elsewhere=processes.submit if processes else None,
                limits=self._limits(),
                progress=heard,
                hooks=self._hooks(),
                interrupted=interrupted,
                is_gone=is_gone,
                package_at=self._package_at,
            )

    @contextmanager
    def _processes(self, progress: Progress) -> Iterator[Processes | None]:
        settings = self.settings
        if settings.processes == 1:
            yield None
            return
        from orchestrator.adapters.engine.processes import Processes

        threads = max(settings.survey_concurrency, settings.apply_concurrency)
        alone = settings.model_copy(update={"processes": 1, "database": self.database})
        recipe = partial(open_helper, alone)
        with Processes(settings.processes, threads, recipe, progress) as made:
            yield made

    def work(
        self,
        services: Services,
        sites: frozenset[str],
        concurrency: int,
        tell: Callable[[str], None],
    ) -> WorkerReport:
        """Take orders of these sites until a signal.

        Args:
            services: the ports of this process.
            sites: whose orders.
            concurrency: turns that are taken at once.
            tell: hears in plain lines what is done.

        Raises:
            EngineError: it cannot work with these settings.
        """
        broker = self.broker
        from orchestrator.adapters.engine.distributed.health import answer
        from orchestrator.adapters.engine.distributed.serving import Serving

        worker = Worker(services)
        serving = Serving(broker, sites, worker.take, tell, services.owner, concurrency)
        answer(sites, version("orchestrator"), services.clock.now)
        with worker.keeping():
            serving.run()
        return WorkerReport(
            services.owner, tuple(sorted(sites)), serving.taken, serving.refused
        )

    def examine(self) -> Result[DoctorReport]:
        """Whether this installation is as it should be; changes nothing."""
        from orchestrator.adapters.database.health import look
        from orchestrator.adapters.secrets.private_file import PrivateFileSource

        settings, clock = self.settings, SystemClock()
        return examine(
            Patient(
                database=lambda: look(self.database, clock.now),
                inventory=self._inventory,
                broker=self._look_at_broker if settings.broker else None,
                credentials=replace(self, prompt=None).credentials,
                refused_file=PrivateFileSource(settings.credentials_file).refusal,
                hooks=self._wrong_hooks,
                elsewhere=settings.engine is EngineName.CELERY,
                release=version("orchestrator"),
                lease_seconds=settings.lease_seconds,
                installer_seconds=settings.installer_seconds,
            )
        )

    def _inventory(self) -> Inventory:
        name, clock = process_name(), SystemClock()
        with (
            open_storage(self.database, writer=name, clock=clock.now) as storage,
            storage.read() as uow,
        ):
            return uow.inventory.load()

    def _look_at_broker(self, sites: Iterable[str]) -> BrokerSeen:
        broker = self.broker
        from orchestrator.adapters.engine.distributed.health import look

        return look(broker, sites, SystemClock().now)

    def _wrong_hooks(self) -> str | None:
        folder = self.settings.hooks_folder
        if folder is not None and not folder.is_dir():
            return f"hooks_folder {folder} is no folder"
        return None

    @property
    def broker(self) -> Broker:
        """RabbitMQ as the settings name it.

        Raises:
            RequestError: they name none, or what one needs is missing.
        """
        settings = self.settings
        return find_broker(
            settings.broker.get_secret_value() if settings.broker else None,
            self.database,
            ca_file=settings.broker_ca_file,
            certificate_file=settings.broker_certificate_file,
            key_file=settings.broker_key_file,
        )

    def check_engine(self) -> None:
        """See that the engine has what it needs, before a run is begun.

        Raises:
            RequestError: it has not.
        """
        if self.settings.engine is EngineName.CELERY:
            _ = self.broker

    def _engine(self, processes: Processes | None) -> Engine:
        if self.settings.engine is EngineName.THREADS:
            return processes or Threads()
        return OverRabbitMq(lambda: self.broker)

    def _package_at(self, stored: str) -> str:
        folder = self.settings.packages_folder
        return stored if folder is None else str(folder / Path(stored).name)

    def _hooks(self) -> HookRunner:
        settings = self.settings
        if settings.hooks_folder is None and not settings.hooks:
            return NoHooks()
        from orchestrator.adapters.ansible.runner import AnsibleHooks

        return AnsibleHooks(
            shipped=packaged("playbooks"),
            state=state_folder() / "hooks",
            view=to_ansible,
            environment=os.environ,
            site=settings.hooks_folder,
            shipped_on=frozenset(settings.hooks),
            limit_seconds=settings.hook_seconds,
        )

    def _limits(self) -> Limits:
        settings = self.settings
        return Limits(
            survey_concurrency=settings.survey_concurrency,
            apply_concurrency=settings.apply_concurrency,
            poll_seconds=settings.poll_seconds,
            installer_seconds=settings.installer_seconds,
            lost_contact_seconds=settings.lost_contact_seconds,
            service_seconds=settings.service_seconds,
            serving_seconds=settings.serving_seconds,
            lease_seconds=settings.lease_seconds,
            worker_wait_seconds=settings.worker_wait_seconds,
        )

    def _winrm_limits(self) -> WinRmLimits:
        settings = self.settings
        return WinRmLimits(
            ladder=tuple(
                Port(number, tls=number in _TLS_PORTS) for number in settings.ports
            ),
            connect_timeout_s=settings.connect_seconds,
            ca_file=settings.ca_file,
            operation_timeout_s=int(settings.answer_seconds),
        )


@contextmanager
def open_helper(settings: Settings, progress: Progress) -> Iterator[Helper]:
    """The helper in a process that another one started."""
    from orchestrator.application.helper import Helper

    unasked = "one of several processes asks nobody; use --processes 1"
    with Program(settings, unasked=unasked).services(progress) as services:
        yield Helper(services)


def read_file_or_folder(
    path: Path,
    *,
    supplied_by: str,
    source: str,
    plausible: PlausibleWindow | None,
) -> TableRead:
    """A file table from CSV or YAML, or from a package extracted on Windows.

    Raises:
        BadInputError: a row is malformed, doubled or contradicts another.
    """
    from orchestrator.adapters.articles.file_table import read_table
    from orchestrator.adapters.packages.extracted import read_extracted

    read = read_extracted if path.is_dir() else read_table
    return read(path, supplied_by=supplied_by, source=source, plausible=plausible)


def packaged(name: str) -> Path:
    """A folder that comes with the program: in the wheel, or in a checkout."""
    here = Path(__file__).resolve().parent
    shipped = here / "_data" / name
    return shipped if shipped.is_dir() else here.parent / name
