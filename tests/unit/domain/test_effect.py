from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.domain.effect import (
    Effect,
    EffectUnprovable,
    InEffect,
    NotInEffect,
    Replacement,
    effect_of,
    replacement,
)
from orchestrator.domain.facts import Lacking
from tests.unit.domain.case_words import case_of
from tests.unit.domain.values import ARTICLE, hours_ago

#: Words, earliest, latest, source, and whether the log is what lacks.
MOMENTS = [
    ("own=-48h", "-48h", "-48h", "our attempt's end", False),
    ("own=-48h log=ok@-1h", "-48h", "-48h", "our attempt's end", False),
    ("own=-48h right=-60h folder=-70h", "-48h", "-48h", "our attempt's end", False),
    ("own=-48h -log", "-48h", "-48h", "our attempt's end", False),
    ("own=-48h wrong=-48h", "-48h", "-48h", "our attempt's end", False),
    ("own=-48h wrong=-47h", "-47h", None, "the first survey", False),
    ("own=-48h wrong=-47h log=ok@-46h", "-46h", "-46h", "the installer log", False),
    ("log=ok@-48h", "-48h", "-48h", "the installer log's last run", False),
    ("log=ok@-48h right=-60h", "-48h", "-48h", "the installer log", False),
    ("log=ok@-48h wrong=-47h", "-47h", None, "the first survey", False),
    ("log=ok@-48h wrong=-48h", "-48h", "-48h", "the installer log", False),
    ("log=ok", None, None, "the first survey", False),
    ("log=failed@-48h", None, None, "the first survey", False),
    ("log=failed@-48h right=-5h", None, "-5h", "the first survey", False),
    ("", None, None, "the first survey", False),
    ("right=-5h", None, "-5h", "the first survey", False),
    ("folder=-9h right=-5h", "-9h", "-5h", "the first survey", False),
    ("wrong=-9h right=-5h", "-9h", "-5h", "the first survey", False),
    ("wrong=-9h folder=-7h right=-5h", "-7h", "-5h", "the first survey", False),
    ("wrong=-7h folder=-9h right=-5h", "-7h", "-5h", "the first survey", False),
    ("folder=-9h ~uninstall-folder", None, None, "the first survey", False),
    ("-log", None, None, "the first survey", True),
    ("~log right=-5h", None, "-5h", "the first survey", True),
    ("!log", None, None, "the first survey", False),
    ("log=ok@-48h ~log", None, None, "the first survey", True),
]


@pytest.mark.parametrize(("words", "earliest", "latest", "source", "lacks"), MOMENTS)
def test_the_moment_of_replacement_has_its_source(
    words: str, earliest: str | None, latest: str | None, source: str, *, lacks: bool
) -> None:
    case = case_of(words)
    found = replacement(ARTICLE, case.own, case.fresh)
    assert found.earliest == (earliest and hours_ago(earliest))
    assert found.latest == (latest and hours_ago(latest))
    assert source in found.source
    assert (found.lacking is not None) is lacks


def effect(words: str, earliest: str | None, latest: str | None) -> Effect:
    case = case_of(words)
    replaced = Replacement(
        hours_ago(earliest) if earliest else None,
        hours_ago(latest) if latest else None,
        "a source",
    )
    return effect_of(case.hotfix, case.fresh, replaced)


@pytest.mark.parametrize(
    ("started", "earliest", "latest", "kind"),
    [
        ("-5h", "-5h", "-5h", InEffect),
        ("-4h", "-5h", "-5h", InEffect),
        ("-6h", "-5h", "-5h", NotInEffect),
        ("-4h", "-9h", "-5h", InEffect),
        ("-5h", "-9h", "-5h", InEffect),
        ("-6h", "-9h", "-5h", EffectUnprovable),
        ("-9h", "-9h", "-5h", EffectUnprovable),
        ("-10h", "-9h", "-5h", NotInEffect),
        ("-6h", None, "-5h", EffectUnprovable),
        ("-5h", None, "-5h", InEffect),
        ("-10h", "-9h", None, NotInEffect),
        ("-9h", "-9h", None, EffectUnprovable),
        ("-1h", None, None, EffectUnprovable),
    ],
)
def test_a_start_lies_before_after_or_cannot_be_placed(
    started: str, earliest: str | None, latest: str | None, kind: type[Effect]
) -> None:
    assert isinstance(effect(f"svc=Running@{started}", earliest, latest), kind)


def test_what_runs_the_old_code_is_named() -> None:
    found = effect("svc=Running@-9h svc2=Running@-1h", "-5h", "-5h")
    assert found == NotInEffect(
        "RTCSRV started before the files were replaced (a source)", ("RTCSRV",)
    )


def test_an_old_process_decides_before_an_unknown_one() -> None:
    assert isinstance(effect("svc=Running@-9h svc2=never", "-5h", "-5h"), NotInEffect)
    assert effect("svc=Running@-1h svc2=never", "-5h", "-5h") == Lacking(
        "service RTCLOG", "never read"
    )


def test_an_unknown_process_comes_before_an_unprovable_one() -> None:
    assert isinstance(effect("svc=Running@-9h svc2=never", None, None), Lacking)


def test_what_cannot_be_proven_is_named() -> None:
    assert effect("svc=Running@-9h svc2=Running@-1h", None, "-5h") == EffectUnprovable(
        "when the files were replaced cannot be proven, so RTCSRV may run the old code"
    )


def test_a_log_that_lacks_stands_in_for_what_cannot_be_proven() -> None:
    case = case_of("")
    lacking = Lacking("installer-log", "stale")
    replaced = Replacement(None, None, "a source", lacking=lacking)
    assert effect_of(case.hotfix, case.fresh, replaced) == lacking
    later = replace(replaced, latest=hours_ago("-999h"))
    assert isinstance(effect_of(case.hotfix, case.fresh, later), InEffect)


@pytest.mark.parametrize("words", ["svc=Stopped", "svc=gone", "hotfix=no-services"])
def test_without_a_process_new_files_are_in_effect(words: str) -> None:
    assert effect(words, None, None) == InEffect("no process that counts runs")


def test_a_running_service_without_a_start_lacks_it() -> None:
    assert effect("svc=Running", "-5h", "-5h") == Lacking(
        "process start of service RTCSRV", "never read"
    )


def test_what_is_in_effect_is_named() -> None:
    assert effect("svc=Running@-1h svc2=Running@-1h", "-5h", "-5h") == InEffect(
        "RTCSRV, RTCLOG started after the replacement (a source)"
    )


def test_a_required_restart_counts_the_start_of_the_computer() -> None:
    words = "hotfix=restart svc=Running@-1h"
    assert effect(words, "-5h", "-5h") == NotInEffect(
        "the computer started before the files were replaced (a source)",
        ("the computer",),
    )
    assert isinstance(effect(f"{words} os=fresh-boot", "-5h", "-5h"), InEffect)
    assert effect(f"{words} -os", "-5h", "-5h") == Lacking(
        "operating-system", "never read"
    )
    assert isinstance(effect("svc=Running@-1h -os", "-5h", "-5h"), InEffect)


def test_a_record_of_wrong_files_outdates_what_came_before_it() -> None:
    case = case_of("wrong=-5h")
    moment = hours_ago("-5h")
    assert not case.own.was_wrong_after(moment)
    assert case.own.was_wrong_after(moment - timedelta(seconds=1))
    assert not replace(case.own, last_wrong=None).was_wrong_after(moment)


FOLDER = "not before the uninstall folder was created"
SURVEY = "not before a survey saw the wrong ones"


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("", ""),
        ("own=-48h folder=-50h", ""),
        ("log=ok@-48h folder=-50h", ""),
        ("right=-5h", ""),
        ("folder=-9h", FOLDER),
        ("wrong=-9h", SURVEY),
        ("wrong=-9h folder=-7h", FOLDER),
        ("wrong=-7h folder=-9h", SURVEY),
    ],
)
def test_a_lower_bound_has_its_own_source(words: str, source: str) -> None:
    case = case_of(words)
    assert replacement(ARTICLE, case.own, case.fresh).lower_source == source


def test_a_process_before_a_lower_bound_is_told_by_it() -> None:
    case = case_of("folder=-48h right=-5h")
    replaced = replacement(ARTICLE, case.own, case.fresh)
    found = effect_of(case.hotfix, case.fresh, replaced)
    assert isinstance(found, NotInEffect)
    assert found.reason == (f"RTCSRV started before the files were replaced ({FOLDER})")
