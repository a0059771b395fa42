r"""Our folder on a host: only Administrators and SYSTEM, by SID, and read back.

What runs from it runs as SYSTEM would, so a folder that others can write would hand
out administrator rights. Nothing is believed that the host did not tell afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from orchestrator.adapters.winrm.faults import UnreadableError, WsFaultError
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.values import Row
from orchestrator.adapters.winrm.wsman import Embedded, WsMan

ADMINISTRATORS, SYSTEM = "S-1-5-32-544", "S-1-5-18"
_ALLOWED = frozenset({ADMINISTRATORS, SYSTEM})
_CLASS = "Win32_LogicalFileSecuritySetting"
_FULL_CONTROL = 0x1F01FF
#: Object and container inherit: what is made inside is restricted alike.
_INHERIT = 3
_DACL_PRESENT, _DACL_PROTECTED, _SELF_RELATIVE = 0x4, 0x1000, 0x8000
_INHERIT_ONLY, _INHERITED_ACE = 0x8, 0x10
#: Delete child, write the access list or the owner, all: what lets someone put a
#: folder of their own in the place of one inside.
_REPLACES = 0x40 | 0x40000 | 0x80000 | 0x10000000
#: Write data, append, write attributes of either kind, delete child, delete, write
#: the access list or the owner; and the generic rights that hold them.
_WRITES = 0x2 | 0x4 | 0x10 | 0x40 | 0x100 | 0x10000 | 0x40000 | 0x80000
_WRITES |= 0x10000000 | 0x40000000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an access list."""

    sid: str
    mask: int
    inherited: bool
    allows: bool
    #: Says nothing of the folder itself, only of what is made inside.
    inherit_only: bool = False


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Who owns a folder and who may enter it; no list means everyone."""

    owner: str
    protected: bool
    entries: tuple[Entry, ...]
    present: bool = True

    @override
    def __str__(self) -> str:
        """For people: owner and entries by SID."""
        listed = ", ".join(f"{entry.sid} {entry.mask:#x}" for entry in self.entries)
        cut = "cut" if self.protected else "not cut"
        return f"owner {self.owner}, inheritance {cut}, {listed or 'no entries'}"

    @property
    def restricted(self) -> bool:
        """Owner and list are Administrators and SYSTEM, and nothing is inherited."""
        return (
            self.owner in _ALLOWED
            and self.present
            and self.protected
            and {entry.sid for entry in self.entries} == _ALLOWED
            and all(entry.allows and not entry.inherited for entry in self.entries)
        )

    @property
    def content_replaceable_by_others(self) -> bool:
        """Someone else may move what is inside away; for the folder above ours."""
        return not self.present or any(
            entry.allows and entry.mask & _REPLACES and not entry.inherit_only
            for entry in self.entries
            if entry.sid not in _ALLOWED
        )

    @property
    def writable_by_others(self) -> bool:
        """Someone else owns it or may change what is inside."""
        others = (
            entry.allows
            and entry.mask & _WRITES
            and entry.sid not in _ALLOWED
            # CREATOR OWNER stands for whoever creates, and only they can create.
            and entry.sid != "S-1-3-0"
            for entry in self.entries
        )
        return self.owner not in _ALLOWED or not self.present or any(others)


def read_descriptor(wsman: WsMan, path: str) -> Descriptor:
    """The folder's descriptor as the host tells it.

    Raises:
        UnreadableError: it does not tell.
    """
    answer = wsman.invoke(
        _CLASS, "GetSecurityDescriptor", selectors=[("Path", path)], repeatable=True
    )
    if answer.number("ReturnValue") != 0:
        raise UnreadableError(f"GetSecurityDescriptor of {path} was refused")
    found = _one(answer, "Descriptor")
    flags = found.number("ControlFlags") or 0
    return Descriptor(
        owner=_sid(_one(found, "Owner")),
        protected=bool(flags & _DACL_PROTECTED),
        entries=tuple(_entry(row) for row in found.rows("DACL")),
        present=bool(flags & _DACL_PRESENT),
    )


def _one(row: Row, name: str) -> Row:
    found = row.rows(name)
    if len(found) != 1:
        raise UnreadableError(f"a descriptor without its {name}")
    return found[0]


def _entry(row: Row) -> Entry:
    flags, kind = row.number("AceFlags") or 0, row.number("AceType")
    mask = row.number("AccessMask")
    if mask is None or kind is None:
        raise UnreadableError("an entry without a mask or a type")
    return Entry(
        sid=_sid(_one(row, "Trustee")),
        mask=mask & 0xFFFFFFFF,
        inherited=bool(flags & _INHERITED_ACE),
        inherit_only=bool(flags & _INHERIT_ONLY),
        allows=kind == 0,
    )


def _sid(trustee: Row) -> str:
    """The SID from its bytes, which are what counts; its text is a convenience."""
    numbers = [int(text) for text in trustee.texts("SID") if text.isdecimal()]
    raw = bytes(number for number in numbers if number < 256)  # noqa: PLR2004  # a byte
    head = 8
    if len(raw) < head or len(raw) != head + 4 * raw[1]:
        raise UnreadableError("a trustee without a SID")
    parts = (
        int.from_bytes(raw[at : at + 4], "little") for at in range(head, len(raw), 4)
    )
    authority = int.from_bytes(raw[2:head], "big")
    return "-".join(map(str, ("S", raw[0], authority, *parts)))


def sid_bytes(sid: str) -> tuple[int, ...]:
    """A SID in its binary form (MS-DTYP 2.4.2.2)."""
    revision, authority, *parts = (int(part) for part in sid.split("-")[1:])
    tail = b"".join(part.to_bytes(4, "little") for part in parts)
    return (revision, len(parts), *authority.to_bytes(6, "big"), *tail)


def _trustee(sid: str) -> Embedded:
    raw = sid_bytes(sid)
    return Embedded(
        "Win32_Trustee", {"SID": raw, "SidLength": len(raw), "SIDString": sid}
    )


def _set_descriptor(wsman: WsMan, path: str) -> None:
    entries = tuple(
        Embedded(
            "Win32_ACE",
            {
                "AccessMask": _FULL_CONTROL,
                "AceFlags": _INHERIT,
                "AceType": 0,
                "Trustee": _trustee(sid),
            },
        )
        for sid in (ADMINISTRATORS, SYSTEM)
    )
    descriptor = Embedded(
        "Win32_SecurityDescriptor",
        {
            "ControlFlags": _SELF_RELATIVE | _DACL_PRESENT | _DACL_PROTECTED,
            "DACL": entries,
            "Owner": _trustee(ADMINISTRATORS),
        },
    )
    wsman.invoke(
        _CLASS,
        "SetSecurityDescriptor",
        [("Descriptor", descriptor)],
        selectors=[("Path", path)],
    )


def _cacls(wsman: WsMan, shell: Shell, path: str) -> None:
    """Cacls knows names only, which are of the host's language: asked for by SID."""
    grants = " ".join(f'"{_name(wsman, sid)}":F' for sid in sorted(_ALLOWED))
    shell.run(f"cacls {path} /G {grants}", [b"y\r\n"])


def _name(wsman: WsMan, sid: str) -> str:
    account = wsman.get("Win32_SID", [("SID", sid)])
    return account.needed("AccountName")


def restrict(wsman: WsMan, shell: Shell, path: str) -> Descriptor:
    """Restrict a folder in one of several ways; what it is afterwards.

    Each way is proven by reading back and by nothing else.

    Raises:
        UnreadableError: the host does not tell what the folder is.
    """
    found = read_descriptor(wsman, path)
    ways: tuple[Callable[[], None], ...] = (
        lambda: _set_descriptor(wsman, path),
        lambda: _cacls(wsman, shell, path),
    )
    for way in ways:
        if found.restricted:
            break
        try:
            way()
        except (WsFaultError, UnreadableError, ValueError):
            continue
        found = read_descriptor(wsman, path)
    return found
