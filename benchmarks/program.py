"""The program as an operator runs it, on a simulated estate."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from benchmarks.costs import Cost, command
from benchmarks.lab import Running
from orchestrator.lab.serve import ARTICLE


def run(lab: Running, *words: str, **settings: str) -> Cost:
    """A command to its end, with settings such as ``apply_concurrency="500"``."""
    return _run(lab, [sys.executable, "-m", "orchestrator"], words, settings)


def profile(lab: Running, *words: str, **settings: str) -> str:
    """A command to its end; on which functions its threads spent their CPU."""
    path = lab.folder / "profile.txt"
    start = [sys.executable, "-m", "benchmarks.profiled", str(path)]
    _run(lab, start, words, settings)
    return path.read_text(encoding="utf-8")


def _run(
    lab: Running, start: list[str], words: tuple[str, ...], settings: dict[str, str]
) -> Cost:
    given = {f"ORCHESTRATOR_{name.upper()}": text for name, text in settings.items()}
    return command([*start, *words, "--quiet"], lab.environment | given)


def ask(lab: Running, *words: str) -> Any:
    """The data of a command's JSON document."""
    return json.loads(run(lab, *words, "--format", "json").value)["data"]


def bring(lab: Running) -> None:
    """Import the article, its table and packages, and the estate."""
    run(lab, "catalog", "import", ARTICLE)
    run(lab, "catalog", "table", ARTICLE, str(next(lab.folder.glob("*.csv"))))
    for path in sorted(lab.folder.glob("*.exe")):
        pin = hashlib.sha256(path.read_bytes()).hexdigest()
        run(lab, "catalog", "package", ARTICLE, str(path), "--sha256", pin)
    run(lab, "inventory", "import", str(lab.folder / "estate.yml"))
