"""From a name to a running program: the search path, batch files, processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.lab.windows.cmd.ports import (
    Invocation,
    Jobs,
    Program,
    Started,
    System,
)
from orchestrator.lab.windows.cmd.streams import Console, Routine, Streams
from orchestrator.lab.windows.filesystem import FileSystem
from orchestrator.lab.windows.paths import FileError, Win32, full_path
from orchestrator.lab.windows.pe import version_of

DEFAULT_EXTENSIONS = ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH"
BATCH = (".bat", ".cmd")
MAX_BLANKS = 32
"""Blanks of an unquoted program path that are tried."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a new process inherits."""

    folder: str
    environment: Mapping[str, str]
    streams: Streams
    console: Console


def value_of(environment: Mapping[str, str], name: str) -> str:
    """A variable whatever its letter case; empty when it is not set."""
    return next((v for k, v in environment.items() if k.lower() == name), "")


def merged(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Two environments, the second over the first, whatever the letter case."""
    names = {name.lower() for name in above}
    kept = {name: text for name, text in below.items() if name.lower() not in names}
    return kept | dict(above)


def locate(files: FileSystem, name: str, context: Context) -> str | None:
    """The file that a command's name means, or ``None``."""
    for path in _candidates(name, context):
        node = files.find(path)
        if node is not None and not node.is_folder:
            return files.true_path(path)
    return None


def _candidates(name: str, context: Context) -> Iterator[str]:
    listed = value_of(context.environment, "pathext") or DEFAULT_EXTENSIONS
    extensions = [one for one in listed.split(";") if one]
    with_path = any(sign in name for sign in "\\/:")
    search = "" if with_path else value_of(context.environment, "path")
    for folder in [context.folder, *(one for one in search.split(";") if one)]:
        base = full_path(name, full_path(folder.strip('"'), context.folder))
        if "." in base.rpartition("\\")[2]:
            yield base
        yield from (base + extension for extension in extensions)


def program_at(
    system: System, path: str, tools: Mapping[str, Program]
) -> Program | None:
    """What the program in a file does; known by content, whatever its name.

    Raises:
        FileError: the file cannot be read.
    """
    content = system.files.read(path)
    version = version_of(content)
    if version is not None and version.strings.get("CompanyName") == "Lab":
        tool = tools.get(version.strings.get("InternalName", ""))
        if tool is not None:
            return tool
    return system.program(content)


def start(
    executor: Jobs,
    system: System,
    program: Program,
    *,
    path: str,
    line: tuple[str, str],
    context: Context,
    parent: int = 0,
) -> Started:
    """Start a process; ``line`` is the program's name as written, and the rest."""

    def run(pid: int) -> Routine:
        return _guarded(
            program,
            Invocation(
                *(system, executor, context.streams, pid, path, line[1]),
                *(context.folder, context.environment, context.console),
            ),
        )

    return executor.start(path, "".join(line), parent, run)


def _guarded(program: Program, run: Invocation) -> Routine:
    """A program that stumbles over a file says so and ends."""
    try:
        result = program(run)
        return result if isinstance(result, int) else (yield result)
    except FileError as error:
        run.complain(f"{error.message}\r\n")
        return int(error.code)


def split_line(line: str) -> tuple[str, str]:
    """A command line's program, without quotes, and the rest as written."""
    line = line.lstrip()
    if line.startswith('"'):
        name, _, tail = line[1:].partition('"')
        return name, tail
    name, space, tail = line.partition(" ")
    return name, space + tail


def find_for_process(
    files: FileSystem, line: str, context: Context
) -> tuple[str, str, str]:
    """The program file of a command line, its name as written, and the rest.

    As CreateProcess looks for it: an unquoted path may hold spaces, so longer and
    longer beginnings are tried.

    Raises:
        FileError: there is none (2), or no such folder (3).
    """
    line = line.lstrip()
    environment = dict(context.environment) | {"PATHEXT": ".EXE"}
    seen = replace(context, environment=environment)
    for head in _beginnings(line):
        name = head.strip('"')
        found = locate(files, name, seen) if name else None
        if found is not None:
            return found, head, line[len(head) :]
    name = split_line(line)[0]
    folder = full_path(name, context.folder).rpartition("\\")[0] + "\\"
    known = "\\" not in name or files.is_folder(folder)
    raise FileError(Win32.FILE_NOT_FOUND if known else Win32.PATH_NOT_FOUND, name)


def _beginnings(line: str) -> Iterator[str]:
    if line.startswith('"'):
        name, quote, _ = line[1:].partition('"')
        yield f'"{name}{quote}'
        return
    words = line.split(" ")
    for count in range(1, min(len(words), MAX_BLANKS) + 1):
        yield " ".join(words[:count])
