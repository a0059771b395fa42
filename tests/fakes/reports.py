"""Audits to report on, small and large, plain and hostile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.application.apply import OutcomeLine, RunReport
from orchestrator.application.audit import (
    AuditedServer,
    AuditReport,
    WaiverLine,
    tally,
)
from orchestrator.application.reporting import (
    ExposureLink,
    LeakCompared,
    Surroundings,
)
from orchestrator.domain.compliance import Judged, compliance_of
from orchestrator.domain.remediation import Action, AttemptState, Outcome
from orchestrator.domain.rollout import RunState
from orchestrator.domain.server import Protection
from orchestrator.domain.symptom import Comparison, Cure, Leak, Symptom
from orchestrator.domain.verdict import Proof, Verdict

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
MIB = 1024.0 * 1024.0

#: Names that are markup, quotes, formulas, control characters, and turn direction.
HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=document.title='owned'>",
    "</script><script>document.title='owned'</script>",
    "{{ 7 * 7 }}",
    "'\" onmouseover=document.title='owned' x='",
    '=HYPERLINK("http://example.invalid","click")',
    "+1+1",
    "-2+3;=1+1",
    "@SUM(1;=2)",
    "\t=1+1",
    "a\r\nb",
    "nul\x00bell\x07escape\x1b[31m",
    "abc\u202egnp.exe",
    "\u05d0\u05d1\u05d2 rtl",
    "iso\u2066late\u2069",
    "line\u2028separator",
    "\uff1dcmd",
    "&amp; &lt;b&gt;",
)

_CYCLE = (
    Verdict.COMPLIANT,
    Verdict.NEEDED,
    Verdict.COMPLIANT,
    Verdict.BLOCKED,
    Verdict.NOT_AFFECTED,
    Verdict.INSTALLED_NOT_ACTIVE,
    Verdict.UNKNOWN,
    Verdict.COMPLIANT,
    Verdict.CONTRADICTED,
    Verdict.NOT_APPLICABLE,
    Verdict.INDETERMINATE,
    Verdict.NEEDED,
)
_FILES = ("schannel.dll", "ksecdd.sys", "lsasrv.dll", "secur32.dll")


def proof_of(number: int, at: datetime) -> tuple[Proof, ...]:
    """A proof as long as a real one."""
    right = number % 3 == 0
    version = f"5.2.3790.{2600 if right else 1830} QFE"
    return (
        Proof("operating-system", "5.2.3790 SP1", "5.2.3790 SP1", True, "WMI", at),
        Proof("product", "lcs-2005-sp1", "lcs-2005-sp1", True, "WMI", at),
        *(
            Proof(
                rf"file c:\windows\system32\{name}",
                version,
                "5.2.3790.2600 or later",
                right,
                "CIM_DataFile",
                at,
            )
            for name in _FILES
        ),
        *(
            Proof(f"trace KB903927/{trace}", "present", "-", right, "StdRegProv", at)
            for trace in ("updates-key", "hotfix-key", "uninstall-key", "qfe-row")
        ),
        Proof("exposure", f"lcs{number} → ap{number % 7}: value is 1", "none", False),
    )


def audited(number: int, name: str = "") -> AuditedServer:
    """A server with everything that a line can have."""
    verdict = _CYCLE[number % len(_CYCLE)]
    age = 60 + number * 977 % 90_000
    seen = NOW - timedelta(seconds=age)
    known = verdict is not Verdict.UNKNOWN
    waived = number % 40 == 3
    return AuditedServer(
        server=name or f"lcs{number:05d}",
        site=f"site-{number % 3 + 1}",
        pool=f"pool-{number // 8 + 1:03d}" if number % 9 else None,
        role="front-end" if number % 4 else "access-proxy",
        product="lcs-2005-sp1",
        edition="enterprise" if number % 2 else "",
        verdict=verdict,
        reason=f"schannel.dll of lcs{number:05d} is what it is; exposed by ap{number}",
        observed=seen if known else None,
        age_seconds=age if known else None,
        evidence=proof_of(number, seen) if known else (),
        waiver=WaiverLine("A. Manager", NOW + timedelta(days=90), "retires in spring")
        if waived
        else None,
        contact="" if known else "no answer within 3 s",
    )


def report_of(*servers: AuditedServer, lab: bool = False) -> AuditReport:
    """An audit of these servers, its totals as the use case makes them."""

    def by(key: str, none: str = "(none)") -> Mapping[str, Mapping[str, int]]:
        names = sorted({getattr(one, key) or none for one in servers})
        return {
            name: tally(one for one in servers if (getattr(one, key) or none) == name)
            for name in names
        }

    return AuditReport(
        article="KB903927",
        as_of=NOW,
        summary=tally(servers),
        by_pool=by("pool"),
        by_site=by("site"),
        by_role=by("role"),
        by_edition=by("edition"),
        servers=servers,
        compliance=compliance_of(history_of([one.server for one in servers]), NOW),
        lab=lab,
    )


def estate_of(count: int, *, lab: bool = False) -> AuditReport:
    """An audit of so many servers."""
    return report_of(*(audited(number) for number in range(count)), lab=lab)


def hostile_report() -> AuditReport:
    """Every field that comes from outside is hostile, in every server another way."""
    return report_of(
        *(
            replace(
                audited(number, f"{name} {number}"),
                site=name,
                pool=name,
                role=name,
                product=name,
                edition=name,
                reason=name,
                contact=name,
                evidence=(Proof(name, name, name, False, name, NOW),),
                waiver=WaiverLine(name, NOW, name),
            )
            for number, name in enumerate(HOSTILE)
        )
    )


def surroundings_of(report: AuditReport, names: tuple[str, ...] = ()) -> Surroundings:
    """A run, a history, exposure and leaks that fit an audit."""
    servers = [line.server for line in report.servers]
    ends = names or ("pool-001", "ap1", "federation.example", "pool-002")
    return Surroundings(
        run=run_of(servers, ends[0]),
        links=tuple(
            ExposureLink(
                ends[number % len(ends)],
                f"firewall {ends[(number + 1) % len(ends)]}"
                if number % 3
                else ends[(number + 2) % len(ends)],
                tuple(Protection)[number % 3],
                f"SynAttackProtect is {ends[0]}",
                number + 1,
            )
            for number in range(8)
        ),
        leaks=tuple(leak_of(name, number) for number, name in enumerate(servers[:5])),
    )


def run_of(servers: list[str], reason: str) -> RunReport:
    """A run in which the fourth wave was stopped."""
    outcomes = tuple(
        OutcomeLine(
            name,
            min(number // 5 + 1, 4),
            Action.INSTALL,
            outcome,
            AttemptState.SETTLED if outcome else AttemptState.READY,
            "",
            (),
        )
        for number, name in enumerate(servers)
        for outcome in [None if number >= 18 else tuple(Outcome)[number * 5 % 14 // 4]]
    )
    return RunReport(
        run="run-7",
        plan="0123456789ab",
        article="KB903927",
        state=RunState.STOPPED,
        reason=f"a budget was used up: {reason}",
        started=NOW - timedelta(hours=3),
        finished=None,
        account="operator",
        summary=Counter(),
        outcomes=outcomes,
        evidence_heads={},
    )


def history_of(servers: list[str]) -> list[Judged]:
    """Ten days on which one server after another is settled, and one drifts."""
    days = [NOW - timedelta(days=10 - day) for day in range(10)]
    history = []
    for day, at in enumerate(days):
        for number, name in enumerate(servers):
            settled = number * 14 < day * len(servers)
            verdict = Verdict.COMPLIANT if settled else Verdict.NEEDED
            if day == 9 and number == 0:
                verdict = Verdict.CONTRADICTED
            history.append(Judged(at, name, verdict))
    return history


def leak_of(server: str, number: int) -> LeakCompared:
    """A leak that the fix cured."""
    slope = (number + 2) * 3 * MIB
    before = Symptom(
        Leak.LEAKING, slope, slope * 0.8, slope * 1.3, samples=50, process="RTCSRV"
    )
    after = Symptom(
        Leak.NOT_LEAKING, 0.1 * MIB, 0, 0.4 * MIB, samples=50, process="RTCSRV"
    )
    return LeakCompared(server, Comparison(Cure.CURED, before, after, 0.9))
