"""Gathering what a verdict rests on, for one server or for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.application.ports.storage import FirstSeen, UnitOfWork
from orchestrator.application.results import ErrorCode, RequestError, not_found
from orchestrator.application.symptoms import WINDOW, symptoms
from orchestrator.domain.effect import OwnRecord
from orchestrator.domain.exposure import (
    AssumedPeers,
    Shield,
    Stop,
    Topology,
    observed_shield,
)
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FreshFacts,
    OperatingSystem,
    Product,
)
from orchestrator.domain.hotfix import (
    FileRow,
    Hotfix,
    NoPackage,
    Package,
    choose_package,
)
from orchestrator.domain.remediation import Attempt
from orchestrator.domain.rollback import says_installed
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Server
from orchestrator.domain.symptom import Sample, Symptom
from orchestrator.domain.verdict import FACT_LIMIT, Case, Judgement, Verdict, judge


@dataclass(frozen=True, slots=True)
class Judging:
    """How to judge: the policy that is not part of a definition."""

    assume_unknown_peers: AssumedPeers | None = None
    fact_limit: timedelta = FACT_LIMIT


@dataclass(frozen=True, slots=True)
class Estate:
    """All that verdicts on one hotfix rest on, at one moment."""

    hotfix: Hotfix
    inventory: Inventory
    facts: Mapping[str, FactSet]
    packages: tuple[Package, ...]
    own: Mapping[str, OwnRecord]
    now: datetime
    judging: Judging = field(default_factory=Judging)
    symptoms: Mapping[str, Symptom] = field(default_factory=dict)
    shields: Mapping[str, Shield] = field(default_factory=dict)

    @property
    def topology(self) -> Topology:
        """The graph with what is known of each server's protection."""
        return Topology(self.inventory, self.shields, self.judging.assume_unknown_peers)

    def facts_of(self, server: str) -> FactSet:
        """A server's facts; empty for one that was never surveyed."""
        return self.facts.get(server, FactSet())

    def package_for(self, server: str) -> Package | NoPackage:
        """The package that fits a server."""
        system = system_of(self.facts_of(server))
        if system is None:
            return NoPackage("platform and language are not known yet")
        return choose_package(
            self.packages,
            platform=system.platform,
            language=system.language,
            service_pack=system.service_pack,
        )

    def case(self, server: Server) -> Case:
        """Everything that one server's verdict rests on."""
        facts = self.facts_of(server.name)
        return Case(
            hotfix=self.hotfix,
            server=server,
            facts=facts,
            exposure=self.topology.exposure_of(
                self.hotfix, server, observed_peers(self.inventory, facts)
            ),
            package=self.package_for(server.name),
            now=self.now,
            own=self.own.get(server.name, OwnRecord()),
            symptom=self.symptoms.get(server.name, Symptom()),
            fact_limit=self.judging.fact_limit,
        )

    def stops(self, server: Server) -> tuple[Stop, ...]:
        """Every place where a connection that a server opens may be reset."""
        facts = self.facts_of(server.name)
        return self.topology.stops(server, observed_peers(self.inventory, facts))

    def judge(self, server: Server) -> Judgement:
        """One server's verdict."""
        return judge(self.case(server))


def observed_peers(inventory: Inventory, facts: FactSet) -> tuple[tuple[str, str], ...]:
    """Peers that a server's own classes name, by the inventory's names.

    A peer that the inventory lacks stays under its own name: nobody can read it, and
    unknown is never taken for no.
    """
    seen = facts.find(FactKind.PRODUCT)
    if seen is None or not isinstance(seen.value, Product):
        return ()
    return tuple((inventory.end(name), source) for name, source in seen.value.peers())


def article_name(article: str) -> str:
    """An article's number in full, given with or without ``KB``."""
    wanted = article.upper()
    return wanted if wanted.startswith("KB") else f"KB{wanted}"


def find_hotfix(uow: UnitOfWork, article: str) -> Hotfix:
    """A definition by its number, with or without ``KB``.

    Raises:
        RequestError: the catalog has none.
    """
    name = article_name(article)
    hotfix = uow.catalog.hotfix(name)
    if hotfix is None:
        raise not_found("article", name, "import it with orchestrator catalog import")
    return hotfix


def load_estate(
    uow: UnitOfWork, hotfix: Hotfix, now: datetime, judging: Judging | None = None
) -> Estate:
    """Everything that verdicts on a hotfix rest on, from storage."""
    return estate_of(
        hotfix,
        now,
        judging or Judging(),
        inventory=uow.inventory.load(),
        facts=uow.facts.of_all(),
        packages=uow.catalog.packages(hotfix.article),
        own=own_records(
            uow.runs.last_installs(hotfix.article),
            uow.facts.first_seen(hotfix.article),
        ),
        watched=uow.facts.samples(since=now - WINDOW),
    )


def estate_of(
    hotfix: Hotfix,
    now: datetime,
    judging: Judging,
    *,
    inventory: Inventory,
    facts: Mapping[str, FactSet],
    packages: Iterable[Package],
    own: Mapping[str, OwnRecord],
    watched: Mapping[str, Sequence[Sample]],
) -> Estate:
    """The same from what is known of some moment.

    Args:
        hotfix: what is judged.
        now: the moment; facts are as old as they were then.
        judging: the policy.
        inventory: the estate.
        facts: per server.
        packages: those of the hotfix.
        own: what our journal and surveys know, per server.
        watched: samples since :data:`WINDOW` before the moment, per server.
    """
    return Estate(
        hotfix=hotfix,
        inventory=inventory,
        facts=facts,
        packages=tuple(packages),
        own=own,
        now=now,
        judging=judging,
        symptoms=symptoms(hotfix, watched),
        shields={
            name: observed_shield(name, FreshFacts(known, now, judging.fact_limit))
            for name, known in facts.items()
        },
    )


def own_record(uow: UnitOfWork, article: str, server: str) -> OwnRecord:
    """What our journal and surveys know of one server by now."""
    known = own_records(
        uow.runs.last_installs(article, server), uow.facts.first_seen(article, server)
    )
    return known.get(server, OwnRecord())


def own_records(
    installs: Mapping[str, Attempt], seen: Mapping[str, FirstSeen]
) -> dict[str, OwnRecord]:
    """What our journal and surveys know, per server."""
    return {
        server: _own_record(installs.get(server), seen.get(server, FirstSeen()))
        for server in {*installs, *seen}
    }


def _own_record(attempt: Attempt | None, seen: FirstSeen) -> OwnRecord:
    installed = attempt is not None and says_installed(attempt)
    return OwnRecord(
        installed_at=attempt.installed_at if attempt and installed else None,
        says_installed=installed,
        first_right=seen.right,
        last_wrong=seen.wrong,
    )


def system_of(facts: FactSet) -> OperatingSystem | None:
    """The operating system of a server as last read, however old."""
    seen = facts.find(FactKind.OPERATING_SYSTEM)
    value = seen.value if seen else None
    return value if isinstance(value, OperatingSystem) else None


def rows_of(hotfix: Hotfix, facts: FactSet) -> tuple[FileRow, ...]:
    """The rows of the table that a server must meet."""
    system = system_of(facts)
    table = hotfix.file_table
    if system is None or table is None:
        return ()
    return table.rows_for(system.platform, system.service_pack)


def judge_all(estate: Estate, servers: Iterable[Server]) -> dict[str, Judgement]:
    """The verdict of each of these servers, by name."""
    return {server.name: estate.judge(server) for server in servers}


def selected(
    uow: UnitOfWork, inventory: Inventory, selection: Selection, now: datetime
) -> tuple[Server, ...]:
    """The active servers of a selection, judged first where it asks for verdicts.

    Raises:
        SelectionError: nothing matches.
        RequestError: verdicts are asked for and the catalog does not hold one hotfix.
    """
    servers = inventory.active()
    if not selection.needs_verdicts:
        return selection.choose(servers)
    estate = load_estate(uow, only_hotfix(uow.catalog.hotfixes()), now)
    return selection.choose(servers, verdicts_of(judge_all(estate, servers)))


def only_hotfix(hotfixes: Sequence[Hotfix]) -> Hotfix:
    """The one definition of the catalog, for a question that names none.

    Raises:
        RequestError: there is none, or more than one.
    """
    if len(hotfixes) == 1:
        return hotfixes[0]
    names = ", ".join(hotfix.article for hotfix in hotfixes)
    raise RequestError(
        ErrorCode.NOT_FOUND,
        f"found {names or 'no article'} in the catalog, expected one article",
        "name the article on the command line"
        if hotfixes
        else "import one with orchestrator catalog import",
    )


def verdicts_of(judgements: Mapping[str, Judgement]) -> dict[str, Verdict]:
    """Just the verdicts, by server."""
    return {name: judgement.verdict for name, judgement in judgements.items()}
