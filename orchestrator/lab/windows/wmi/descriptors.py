"""Security descriptors as WMI shows them: objects within objects.

Win32_SecurityDescriptor holds Win32_ACE objects, each with a Win32_Trustee whose
SID is an array of bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from orchestrator.lab.machine import Instance, WmiValue
from orchestrator.lab.windows import languages
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.security import (
    Ace,
    AceFlag,
    AceType,
    SecurityDescriptor,
)

SELF_RELATIVE, DACL_PRESENT, DACL_PROTECTED = 0x8000, 0x0004, 0x1000
MAX_ENTRIES = 1024
"""Entries of an access list that is taken from outside."""


def sid_bytes(sid: str) -> bytes:
    """A SID in its binary form (MS-DTYP 2.4.2.2)."""
    _, revision, authority, *parts = sid.split("-")
    head = bytes([int(revision), len(parts)]) + int(authority).to_bytes(6, "big")
    return head + b"".join(int(part).to_bytes(4, "little") for part in parts)


def sid_text(raw: bytes) -> str:
    """A SID as text.

    Raises:
        ValueError: the bytes are no SID.
    """
    if len(raw) < 8 or len(raw) != 8 + 4 * raw[1]:  # noqa: PLR2004 -- a head of 8 bytes, then 4 for each part
        raise ValueError(f"no SID: {raw.hex()}")
    parts = [raw[at : at + 4] for at in range(8, len(raw), 4)]
    numbers = "".join(f"-{int.from_bytes(part, 'little')}" for part in parts)
    return f"S-{raw[0]}-{int.from_bytes(raw[2:8], 'big')}{numbers}"


def _trustee(host: Host, sid: str) -> Instance:
    raw = sid_bytes(sid)
    domain = languages.authority_of(host.language, sid)
    return Instance(
        "Win32_Trustee",
        {
            "Domain": domain or None,
            "Name": languages.account_name(host.language, sid),
            "SID": list(raw),
            "SidLength": len(raw),
            "SIDString": sid,
        },
    )


def outward(host: Host, found: SecurityDescriptor) -> Instance:
    """A descriptor as WMI gives it."""
    entries = [
        Instance(
            "Win32_ACE",
            {
                "AccessMask": ace.mask,
                "AceFlags": int(ace.flags),
                "AceType": int(ace.kind),
                "GuidInheritedObjectType": None,
                "GuidObjectType": None,
                "Trustee": _trustee(host, ace.sid),
            },
        )
        for ace in found.dacl
    ]
    protected = DACL_PROTECTED if found.protected else 0
    return Instance(
        "Win32_SecurityDescriptor",
        {
            "ControlFlags": SELF_RELATIVE | DACL_PRESENT | protected,
            "DACL": entries,
            "Group": _trustee(host, found.owner),
            "Owner": _trustee(host, found.owner),
            "SACL": None,
        },
    )


def inward(value: WmiValue, before: SecurityDescriptor) -> SecurityDescriptor:
    """The descriptor that a client sent; what it leaves out stays as it was.

    Raises:
        TypeError: it is not made of the objects that belong there.
        ValueError: a number or SID in it is none, or it is too long.
        KeyError: an entry lacks a part.
    """
    sent = _parts(value)
    flags = int(str(sent.get("controlflags") or 0))
    entries = sent.get("dacl")
    changed = before
    if flags & DACL_PRESENT:
        listed = [] if entries is None else _several(entries)
        changed = replace(
            before,
            dacl=tuple(_ace(entry) for entry in listed),
            protected=bool(flags & DACL_PROTECTED),
        )
    owner = sent.get("owner")
    return replace(changed, owner=_sid(owner)) if owner is not None else changed


def _parts(value: WmiValue) -> Mapping[str, WmiValue]:
    if not isinstance(value, Instance):
        raise TypeError("an embedded object is missing")
    return {name.lower(): part for name, part in value.properties.items()}


def _several(value: WmiValue) -> Sequence[WmiValue]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    if len(items) > MAX_ENTRIES:
        raise ValueError(f"more than {MAX_ENTRIES} entries")
    return cast("Sequence[WmiValue]", items)


def _ace(value: WmiValue) -> Ace:
    entry = _parts(value)
    return Ace(
        AceType(int(str(entry["acetype"]))),
        AceFlag(int(str(entry.get("aceflags") or 0))),
        int(str(entry["accessmask"])),
        _sid(entry["trustee"]),
    )


def _sid(value: WmiValue) -> str:
    trustee = _parts(value)
    text = trustee.get("sidstring")
    if isinstance(text, str) and text and not trustee.get("sid"):
        return sid_text(sid_bytes(text))
    return sid_text(bytes(int(str(part)) for part in _several(trustee["sid"])))
