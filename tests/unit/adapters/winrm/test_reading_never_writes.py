from __future__ import annotations

import ast
from pathlib import Path

import orchestrator.adapters.winrm.reader as reader_module

FOLDER = Path(reader_module.__file__).parent
PACKAGE = "orchestrator.adapters.winrm."
WRITING = {"launch", "security", "service", "staging", "tools", "wrapper", "writer"}


def imported_by(name: str, seen: set[str]) -> set[str]:
    """The adapter's modules that one reaches, itself included."""
    if name in seen:
        return seen
    seen.add(name)
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.startswith(PACKAGE):
            imported_by(node.module.removeprefix(PACKAGE).split(".")[0], seen)
        elif f"{node.module}." == PACKAGE:
            for alias in node.names:
                imported_by(alias.name, seen)
    return seen


def test_the_reader_cannot_reach_a_module_that_writes() -> None:
    assert imported_by("reader", set()).isdisjoint(WRITING)


def test_the_list_of_writing_modules_is_the_writer_s_own() -> None:
    reached = imported_by("writer", set()) - imported_by("reader", set())
    assert reached == WRITING
