from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.domain.exposure import (
    Shield,
    observed_shield,
    shield_of,
)
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FreshFacts,
    Observation,
    OperatingSystem,
    SynProtection,
    Unreadable,
)
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.server import (
    Protection,
)
from orchestrator.domain.verdict import FACT_LIMIT
from tests.unit.domain.values import NOW, system

ON, OFF, UNKNOWN = Protection.ON, Protection.OFF, Protection.UNKNOWN
X86, X64, IA64 = Platform.X86, Platform.X64, Platform.IA64
S2003, W2000, W2008 = "5.2.3790", "5.0.2195", "6.0.6001"

#: SynAttackProtect, service pack, platform, Windows, protection.
#: Sources: KB903927 (on by default from Service Pack 1), KB899599 and KB875417 (all
#: x64 editions), TechNet cc781167 (0 off, 1 on; the entry is not there by default).
RULE = [
    (None, 0, X86, S2003, OFF),
    (None, 1, X86, S2003, ON),
    (None, 2, X86, S2003, ON),
    (None, 0, X64, S2003, ON),
    (None, 1, X64, S2003, ON),
    (None, 2, X64, S2003, ON),
    (None, 0, IA64, S2003, ON),
    (None, 1, IA64, S2003, ON),
    (None, 4, X86, W2000, UNKNOWN),
    (None, 0, X86, W2000, UNKNOWN),
    (None, 1, X64, W2008, UNKNOWN),
    *[
        (value, service_pack, platform, windows, OFF if value == 0 else ON)
        for value in (0, 1, 2)
        for service_pack in (0, 1, 2)
        for platform in (X86, X64)
        for windows in (S2003, W2000, W2008)
    ],
]


@pytest.mark.parametrize(
    ("value", "service_pack", "platform", "windows", "state"), RULE
)
def test_the_value_decides_and_its_absence_by_the_sourced_rule(
    value: int | None,
    service_pack: int,
    platform: Platform,
    windows: str,
    state: Protection,
) -> None:
    host = system(version=windows, service_pack=service_pack, platform=platform)
    shield = shield_of(host, SynProtection(value))
    assert (shield.state, shield.lacking) == (state, None)
    assert observed("p", host, SynProtection(value)) == shield


def test_an_absent_value_is_told_from_a_zero() -> None:
    without = shield_of(system(service_pack=0), SynProtection(None))
    zero = shield_of(system(service_pack=0), SynProtection(0))
    assert without.why == "SynAttackProtect absent, off without SP1"
    assert zero.why == "SynAttackProtect is 0"


@pytest.mark.parametrize(
    ("service_pack", "version", "why"),
    [
        (1, S2003, "SynAttackProtect absent, on by default"),
        (1, W2008, "SynAttackProtect absent on Windows 6.0.6001"),
    ],
)
def test_the_reason_names_the_rule(service_pack: int, version: str, why: str) -> None:
    host = system(version=version, service_pack=service_pack)
    assert shield_of(host, SynProtection(None)).why == why


DENIED = Unreadable("access denied")
STALE = FACT_LIMIT + timedelta(seconds=1)


def observed(
    name: str,
    host: OperatingSystem | Unreadable | None,
    syn: SynProtection | Unreadable | None,
    *,
    host_age: timedelta = timedelta(),
    syn_age: timedelta = timedelta(),
) -> Shield:
    seen = []
    if host is not None:
        seen.append(
            Observation(FactKind.OPERATING_SYSTEM, host, "test", NOW - host_age)
        )
    if syn is not None:
        seen.append(Observation(FactKind.SYN_PROTECTION, syn, "test", NOW - syn_age))
    return observed_shield(name, FreshFacts(FactSet.of(seen), NOW, FACT_LIMIT))


def test_an_explicit_value_needs_no_knowledge_of_the_system() -> None:
    assert observed("p", None, SynProtection(1)).state is ON
    assert observed("p", DENIED, SynProtection(0)).state is OFF
    assert observed("p", system(), SynProtection(0), host_age=STALE).state is OFF


@pytest.mark.parametrize(
    ("host", "syn", "host_age", "syn_age", "fact", "why"),
    [
        (system(), None, 0, 0, "syn-protection", "never read"),
        (None, None, 0, 0, "syn-protection", "never read"),
        (system(), SynProtection(1), 0, 1, "syn-protection", "stale"),
        (system(), DENIED, 0, 1, "syn-protection", "stale"),
        (None, SynProtection(None), 0, 0, "operating-system", "never read"),
        (system(), SynProtection(None), 1, 0, "operating-system", "stale"),
        (DENIED, SynProtection(None), 1, 0, "operating-system", "stale"),
    ],
)
def test_what_a_survey_would_bring_lacks(
    host: OperatingSystem | Unreadable | None,
    syn: SynProtection | Unreadable | None,
    *,
    host_age: int,
    syn_age: int,
    fact: str,
    why: str,
) -> None:
    shield = observed(
        "peer9", host, syn, host_age=STALE * host_age, syn_age=STALE * syn_age
    )
    assert shield.state is UNKNOWN
    assert not shield.unknown
    assert shield.lacking is not None
    assert shield.lacking.fact == f"{fact} of peer peer9"
    assert shield.lacking.why.startswith(why)


@pytest.mark.parametrize(
    ("host", "syn", "why"),
    [
        (system(), DENIED, "syn-protection: unreadable, access denied"),
        (None, DENIED, "syn-protection: unreadable, access denied"),
        (DENIED, SynProtection(None), "operating-system: unreadable, access denied"),
    ],
)
def test_what_a_host_will_not_give_nobody_can_read(
    host: OperatingSystem | Unreadable | None,
    syn: SynProtection | Unreadable,
    why: str,
) -> None:
    assert observed("p", host, syn) == Shield(UNKNOWN, why)
    assert Shield(UNKNOWN, why).unknown
