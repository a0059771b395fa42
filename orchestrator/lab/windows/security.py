"""Who may do what with a file: owners, access lists, inheritance, SDDL.

Flags and masks are those of the Platform SDK (ACE_HEADER, file access rights).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import TypeVar

_T = TypeVar("_T")

FULL, CHANGE, READ, WRITE = 0x1F01FF, 0x1301BF, 0x1200A9, 0x100116
READ_DATA, WRITE_DATA, DELETE, WRITE_DAC = 0x1, 0x2, 0x10000, 0x40000
ADMINISTRATORS, SYSTEM = "S-1-5-32-544", "S-1-5-18"
USERS, EVERYONE, CREATOR_OWNER = "S-1-5-32-545", "S-1-1-0", "S-1-3-0"
NAMES = {
    ADMINISTRATORS: "BUILTIN\\Administrators",
    SYSTEM: "NT AUTHORITY\\SYSTEM",
    USERS: "BUILTIN\\Users",
    EVERYONE: "Everyone",
    CREATOR_OWNER: "CREATOR OWNER",
    "S-1-5-32-546": "BUILTIN\\Guests",
    "S-1-5-32-547": "BUILTIN\\Power Users",
    "S-1-5-11": "NT AUTHORITY\\Authenticated Users",
    "S-1-5-19": "NT AUTHORITY\\LOCAL SERVICE",
    "S-1-5-20": "NT AUTHORITY\\NETWORK SERVICE",
}
_LETTERS = {
    "BA": ADMINISTRATORS,
    "SY": SYSTEM,
    "BU": USERS,
    "WD": EVERYONE,
    "CO": CREATOR_OWNER,
    "BG": "S-1-5-32-546",
    "PU": "S-1-5-32-547",
    "AU": "S-1-5-11",
    "LS": "S-1-5-19",
    "NS": "S-1-5-20",
}
_RIGHTS = {
    "FA": FULL,
    "GA": FULL,
    "FR": 0x120089,
    "GR": 0x120089,
    "FW": WRITE,
    "GW": WRITE,
    "FX": 0x1200A0,
    "GX": 0x1200A0,
}
_PAIRS = {"SD": DELETE, "RC": 0x20000, "WD": WRITE_DAC, "WO": 0x80000}
ADMINISTRATOR_TOKEN = frozenset({ADMINISTRATORS, USERS, EVERYONE, "S-1-5-11"})
"""The groups of an account that is allowed into the remote shell."""


class AceType(IntEnum):
    """Whether an entry grants or refuses."""

    ALLOW = 0
    DENY = 1


class AceFlag(IntFlag):
    """How an entry passes on to what is made below."""

    OBJECT_INHERIT = 1
    CONTAINER_INHERIT = 2
    NO_PROPAGATE = 4
    INHERIT_ONLY = 8
    INHERITED = 16


NO_FLAGS = AceFlag(0)
BOTH = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT
_FLAGS = {
    "OI": AceFlag.OBJECT_INHERIT,
    "CI": AceFlag.CONTAINER_INHERIT,
    "NP": AceFlag.NO_PROPAGATE,
    "IO": AceFlag.INHERIT_ONLY,
    "ID": AceFlag.INHERITED,
}


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of an access list."""

    kind: AceType
    flags: AceFlag
    mask: int
    sid: str


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Owner and access list; ``protected`` keeps inherited entries out."""

    owner: str = ADMINISTRATORS
    dacl: tuple[Ace, ...] = ()
    protected: bool = False

    def grants(self, sids: frozenset[str], mask: int) -> bool:
        """Whether a token with these groups gets all rights of ``mask``.

        Entries count in their order; an owner may always change the list.
        """
        wanted = mask & ~WRITE_DAC if self.owner in sids else mask
        for ace in self.dacl:
            if ace.sid not in sids or ace.flags & AceFlag.INHERIT_ONLY:
                continue
            if ace.kind is AceType.DENY and ace.mask & wanted:
                return False
            if ace.kind is AceType.ALLOW:
                wanted &= ~ace.mask
        return not wanted

    def child(self, owner: str, *, folder: bool) -> SecurityDescriptor:
        """What something new in a folder with this descriptor gets."""
        passed = (ace for each in self.dacl for ace in _inherit(each, owner, folder))
        return SecurityDescriptor(owner, tuple(passed))


def allow(sid: str, mask: int = FULL, flags: AceFlag = BOTH) -> Ace:
    """An entry that grants."""
    return Ace(AceType.ALLOW, flags, mask, sid)


ROOT_SECURITY = SecurityDescriptor(
    ADMINISTRATORS,
    (
        allow(ADMINISTRATORS),
        allow(SYSTEM),
        allow(CREATOR_OWNER, flags=BOTH | AceFlag.INHERIT_ONLY),
        allow(USERS, READ),
        allow(EVERYONE, READ, NO_FLAGS),
    ),
    protected=True,
)
"""The access list of a fresh system volume's root, without rare special rights."""


def _inherit(ace: Ace, owner: str, folder: bool) -> Iterator[Ace]:
    passes = ace.flags & (BOTH if folder else AceFlag.OBJECT_INHERIT)
    if not passes:
        return
    onward = ace.flags & BOTH if folder else NO_FLAGS
    if ace.flags & AceFlag.NO_PROPAGATE:
        onward = NO_FLAGS
    effective = not folder or bool(ace.flags & AceFlag.CONTAINER_INHERIT)
    if ace.sid == CREATOR_OWNER:
        if effective:
            yield replace(ace, sid=owner, flags=AceFlag.INHERITED)
        effective = False
    if effective:
        yield replace(ace, flags=onward | AceFlag.INHERITED)
    elif onward:
        kept = onward | AceFlag.INHERITED | AceFlag.INHERIT_ONLY
        yield replace(ace, flags=kept)


def sid_of(name: str) -> str | None:
    """The SID of an account name, with or without its domain."""
    wanted = name.lower()
    for sid, full in NAMES.items():
        if wanted in (full.lower(), full.lower().rpartition("\\")[2]):
            return sid
    return None


def to_sddl(descriptor: SecurityDescriptor) -> str:
    """The access list in the security descriptor definition language."""
    letters = {sid: short for short, sid in _LETTERS.items()}
    entries = "".join(
        f"({'D' if ace.kind else 'A'};{_flag_text(ace.flags)};"
        f"{'FA' if ace.mask == FULL else hex(ace.mask)};;;"
        f"{letters.get(ace.sid, ace.sid)})"
        for ace in descriptor.dacl
    )
    return f"D:{'PAI' if descriptor.protected else 'AI'}{entries}"


def _flag_text(flags: AceFlag) -> str:
    return "".join(text for text, flag in _FLAGS.items() if flags & flag)


def from_sddl(text: str) -> tuple[tuple[Ace, ...], bool]:
    """The access list that SDDL describes, and whether it is protected.

    Raises:
        ValueError: it is no SDDL that has a ``D:`` part of known words.
    """
    found = re.search(r"D:([A-Z]*)((?:\([^()]*\))*)$", text, re.IGNORECASE)
    if found is None:
        raise ValueError(f"no access list in {text!r}")
    entries = re.findall(r"\(([^()]*)\)", found[2])
    return tuple(_ace(entry) for entry in entries), "P" in found[1].upper()


def _ace(entry: str) -> Ace:
    fields = entry.split(";")
    if len(fields) != 6 or fields[0].upper() not in ("A", "D"):  # noqa: PLR2004 -- an entry of SDDL has six fields
        raise ValueError(f"no access entry: {entry!r}")
    flags = NO_FLAGS
    for pair in re.findall("..?", fields[1].upper()):
        flags |= _known(_FLAGS, pair)
    sid = fields[5].upper()
    kind = AceType.DENY if fields[0].upper() == "D" else AceType.ALLOW
    full = sid if re.fullmatch(r"S(-\d+){3,}", sid) else _known(_LETTERS, sid)
    return Ace(kind, flags, _mask(fields[2].upper()), full)


def _mask(text: str) -> int:
    if text.startswith("0X"):
        return int(text, 16)
    mask = 0
    for pair in re.findall("..?", text):
        mask |= _known(_RIGHTS | _PAIRS, pair)
    return mask


def _known(table: Mapping[str, _T], word: str) -> _T:
    if word not in table:
        raise ValueError(f"unknown word {word!r}")
    return table[word]
