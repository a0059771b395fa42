"""What holds for every case, whatever was observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.domain.effect import OwnRecord
from orchestrator.domain.exposure import (
    Exposed,
    ExposureLacking,
    ExposureUnknown,
    NotExposed,
)
from orchestrator.domain.facts import (
    FactSet,
    FactValue,
    FileState,
    FreeSpace,
    InstallerLog,
    Lacking,
    Observation,
    OperatingSystem,
    PendingRename,
    PendingRenames,
    Product,
    TraceName,
    TraceState,
    Unreadable,
)
from orchestrator.domain.hotfix import NoPackage, Platform
from orchestrator.domain.symptom import Leak, Symptom
from orchestrator.domain.verdict import Case, Verdict, judge
from orchestrator.domain.version import Branch, FileVersion
from tests.unit.domain.case_words import FACTS
from tests.unit.domain.values import (
    DLL,
    HOTFIX,
    NOW,
    WOW,
    package,
    row,
    server,
    service,
    system,
    table,
)

moments = st.integers(-400, 0).map(lambda hours: NOW + timedelta(hours=hours))
maybe_moments = st.none() | moments
versions = st.builds(
    FileVersion,
    st.just(5),
    st.just(2),
    st.just(3790),
    st.sampled_from([990, 1830, 2400, 2499, 2500, 2501, 2600, 2924, 3959]),
)
files = st.one_of(
    st.just(FileState(exists=False)),
    st.builds(
        FileState,
        st.just(True),
        st.none() | versions,
        size=st.none() | st.sampled_from([1, 2]),
        branch=st.none() | st.sampled_from(Branch),
    ),
)
systems = st.builds(
    system,
    version=st.sampled_from(["5.2.3790", "5.0.2195"]),
    service_pack=st.integers(0, 2),
    platform=st.sampled_from(Platform),
    language=st.none() | st.just("ENU"),
    boot_time=moments,
)
paths = st.sampled_from(["", r"\??\C:\WINDOWS\system32\schannel.dll", "!", "x"])
values: dict[str, st.SearchStrategy[FactValue]] = {
    "os": systems,
    "product": st.builds(Product, st.none() | st.sampled_from(["lcs-2003", "other"])),
    "file": files,
    "file2": files,
    "log": st.builds(
        InstallerLog,
        st.booleans(),
        maybe_moments,
        maybe_moments,
        st.none() | st.booleans(),
    ),
    "renames": st.builds(
        PendingRenames, st.lists(st.builds(PendingRename, paths, paths)).map(tuple)
    ),
    "space": st.builds(FreeSpace, st.sampled_from([0, 49_999_999, 50_000_000])),
    "svc": st.builds(
        service, st.sampled_from(["Running", "Stopped", "Paused", ""]), maybe_moments
    ),
    **{
        trace.value: st.builds(TraceState, st.booleans(), st.just(""), maybe_moments)
        for trace in TraceName
    },
}


@st.composite
def observations(draw: st.DrawFn, name: str) -> Observation:
    kind, subject = FACTS[name]
    unreadable = st.builds(Unreadable, st.just("access denied"))
    value = draw(values[name] | unreadable)
    return Observation(kind, value, "test", draw(moments), subject)


fact_lists = st.lists(
    st.sampled_from(sorted(values)).flatmap(observations), max_size=30
)
tables = st.none() | st.lists(
    st.builds(
        row,
        st.sampled_from(["5.2.3790.2400", "5.2.3790.2500", "5.2.3790.2600"]),
        st.sampled_from(Branch),
        platform=st.sampled_from(Platform),
        path=st.sampled_from([DLL, WOW]),
        service_pack=st.none() | st.integers(0, 2),
        size=st.none() | st.sampled_from([1, 2]),
    ),
    max_size=4,
).map(lambda rows: table(*rows))
hotfixes = st.builds(
    lambda found, restart, products: replace(
        HOTFIX, file_table=found, restart_required=restart, products=products
    ),
    tables,
    st.booleans(),
    st.sampled_from([(), ("lcs-2003",)]),
)
exposures = st.sampled_from(
    [
        Exposed("a → b"),
        NotExposed("none"),
        ExposureUnknown("who knows"),
        ExposureLacking((Lacking("syn-protection of peer b", "never read"),)),
    ]
)
owns = st.builds(OwnRecord, maybe_moments, st.booleans(), maybe_moments, maybe_moments)
cases = st.builds(
    Case,
    hotfix=hotfixes,
    server=st.just(server()),
    facts=fact_lists.map(FactSet.of),
    exposure=exposures,
    package=st.sampled_from([package(), NoPackage("none")]),
    now=st.just(NOW),
    own=owns,
    symptom=st.builds(Symptom, st.sampled_from(Leak)),
    fact_limit=st.sampled_from([timedelta(hours=24), timedelta(hours=300)]),
)

#: Mostly right, so that the late rules are reached too.
right_files: dict[str, st.SearchStrategy[FactValue]] = {
    "os": st.just(system()),
    "product": st.just(Product("lcs-2003")),
    **{
        name: st.just(FileState(True, FileVersion(5, 2, 3790, 2500)))
        for name in ("file", "file2")
    },
}


@st.composite
def installed_cases(draw: st.DrawFn) -> Case:
    """Every file right and every fact fresh, unless the test spoils it."""
    seen = [
        Observation(FACTS[name][0], draw(value), "test", NOW, FACTS[name][1])
        for name, value in {**values, **right_files}.items()
    ]
    found = draw(cases)
    return replace(
        found,
        facts=FactSet.of(seen),
        hotfix=replace(HOTFIX, file_table=table(row(), row(path=WOW))),
    )


@settings(max_examples=400)
@given(cases)
def test_every_case_has_a_verdict_with_a_reason(case: Case) -> None:
    judgement = judge(case)
    assert judgement.reason
    assert (judgement.cause is None) == (judgement.verdict is not Verdict.INDETERMINATE)
    assert len(judgement.proof) == len({line.fact for line in judgement.proof})


@given(st.data(), fact_lists, cases)
def test_the_order_of_observations_does_not_matter(
    data: st.DataObject, seen: list[Observation], case: Case
) -> None:
    shuffled = data.draw(st.permutations(seen))
    first = judge(replace(case, facts=FactSet.of(seen)))
    assert judge(replace(case, facts=FactSet.of(shuffled))) == first


bad_files = st.sampled_from(
    [
        FileState(exists=False),
        FileState(True, FileVersion(5, 2, 3790, 2499)),
        FileState(True, FileVersion(5, 2, 3790, 990), branch=Branch.QFE),
        FileState(True, FileVersion(5, 2, 3790, 2924), branch=Branch.GDR),
        FileState(True, FileVersion(5, 2, 3790, 2500), branch=Branch.GDR),
        FileState(True, FileVersion(5, 2, 3790, 2924)),
        FileState(True, None),
    ]
)


@given(installed_cases(), bad_files, st.sampled_from(["file", "file2"]))
def test_evidence_against_a_fix_is_never_compliant(
    case: Case, bad: FileState, name: str
) -> None:
    kind, subject = FACTS[name]
    spoiled = FactSet(
        {
            **case.facts.observations,
            FACTS[name]: Observation(kind, bad, "test", NOW, subject),
        }
    )
    verdict = judge(replace(case, facts=spoiled)).verdict
    assert verdict not in (Verdict.COMPLIANT, Verdict.INSTALLED_NOT_ACTIVE)


@given(installed_cases(), st.sampled_from(sorted(right_files)))
def test_what_is_not_known_is_never_compliant(case: Case, name: str) -> None:
    fewer = {
        key: seen for key, seen in case.facts.observations.items() if key != FACTS[name]
    }
    verdict = judge(replace(case, facts=FactSet(fewer))).verdict
    assert verdict is not Verdict.COMPLIANT


@given(installed_cases(), moments)
def test_a_process_older_than_the_installation_is_never_compliant(
    case: Case, installed: datetime
) -> None:
    kind, subject = FACTS["svc"]
    old = service("Running", installed - timedelta(seconds=1))
    seen = Observation(kind, old, "test", NOW, subject)
    judged = judge(
        replace(
            case,
            own=OwnRecord(installed_at=installed, says_installed=True),
            facts=FactSet({**case.facts.observations, FACTS["svc"]: seen}),
        )
    )
    assert judged.verdict is Verdict.INSTALLED_NOT_ACTIVE


@given(cases)
def test_known_wrong_system_is_never_anything_but_not_applicable(case: Case) -> None:
    seen = case.facts.find(*FACTS["os"])
    fresh = seen is not None and NOW - seen.at <= case.fact_limit
    wrong = (
        seen is not None
        and isinstance(seen.value, OperatingSystem)
        and seen.value.service_pack != 1
    )
    if fresh and wrong:
        assert judge(case).verdict is Verdict.NOT_APPLICABLE
