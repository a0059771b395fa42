from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.application.codec import DecodeError, from_json, to_json
from orchestrator.domain.canonical import canonical_json
from orchestrator.domain.case import Judgement
from orchestrator.domain.evidence import Entry, Record, RecordKind
from orchestrator.domain.facts import (
    FactKind,
    FactSet,
    FileState,
    Observation,
    Unreadable,
)
from orchestrator.domain.hotfix import Hotfix, Package
from orchestrator.domain.planning import Approval, Plan, PlanPolicy
from orchestrator.domain.remediation import Attempt
from orchestrator.domain.rollout import Run
from orchestrator.domain.server import Inventory
from orchestrator.domain.symptom import Symptom
from orchestrator.domain.version import FileVersion
from orchestrator.domain.waiver import Waiver
from tests.fixtures.values import entries, times, values_of

AT = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)

STORED = (
    Approval,
    Attempt,
    FactSet,
    Hotfix,
    Inventory,
    Judgement,
    Observation,
    Package,
    Plan,
    Run,
    Waiver,
)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
@settings(max_examples=50)
@given(data=st.data())
def test_every_value_comes_back_as_it_was(
    kind: type[object], data: st.DataObject
) -> None:
    value = data.draw(values_of(kind))
    text = canonical_json(to_json(value))
    assert from_json(kind, json.loads(text)) == value


@given(entries, times)
def test_a_records_payload_is_kept_as_it_is(entry: Entry, at: datetime) -> None:
    record = Record("w", 1, at, entry.kind, "s", "h", "p", "h2", entry.payload)
    assert from_json(Entry, to_json(entry)) == entry
    assert from_json(Record, json.loads(canonical_json(to_json(record)))) == record


def test_a_fact_is_spelled_by_its_kind() -> None:
    seen = Observation(
        FactKind.FILE,
        FileState(exists=True, version=FileVersion(5, 2, 3790, 2490), size=144_896),
        "CIM_DataFile",
        AT,
        "c:\\windows\\system32\\schannel.dll",
    )
    assert to_json(seen) == {
        "kind": "file",
        "subject": "c:\\windows\\system32\\schannel.dll",
        "source": "CIM_DataFile",
        "at": "2026-03-02T20:00:00Z",
        "value": {
            "exists": True,
            "version": "5.2.3790.2490",
            "size": 144_896,
            "modified": None,
            "branch": None,
            "sha256": None,
        },
    }


def test_an_unreadable_fact_says_why_in_place_of_its_value() -> None:
    seen = Observation(FactKind.FILE, Unreadable("access denied"), "CIM_DataFile", AT)
    spelled: Any = to_json(seen)
    assert spelled["value"] == {"unreadable": "access denied"}


def test_one_instant_has_one_spelling_whatever_its_zone() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert to_json(elsewhere) == to_json(AT) == "2026-03-02T20:00:00Z"


def test_a_whole_number_comes_back_whole() -> None:
    policy = PlanPolicy(growth=(1, 0.05))
    text = canonical_json(to_json(policy))
    assert canonical_json(to_json(from_json(PlanPolicy, json.loads(text)))) == text


def test_a_time_without_an_offset_is_refused_on_the_way_out() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        to_json(AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (FileVersion, "5.2"),
        (FileVersion, 5),
        (datetime, "2026-03-02T20:00:00"),
        (datetime, "yesterday"),
        (Run, {"name": "run-1"}),
        (Run, []),
        (Symptom, {"slope": "steep"}),
        (RecordKind, "rumour"),
        (Observation, {"kind": "weather", "value": {}, "source": "", "at": ""}),
        (FactSet, None),
        (FactSet, [None]),
        (Judgement, {"server": "a", "verdict": "fine", "reason": ""}),
    ],
)
def test_json_of_another_shape_is_refused(kind: type[object], data: Any) -> None:
    with pytest.raises(DecodeError, match=f"not a {kind.__name__}"):
        from_json(kind, data)
