"""docs/cli.md from the command line itself: ``python -m tests.unit.cli.reference``."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from orchestrator.cli.app import app

FILE = Path(__file__).parents[3] / "docs" / "cli.md"
_SHARED = ("--database", "--format <table|json>", "--quiet", "--no-color", "--debug")
_HELP = "* `--help`"


def reference() -> str:
    """Every command; what all of them take is named once, at the top."""
    root = get_command(app)
    text = get_docs_for_click(
        obj=root, ctx=typer.Context(root), name="orchestrator"
    ).replace("\b\n", "")
    top, mark, rest = text.partition("\n## ")
    kept = [
        line
        for line in rest.splitlines()
        if not line.startswith((*(f"* `{name}" for name in _SHARED), _HELP))
    ]
    lines = "\n".join(kept).replace("**Options**:\n\n\n", "").splitlines()
    below = "\n".join(_fenced(lines))
    return f"{top}{mark}{below}\n"


def _fenced(lines: list[str]) -> list[str]:
    """Examples as a block of code."""
    written: list[str] = []
    inside = False
    for line in lines:
        if inside and not line.startswith("  $"):
            written.append("```")
            inside = False
        if line == "Examples:":
            written += ["**Examples**:", "", "```console"]
            inside = True
        else:
            written.append(line.removeprefix("  ") if inside else line)
    return [*written, "```"] if inside else written


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
