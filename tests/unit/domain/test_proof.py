from __future__ import annotations

import pytest

from orchestrator.domain.case import Proof
from orchestrator.domain.effect import InEffect
from orchestrator.domain.exposure import Exposed
from orchestrator.domain.verdict import judge
from tests.unit.domain.case_words import case_of
from tests.unit.domain.values import DLL, NOW, hours_ago, system


def proof(words: str, fact: str) -> Proof | None:
    lines = judge(case_of(words)).proof
    return next((line for line in lines if line.fact == fact), None)


FILE = f"file {DLL}"
OS, PRODUCT, LOG = "operating-system", "product", "installer-log KB900001"
QFE, KEY = "trace KB900001/qfe-row", "trace KB900001/updates-key"
PRODUCTS = "lcs-2005-sp1 or lcs-2003"

LINES = [
    ("", OS, "5.2.3790 SP1", "5.2.3790 SP1", True),
    ("os=sp2", OS, "5.2.3790 SP2", "5.2.3790 SP1", False),
    ("os=win2000", OS, "5.0.2195 SP1", "5.2.3790 SP1", False),
    ("", PRODUCT, "lcs-2005-sp1", PRODUCTS, True),
    ("product=", PRODUCT, "none", PRODUCTS, False),
    ("product= hotfix=any-product", PRODUCT, "none", "any", True),
    ("", FILE, "5.2.3790.1830", "5.2.3790.2500 QFE or later", False),
    ("file=missing", FILE, "missing", "5.2.3790.2500 QFE or later", False),
    ("file=exact", FILE, "5.2.3790.2500 QFE", "5.2.3790.2500 QFE or later", True),
    ("file=later", FILE, "5.2.3790.2924", "5.2.3790.2500 QFE or later", False),
    ("file=later-gdr", FILE, "5.2.3790.2924 GDR", "5.2.3790.2500 QFE or later", False),
    ("", KEY, "absent", "-", False),
    ("trace=updates-key", KEY, "present", "-", True),
    ("trace=qfe-row", QFE, "present", "-", True),
    ("log=ok@-48h", LOG, "last run succeeded, 2006-08-30 12:00Z", "-", True),
    ("log=failed@-48h", LOG, "last run failed, 2006-08-30 12:00Z", "-", False),
    ("log=ok", LOG, "last run succeeded, no end", "-", True),
    ("own-says=yes", "own record", "installed", "-", True),
    ("", "exposure", "fe1 → peer1: SynAttackProtect is 1", "none", False),
    ("peer=none", "exposure", "opens MTLS to no peer", "none", True),
    (
        "peer=unlisted",
        "exposure",
        "unknown: peer1: not in the inventory",
        "none",
        False,
    ),
    (
        "peer=never",
        "exposure",
        "syn-protection of peer peer1: never read",
        "none",
        False,
    ),
    (
        "file=exact svc=gone",
        "in effect",
        "no process that counts runs",
        "started after replacement",
        True,
    ),
    (
        "file=exact own=-48h -svc",
        "in effect",
        "service RTCSRV: never read",
        "started after replacement",
        False,
    ),
    (
        "file=exact own=-48h",
        "in effect",
        "RTCSRV started before the files were replaced (our attempt's end)",
        "started after replacement",
        False,
    ),
]


@pytest.mark.parametrize(("words", "fact", "found", "expected", "holds"), LINES)
def test_a_line_of_proof_sets_found_against_expected(
    words: str, fact: str, found: str, expected: str, *, holds: bool
) -> None:
    line = proof(words, fact)
    assert line is not None
    assert (line.found, line.expected, line.holds) == (found, expected, holds)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("-os", OS),
        ("~os", OS),
        ("-product", PRODUCT),
        ("-os", FILE),
        ("-file", FILE),
        ("table=none", FILE),
        ("-updates-key", KEY),
        ("!updates-key", KEY),
        ("", LOG),
        ("-log", LOG),
        ("", "own record"),
        ("", "in effect"),
        ("table=none", "in effect"),
        ("file=later-gdr", "in effect"),
    ],
)
def test_what_is_not_known_or_does_not_count_proves_nothing(
    words: str, fact: str
) -> None:
    assert proof(words, fact) is None


def test_a_line_has_source_and_time_of_its_fact() -> None:
    for fact in (OS, PRODUCT, FILE, KEY):
        line = proof("@all", fact)
        assert line is not None
        assert (line.source, line.at) == ("test", hours_ago("-24h"))
    fresh = proof("", OS)
    assert fresh is not None
    assert fresh.at == NOW


def test_our_own_record_has_its_moment() -> None:
    line = proof("own=-48h", "own record")
    assert line is not None
    assert (line.source, line.at) == ("our journal", hours_ago("-48h"))


def test_a_disagreement_shows_every_side() -> None:
    lines = judge(case_of("trace=qfe-row log=ok@-48h own-says=yes")).proof
    sides = {line.fact: line.holds for line in lines}
    assert sides[QFE]
    assert sides[LOG]
    assert sides["own record"]
    assert not sides[FILE]
    assert not sides[KEY]


def test_a_judgement_carries_what_it_rests_on() -> None:
    found = judge(case_of("file=exact svc=gone"))
    assert found.server == "fe1"
    assert found.system == system()
    assert [each.path for each in found.files] == [DLL]
    assert isinstance(found.exposure, Exposed)
    assert found.effect == InEffect("no process that counts runs")


def test_a_judgement_without_facts_carries_none() -> None:
    found = judge(case_of("-all"))
    assert (found.system, found.files) == (None, ())


EXACT = [
    (
        "table=none",
        (
            "no file table for this platform and service pack; "
            "import one with catalog table"
        ),
    ),
    (
        "rename=target",
        (
            r"c:\windows\system32\schannel.dll is to be replaced when the computer "
            "restarts, expected no pending rename of it"
        ),
    ),
    (
        "",
        (
            f"{DLL}: 5.2.3790.1830 is older, expected 5.2.3790.2500 QFE; "
            "exposed by fe1 → peer1: SynAttackProtect is 1"
        ),
    ),
    (
        "trace=qfe-row",
        (
            f"qfe-row says installed, but {DLL}: 5.2.3790.1830 is older, "
            "expected 5.2.3790.2500 QFE"
        ),
    ),
]


@pytest.mark.parametrize(("words", "reason"), EXACT)
def test_a_reason_says_found_expected_and_what_to_do(words: str, reason: str) -> None:
    assert judge(case_of(words)).reason == reason
