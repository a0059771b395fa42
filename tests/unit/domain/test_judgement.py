"""What a judgement says beside its verdict."""

from __future__ import annotations

import pytest

from orchestrator.domain.verdict import Cause, judge
from tests.unit.domain.case_words import case_of

CAUSES = [
    ("table=none", Cause.NO_FILE_TABLE),
    ("file=later-gdr", Cause.LATER_BRANCH),
    ("peer=external-unknown", Cause.EXPOSURE_UNKNOWN),
    ("peer=off symptom=leaking", Cause.SYMPTOM_WITHOUT_EXPOSURE),
    ("file=exact", Cause.REPLACEMENT_UNPROVABLE),
    ("", None),
    ("-os", None),
]


@pytest.mark.parametrize(("words", "cause"), CAUSES)
def test_indeterminate_names_its_cause(words: str, cause: Cause | None) -> None:
    assert judge(case_of(words)).cause is cause


INSTALLABLE = [
    ("", True),
    ("file=missing", True),
    ("peer=off", True),
    ("peer=external-unknown", True),
    ("peer=off symptom=leaking", True),
    ("file=later-gdr", True),
    ("file=later-gdr peer=off", True),
    ("peer=off package=none", False),
    ("peer=off space=0", False),
    ("peer=off -space", False),
    ("peer=off rename=target", False),
    ("peer=off -renames", False),
    ("table=none", False),
    ("table=none peer=off", False),
    ("file=exact", False),
    ("file=exact own=-300h", False),
    ("file=exact file2=never", False),
    ("-file", False),
    ("-os", False),
]


@pytest.mark.parametrize(("words", "installable"), INSTALLABLE)
def test_only_an_unfixed_server_whose_preconditions_hold_is_installable(
    words: str, *, installable: bool
) -> None:
    assert judge(case_of(words)).installable is installable
