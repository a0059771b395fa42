"""Every kind of result: the type of its data, and how a table of it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from orchestrator.application.apply import RunList, RunReport
from orchestrator.application.audit import AuditReport
from orchestrator.application.catalog import CatalogEntry, CatalogList
from orchestrator.application.credentials import (
    CredentialCheck,
    CredentialKept,
    CredentialList,
)
from orchestrator.application.doctor import DoctorReport
from orchestrator.application.dry_run import DryRunReport
from orchestrator.application.estate import AnsibleView, InventoryChange, ServerList
from orchestrator.application.evidence import EvidenceCheck, EvidenceExport
from orchestrator.application.explain import Explanation, History
from orchestrator.application.plans import PlanList, PlanReport
from orchestrator.application.retention import Retention
from orchestrator.application.rollout.worker import WorkerReport
from orchestrator.application.survey import SurveyReport
from orchestrator.application.watching import WatchReport
from orchestrator.cli.render import (
    audit,
    catalog,
    evidence,
    memory,
    other,
    plans,
    server,
)
from orchestrator.cli.reports import DemoReport, LabReport
from orchestrator.domain.server import Server
from orchestrator.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class Kind:
    """What an envelope of this kind holds."""

    data: type
    draw: Callable[[Any], Iterable[RenderableType]]


KINDS: Mapping[str, Kind] = {
    "catalog": Kind(CatalogEntry, catalog.entry),
    "catalog-list": Kind(CatalogList, catalog.catalog),
    "inventory-change": Kind(InventoryChange, catalog.change),
    "inventory": Kind(ServerList, catalog.servers),
    "server": Kind(Server, catalog.server),
    "ansible-inventory": Kind(AnsibleView, other.ansible),
    "credential": Kind(CredentialKept, catalog.kept),
    "credential-list": Kind(CredentialList, catalog.credentials),
    "credential-check": Kind(CredentialCheck, catalog.checked),
    "survey": Kind(SurveyReport, audit.survey),
    "watch": Kind(WatchReport, memory.watched),
    "audit": Kind(AuditReport, audit.audit),
    "plan": Kind(PlanReport, plans.plan),
    "approval": Kind(PlanReport, plans.approval),
    "plan-list": Kind(PlanList, plans.plans),
    "apply": Kind(RunReport, plans.run),
    "dry-run": Kind(DryRunReport, plans.dry_run),
    "status": Kind(RunReport, plans.run),
    "run-list": Kind(RunList, plans.runs),
    "explanation": Kind(Explanation, server.explanation),
    "history": Kind(History, server.history),
    "evidence-export": Kind(EvidenceExport, evidence.export),
    "evidence-check": Kind(EvidenceCheck, evidence.check),
    "evidence-prune": Kind(Retention, evidence.pruned),
    "waiver": Kind(Waiver, audit.waiver),
    "doctor": Kind(DoctorReport, other.doctor),
    "worker": Kind(WorkerReport, other.worker),
    "lab": Kind(LabReport, other.lab),
    "demo": Kind(DemoReport, other.demo),
}
