from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.adapters.winrm.security import (
    ADMINISTRATORS,
    SYSTEM,
    Descriptor,
    Entry,
    sid_bytes,
)

FULL, READ, WRITE = 0x1F01FF, 0x1200A9, 0x100116
USERS, EVERYONE, CREATOR = "S-1-5-32-545", "S-1-1-0", "S-1-3-0"


def allow(sid: str, mask: int = FULL, *, inherited: bool = False) -> Entry:
    return Entry(sid, mask, inherited, allows=True)


DENIED = Entry(ADMINISTRATORS, FULL, inherited=False, allows=False)
OURS = Descriptor(
    ADMINISTRATORS, protected=True, entries=(allow(ADMINISTRATORS), allow(SYSTEM))
)


def test_administrators_and_system_alone_are_restricted() -> None:
    assert OURS.restricted
    assert not OURS.writable_by_others


@pytest.mark.parametrize(
    "descriptor",
    [
        replace(OURS, owner=USERS),
        replace(OURS, protected=False),
        replace(OURS, present=False, entries=()),
        replace(OURS, entries=(allow(ADMINISTRATORS),)),
        replace(OURS, entries=(*OURS.entries, allow(USERS, READ))),
        replace(OURS, entries=(allow(SYSTEM), allow(ADMINISTRATORS, inherited=True))),
        replace(
            OURS, entries=(allow(SYSTEM), Entry(ADMINISTRATORS, FULL, False, False))
        ),
    ],
)
def test_anything_else_is_not(descriptor: Descriptor) -> None:
    assert not descriptor.restricted


@pytest.mark.parametrize(
    ("descriptor", "others"),
    [
        (replace(OURS, entries=(*OURS.entries, allow(EVERYONE))), True),
        (replace(OURS, entries=(*OURS.entries, allow(USERS, WRITE))), True),
        (replace(OURS, entries=(*OURS.entries, allow(USERS, READ))), False),
        (replace(OURS, entries=(*OURS.entries, allow(CREATOR))), False),
        (replace(OURS, owner="S-1-5-21-1-2-3-500"), True),
        (replace(OURS, present=False), True),
    ],
)
def test_who_may_write_decides_whether_a_found_folder_is_used(
    descriptor: Descriptor, others: bool
) -> None:
    assert descriptor.writable_by_others is others


def test_a_sid_has_its_binary_form() -> None:
    assert bytes(sid_bytes(SYSTEM)).hex() == "010100000000000512000000"


@pytest.mark.parametrize(
    ("entry", "replaceable"),
    [
        (allow("S-1-5-32-547", 0x1301BF), False),  # Power Users as Windows sets them
        (allow(EVERYONE), True),
        (Entry(CREATOR, FULL, inherited=False, allows=True, inherit_only=True), False),
    ],
)
def test_who_may_move_our_folder_away(entry: Entry, replaceable: bool) -> None:
    above = replace(OURS, protected=False, entries=(*OURS.entries, entry))
    assert above.content_replaceable_by_others is replaceable
