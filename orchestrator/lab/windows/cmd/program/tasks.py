"""tasklist and taskkill."""

from __future__ import annotations

import csv
import io
import re

from orchestrator.lab.windows.cmd.ports import Invocation, ProcessRow
from orchestrator.lab.windows.cmd.program.arguments import arguments, option


def tasklist(run: Invocation) -> int:
    """``tasklist [/v] [/nh] [/fo table|csv|list] [/fi "NAME op value"]``."""
    words = arguments(run.tail)
    lowered = [word.lower() for word in words]
    pairs = zip(lowered, words[1:], strict=False)
    filters = [value for word, value in pairs if word == "/fi"]
    if any(re.fullmatch(_FILTER, one, re.IGNORECASE) is None for one in filters):
        run.complain("ERROR: The search filter cannot be recognized.\r\n")
        return 1
    rows = [r for r in run.system.processes.rows() if all(_fits(r, f) for f in filters)]
    if not rows:
        run.print("INFO: No tasks are running which match the specified criteria.\r\n")
        return 0
    columns = [_columns(row, wide="/v" in lowered) for row in rows]
    style = lowered[lowered.index("/fo") + 1] if "/fo" in lowered[:-1] else "table"
    run.print(_table(columns, style, header="/nh" not in lowered))
    return 0


_FILTER = r"(imagename|pid|session|username|memusage) +(eq|ne|gt|lt|ge|le) +(.*)"


def _fits(row: ProcessRow, text: str) -> bool:
    found = re.fullmatch(_FILTER, text, re.IGNORECASE)
    if found is None:
        return False
    name, operator, value = found[1].lower(), found[2].lower(), found[3].lower()
    numbers = {"pid": row.pid, "session": row.session, "memusage": row.memory}
    if name not in numbers:
        actual = (row.name if name == "imagename" else row.user).lower()
        star = value.endswith("*") and actual.startswith(value[:-1])
        return (actual == value or star) is (operator == "eq")
    left, right = numbers[name], int(value) if value.isdecimal() else -1
    order = (left > right) - (left < right)
    return order in {"eq": (0,), "ne": (1, -1), "gt": (1,), "lt": (-1,)}.get(
        operator, (0, 1) if operator == "ge" else (0, -1)
    )


def _columns(row: ProcessRow, *, wide: bool) -> dict[str, str]:
    columns = {
        "Image Name": row.name,
        "PID": str(row.pid),
        "Session Name": "Console" if row.session == 0 else "RDP-Tcp#1",
        "Session#": str(row.session),
        "Mem Usage": f"{row.memory:,} K",
    }
    if wide:
        seconds = row.processor_time
        spent = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        columns |= {"Status": "Running", "User Name": row.user, "CPU Time": spent}
        columns["Window Title"] = "N/A"
    return columns


_WIDTHS = {
    "Image Name": 25,
    "PID": 8,
    "Session Name": 16,
    "Session#": 11,
    "Mem Usage": 12,
    "Status": 15,
    "User Name": 50,
    "CPU Time": 12,
    "Window Title": 72,
}
_TO_THE_RIGHT = ("PID", "Session#", "Mem Usage", "CPU Time")


def _table(rows: list[dict[str, str]], style: str, *, header: bool) -> str:
    names = list(rows[0])
    if style == "csv":
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerows(([names] if header else []) + [list(r.values()) for r in rows])
        return out.getvalue()
    if style == "list":
        width = max(map(len, names)) + 1
        blocks = (
            "".join(f"{n + ':':{width}} {v}\r\n" for n, v in r.items()) for r in rows
        )
        return "".join(f"\r\n{block}" for block in blocks)
    lines = [dict(zip(names, names, strict=True))] if header else []
    rule = " ".join("=" * _WIDTHS[name] for name in names)
    text = [_cells(line) for line in (*lines, *rows)]
    if header:
        text.insert(1, rule)
    return "\r\n" + "".join(f"{line}\r\n" for line in text)


def _cells(row: dict[str, str]) -> str:
    cells = (
        f"{value[: _WIDTHS[name]]:>{_WIDTHS[name]}}"
        if name in _TO_THE_RIGHT
        else f"{value[: _WIDTHS[name]]:<{_WIDTHS[name]}}"
        for name, value in row.items()
    )
    return " ".join(cells)


def taskkill(run: Invocation) -> int:
    """``taskkill [/f] [/t] /pid N | /im NAME``: ends programs started from here."""
    words = arguments(run.tail)
    pid, name = option(words, "/pid"), (option(words, "/im") or "").lower()
    rows = run.system.processes.rows()
    wanted = [row for row in rows if str(row.pid) == pid or row.name.lower() == name]
    if not wanted:
        run.complain(f'ERROR: The process "{pid or name}" not found.\r\n')
        return 128
    for row in wanted:
        if not run.system.processes.kill(row.pid, 1):
            run.complain(
                f"ERROR: The process with PID {row.pid} could not be terminated."
            )
            run.complain("\r\nReason: Access is denied.\r\n")
            return 1
        run.print(f"SUCCESS: The process with PID {row.pid} has been terminated.\r\n")
    return 0
