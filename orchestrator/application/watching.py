"""Watching: private bytes of the processes that leak, round by round.

Every round is stored before the next begins, so that one that is cut short loses
nothing, and a later watch goes on from what earlier ones saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.application.conversation import problem_of, reading
from orchestrator.application.fan_out import fan_out
from orchestrator.application.judging import (
    find_hotfix,
    only_hotfix,
    own_records,
    selected,
)
from orchestrator.application.pacing import Pacing
from orchestrator.application.ports.hosts import HostFaultError, SurveyScope
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import ErrorCode, RequestError, Result
from orchestrator.application.services import Services
from orchestrator.application.survey import (
    Reading,
    exit_code_of,
    store_facts,
    store_fault,
)
from orchestrator.application.symptoms import WINDOW, by_process, samples_of
from orchestrator.domain.effect import OwnRecord, replacement
from orchestrator.domain.facts import (
    FactKind,
    FreshFacts,
)
from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Inventory, Server
from orchestrator.domain.symptom import (
    Comparison,
    Symptom,
    before_and_after,
    measure,
    worst,
)
from orchestrator.domain.verdict import FACT_LIMIT

MIN_INTERVAL = timedelta(seconds=5)  # a look takes a few requests
MAX_ROUNDS = 10_000

_WATCHED = (FactKind.SERVICE, FactKind.PROCESS)


@dataclass(frozen=True, slots=True)
class WatchedServer:
    """One server after a round."""

    server: str
    #: Of the process that is worst off.
    symptom: Symptom
    processes: tuple[Symptom, ...] = ()
    #: Each process before the files were replaced against after, where that is known.
    cures: tuple[Comparison, ...] = ()
    #: Why this round has no sample of it.
    fault: str = ""


@dataclass(frozen=True, slots=True)
class WatchReport:
    """The servers that are watched, by name, after a round."""

    article: str
    round: int
    rounds: int
    servers: tuple[WatchedServer, ...]


def watch(
    services: Services,
    selection: Selection,
    article: str | None,
    *,
    rounds: int,
    interval: timedelta,
) -> Iterator[Result[WatchReport]]:
    """Look at the processes that an article names, so often and so far apart.

    The article may be left out where the catalog has one.

    Yields after every round; what was seen is stored by then.

    Raises:
        RequestError: the number or distance of rounds is out of bounds.
    """
    _check(rounds, interval)
    with services.storage.begin() as uow:
        hotfix = (
            find_hotfix(uow, article)
            if article
            else only_hotfix(uow.catalog.hotfixes())
        )
        inventory = uow.inventory.load()
        servers = selected(uow, inventory, selection, services.clock.now())
    begun = services.clock.now()
    for number in range(1, rounds + 1):
        readings = _look(services, inventory, hotfix, servers)
        yield _report(services, hotfix, readings, number, rounds)
        if number < rounds:
            due = begun + interval * number
            left = (due - services.clock.now()).total_seconds()
            services.clock.sleep(max(0.0, left))


def _check(rounds: int, interval: timedelta) -> None:
    if not 1 <= rounds <= MAX_ROUNDS:
        message = f"found {rounds} samples, expected 1 to {MAX_ROUNDS}"
        raise RequestError(ErrorCode.BAD_INPUT, message)
    if interval < MIN_INTERVAL:
        message = f"found an interval of {interval}, expected at least {MIN_INTERVAL}"
        raise RequestError(ErrorCode.BAD_INPUT, message)


def _look(
    services: Services, inventory: Inventory, hotfix: Hotfix, servers: Sequence[Server]
) -> list[Reading]:
    services.progress.started(len(servers), "watch")
    readings = []
    for server, found in fan_out(
        servers,
        lambda server: _read(services, inventory, hotfix, server),
        Pacing(services.limits.survey_concurrency, services.progress),
    ):
        with services.storage.begin() as uow:
            _store(uow, found, services.clock.now())
        readings.append(found)
        services.progress.advanced(server.name)
    return sorted(readings, key=lambda found: found.server)


def _read(
    services: Services, inventory: Inventory, hotfix: Hotfix, server: Server
) -> Reading:
    """Processes only; the article's files and traces are a survey's."""
    scope = SurveyScope(
        services=hotfix.services,
        processes=hotfix.evidence_processes,
        inventory_product=server.product,
    )
    try:
        with reading(services, inventory, server) as reader:
            return Reading(server.name, reader.survey(scope))
    except HostFaultError as fault:
        return Reading(server.name, fault=fault)


def _store(uow: UnitOfWork, found: Reading, now: datetime) -> None:
    if found.fault is not None:
        store_fault(uow, found.server, found.fault, now)
        return
    # The rest is a survey's: rounds are many, and what is stored is recorded.
    watched = tuple(seen for seen in found.observations if seen.kind in _WATCHED)
    store_facts(uow, found.server, watched, now, sampled=True)
    uow.facts.put_samples(found.server, samples_of(watched))


def _report(
    services: Services,
    hotfix: Hotfix,
    readings: Sequence[Reading],
    number: int,
    rounds: int,
) -> Result[WatchReport]:
    now = services.clock.now()
    with services.storage.read() as uow:
        article = hotfix.article
        own = own_records(
            uow.runs.last_installs(article), uow.facts.first_seen(article)
        )
        servers = tuple(
            _watched(uow, hotfix, found, own.get(found.server, OwnRecord()), now)
            for found in readings
        )
    problems = tuple(problem_of(found.fault) for found in readings if found.fault)
    return Result(
        "watch",
        WatchReport(article, number, rounds, servers),
        exit_code=exit_code_of(problems),
        problems=problems,
    )


def _watched(
    uow: UnitOfWork, hotfix: Hotfix, found: Reading, own: OwnRecord, now: datetime
) -> WatchedServer:
    known = uow.facts.samples(since=now - WINDOW, server=found.server)
    apart = by_process(hotfix, known.get(found.server, ()))
    facts = FreshFacts(uow.facts.of(found.server), now, FACT_LIMIT)
    moment = replacement(hotfix.article, own, facts)
    cures = (
        before_and_after(samples, moment.earliest, moment.latest)
        for samples in apart.values()
        if moment.latest is not None
    )
    processes = tuple(measure(samples) for samples in apart.values())
    fault = found.fault.message if found.fault else ""
    return WatchedServer(found.server, worst(processes), processes, tuple(cures), fault)
