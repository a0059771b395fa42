"""A bundle's records: whatever is done to their lines is found, and where."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.domain.bundle import (
    Checked,
    check,
    check_manifest,
    checkpoint,
    line_of,
    manifest_of,
    record_of,
)
from orchestrator.domain.canonical import Json, canonical_json
from orchestrator.domain.evidence import (
    Entry,
    Head,
    Record,
    RecordKind,
    append,
    head_after,
)

BEGUN = datetime(2026, 3, 2, 20, tzinfo=UTC)
WRITERS = ("a-1", "b-2", "c-3")


def chain(writer: str, length: int, head: Head | None = None) -> list[Record]:
    records = []
    end = head or Head(writer)
    for number in range(length):
        payload: Json = {"number": number, "text": 'é\n"\\/ ' * 3, "of": writer}
        entry = Entry(RecordKind.OBSERVATION, f"fe{number}", payload)
        record = append(end, entry, BEGUN + timedelta(microseconds=number))
        records.append(record)
        end = head_after(record)
    return records


def bound() -> tuple[list[Record], str]:
    """Three chains and the checkpoint that binds them, with its hash."""
    chains = {writer: chain(writer, 12) for writer in WRITERS}
    ends = [head_after(records[-1]) for records in chains.values()]
    last = append(ends[0], checkpoint(ends), BEGUN + timedelta(days=1))
    chains["a-1"].append(last)
    return [record for writer in WRITERS for record in chains[writer]], last.hash


RECORDS, HEAD = bound()
LINES = [line_of(record) for record in RECORDS]


def checked(lines: Sequence[bytes], head: str | None = HEAD) -> Checked:
    return check(lambda: lines, head)


def test_an_untouched_bundle_has_no_fault() -> None:
    found = checked(LINES)
    assert found.faults == ()
    assert found.records == len(RECORDS)
    assert found.binds_all
    assert [head.writer for head in found.heads] == list(WRITERS)


def test_a_line_is_read_back_as_it_was_written() -> None:
    assert [record_of(line) for line in LINES] == RECORDS


# What a hand may do to a bundle's lines. Each returns the lines, and the first number
# (from 1) that is not what it was.

Mutation = Callable[[random.Random, list[bytes]], int]


def flip(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(len(lines))
    line = bytearray(lines[place])
    line[dice.randrange(len(line))] ^= 1 << dice.randrange(8)
    # Where lines begin and end is read anew, as from a file.
    joined = b"".join((*lines[:place], bytes(line), *lines[place + 1 :]))
    lines[:] = io.BytesIO(joined).readlines()
    return place + 1


def remove(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(len(lines))
    del lines[place]
    return place + 1


def swap(dice: random.Random, lines: list[bytes]) -> int:
    first, second = sorted(dice.sample(range(len(lines)), 2))
    lines[first], lines[second] = lines[second], lines[first]
    return first + 1


def move(dice: random.Random, lines: list[bytes]) -> int:
    first, second = dice.sample(range(len(lines)), 2)
    lines.insert(second, lines.pop(first))
    return min(first, second) + 1


def duplicate(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(len(lines))
    lines.insert(place + 1, lines[place])
    return place + 2


def cut(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(len(lines))
    del lines[place:]
    return place + 1


MUTATIONS: tuple[Mutation, ...] = (flip, flip, remove, swap, move, duplicate, cut)


def test_a_thousand_mutations_are_found_and_located() -> None:
    dice = random.Random(20260302)  # noqa: S311 - the same mutations on every run
    for number in range(1000):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        lines = list(LINES)
        first = mutate(dice, lines)
        assert lines != LINES
        found = checked(lines)
        assert found.faults, f"{mutate.__name__} at line {first} was not found"
        located(found, lines, first, mutate.__name__)


def located(found: Checked, lines: list[bytes], first: int, how: str) -> None:
    """The first fault names the first line that is not what it was.

    Of two neighbours that changed places either may be named. Where a chain lost its
    end, the lines after it are right as they stand: then the fault names the record
    itself, which a checkpoint knows.
    """
    fault = found.faults[0]
    gone = RECORDS[first - 1] if first <= len(RECORDS) else None
    names_line = fault.line == first
    names_record = gone is not None and any(
        (one.writer, one.sequence) == (gone.writer, gone.sequence)
        for one in found.faults
    )
    next_to_it = fault.line is not None and abs(fault.line - first) <= 1
    # The head's own record is known by its hash alone.
    names_head = HEAD in fault.what
    assert (
        gone is None
        or names_line
        or names_record
        or next_to_it
        or (names_head and gone.hash == HEAD)
    ), (how, first, fault, len(lines))


@pytest.mark.parametrize("place", [0, 11, 12, 36])
def test_any_bit_of_a_line_counts(place: int) -> None:
    line = LINES[place]
    for number in range(0, len(line) - 1, 13):
        for bit in range(8):
            changed = bytearray(line)
            changed[number] ^= 1 << bit
            found = checked([*LINES[:place], bytes(changed), *LINES[place + 1 :]])
            assert found.faults[0].line == place + 1


def test_without_a_head_a_checkpoint_still_binds_the_other_chains() -> None:
    found = checked(LINES[:-1], head=None)
    fault = found.faults[0]
    assert (fault.writer, fault.sequence) == ("c-3", 12)
    assert "is missing" in fault.what


def test_without_a_head_a_cut_end_is_not_seen() -> None:
    """What the check says that it cannot tell."""
    plain = [line_of(record) for record in chain("a", 9)]
    assert checked(plain[:5], head=None).faults == ()


def test_a_bundle_written_anew_lacks_the_head() -> None:
    anew = [line_of(record) for record in chain("a", 9)]
    assert "written anew" in checked(anew).faults[-1].what


def test_a_head_that_is_no_checkpoint_vouches_for_its_chain_only() -> None:
    found = checked(LINES, head=RECORDS[3].hash)
    assert found.faults == ()
    assert not found.binds_all
    assert found.kept is not None
    assert (found.kept.writer, found.kept.sequence) == ("a-1", 4)


def without_content(records: Sequence[Record], *numbers: int) -> list[bytes]:
    """A chain's lines, some of them without content."""
    return [
        line_of(replace(each, payload=None) if each.sequence in numbers else each)
        for each in records
    ]


def retention(head: Head, *spans: Json) -> Record:
    """What retention says that it took."""
    entry = Entry(RecordKind.RETENTION, "evidence", {"records": list(spans)})
    return append(head, entry, BEGUN + timedelta(days=2))


def test_what_retention_names_is_counted_and_is_no_fault() -> None:
    records = chain("a-1", 9)
    said = retention(head_after(records[-1]), ["a-1", 2, 4], ["a-1", 3, 3], "b", [])
    found = checked(without_content([*records, said], 2, 3, 4), said.hash)
    assert (found.pruned, found.faults) == (3, ())


@pytest.mark.parametrize(
    "span", [["a-1", 2, 4], ["b-2", 5, 5], ["a-1", 6, 9], ["a-1", 9, 1]]
)
def test_content_that_is_gone_and_that_retention_does_not_name_is_found(
    span: Json,
) -> None:
    records = chain("a-1", 9)
    said = retention(head_after(records[-1]), span)
    found = checked(without_content([*records, said], 5), said.hash)
    assert found.pruned == 1
    (fault,) = found.faults
    assert (fault.line, fault.writer, fault.sequence) == (5, "a-1", 5)
    assert "without content" in fault.what


def test_a_record_that_never_had_content_lacks_none() -> None:
    empty = append(Head("a-1"), Entry(RecordKind.STEP, "fe1", None), BEGUN)
    found = checked([line_of(empty)], empty.hash)
    assert (found.pruned, found.faults) == (0, ())


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"\n", "is not JSON"),
        (b"\xff\n", "is not JSON"),
        (b"[" * 100_000 + b"\n", "is not JSON"),
        (b"1e999\n", "is not JSON"),
        (b"{} \n", "is not spelled"),
        (b"{}", "is not spelled"),
        (b"{}\n", "does not have the fields"),
        (b"[]\n", "does not have the fields"),
        (LINES[0].replace(b'"sequence":1', b'"sequence":true'), "another type"),
        (LINES[0].replace(b'"writer":"a-1"', b'"writer":1'), "another type"),
        (LINES[0].replace(b"2026-03", b"9999-99"), "no time"),
        (LINES[0].replace(b"observation", b"rumour"), "no kind"),
        (LINES[0].replace(b"+00:00", b"Z"), "another spelling"),
    ],
)
def test_a_line_that_is_no_record_says_why(line: bytes, what: str) -> None:
    fault = checked([line, *LINES[1:]]).faults[0]
    assert (fault.line, what in fault.what) == (1, True), fault


def test_the_manifest_names_the_member_that_was_changed() -> None:
    members = {"records.jsonl": "ab" * 32, "README.txt": "cd" * 32}
    heads = checked(LINES).heads
    manifest = canonical_json(manifest_of(members, heads, HEAD)) + b"\n"
    assert list(check_manifest(manifest, members, heads)) == []
    other = {**members, "README.txt": "ee" * 32}
    faults = list(check_manifest(manifest, other, heads))
    assert [fault.member for fault in faults] == ["README.txt", "manifest.json"]
    assert list(check_manifest(manifest, members, heads[1:]))
    for broken in (b"", b"[]", b'{"members":3,"head":1}', manifest[:-1]):
        assert list(check_manifest(broken, members, heads))
