"""Survey: read what is on the hosts and store it as facts. Reading never writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from orchestrator.application.codec import to_json
from orchestrator.application.conversation import problem_of, reading
from orchestrator.application.fan_out import fan_out
from orchestrator.application.judging import find_hotfix, rows_of, selected
from orchestrator.application.pacing import Pacing
from orchestrator.application.ports.hosts import (
    FaultKind,
    HostFaultError,
    HostReader,
    SurveyScope,
)
from orchestrator.application.ports.storage import FirstSeen, UnitOfWork
from orchestrator.application.results import ExitCode, Problem, Result, strongest
from orchestrator.application.services import Services
from orchestrator.domain.canonical import Json
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FileState,
    FreshFacts,
    Lacking,
    Observation,
    OperatingSystem,
)
from orchestrator.domain.files import FileVerdict, judge_files, needs_resource
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Server
from orchestrator.domain.verdict import FACT_LIMIT

#: What a record of when files were first seen is called among a server's facts.
FIRST_SEEN = "first-seen"
#: Marks the record of a fact that a watch took as a sample.
SAMPLED = "sampled"


@dataclass(frozen=True, slots=True)
class SurveyedServer:
    """One server of a survey; ``fault`` says why nothing was read."""

    server: str
    facts: int = 0
    unreadable: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """The servers that were asked, by name."""

    servers: tuple[SurveyedServer, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one conversation brought: observations, or a fault."""

    server: str
    observations: tuple[Observation, ...] = ()
    fault: HostFaultError | None = None

    @property
    def strained(self) -> bool:
        """Whether the host took too long, or was out of a quota."""
        return self.fault is not None and self.fault.strained


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What became of one server of a survey; its facts are stored."""

    server: SurveyedServer
    problem: Problem | None = None
    strained: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A server that another process is to read for these articles."""

    server: str
    articles: tuple[str, ...]


class Looks:
    """Takes looks, from many threads; what they need in common is read once."""

    def __init__(self, services: Services) -> None:
        """Read nothing yet."""
        self._services = services
        self._known: tuple[tuple[str, ...], Inventory, tuple[Hotfix, ...]] | None = None

    def take(self, look: Look) -> Reading:
        """Read a server."""
        if self._known is None or self._known[0] != look.articles:
            with self._services.storage.read() as uow:
                found = (find_hotfix(uow, article) for article in look.articles)
                self._known = look.articles, uow.inventory.load(), tuple(found)
        _, inventory, hotfixes = self._known
        server = inventory.servers[look.server]
        return read_server(self._services, inventory, hotfixes, server)


def survey(services: Services, selection: Selection) -> Result[SurveyReport]:
    """Ask the selected servers and store what they say."""
    with services.storage.read() as uow:
        inventory = uow.inventory.load()
        hotfixes = tuple(uow.catalog.hotfixes())
        servers = selected(uow, inventory, selection, services.clock.now())
    return collect(services, inventory, hotfixes, servers)


def collect(
    services: Services,
    inventory: Inventory,
    hotfixes: Sequence[Hotfix],
    servers: Sequence[Server],
) -> Result[SurveyReport]:
    """Ask these servers and store what they say."""
    services.progress.started(len(servers), "survey")
    seen: list[Surveyed] = []
    for server, found in fan_out(
        servers,
        lambda server: look_at(services, inventory, hotfixes, server),
        Pacing(services.limits.survey_concurrency, services.progress),
    ):
        seen.append(found)
        services.progress.advanced(server.name)
    seen.sort(key=lambda found: found.server.server)
    problems = tuple(found.problem for found in seen if found.problem is not None)
    return Result(
        "survey",
        SurveyReport(tuple(found.server for found in seen)),
        exit_code=exit_code_of(problems),
        problems=problems,
    )


def look_at(
    services: Services,
    inventory: Inventory,
    hotfixes: Sequence[Hotfix],
    server: Server,
) -> Surveyed:
    """Read one server and store what it says."""
    if services.elsewhere is None:
        found = read_server(services, inventory, hotfixes, server)
    else:
        articles = tuple(hotfix.article for hotfix in hotfixes)
        found = services.elsewhere(Look(server.name, articles)).result()
    # Here in any case: SQLite's writers wait long for those of other processes.
    with services.storage.begin() as uow:
        store(uow, hotfixes, found, services)
    problem = problem_of(found.fault) if found.fault else None
    return Surveyed(_summary(found), problem, found.strained)


def exit_code_of(problems: Iterable[Problem]) -> ExitCode:
    """6 where servers were only unreachable, 3 where they refused or failed."""
    return strongest(
        ExitCode.UNREACHABLE
        if problem.code == FaultKind.UNREACHABLE.value
        else ExitCode.NOT_AS_IT_SHOULD_BE
        for problem in problems
    )


def _summary(found: Reading) -> SurveyedServer:
    if found.fault is not None:
        return SurveyedServer(found.server, fault=found.fault.message)
    unreadable = tuple(seen.name for seen in found.observations if not seen.readable)
    return SurveyedServer(found.server, len(found.observations), unreadable)


def read_server(
    services: Services,
    inventory: Inventory,
    hotfixes: Sequence[Hotfix],
    server: Server,
) -> Reading:
    """One conversation; a fault of the host or the network is part of the value."""
    services.progress.server(server.name, "reading")
    try:
        with reading(services, inventory, server) as reader:
            return read_with(reader, hotfixes, server)
    except HostFaultError as fault:
        return Reading(server.name, fault=fault)


def read_with(
    reader: HostReader, hotfixes: Sequence[Hotfix], server: Server
) -> Reading:
    """Read every fact that the hotfixes need, on an open conversation."""
    observations = reader.survey(scope_of(hotfixes, server))
    branches = tuple(
        reader.file_resource(path, size)
        for path, size in undecided_files(hotfixes, observations)
    )
    return Reading(server.name, (*observations, *branches))


def scope_of(hotfixes: Sequence[Hotfix], server: Server) -> SurveyScope:
    """What the hotfixes need to know of a server."""
    return SurveyScope(
        files=_union(
            row.path
            for hotfix in hotfixes
            if hotfix.file_table
            for row in hotfix.file_table.rows
        ),
        articles=_union(hotfix.article for hotfix in hotfixes),
        services=_union(name for hotfix in hotfixes for name in hotfix.services),
        processes=_union(
            name for hotfix in hotfixes for name in hotfix.evidence_processes
        ),
        inventory_product=server.product,
    )


def _union(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def undecided_files(
    hotfixes: Sequence[Hotfix], observations: Sequence[Observation]
) -> list[tuple[str, int]]:
    """Files whose own version resource would decide, with their sizes."""
    facts = FactSet.of(observations)
    wanted: dict[str, int] = {}
    for hotfix in hotfixes:
        for row in rows_of(hotfix, facts):
            seen = facts.find(FactKind.FILE, row.path)
            state = seen.value if seen else None
            if not isinstance(state, FileState) or state.size is None:
                continue
            rows = [other for other in rows_of(hotfix, facts) if other.path == row.path]
            if needs_resource(rows, state):
                wanted[row.path] = state.size
    return sorted(wanted.items())


def store(
    uow: UnitOfWork, hotfixes: Sequence[Hotfix], found: Reading, services: Services
) -> None:
    """Store a reading with its evidence, in the caller's unit of work."""
    now = services.clock.now()
    if found.fault is not None:
        store_fault(uow, found.server, found.fault, now)
        return
    store_facts(uow, found.server, found.observations, now)
    facts = FactSet.of(found.observations)
    for hotfix in hotfixes:
        _note_first_seen(uow, hotfix, found.server, facts)


def store_fault(
    uow: UnitOfWork, server: str, fault: HostFaultError, now: datetime
) -> None:
    """Store that a contact failed, with its evidence."""
    uow.facts.put_contact(server, now, fault.sentence)
    said: Json = {"fault": fault.kind.value, "message": fault.sentence}
    uow.evidence.append(Entry(RecordKind.OBSERVATION, server, said))


def store_facts(
    uow: UnitOfWork,
    server: str,
    observations: Sequence[Observation],
    now: datetime,
    *,
    sampled: bool = False,
) -> None:
    """Store what a server said, with its evidence: each fact is one record.

    Args:
        uow: the caller's.
        server: whose facts these are.
        observations: the facts.
        now: when the server answered.
        sampled: whether their memory counts as samples; the records say so.
    """
    uow.facts.put_contact(server, now, None)
    uow.facts.put(server, observations)
    mark = {SAMPLED: True} if sampled else {}
    uow.evidence.append(
        *(
            Entry(RecordKind.OBSERVATION, server, {**_spelled(seen), **mark})
            for seen in observations
        )
    )


def _spelled(seen: Observation) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", to_json(seen))


def _note_first_seen(
    uow: UnitOfWork, hotfix: Hotfix, server: str, facts: FactSet
) -> None:
    """Remember when the right files were first seen, and wrong ones last."""
    system = facts.find(FactKind.OPERATING_SYSTEM)
    if system is None or not isinstance(system.value, OperatingSystem):
        return
    fresh = FreshFacts(facts, system.at, FACT_LIMIT)
    findings = judge_files(rows_of(hotfix, facts), fresh)
    if isinstance(findings, Lacking) or not findings:
        return
    before = uow.facts.first_seen(hotfix.article, server).get(server, FirstSeen())
    right = all(finding.verdict is FileVerdict.FIXED for finding in findings)
    host_time = system.value.host_time
    if not right:
        after = FirstSeen(right=None, wrong=host_time)
    else:
        after = FirstSeen(right=before.right or host_time, wrong=before.wrong)
    if after != before:
        uow.facts.put_first_seen(server, hotfix.article, after)
        noted: Json = {
            "kind": FIRST_SEEN,
            "subject": hotfix.article,
            "value": to_json(after),
        }
        uow.evidence.append(Entry(RecordKind.OBSERVATION, server, noted))
