"""Files by CIM_DataFile, asked for by their full names only.

A filter by folder or extension alone walks the whole disk. On 64-bit Windows the
provider is a 64-bit one, so a path means what it says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import timezone

import pefile  # type: ignore[import-untyped]  # ships no types

from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.values import Row
from orchestrator.adapters.winrm.wsman import WsMan, any_of, select
from orchestrator.domain.facts import FileState
from orchestrator.domain.version import (
    BuildLab,
    FileVersion,
    MalformedVersionError,
    parse_build_lab,
)

_VERSION = re.compile(r"\d+\.\d+\.\d+\.\d+")
#: Characters that mean nothing to cmd, so that a path needs no quotes.
_PLAIN = re.compile(r"[A-Za-z]:\\[A-Za-z0-9_.$~\\-]{1,240}")
_QUOTABLE = re.compile(r"[A-Za-z]:\\[A-Za-z0-9_.$~\\ ()+,;=@#{}'-]{1,240}")
#: What ``type`` may print beyond a file: nothing; one byte more shows that it did.
_SPARE = 1


def in_command(path: str) -> str:
    r"""A path as cmd may be given it, in quotes only where it needs them.

    Raises:
        UnreadableError: it holds what cmd would act upon.
    """
    if _PLAIN.fullmatch(path):
        return path
    if _QUOTABLE.fullmatch(path):
        return f'"{path}"'
    raise UnreadableError(f"{path!r} cannot be handed to a shell safely")


def read_files(
    wsman: WsMan, paths: Iterable[str], zone: timezone, *, names_per_query: int
) -> dict[str, FileState]:
    """Each file by its path as asked for; a missing one has no row."""
    wanted = list(dict.fromkeys(paths))
    states: dict[str, FileState] = {}
    for start in range(0, len(wanted), names_per_query):
        some = wanted[start : start + names_per_query]
        rows = wsman.query(
            select(
                "Name, Version, FileSize, LastModified",
                "CIM_DataFile",
                any_of("Name", some),
            )
        )
        found = {row.needed("Name").lower(): row for row in rows}
        states |= {path: _state(found.get(path.lower()), zone) for path in some}
    return states


def _state(row: Row | None, zone: timezone) -> FileState:
    if row is None:
        return FileState(exists=False)
    return FileState(
        exists=True,
        version=_version(row.text("Version")),
        size=row.number("FileSize"),
        modified=row.moment("LastModified", zone),
    )


def _version(text: str | None) -> FileVersion | None:
    found = _VERSION.match(text.strip()) if text else None
    try:
        return FileVersion.parse(found[0]) if found else None
    except MalformedVersionError:
        return None


def fetch(shell: Shell, path: str, size: int) -> bytes:
    """A file's bytes with ``type``, at most ``size`` and one more."""
    output = shell.run(f"type {in_command(path)}", output_bytes=size + _SPARE)
    return output.stdout


def resource_of(data: bytes) -> BuildLab | None:
    """Branch and service pack from a PE file's own version resource.

    ``None`` where the file is no PE file or its text names no branch.
    """
    try:
        # Not closed: no file is open, and each close collects the garbage of the
        # whole process, a tenth of a second in which no thread runs.
        image = pefile.PE(data=data, fast_load=True)
        image.parse_data_directories(
            [pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]]
        )
        texts = list(_file_versions(image))
    except (pefile.PEFormatError, *_PE_FAILS):
        return None
    labs = [lab for text in texts if (lab := parse_build_lab(text))]
    return labs[0] if labs else None


#: What pefile lets through on images that are broken on purpose.
_PE_FAILS = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


def _file_versions(image: pefile.PE) -> Iterable[str]:
    for info in getattr(image, "FileInfo", []):
        for block in info:
            for table in getattr(block, "StringTable", []):
                found = table.entries.get(b"FileVersion")
                if found:
                    yield found.decode("utf-8", "replace")


def sha256(data: bytes) -> str:
    """The hash by which a fetched file is known again."""
    return hashlib.sha256(data).hexdigest()
