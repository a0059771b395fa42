"""The handles of a command: files, pipes and devices behind 0, 1, 2 and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.lab.windows.cmd.streams import (
    Memory,
    Nothing,
    Outcome,
    Sink,
    Source,
    Streams,
)
from orchestrator.lab.windows.cmd.tree import Redirect
from orchestrator.lab.windows.filesystem import FileSystem, Node
from orchestrator.lab.windows.paths import FileError, Win32


class FileSink:
    """An open file: while it is open nobody else may write or delete it."""

    def __init__(self, files: FileSystem, path: str, *, append: bool) -> None:
        """Open or create it.

        Raises:
            FileError: as :meth:`FileSystem.write`.
        """
        self._files, self._path = files, path
        self._node: Node = files.write(path, b"", append=append)
        self._node.writers += 1

    def write(self, data: bytes) -> None:
        """Add bytes to the file.

        Raises:
            FileError: the disk is full.
        """
        if data:
            self._files.store(self._path, self._node, self._node.content + data)

    def room(self) -> Outcome:
        """A file always takes more."""
        return Nothing().room()

    def close(self) -> None:
        """Let others write again."""
        self._node.writers -= 1


@dataclass(slots=True)
class Handles:
    """What the handles of a command point at; a copy for each redirection."""

    sinks: dict[int, Sink]
    stdin: Source
    opened: list[FileSink] = field(default_factory=list)

    @property
    def streams(self) -> Streams:
        """The three standard ones, as a program gets them."""
        return Streams(self.stdin, self.sinks[1], self.sinks[2])

    def close(self) -> None:
        """Close the files that this redirection opened."""
        while self.opened:
            self.opened.pop().close()


def redirected(
    handles: Handles,
    redirects: Sequence[Redirect],
    files: FileSystem,
    resolve: Callable[[str], str],
) -> Handles:
    """The handles after redirections, which count from left to right.

    ``resolve`` makes a full path of a target; a device's bare name stays.

    Raises:
        FileError: a file cannot be opened; those opened before are closed.
    """
    fresh = Handles(dict(handles.sinks), handles.stdin)
    try:
        for each in redirects:
            _apply(fresh, each, files, resolve)
    except FileError:
        fresh.close()
        raise
    return fresh


def _apply(
    handles: Handles,
    each: Redirect,
    files: FileSystem,
    resolve: Callable[[str], str],
) -> None:
    if each.kind == "&":
        _duplicate(handles.sinks, each)
        return
    path = resolve(each.target)
    if each.kind == "<":
        handles.stdin = Memory(b"" if path == "nul" else files.read(path))
        return
    if path == "nul":
        handles.sinks[each.handle] = Nothing()
        return
    sink = FileSink(files, path, append=each.kind == ">>")
    handles.opened.append(sink)
    handles.sinks[each.handle] = sink


def _duplicate(sinks: dict[int, Sink], each: Redirect) -> None:
    source: Mapping[int, Sink] = sinks
    if int(each.target) not in source:
        raise FileError(Win32.INVALID_HANDLE, each.target)
    sinks[each.handle] = source[int(each.target)]
