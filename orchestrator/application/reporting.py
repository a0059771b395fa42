"""Reports: an audit with its surroundings, for a file that others read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Protocol, TextIO

from orchestrator.application.apply import RunReport
from orchestrator.application.apply import report as report_of_run
from orchestrator.application.audit import AuditReport
from orchestrator.application.judging import Estate, find_hotfix, load_estate
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.services import Services
from orchestrator.application.symptoms import WINDOW, by_process
from orchestrator.domain.effect import OwnRecord, replacement
from orchestrator.domain.exposure import Stop
from orchestrator.domain.facts import FreshFacts
from orchestrator.domain.server import Inventory, Protection
from orchestrator.domain.symptom import Comparison, Leak, before_and_after

#: Processes whose leak is compared before against after; one that was watched for
#: long costs most of a second.
MAX_COMPARED = 100

_MEASURED = frozenset({Leak.LEAKING, Leak.NOT_LEAKING})


class ReportFormat(StrEnum):
    """What a report is written as."""

    CSV = "csv"
    HTML = "html"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class ExposureLink:
    """Servers of a pool, or one server, that open MTLS to a group of peers."""

    #: A pool's name, or that of a server in none.
    opener: str
    #: Likewise, an outside peer, or ``firewall NAME``.
    stop: str
    #: The worst of it: on before unknown before off.
    protection: Protection
    #: Why, of one of them.
    why: str
    #: How many pairs of server and peer this stands for.
    pairs: int


@dataclass(frozen=True, slots=True)
class LeakCompared:
    """A process of a server before the files were replaced against after."""

    server: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a report shows beside the verdicts; each may be missing."""

    run: RunReport | None = None
    links: tuple[ExposureLink, ...] = ()
    leaks: tuple[LeakCompared, ...] = ()


class ReportWriter(Protocol):
    """Writes a report; text from outside is inert in whatever it writes."""

    def __call__(
        self,
        report: AuditReport,
        around: Surroundings,
        written_as: ReportFormat,
        stream: TextIO,
    ) -> None:
        """Write piece by piece, with the line ends that the format wants.

        Args:
            report: the audit.
            around: shown where the format has a place for it.
            written_as: the format.
            stream: text, opened with ``newline=""`` and as UTF-8.
        """


def surroundings(services: Services, report: AuditReport) -> Surroundings:
    """What belongs beside an audit: its newest run, exposure and leaks."""
    with services.storage.read() as uow:
        run = _newest_run(uow, report.article)
        names = {line.server for line in report.servers}
        hotfix = find_hotfix(uow, report.article)
        estate = load_estate(uow, hotfix, report.as_of)
        leaks = tuple(islice(_leaks(uow, estate, names), MAX_COMPARED))
    return Surroundings(
        run=report_of_run(services, run).data if run else None,
        links=exposure_links(estate, names),
        leaks=leaks,
    )


def _newest_run(uow: UnitOfWork, article: str) -> str | None:
    for run in uow.runs.all():
        stored = uow.plans.find(run.plan)
        if stored is not None and stored.plan.article == article:
            return run.name
    return None


def _leaks(uow: UnitOfWork, estate: Estate, names: set[str]) -> Iterable[LeakCompared]:
    watched = uow.facts.samples(since=estate.now - WINDOW)
    for server in sorted(watched.keys() & names):
        facts = FreshFacts(
            estate.facts_of(server), estate.now, estate.judging.fact_limit
        )
        own = estate.own.get(server, OwnRecord())
        moment = replacement(estate.hotfix.article, own, facts)
        for samples in by_process(estate.hotfix, watched[server]).values():
            found = before_and_after(samples, moment.earliest, moment.latest)
            if {found.before.leak, found.after.leak} & _MEASURED:
                yield LeakCompared(server, found)


_WORST_FIRST = (Protection.ON, Protection.UNKNOWN, Protection.OFF)


def exposure_links(estate: Estate, names: set[str]) -> tuple[ExposureLink, ...]:
    """Who opens MTLS to whom and what it meets, pool by pool; the worst first."""
    found: dict[tuple[str, str], list[Stop]] = defaultdict(list)
    inventory = estate.inventory
    for server in inventory.active():
        if server.name in names:
            for stop in estate.stops(server):
                found[_group(inventory, server.name), _end(inventory, stop)].append(
                    stop
                )
    links = [_link(opener, end, stops) for (opener, end), stops in found.items()]
    return tuple(
        sorted(
            links,
            key=lambda link: (
                _WORST_FIRST.index(link.protection),
                link.opener,
                link.stop,
            ),
        )
    )


def _link(opener: str, end: str, stops: list[Stop]) -> ExposureLink:
    worst = min(stops, key=lambda stop: _WORST_FIRST.index(stop.shield.state))
    return ExposureLink(opener, end, worst.shield.state, worst.shield.why, len(stops))


def _group(inventory: Inventory, name: str) -> str:
    known = inventory.servers.get(name)
    return known.pool if known and known.pool else name


def _end(inventory: Inventory, stop: Stop) -> str:
    if stop.firewall is not None:
        return f"firewall {stop.firewall}"
    return _group(inventory, stop.peer)
