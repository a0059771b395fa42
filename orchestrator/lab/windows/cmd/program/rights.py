"""cacls: shows and changes access lists; ``attrib``: shows and changes attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import arguments, matching
from orchestrator.lab.windows.cmd.program.search import answer
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.filesystem import Attribute, Node
from orchestrator.lab.windows.paths import FileError
from orchestrator.lab.windows.security import (
    BOTH,
    CHANGE,
    FULL,
    NAMES,
    NO_FLAGS,
    READ,
    WRITE,
    Ace,
    AceFlag,
    AceType,
    from_sddl,
    sid_of,
    to_sddl,
)

_MASKS = {"f": FULL, "c": CHANGE, "r": READ, "w": WRITE}
_SHOWN = {FULL: "F", CHANGE: "C", READ: "R", WRITE: "W"}
_RIGHTS = (
    *((0x10000, "DELETE"), (0x20000, "READ_CONTROL"), (0x40000, "WRITE_DAC")),
    *((0x80000, "WRITE_OWNER"), (0x100000, "SYNCHRONIZE"), (0x1, "FILE_READ_DATA")),
    *((0x2, "FILE_WRITE_DATA"), (0x4, "FILE_APPEND_DATA"), (0x8, "FILE_READ_EA")),
    *((0x10, "FILE_WRITE_EA"), (0x20, "FILE_EXECUTE"), (0x40, "FILE_DELETE_CHILD")),
    *((0x80, "FILE_READ_ATTRIBUTES"), (0x100, "FILE_WRITE_ATTRIBUTES")),
)
WRONG_PARAMETER, NO_MAPPING = 87, 1332


@dataclass(slots=True)
class _Change:
    edit: bool = False
    tree: bool = False
    grant: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    revoke: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)
    sddl: str | None = None

    @property
    def shows(self) -> bool:
        """Whether nothing is to be changed."""
        named = self.grant or self.replaced or self.revoke or self.deny
        return not named and not self.sddl


def cacls(run: Invocation) -> Routine:
    """``cacls file [/t] [/e] [/g|/p user:perm] [/r|/d user] [/s:sddl]``."""
    words = arguments(run.tail)
    change = _read(words[1:])
    if not words or change is None:
        run.complain("The parameter is incorrect.\r\n")
        return WRONG_PARAMETER
    targets = [
        one for found in matching(run, words[0]) for one in _below(run, *found, change)
    ]
    if change.shows:
        for path, node in targets:
            run.print(_sddl(path, node) if change.sddl == "" else shown(path, node))
        return 0
    if not change.edit and not (yield answer(run, "Are you sure (Y/N)?")):
        return 0
    for path, node in targets:
        dacl = _changed(node, change)
        if dacl is None:
            run.complain("No mapping between account names and security IDs was done.")
            run.complain("\r\n")
            return NO_MAPPING
        protected = "P" in (change.sddl or "").partition("(")[0].upper()[2:]
        kept = node.security.protected if change.edit else protected
        node.security = replace(node.security, dacl=dacl, protected=kept)
        kind = "dir" if node.is_folder else "file"
        run.print(f"processed {kind}: {path}\r\n")
    return 0


def _read(words: list[str]) -> _Change | None:
    change = _Change()
    lists = {
        "/g": change.grant,
        "/p": change.replaced,
        "/r": change.revoke,
        "/d": change.deny,
    }
    current: list[str] | None = None
    for word in words:
        lowered = word.lower()
        if lowered in lists:
            current = lists[lowered]
        elif lowered.startswith("/s") and lowered[2:3] in ("", ":"):
            change.sddl = word[3:]
        elif lowered in ("/e", "/t", "/c"):
            change.edit |= lowered == "/e"
            change.tree |= lowered == "/t"
        elif current is None or word.startswith("/"):
            return None
        else:
            current.append(word)
    return change


def _below(
    run: Invocation, path: str, node: Node, change: _Change
) -> Iterator[tuple[str, Node]]:
    yield path, node
    if change.tree and node.is_folder:
        yield from run.system.files.walk(path)


def _changed(node: Node, change: _Change) -> tuple[Ace, ...] | None:
    """The new access list; ``None`` when an account is not known."""
    if change.sddl:
        try:
            return from_sddl(change.sddl)[0]
        except ValueError:
            return None
    flags = BOTH if node.is_folder else NO_FLAGS
    dacl = list(node.security.dacl) if change.edit else []
    for name in (*change.revoke, *(one.rpartition(":")[0] for one in change.replaced)):
        dacl = [ace for ace in dacl if ace.sid != sid_of(name)]
    denied = [(name, "f", AceType.DENY) for name in change.deny]
    pairs = (one.rpartition(":") for one in (*change.grant, *change.replaced))
    granted = [(name, right, AceType.ALLOW) for name, _, right in pairs]
    for name, right, kind in (*denied, *granted):
        sid, mask = sid_of(name), _MASKS.get(right.lower())
        if sid is None or (mask is None and right.lower() != "n"):
            return None
        ace = Ace(kind, flags, mask or FULL, sid)
        refuses = kind is AceType.DENY or mask is None
        if refuses:
            dacl.insert(0, replace(ace, kind=AceType.DENY))
        else:
            dacl.append(ace)
    return tuple(dacl)


def shown(path: str, node: Node) -> str:
    """One file's access list as cacls prints it."""
    lines: list[str] = []
    for ace in node.security.dacl:
        lines += _lines(ace)
    blank = " " * len(path)
    first = f"{path} {lines[0] if lines else ''}\r\n"
    return first + "".join(f"{blank} {line}\r\n" for line in lines[1:]) + "\r\n"


def _lines(ace: Ace) -> list[str]:
    name = NAMES.get(ace.sid, f"<Account Domain not found>{ace.sid}")
    names = (
        (AceFlag.OBJECT_INHERIT, "(OI)"),
        (AceFlag.CONTAINER_INHERIT, "(CI)"),
        (AceFlag.INHERIT_ONLY, "(IO)"),
        (AceFlag.NO_PROPAGATE, "(NP)"),
    )
    head = f"{name}:{''.join(text for flag, text in names if ace.flags & flag)}"
    denies = ace.kind is AceType.DENY
    if ace.mask in _SHOWN:
        whole = "N" if denies and ace.mask == FULL else _SHOWN[ace.mask]
        return [f"{head}{'(DENY)' if denies and whole != 'N' else ''}{whole}"]
    special = f"{head}({'DENY)(' if denies else ''}special access:)"
    rights = [f"    {name}" for bit, name in _RIGHTS if ace.mask & bit]
    return [special, *rights]


def _sddl(path: str, node: Node) -> str:
    return f'{path} "{to_sddl(node.security)}"\r\n'


_LETTERS = {
    "r": Attribute.READ_ONLY,
    "a": Attribute.ARCHIVE,
    "s": Attribute.SYSTEM,
    "h": Attribute.HIDDEN,
}


def attrib(run: Invocation) -> int:
    """``attrib [+r|-r] [+a|-a] [+s|-s] [+h|-h] [file] [/s] [/d]``."""
    words = [word.lower() for word in arguments(run.tail)]
    changes = [w for w in words if w[:1] in "+-" and w[1:] in _LETTERS]
    names = [w for w in arguments(run.tail) if w.lower() not in changes and w[0] != "/"]
    wanted = names[0] if names else "*"
    try:
        targets = _attrib_targets(run, wanted, words)
    except FileError:
        run.print(f"File not found - {wanted}\r\n")
        return 1
    for path, node in targets:
        for change in changes:
            bit = _LETTERS[change[1]]
            on = node.attributes | bit if change[0] == "+" else node.attributes & ~bit
            node.attributes = on
        if not changes:
            run.print(f"{_places(node)}{path}\r\n")
    return 0


def _attrib_targets(
    run: Invocation, wanted: str, words: list[str]
) -> list[tuple[str, Node]]:
    single = not any(sign in wanted for sign in "*?")
    found = matching(run, wanted)
    return [one for one in found if single or "/d" in words or not one[1].is_folder]


def _places(node: Node) -> str:
    """``A  SHR     `` before the path."""
    on = [
        letter.upper() if node.attributes & bit else " "
        for letter, bit in _LETTERS.items()
    ]
    read_only, archive, system, hidden = on
    return f"{archive}  {system}{hidden}{read_only}     "
