"""A small estate for the use cases: a hotfix with a table, a pool, hosts in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from orchestrator.adapters.engine.threads import Threads
from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialMissing,
    Mechanism,
    Secret,
)
from orchestrator.application.ports.storage import Storage
from orchestrator.application.services import Limits, Services
from orchestrator.domain.facts import FileState
from orchestrator.domain.hotfix import (
    ExposureRule,
    FileRow,
    FileTable,
    Hotfix,
    Package,
    Platform,
    Prerequisites,
    Provenance,
)
from orchestrator.domain.server import (
    Endpoint,
    Inventory,
    Link,
    Pool,
    Role,
    Server,
    Site,
)
from orchestrator.domain.version import Branch, FileVersion
from tests.fakes.clock import FakeClock
from tests.fakes.hosts import FakeGateway, FakeHost, FakeInstaller, server_2003

ARTICLE = "KB700001"
PATH = r"%systemroot%\system32\example.dll"
OLD = FileState(exists=True, version=FileVersion(5, 2, 3790, 1830), size=100)
NEW = FileState(exists=True, version=FileVersion(5, 2, 3790, 2600), size=120)

HOTFIX = Hotfix(
    article=ARTICLE,
    title="An example",
    products=("lcs-2005-sp1",),
    prerequisites=Prerequisites("5.2.3790", 1, 1 << 20),
    restart_required=False,
    replaces=(),
    languages=("ENU",),
    platforms=(Platform.X86,),
    symptom="leaks",
    exposure=ExposureRule.ALWAYS,
    services=("RTCSRV",),
    evidence_processes=("lsass.exe",),
    file_table=FileTable(
        (
            FileRow(
                "example.dll",
                PATH,
                FileVersion(5, 2, 3790, 2600),
                Platform.X86,
                Branch.QFE,
                1,
            ),
        ),
        Provenance("a test", "invented"),
    ),
)

PACKAGE = Package(
    article=ARTICLE,
    name="WindowsServer2003-KB700001-x86-ENU.exe",
    sha256="ab" * 32,
    sha1="cd" * 20,
    size=1000,
    platform=Platform.X86,
    language="ENU",
    service_pack=None,
    pinned=True,
    provenance=Provenance("a test", "invented"),
)


@dataclass(slots=True)
class FakeCredentials:
    """One credential that fits every server."""

    known: dict[str, Credential] = field(
        default_factory=lambda: {
            "fleet": Credential(
                "fleet", r"LAB\fleet", Secret("a password"), (Mechanism.NTLM,)
            )
        }
    )

    def resolve(self, name: str) -> Credential | CredentialMissing:
        """The credential, if it is known."""
        found = self.known.get(name)
        return found or CredentialMissing(name, ("the test",), "set one")

    def save(self, credential: Credential) -> str:
        """Keep it."""
        self.known[credential.name] = credential
        return "the test"

    def entries(self) -> tuple[CredentialEntry, ...]:
        """All, without secrets."""
        return tuple(
            CredentialEntry(known.name, known.username, known.mechanisms, "the test")
            for known in self.known.values()
        )


@dataclass(slots=True)
class World:
    """Services over hosts in memory, and the hosts themselves."""

    services: Services
    clock: FakeClock
    gateway: FakeGateway
    hosts: dict[str, FakeHost]

    def runs(self) -> dict[str, int]:
        """How often an installer ran on each host."""
        return {name: host.installer_runs for name, host in self.hosts.items()}


def server(name: str, pool: str | None = "pool-1") -> Server:
    """A front end of the one site."""
    return Server(
        name,
        Endpoint("127.0.0.1", 5985),
        "site-1",
        Role.FRONT_END,
        "lcs-2005-sp1",
        pool=pool,
        credential="fleet",
    )


def leaking_host(clock: FakeClock) -> FakeHost:
    """A host with the old file, on which the package installs the new one."""
    host = server_2003(clock)
    host.files[PATH] = OLD
    host.installer = FakeInstaller(files={PATH: NEW})
    return host


@contextmanager
def world(
    storage: Storage,
    names: Sequence[str],
    *,
    hotfix: Hotfix = HOTFIX,
    alone: Sequence[str] = (),
    clock: FakeClock | None = None,
) -> Iterator[World]:
    """An estate of leaking servers, everything imported, not surveyed.

    Args:
        storage: an empty database.
        names: the servers.
        hotfix: what they leak for want of.
        alone: those that are in no pool; the others share one.
        clock: the estate's; one of its own if left out.
    """
    clock = clock or FakeClock()
    hosts = {name: leaking_host(clock) for name in names}
    gateway = FakeGateway(hosts)
    services = Services(
        storage=storage,
        hosts=gateway,
        credentials=FakeCredentials(),
        clock=clock,
        account="tester",
        owner="test-process",
        engine=Threads(),
        limits=Limits(survey_concurrency=4, apply_concurrency=1),
    )
    inventory = Inventory(
        servers={
            name: server(name, None if name in alone else "pool-1") for name in names
        },
        pools={"pool-1": Pool("pool-1", "site-1")},
        sites={"site-1": Site("site-1")},
    )
    with storage.begin() as uow:
        uow.catalog.put_hotfix(hotfix)
        uow.catalog.put_package(
            replace(PACKAGE, article=hotfix.article), "/nowhere/package.exe"
        )
        uow.inventory.save(inventory)
    yield World(services, clock, gateway, hosts)


def spread(
    made: World, sites: Mapping[Site, Sequence[str]], links: Sequence[Link] = ()
) -> None:
    """Move a world's servers, each of no pool, to these sites with these links."""
    with made.services.storage.begin() as uow:
        known = uow.inventory.load().servers
        moved = {
            name: replace(known[name], site=site.name, pool=None)
            for site, names in sites.items()
            for name in names
        }
        uow.inventory.save(
            Inventory(
                servers={**known, **moved},
                sites={site.name: site for site in sites},
                links=tuple(links),
            )
        )
