"""xcopy: files and whole folders."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import arguments, files_of, path_of
from orchestrator.lab.windows.filesystem import Node
from orchestrator.lab.windows.paths import FileError, full_path


def xcopy(run: Invocation) -> int:
    """``xcopy source target [/s] [/e] [/y] [/i] [/q]``: a file or a whole folder."""
    words = arguments(run.tail)
    switches = {word.lower() for word in words if word.startswith("/")}
    names = [word for word in words if not word.startswith("/")]
    if len(names) not in (1, 2):
        run.complain("Invalid number of parameters\r\n")
        run.print("0 File(s) copied\r\n")
        return 4
    files = run.system.files
    try:
        pairs = list(_xcopy_pairs(run, names, switches))
        for source, target in pairs:
            files.make_folders(target.rpartition("\\")[0])
            files.write(target, files.read(source)).modified = files.node(
                source
            ).modified
            run.print("" if "/q" in switches else f"{source}\r\n")
    except FileError as error:
        missing = error.path.rpartition("\\")[2]
        known = error.code in (2, 3)
        run.complain(
            f"File not found - {missing}\r\n" if known else f"{error.message}\r\n"
        )
        run.print("0 File(s) copied\r\n")
        return 4
    run.print(f"{len(pairs)} File(s) copied\r\n")
    return 0


def _xcopy_pairs(
    run: Invocation, names: list[str], switches: set[str]
) -> Iterator[tuple[str, str]]:
    files, source = run.system.files, path_of(run, names[0])
    target = path_of(run, (*names, ".")[1])
    if not files.is_folder(source):
        into = files.is_folder(target) or names[-1].endswith("\\") or "/i" in switches
        for path, _ in files_of(run, names[0]):
            name = path.rpartition("\\")[2]
            yield path, f"{target}\\{name}" if into else target
        return
    deep = bool(switches & {"/s", "/e"})
    for path, node in files.walk(source) if deep else _children(run, source):
        if not node.is_folder:
            yield path, target + path[len(source) :]


def _children(run: Invocation, folder: str) -> Iterator[tuple[str, Node]]:
    for node in run.system.files.list(folder):
        yield full_path(node.name, folder), node
