from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.canonical import Json
from orchestrator.domain.evidence import (
    GENESIS,
    Entry,
    Head,
    Record,
    RecordKind,
    append,
    fault_of,
    head_after,
    payload_hash,
)
from tests.unit.domain.values import NOW

payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
entries = st.builds(Entry, st.sampled_from(RecordKind), st.text(max_size=5), payloads)
START = Head("worker-1")


def chain(found: list[Entry], head: Head = START) -> list[Record]:
    records: list[Record] = []
    for number, entry in enumerate(found):
        record = append(head, entry, NOW + timedelta(seconds=number))
        records.append(record)
        head = head_after(record)
    return records


def faults(records: list[Record], head: Head = START) -> list[str]:
    found = []
    for record in records:
        fault = fault_of(record, head)
        if fault:
            found.append(fault)
        head = head_after(record)
    return found


@given(st.lists(entries, max_size=8))
def test_a_chain_that_was_only_appended_to_has_no_fault(found: list[Entry]) -> None:
    records = chain(found)
    assert faults(records) == []
    assert [record.sequence for record in records] == list(range(1, len(found) + 1))


@given(st.lists(entries, min_size=1, max_size=6), st.data())
def test_a_pruned_payload_is_no_fault(found: list[Entry], data: st.DataObject) -> None:
    records = chain(found)
    place = data.draw(st.integers(0, len(records) - 1))
    records[place] = replace(records[place], payload=None)
    assert faults(records) == []


@given(st.lists(entries, min_size=2, max_size=6), st.data())
def test_a_record_that_is_gone_or_moved_is_a_fault(
    found: list[Entry], data: st.DataObject
) -> None:
    records = chain(found)
    place = data.draw(st.integers(0, len(records) - 2))
    assert faults(records[:place] + records[place + 1 :])
    swapped = [*records]
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    assert faults(swapped)


RECORDS = chain(
    [
        Entry(RecordKind.PLAN, "fe1", {"a": 1}),
        Entry(RecordKind.OUTCOME, "fe1", {"outcome": "remediated"}),
        Entry(RecordKind.OUTCOME, "fe2", {"outcome": "refused"}),
    ]
)
MIDDLE = RECORDS[1]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (replace(MIDDLE, payload={"outcome": "refused"}), "its content was changed"),
        (replace(MIDDLE, payload={}), "its content was changed"),
        (replace(MIDDLE, payload=[]), "its content was changed"),
        (replace(MIDDLE, subject="fe2"), "its header was changed"),
        (replace(MIDDLE, kind=RecordKind.STEP), "its header was changed"),
        (replace(MIDDLE, at=MIDDLE.at + timedelta(microseconds=1)), "its header was"),
        (replace(MIDDLE, hash="0" * 64), "its header was changed"),
        (
            replace(
                MIDDLE,
                payload={"outcome": "refused"},
                payload_hash=payload_hash({"outcome": "refused"}),
            ),
            "its header was changed",
        ),
        (
            replace(MIDDLE, payload=None, payload_hash="0" * 64),
            "its header was changed",
        ),
        (replace(MIDDLE, previous=GENESIS), "does not follow the record before it"),
        (replace(MIDDLE, sequence=3), "found number 3, expected 2"),
        (replace(MIDDLE, sequence=1), "found number 1, expected 2"),
        (
            replace(MIDDLE, writer="worker-2"),
            "found writer worker-2, expected worker-1",
        ),
    ],
)
def test_every_change_of_a_record_is_found(changed: Record, fault: str) -> None:
    found = fault_of(changed, head_after(RECORDS[0]))
    assert found is not None
    assert found.startswith(fault)


def test_a_record_rewritten_with_its_hash_breaks_the_next() -> None:
    forged = append(
        head_after(RECORDS[0]), Entry(MIDDLE.kind, "fe1", {"outcome": "x"}), MIDDLE.at
    )
    assert faults([RECORDS[0], forged, RECORDS[2]]) == [
        "does not follow the record before it"
    ]


def test_a_first_record_of_another_writer_is_a_fault() -> None:
    other = append(Head("worker-2"), Entry(RecordKind.RUN, "r", None), NOW)
    assert fault_of(other, START) == "found writer worker-2, expected worker-1"
    assert fault_of(other, Head("worker-2")) is None


def test_the_first_record_follows_the_beginning() -> None:
    assert (RECORDS[0].previous, RECORDS[0].sequence) == (GENESIS, 1)
    assert head_after(RECORDS[0]) == Head("worker-1", 1, RECORDS[0].hash)


def test_one_instant_has_one_hash_in_every_zone() -> None:
    oslo = timezone(timedelta(hours=2))
    moment = datetime(2006, 9, 1, 12, tzinfo=UTC)
    entry = Entry(RecordKind.RUN, "r", None)
    record = append(START, entry, moment)
    assert append(START, entry, moment.astimezone(oslo)).hash == record.hash
    assert fault_of(replace(record, at=moment.astimezone(oslo)), START) is None


@given(payloads, payloads)
def test_payloads_share_a_hash_only_if_they_are_the_same_json(
    one: Json, two: Json
) -> None:
    same = payload_hash(one) == payload_hash(two)
    assert same == (repr(one) == repr(two) or _sorted(one) == _sorted(two))


def _sorted(value: object) -> str:
    if isinstance(value, dict):
        inner = ",".join(f"{key!r}:{_sorted(value[key])}" for key in sorted(value))
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{','.join(_sorted(each) for each in value)}]"
    return repr(value)
