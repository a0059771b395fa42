"""The cabinet inside an installer file, listed by libarchive; nothing is unpacked."""

from __future__ import annotations

import importlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from orchestrator.adapters.packages.text import printable
from orchestrator.application.ports.files import Cabinet

MAX_ENTRIES = 500  # names that are kept; a hotfix has a few dozen
MAX_COUNTED = 20_000  # a service pack has a few thousand
MAX_CANDIDATES = 8  # places that begin like a cabinet

#: CFHEADER: the signature and a reserved field that is zero (MS-CAB).
_BEGINNING = b"MSCF\0\0\0\0"
_STATED_SIZE = 8  # where CFHEADER keeps cbCabinet, four bytes (MS-CAB 2.1)
#: Packages of later years hold patches under this name, see KB828030.
_DELTA = "_sfx_"


def read_cabinet(path: Path) -> Cabinet:
    """List the first cabinet that can be read."""
    try:
        # It loads the system's own library, which need not be there.
        archives = importlib.import_module("libarchive")
    except Exception as error:  # noqa: BLE001 -- it raises whatever its loader met
        return Cabinet(found=False, problem=f"libarchive: {printable(str(error))}")
    with path.open("rb") as stream:
        places = list(islice(_places(stream.fileno()), MAX_CANDIDATES))
        listed = Cabinet(found=False)
        for at in places:
            os.lseek(stream.fileno(), at, os.SEEK_SET)
            listed = _list(archives, stream.fileno())
            cut = _cut_off(stream.fileno(), at)
            listed = replace(listed, problem=listed.problem or cut)
            if listed.entries:
                break
    return listed


def _places(file: int) -> Iterator[int]:
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as content:
        at = content.find(_BEGINNING)
        while at >= 0:
            yield at
            at = content.find(_BEGINNING, at + 1)


def _cut_off(file: int, at: int) -> str:
    """What is missing of a cabinet by its own header; empty where nothing is."""
    there = os.fstat(file).st_size - at
    stated = int.from_bytes(os.pread(file, 4, at + _STATED_SIZE), "little")
    return f"cut off: {there} of {stated} bytes are there" if there < stated else ""


def _list(archives: Any, file: int) -> Cabinet:
    names: list[str] = []
    total, problem = 0, ""
    try:
        with archives.fd_reader(file, format_name="cab") as archive:
            for entry in islice(archive, MAX_COUNTED):
                total += 1
                if len(names) < MAX_ENTRIES:
                    names.append(printable(str(entry.pathname)))
    except (archives.ArchiveError, OSError, ValueError) as error:
        problem = printable(str(error))
    return Cabinet(
        found=True,
        entries=tuple(names),
        total=total,
        deltas_only=_deltas_only(names),
        problem=problem,
    )


def _deltas_only(names: list[str]) -> bool:
    """Patches are there, and no file lies in the folder of a branch."""
    deltas = any(name.lower().rpartition("/")[2].startswith(_DELTA) for name in names)
    plain = any("qfe/" in name.lower() or "gdr/" in name.lower() for name in names)
    return deltas and not plain
