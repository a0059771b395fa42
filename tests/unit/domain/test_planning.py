from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.domain.drift import drift
from orchestrator.domain.exposure import AssumedPeers
from orchestrator.domain.facts import Fingerprint
from orchestrator.domain.files import FileFinding, FileVerdict
from orchestrator.domain.planning import (
    Activation,
    Basis,
    Candidate,
    Plan,
    PlanPolicy,
    Scope,
    basis_of,
    choose_action,
    seal,
)
from orchestrator.domain.remediation import Action
from orchestrator.domain.server import Role
from orchestrator.domain.verdict import Judgement, Verdict, judge
from orchestrator.domain.version import Branch
from tests.unit.domain.candidates import AFFECTED, candidate, judgement, plan
from tests.unit.domain.case_words import case_of
from tests.unit.domain.values import DLL, package, server, system

APPLICABLE = PlanPolicy(scope=Scope.APPLICABLE)
ACTIVATING = PlanPolicy(activation=Activation.RESTART_SERVICE)
EVERYTHING = PlanPolicy(Scope.APPLICABLE, Activation.RESTART_SERVICE)

#: Words of a case, and its action under each policy.
ACTIONS = [
    ("", "install", "install", "install"),
    ("peer=off", None, "install", None),
    ("peer=external-unknown", None, "install", None),
    ("peer=off symptom=leaking", None, "install", None),
    ("file=later-gdr", None, "install", None),
    ("file=later-gdr peer=off", None, "install", None),
    ("peer=off package=none", None, None, None),
    ("peer=off space=0", None, None, None),
    ("peer=off -space", None, None, None),
    ("table=none", None, None, None),
    ("table=none peer=off", None, None, None),
    ("file=exact own=-48h", None, None, "activate"),
    ("file=exact own=-48h peer=off", None, None, "activate"),
    ("file=exact", None, None, "activate"),
    ("file=exact peer=off", None, None, None),
    ("file=exact own=-300h", None, None, None),
    ("package=none", None, None, None),
    ("trace=qfe-row", None, None, None),
    ("os=sp2", None, None, None),
    ("-os", None, None, None),
    ("peer=never", None, None, None),
]


@pytest.mark.parametrize(("words", "affected", "applicable", "activating"), ACTIONS)
def test_a_verdict_has_its_action_under_a_policy(
    words: str, affected: str | None, applicable: str | None, activating: str | None
) -> None:
    judgement = judge(case_of(words))
    found = [
        choose_action(judgement, policy).action
        for policy in (AFFECTED, APPLICABLE, ACTIVATING)
    ]
    assert found == [affected, applicable, activating]


def test_every_choice_has_a_reason() -> None:
    for words, *_ in ACTIONS:
        assert choose_action(judge(case_of(words)), AFFECTED).reason


def test_an_exclusion_says_how_to_include_it() -> None:
    choice = choose_action(judge(case_of("file=exact own=-48h")), AFFECTED)
    assert "make the plan with --activate restart-service" in choice.reason
    chosen = choose_action(judge(case_of("peer=off")), APPLICABLE)
    assert chosen.reason.endswith("; --policy applicable")


def names(made: Plan) -> list[list[str]]:
    return [[planned.server for planned in wave.servers] for wave in made.waves]


# Waves.


def many(count: int) -> list[Candidate]:
    return [candidate(f"s{number:05}") for number in range(count)]


@pytest.mark.parametrize(
    ("count", "growth", "sizes"),
    [
        (0, (1, 0.05, 0.25), []),
        (1, (1, 0.05, 0.25), [1]),
        (2, (1, 0.05, 0.25), [1, 1]),
        (3, (1, 0.05, 0.25), [1, 1, 1]),
        (24, (1, 0.05, 0.25), [1, 2, 6, 15]),
        (100, (1, 0.05, 0.25), [1, 5, 25, 69]),
        (100, (0.07,), [7, 93]),
        (100, (), [100]),
        (10, (3,), [3, 7]),
        (10, (3, 3, 3, 3, 3), [3, 3, 3, 1]),
        (10, (0.999,), [10]),
        (10, (1.0,), [1, 9]),
        (10, (0,), [1, 9]),
        (10, (20,), [10]),
    ],
)
def test_waves_grow_by_counts_and_shares_of_the_plan(
    count: int, growth: tuple[float, ...], sizes: list[int]
) -> None:
    made = plan(many(count), PlanPolicy(growth=growth))
    assert [len(wave.servers) for wave in made.waves] == sizes
    assert [wave.number for wave in made.waves] == list(range(1, len(sizes) + 1))


def test_one_of_each_site_and_role_leads() -> None:
    made = plan(
        [
            candidate("a", site="oslo"),
            candidate("b", site="oslo"),
            candidate("c", site="bergen"),
            candidate("d", site="bergen", role=Role.PROXY),
            candidate("e", site="bergen", role=Role.PROXY),
        ],
        PlanPolicy(growth=()),
    )
    assert names(made) == [["a", "c", "d", "b", "e"]]


def test_the_fastest_leak_goes_first_and_leads_its_site() -> None:
    made = plan(
        [
            candidate("a", leak=1.0),
            candidate("b", leak=9.0),
            candidate("c", site="bergen", leak=5.0),
            candidate("d", leak=3.0),
        ],
        PlanPolicy(growth=()),
    )
    assert names(made) == [["b", "c", "d", "a"]]


def test_the_exposed_go_before_the_unexposed_and_a_leak_before_both() -> None:
    made = plan(
        [
            candidate("leader"),
            candidate("a", "peer=off"),
            candidate("b"),
            candidate("c", "peer=off"),
            candidate("d", "peer=off", leak=1.0),
        ],
        PlanPolicy(scope=Scope.APPLICABLE, growth=()),
    )
    assert names(made) == [["d", "b", "leader", "a", "c"]]


def test_what_a_rollback_restores_is_part_of_the_digest() -> None:
    made = plan([candidate("a")])
    entry = made.waves[0].servers[0]

    def restoring(sha256: str) -> Plan:
        before = Fingerprint(exists=True, sha256=sha256)
        changed = replace(entry, restores={DLL: before})
        return seal(replace(made, waves=(replace(made.waves[0], servers=(changed,)),)))

    digests = {made.digest, restoring("a" * 64).digest, restoring("b" * 64).digest}
    assert len(digests) == 3


def test_a_plan_names_the_limits_of_the_pools_it_touches() -> None:
    made = plan(
        [
            candidate("a", pool="p"),
            candidate("b", pool="strange"),
            candidate("c", "os=sp2", pool="q"),
            candidate("d"),
        ],
        limit=3,
    )
    assert made.pool_limits == {"p": 3, "strange": 1}


def test_only_an_installation_needs_the_package() -> None:
    made = plan([candidate("a"), candidate("b", "file=exact own=-48h")], EVERYTHING)
    by_name = {planned.server: planned for planned in made.servers()}
    assert by_name["a"].basis.package_sha256 == "ab" * 32
    assert by_name["b"].basis.package_sha256 is None
    assert by_name["b"].action is Action.ACTIVATE


def test_every_exclusion_has_verdict_and_reason() -> None:
    made = plan([candidate("a", "os=sp2"), candidate("b", "package=none")])
    assert [(gone.server, gone.verdict) for gone in made.excluded] == [
        ("a", Verdict.NOT_APPLICABLE),
        ("b", Verdict.BLOCKED),
    ]
    assert all(gone.reason for gone in made.excluded)
    assert made.waves == ()


words = st.sampled_from([line[0] for line in ACTIONS])
candidates = st.lists(
    st.tuples(
        words,
        st.sampled_from(["oslo", "bergen"]),
        st.sampled_from(Role),
        st.none() | st.sampled_from(["p", "q"]),
        st.floats(0, 1e9),
    ),
    max_size=12,
).map(
    lambda drawn: [
        candidate(f"s{number}", said, site=site, role=role, pool=pool, leak=leak)
        for number, (said, site, role, pool, leak) in enumerate(drawn)
    ]
)
policies = st.builds(
    PlanPolicy,
    st.sampled_from(Scope),
    st.sampled_from(Activation),
    st.none() | st.sampled_from(AssumedPeers),
    st.lists(st.integers(1, 5) | st.floats(0.01, 0.99), max_size=4).map(tuple),
)


@settings(max_examples=50)
@given(candidates, policies, st.randoms(use_true_random=False))
def test_what_holds_for_every_plan(
    found: list[Candidate], policy: PlanPolicy, chance: random.Random
) -> None:
    made = plan(found, policy)
    planned = [each.server for each in made.servers()]
    excluded = [gone.server for gone in made.excluded]
    assert sorted(planned + excluded) == sorted(each.server.name for each in found)
    assert all(wave.servers for wave in made.waves)
    assert [wave.number for wave in made.waves] == [
        number + 1 for number in range(len(made.waves))
    ]
    for each in made.servers():
        assert each.basis.verdict not in (
            Verdict.COMPLIANT,
            Verdict.CONTRADICTED,
            Verdict.UNKNOWN,
            Verdict.NOT_APPLICABLE,
            Verdict.BLOCKED,
        )
    chance.shuffle(found)
    assert plan(found, policy) == made
    assert seal(made) == made


@given(candidates)
@settings(max_examples=30)
def test_leaders_of_a_site_and_role_come_before_all_others(
    found: list[Candidate],
) -> None:
    kinds = {each.server.name: (each.server.site, each.server.role) for each in found}
    order = [kinds[each.server] for each in plan(found, EVERYTHING).servers()]
    leaders = len(set(order))
    assert len(set(order[:leaders])) == leaders


@pytest.mark.slow
def test_ten_thousand_servers_are_planned_in_two_seconds() -> None:
    found = [
        candidate(f"s{number:05}", site=f"site{number % 20}", pool=f"p{number // 8}")
        for number in range(100)
    ]
    servers = [
        replace(each, server=replace(each.server, name=f"{each.server.name}-{copy}"))
        for each in found
        for copy in range(100)
    ]
    begun = time.perf_counter()
    made = plan(servers)
    assert time.perf_counter() - begun < 2
    assert len(made.servers()) == 10_000


# Drift.


THEN = Basis(
    verdict=Verdict.NEEDED,
    platform="x86",
    service_pack=1,
    language="ENU",
    files={DLL: "5.2.3790.1830"},
    package_sha256="ab" * 32,
)
DRIFTS = [
    (THEN, None),
    (
        replace(THEN, verdict=Verdict.COMPLIANT),
        "verdict was needed in the plan, found compliant",
    ),
    (replace(THEN, platform="x64"), "platform was x86 in the plan, found x64"),
    (replace(THEN, service_pack=2), "service pack was 1 in the plan, found 2"),
    (replace(THEN, language="DEU"), "language was ENU in the plan, found DEU"),
    (
        replace(THEN, package_sha256=None),
        f"package was {'ab' * 32} in the plan, found None",
    ),
    (
        replace(THEN, files={DLL: "5.2.3790.1900"}),
        f"{DLL} was 5.2.3790.1830 in the plan, found 5.2.3790.1900",
    ),
    (replace(THEN, files={DLL: "missing"}), f"{DLL} was 5.2.3790.1830 in the plan"),
    (replace(THEN, files={}), f"{DLL} was 5.2.3790.1830 in the plan, found None"),
    (
        replace(THEN, files={**THEN.files, "c:\\x": "1.0.0.0"}),
        "c:\\x was None in the plan, found 1.0.0.0",
    ),
]


@pytest.mark.parametrize(("now", "reason"), DRIFTS)
def test_drift_says_what_changed(now: Basis, reason: str | None) -> None:
    planned = replace(plan([candidate("a")]).servers()[0], basis=THEN)
    found = drift(planned, now)
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(reason)


def test_a_server_that_did_not_change_has_not_drifted() -> None:
    for words, *_ in ACTIONS:
        then = judgement("a", words)
        for planned in plan([Candidate(server("a"), then, package())]).servers():
            assert drift(planned, basis_of(judgement("a", words), package())) is None


def test_a_branch_that_is_read_later_is_no_drift() -> None:
    def basis(branch: Branch | None) -> Basis:
        finding = FileFinding(DLL, FileVerdict.TOO_OLD, None, branch, "", "")
        return basis_of(
            Judgement("a", Verdict.NEEDED, "", system=system(), files=(finding,)), None
        )

    assert basis(None) == basis(Branch.GDR)


def test_a_judgement_without_a_system_has_a_basis() -> None:
    found = basis_of(judgement("a", "-os"), None)
    assert (found.platform, found.service_pack, found.language) == ("", -1, None)


def test_a_missing_file_is_told_from_a_version() -> None:
    assert basis_of(judgement("a", "file=missing"), None).files == {DLL: "missing"}
    assert basis_of(judgement("a"), None).files == {DLL: "5.2.3790.1830"}
