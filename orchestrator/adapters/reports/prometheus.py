"""An audit as Prometheus text, for the textfile collector of a node exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from orchestrator.adapters.reports.inert import inert
from orchestrator.application.audit import AuditReport
from orchestrator.domain.verdict import Verdict

_PREFIX: Final = "orchestrator_audit"


def write_prometheus(report: AuditReport, stream: TextIO) -> None:
    """Every metric, each with its help and type."""
    registry = CollectorRegistry()
    registry.register(_Audit(report))
    stream.write(generate_latest(registry).decode())


class _Audit:
    """Hands the metrics of one audit to the library."""

    def __init__(self, report: AuditReport) -> None:
        self._report = report
        self._article = inert(report.article)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every metric; every verdict has its count, so that alerts see zeros."""
        report = self._report
        yield self._one("time_seconds", "When it was judged, in Unix time.", self._at())
        yield self._one("lab", "1 if its data is the simulated estate's.", report.lab)
        waived = sum(line.waiver is not None for line in report.servers)
        yield self._one("waived_servers", "Servers with a waiver that holds.", waived)
        yield self._verdicts()
        yield self._servers()
        yield self._observed()

    def _at(self) -> float:
        return self._report.as_of.timestamp()

    def _one(self, name: str, text: str, value: float) -> GaugeMetricFamily:
        return self._family(name, text, (), [((), value)])

    def _verdicts(self) -> GaugeMetricFamily:
        found = Counter(
            (line.site, line.pool or "", line.verdict) for line in self._report.servers
        )
        places = sorted({(site, pool) for site, pool, _ in found}) or [("", "")]
        return self._family(
            "servers",
            "Servers by verdict, site and pool.",
            ("site", "pool", "verdict"),
            (
                ((site, pool, verdict.value), found[site, pool, verdict])
                for site, pool in places
                for verdict in Verdict
            ),
        )

    def _servers(self) -> GaugeMetricFamily:
        return self._family(
            "server_info",
            "Always 1; its labels are the server's verdict and place.",
            ("server", "site", "pool", "role", "verdict"),
            (
                (
                    (one.server, one.site, one.pool or "", one.role, one.verdict.value),
                    1,
                )
                for one in self._report.servers
            ),
        )

    def _observed(self) -> GaugeMetricFamily:
        return self._family(
            "server_observed_time_seconds",
            "When a server's newest fact was read, in Unix time.",
            ("server",),
            (
                ((line.server,), line.observed.timestamp())
                for line in self._report.servers
                if line.observed is not None
            ),
        )

    def _family(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        samples: Iterable[tuple[tuple[str, ...], float]],
    ) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{_PREFIX}_{name}", text, labels=("article", *labels)
        )
        for values, value in samples:
            family.add_metric((self._article, *map(inert, values)), float(value))
        return family
