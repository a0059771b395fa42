r"""A Windows file system in memory: drives and shares, times, rights, free space.

Names keep their letter case and are found without it. A path is absolute here:
``C:\folder\file`` or ``\\server\share\file``; :func:`paths.full_path` makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag

from orchestrator.lab.windows.paths import (
    BAD_NAME,
    DEVICES,
    MAX_PATH,
    FileError,
    Win32,
    split_root,
)
from orchestrator.lab.windows.security import (
    ADMINISTRATOR_TOKEN,
    ADMINISTRATORS,
    DELETE,
    READ_DATA,
    ROOT_SECURITY,
    WRITE_DATA,
    SecurityDescriptor,
)

DEFAULT_FREE = 6 << 30
"""Free bytes of a volume unless told otherwise."""


class Attribute(IntFlag):
    """File attributes, as the Platform SDK numbers them."""

    READ_ONLY = 0x01
    HIDDEN = 0x02
    SYSTEM = 0x04
    DIRECTORY = 0x10
    ARCHIVE = 0x20


@dataclass(slots=True, eq=False)
class Node:
    """A file (``children`` is ``None``) or a folder."""

    name: str
    created: datetime
    modified: datetime
    accessed: datetime
    security: SecurityDescriptor
    attributes: Attribute
    content: bytes = b""
    children: dict[str, Node] | None = None
    writers: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.children is not None


@dataclass(slots=True)
class _Root:
    node: Node
    free: int
    denied: bool = False


class FileSystem:
    """One computer's volumes, and the shares that it can see."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        free: int = DEFAULT_FREE,
        in_use: Callable[[str], bool] = lambda _: False,
        token: frozenset[str] = ADMINISTRATOR_TOKEN,
    ) -> None:
        """Make an empty ``C:``.

        ``in_use`` tells whether a process maps a file (its full path is given):
        such a file can be renamed, but neither deleted nor overwritten. ``token``
        holds the SIDs for which access is checked.
        """
        self._clock, self._token = clock, token
        self.in_use = in_use
        self._roots: dict[str, _Root] = {}
        self.add_volume("C:", free=free)

    # Roots.

    def add_volume(self, drive: str, *, free: int = DEFAULT_FREE) -> None:
        """Add an empty drive such as ``D:``."""
        self._roots[drive.lower()] = _Root(self._new(drive, ROOT_SECURITY, {}), free)

    def add_share(self, share: str, *, denied: bool = False) -> None:
        r"""Add an empty share such as ``\\server\share``; ``denied``: no access."""
        node = self._new(share, ROOT_SECURITY, {})
        self._roots[share.lower()] = _Root(node, DEFAULT_FREE, denied)

    @property
    def free_bytes(self) -> int:
        """Free bytes of the system volume."""
        return self.free_of("C:\\")

    def free_of(self, path: str) -> int:
        """Free bytes of a path's volume."""
        return self._root(path)[0].free

    def set_free(self, path: str, free: int) -> None:
        """Say how much is free on a path's volume from now on."""
        self._root(path)[0].free = free

    def _new(
        self, name: str, security: SecurityDescriptor, children: dict[str, Node] | None
    ) -> Node:
        now = self._clock()
        kind = Attribute.ARCHIVE if children is None else Attribute.DIRECTORY
        return Node(name, now, now, now, security, kind, b"", children)

    # Finding.

    def _root(self, path: str) -> tuple[_Root, list[str]]:
        name, rest = split_root(path)
        if not name:
            code = Win32.BAD_NET_PATH if path.startswith("\\\\") else Win32.INVALID_NAME
            raise FileError(code, path)
        root = self._roots.get(name.lower())
        if root is None:
            share = path.startswith("\\\\")
            raise FileError(Win32.BAD_NET_PATH if share else Win32.PATH_NOT_FOUND, path)
        if root.denied:
            raise FileError(Win32.ACCESS_DENIED, path)
        parts = [part for part in rest.split("\\") if part]
        if any(BAD_NAME.search(part) for part in parts):
            raise FileError(Win32.INVALID_NAME, path)
        return root, parts

    def find(self, path: str) -> Node | None:
        """What is at a path; ``None`` when nothing is, or nothing can be seen."""
        try:
            return self.node(path)
        except FileError:
            return None

    def node(self, path: str) -> Node:
        """What is at a path.

        Raises:
            FileError: nothing is there (2), nor its folder (3), or no access (5).
        """
        root, parts = self._root(path)
        node = root.node
        for number, part in enumerate(parts, 1):
            child = node.children.get(part.lower()) if node.children else None
            if child is None:
                last = number == len(parts) and node.is_folder
                raise FileError(
                    Win32.FILE_NOT_FOUND if last else Win32.PATH_NOT_FOUND, path
                )
            node = child
        return node

    def exists(self, path: str) -> bool:
        """Whether something is at a path."""
        return self.find(path) is not None

    def is_folder(self, path: str) -> bool:
        """Whether a folder is at a path."""
        node = self.find(path)
        return node is not None and node.is_folder

    def true_path(self, path: str) -> str:
        """The path in the letter case of what exists; the rest as it was given."""
        root, parts = self._root(path)
        names = [root.node.name]
        node: Node | None = root.node
        for part in parts:
            node = (node.children or {}).get(part.lower()) if node else None
            names.append(node.name if node else part)
        return "\\".join(names) if parts else names[0] + "\\"

    def list(self, path: str) -> list[Node]:
        """What a folder holds, by name, as NTFS gives it.

        Raises:
            FileError: no such folder, or it may not be read.
        """
        node = self.node(path)
        if node.children is None:
            raise FileError(Win32.DIRECTORY, path)
        self._check(node, READ_DATA, path)
        return [node.children[name] for name in sorted(node.children)]

    def _check(self, node: Node, mask: int, path: str) -> None:
        if not node.security.grants(self._token, mask):
            raise FileError(Win32.ACCESS_DENIED, path)

    # Files.

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            FileError: it is not there, is a folder, or may not be read.
        """
        node = self.node(path)
        if node.is_folder:
            raise FileError(Win32.ACCESS_DENIED, path)
        self._check(node, READ_DATA, path)
        return node.content

    def write(self, path: str, content: bytes, *, append: bool = False) -> Node:
        """Create a file or replace its content; creation keeps the folder's rules.

        Raises:
            FileError: no folder (3), no access (5), in use (32), disk full (112).
        """
        node = self.find(path)
        if node is None:
            node = self._create(path, None)
        elif node.is_folder or node.attributes & Attribute.READ_ONLY:
            raise FileError(Win32.ACCESS_DENIED, path)
        else:
            self._check(node, WRITE_DATA, path)
            if node.writers or self.in_use(path):
                raise FileError(Win32.SHARING_VIOLATION, path)
        self.store(path, node, node.content + content if append else content)
        return node

    def store(self, path: str, node: Node, content: bytes) -> None:
        """Give an open file its new content.

        Raises:
            FileError: the disk is full; what was there stays.
        """
        root = self._root(path)[0]
        growth = len(content) - len(node.content)
        if growth > root.free:
            raise FileError(Win32.DISK_FULL, path)
        root.free -= growth
        node.content, node.modified = content, self._clock()
        node.attributes |= Attribute.ARCHIVE

    def put(
        self, path: str, content: bytes = b"", *, modified: datetime | None = None
    ) -> Node:
        """Place a file with the folders above it, as the system itself would.

        An existing file is replaced without asking for rights or locks.
        """
        self.make_folders(path.rpartition("\\")[0])
        node = self.find(path) or self._create(path, None)
        self.store(path, node, content)
        node.modified = modified or node.modified
        return node

    def _create(self, path: str, children: dict[str, Node] | None) -> Node:
        above, _, name = path.rstrip("\\").rpartition("\\")
        _, parts = self._root(path)
        if not parts or parts[-1].lower().partition(".")[0] in DEVICES:
            raise FileError(Win32.INVALID_NAME if parts else Win32.ACCESS_DENIED, path)
        if len(path) > MAX_PATH:
            raise FileError(Win32.FILENAME_TOO_LONG, path)
        parent = self.find(above + "\\")
        if parent is None or parent.children is None:
            raise FileError(Win32.PATH_NOT_FOUND, path)
        self._check(parent, WRITE_DATA, path)
        security = parent.security.child(ADMINISTRATORS, folder=children is not None)
        node = parent.children[name.lower()] = self._new(name, security, children)
        parent.modified = self._clock()
        return node

    # Folders.

    def make_folder(self, path: str) -> Node:
        """Create one folder, atomically.

        Raises:
            FileError: something is there (183), or the folder above is not (3).
        """
        if self.exists(path):
            raise FileError(Win32.ALREADY_EXISTS, path)
        return self._create(path, {})

    def make_folders(self, path: str) -> None:
        """Create a folder and those above it, where they are missing."""
        root, parts = self._root(path)
        so_far = root.node.name
        for part in parts:
            so_far += "\\" + part
            if not self.is_folder(so_far):
                self._create(so_far, {})

    def remove_folder(self, path: str) -> None:
        """Delete an empty folder.

        Raises:
            FileError: it is not there, no folder (267), or not empty (145).
        """
        node = self.node(path)
        if node.children is None:
            raise FileError(Win32.DIRECTORY, path)
        if node.children:
            raise FileError(Win32.DIR_NOT_EMPTY, path)
        self._unlink(path, node)

    def delete(self, path: str) -> None:
        """Delete a file.

        Raises:
            FileError: it is not there, read-only or mapped (5), or open (32).
        """
        node = self.node(path)
        if node.is_folder or node.attributes & Attribute.READ_ONLY or self.in_use(path):
            raise FileError(Win32.ACCESS_DENIED, path)
        if node.writers:
            raise FileError(Win32.SHARING_VIOLATION, path)
        self._unlink(path, node)

    def _unlink(self, path: str, node: Node) -> None:
        root, parts = self._root(path)
        parent = self.node(path.rstrip("\\").rpartition("\\")[0] + "\\")
        if not parts or parent.children is None:
            raise FileError(Win32.ACCESS_DENIED, path)
        if not parent.security.grants(self._token, WRITE_DATA):
            self._check(node, DELETE, path)
        root.free += len(node.content)
        del parent.children[parts[-1].lower()]
        parent.modified = self._clock()

    def remove_tree(self, path: str) -> None:
        """Delete a folder with all that is in it, rights and locks aside."""
        for child in list((self.node(path).children or {}).values()):
            below = f"{path}\\{child.name}"
            if child.is_folder:
                self.remove_tree(below)
            else:
                self._unlink(below, child)
        self._unlink(path, self.node(path))

    def rename(self, source: str, target: str) -> None:
        """Move a file or folder within its volume; a mapped file may be moved.

        Raises:
            FileError: the target exists (183), another volume (17), open (32).
        """
        node = self.node(source)
        if self._root(source)[0] is not self._root(target)[0]:
            raise FileError(Win32.NOT_SAME_DEVICE, target)
        there = self.find(target)
        if there is not None and there is not node:
            raise FileError(Win32.ALREADY_EXISTS, target)
        if node.writers:
            raise FileError(Win32.SHARING_VIOLATION, source)
        if f"{target}\\".lower().startswith(f"{source}\\".lower()) and there is None:
            raise FileError(Win32.ACCESS_DENIED, target)
        self._move(source, target, node)

    def _move(self, source: str, target: str, node: Node) -> None:
        """Renaming keeps times and security; only the name's own place changes."""
        old = self.node(source.rpartition("\\")[0] + "\\")
        new = self.find(target.rpartition("\\")[0] + "\\")
        if new is None or new.children is None or old.children is None:
            raise FileError(Win32.PATH_NOT_FOUND, target)
        self._check(new, WRITE_DATA, target)
        self._root(target)
        del old.children[node.name.lower()]
        node.name = target.rpartition("\\")[2]
        new.children[node.name.lower()] = node
        old.modified = new.modified = self._clock()

    def walk(self, path: str) -> Iterator[tuple[str, Node]]:
        """All below a folder with full paths, a folder before what it holds."""
        for child in self.list(path):
            below = f"{path.rstrip(chr(92))}\\{child.name}"
            yield below, child
            if child.is_folder:
                yield from self.walk(below)
