"""Commands about files: copy, move, ren, del."""

from __future__ import annotations

from orchestrator.lab.windows.cmd.builtin.words import (
    Words,
    YesNo,
    confirm,
    has_wildcard,
    matches,
    read_words,
    syntax_error,
)
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.filesystem import Attribute, Node
from orchestrator.lab.windows.paths import FileError, Win32, wildcard

END_OF_TEXT = b"\x1a"


def copy(cmd: Session, tail: str) -> Routine:
    """Copy files, or join them with ``+``; asks before it overwrites, unless told."""
    words = read_words(tail.replace("+", " + "))
    groups, target = _operands(words.operands)
    if not groups:
        return syntax_error(cmd)
    if len(groups) > 1:
        return (yield from _join(cmd, groups, target, words))
    try:
        count = yield from _copy_each(cmd, groups[0], target, words)
    except FileError as error:
        cmd.complain(f"{error.message}\r\n")
        if not cmd.files.exists(cmd.path(groups[0])):
            return 1
        count = 0
    cmd.print(f"{count:9} file(s) copied.\r\n")
    return 0 if count else 1


def _copy_each(cmd: Session, source: str, target: str, words: Words) -> Routine:
    count, above = 0, source.rpartition("\\")[0]
    for path, content in _sources(cmd, source):
        name = path.rpartition("\\")[2]
        if has_wildcard(source):
            cmd.print(f"{above}\\{name}\r\n".lstrip("\\"))
        there = target_path(cmd, target or ".", name)
        if there.lower() == path.lower():
            cmd.complain("The file cannot be copied onto itself.\r\n")
        elif (yield from may_replace(cmd, there, words)):
            _place(cmd, path, content, there)
            count += 1
    return count


def _operands(operands: tuple[str, ...]) -> tuple[list[str], str]:
    """The sources joined by plus signs, and the target, if there is one."""
    sources = list(operands[:1])
    rest = list(operands[1:])
    while len(rest) > 1 and rest[0] == "+":
        sources.append(rest[1])
        rest = rest[2:]
    valid = len(rest) <= 1 and "+" not in (*sources, *rest)
    return (sources, rest[0] if rest else "") if valid else ([], "")


def _sources(cmd: Session, name: str) -> list[tuple[str, bytes]]:
    if name.lower() == "nul":
        return [("nul", b"")]
    path = cmd.path(name)
    if cmd.files.is_folder(path):
        name = f"{name}\\*"
    return [
        (path, cmd.files.read(path))
        for path, node in matches(cmd, name)
        if not node.is_folder
    ]


def _place(cmd: Session, source: str, content: bytes, target: str) -> None:
    if target == "nul":
        return
    origin = cmd.files.find(source)
    node = cmd.files.write(target, content)
    if origin is not None:
        node.modified = origin.modified  # a copy keeps the date of its content


def _join(cmd: Session, groups: list[str], target: str, words: Words) -> Routine:
    """Text ends at Ctrl-Z and gets one at its end; ``/b`` takes all as it is."""
    binary = words.has("b")
    pieces: list[bytes] = []
    for name in groups:
        for path, content in _sources(cmd, name):
            cmd.print(f"{name.rpartition(chr(92))[0]}\\".lstrip("\\"))
            cmd.print(f"{path.rpartition(chr(92))[2]}\r\n")
            pieces.append(content if binary else content.partition(END_OF_TEXT)[0])
    first = cmd.path(groups[0])
    there = target_path(cmd, target, first.rpartition("\\")[2]) if target else first
    if not target or (yield from may_replace(cmd, there, words)):
        cmd.files.write(there, b"".join(pieces) + (b"" if binary else END_OF_TEXT))
        cmd.print("        1 file(s) copied.\r\n")
        return 0
    cmd.print("        0 file(s) copied.\r\n")
    return 1


def target_path(cmd: Session, text: str, name: str) -> str:
    """Where a file goes: into a folder, over a file, or under a pattern's name."""
    if text.lower() == "nul":
        return "nul"
    path = cmd.path(text)
    if cmd.files.is_folder(path):
        return f"{path.rstrip(chr(92))}\\{name}"
    if text.endswith("\\"):
        raise FileError(Win32.PATH_NOT_FOUND, path)
    folder, _, pattern = path.rpartition("\\")
    return f"{folder}\\{renamed(name, pattern)}"


def renamed(name: str, pattern: str) -> str:
    """A name under a pattern: ``a.txt`` under ``*.old`` is ``a.old``."""
    if not has_wildcard(pattern):
        return pattern
    stem, _, extension = name.rpartition(".") if "." in name else (name, "", "")
    new_stem, _, new_extension = pattern.partition(".")
    parts = (_filled(stem, new_stem), _filled(extension, new_extension))
    return ".".join(part for part in parts if part)


def _filled(old: str, pattern: str) -> str:
    out = ""
    for index, char in enumerate(pattern):
        if char == "*":
            return out + old[index:]
        out += old[index : index + 1] if char == "?" else char
    return out


def may_replace(cmd: Session, path: str, words: Words) -> YesNo:
    """Asked only outside batch files, about a file that is there, without ``/y``."""
    asks = not cmd.frames and not words.has("y") and path != "nul"
    if words.has("-y"):
        asks = True
    if not asks or not cmd.files.exists(path) or cmd.files.is_folder(path):
        return True
    return (yield from confirm(cmd, f"Overwrite {path}? (Yes/No/All): "))


def move(cmd: Session, tail: str) -> Routine:
    """Move files, or move and rename a folder."""
    words = read_words(tail)
    if len(words.operands) not in (1, 2):
        return syntax_error(cmd)
    source, target = (*words.operands, ".")[:2]
    files = folders = 0
    for path, node in matches(cmd, source):
        there = target_path(cmd, target, node.name)
        if node.is_folder:
            cmd.files.rename(path, there)
            folders += 1
        elif (yield from may_replace(cmd, there, words)):
            move_file(cmd, path, there)
            files += 1
    kind, count = ("dir", folders) if folders else ("file", files)
    cmd.print(f"{count:9} {kind}(s) moved.\r\n")
    return 0 if count else 1


def move_file(cmd: Session, source: str, target: str) -> None:
    """Rename over what is there; to another volume, copy and delete."""
    there = cmd.files.find(target)
    same = source.lower() == target.lower()
    try:
        if there is not None and not same:
            cmd.files.delete(target)
        cmd.files.rename(source, target)
    except FileError as error:
        if error.code is not Win32.NOT_SAME_DEVICE:
            raise
        _place(cmd, source, cmd.files.read(source), target)
        cmd.files.delete(source)


def rename(cmd: Session, tail: str) -> int:
    """``ren``: new names in the same folder."""
    operands = read_words(tail).operands
    if len(operands) != 2 or any(sign in operands[1] for sign in "\\/:"):  # noqa: PLR2004 -- an old name and a new one
        return syntax_error(cmd)
    for path, node in matches(cmd, operands[0]):
        folder = path.rpartition("\\")[0]
        try:
            cmd.files.rename(path, f"{folder}\\{renamed(node.name, operands[1])}")
        except FileError as error:
            if error.code is not Win32.ALREADY_EXISTS:
                raise
            cmd.complain("A duplicate file name exists, or the file\r\n")
            cmd.complain("cannot be found.\r\n")
            return 1
    return 0


def delete(cmd: Session, tail: str) -> Routine:
    """``del``: its ERRORLEVEL stays 0 whatever it could not delete."""
    words = read_words(tail)
    if not words.operands:
        return syntax_error(cmd)
    for name in words.operands:
        path = cmd.path(name)
        if cmd.files.is_folder(path):
            path += "\\*"
        last = path.rpartition("\\")[2]
        if last in ("*", "*.*") and not words.has("q"):
            sure = yield from confirm(cmd, f"{path}, Are you sure (Y/N)? ")
            if not sure:
                continue
        if not _delete(cmd, path, words):
            cmd.complain(f"Could Not Find {path}\r\n")
    return 0


def _delete(cmd: Session, path: str, words: Words) -> bool:
    found = False
    folder, _, name = path.rpartition("\\")
    shape = wildcard(name)
    if not cmd.files.is_folder(folder + "\\"):
        return False
    for node in cmd.files.list(folder + "\\"):
        below = f"{folder}\\{node.name}"
        if node.is_folder and words.has("s"):
            found = _delete(cmd, f"{below}\\{name}", words) or found
        elif not node.is_folder and shape.fullmatch(node.name) and _chosen(node, words):
            found = True
            _delete_file(cmd, below, node, words)
    return found


def _chosen(node: Node, words: Words) -> bool:
    """Hidden and system files only where ``/a`` asks for them."""
    wanted = words.value("a")
    if wanted is None:
        return not node.attributes & (Attribute.HIDDEN | Attribute.SYSTEM)
    return has_attributes(node, wanted)


def has_attributes(node: Node, wanted: str) -> bool:
    """Whether a file has what ``/a:h-s`` asks for."""
    letters = {
        "d": Attribute.DIRECTORY,
        "h": Attribute.HIDDEN,
        "s": Attribute.SYSTEM,
        "r": Attribute.READ_ONLY,
        "a": Attribute.ARCHIVE,
    }
    expected = True
    for letter in wanted:
        if letter == "-":
            expected = False
            continue
        if bool(node.attributes & letters.get(letter, Attribute(0))) is not expected:
            return False
        expected = True
    return True


def _delete_file(cmd: Session, path: str, node: Node, words: Words) -> None:
    if words.has("f"):
        node.attributes &= ~Attribute.READ_ONLY
    try:
        cmd.files.delete(path)
        if words.has("s"):
            cmd.print(f"Deleted file - {path}\r\n")
    except FileError as error:
        cmd.complain(f"{path}\r\n{error.message}\r\n")
