"""The version resource of an executable, read by pefile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pefile  # type: ignore[import-untyped] # pefile ships no types

from orchestrator.adapters.packages.text import printable
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.version import FileVersion

MAX_STRINGS = 64

_LAB = re.compile(r"\blab\b", re.IGNORECASE)
#: IMAGE_FILE_HEADER's Machine.
_MACHINES = {0x014C: Platform.X86, 0x8664: Platform.X64, 0x0200: Platform.IA64}
_RESOURCES = pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]


@dataclass(frozen=True, slots=True)
class VersionResource:
    """What VS_VERSIONINFO says."""

    version: FileVersion | None
    strings: Mapping[str, str]
    #: The processor that the file is for; ``None`` for one that is not ours.
    platform: Platform | None = None


def read_version_resource(path: Path) -> VersionResource | None:
    """The resource; ``None`` where the file is no executable or has none."""
    try:
        with pefile.PE(str(path), fast_load=True) as image:
            image.parse_data_directories(directories=[_RESOURCES])
            strings = dict(list(_strings(image))[:MAX_STRINGS])
            version = _fixed(image)
            platform = _MACHINES.get(image.FILE_HEADER.Machine)
    except Exception:  # noqa: BLE001 -- pefile raises many kinds on hostile files
        return None
    found = VersionResource(version, strings, platform)
    return found if version or strings else None


def is_lab_made(resource: VersionResource | None) -> bool:
    """Whether the simulated estate made it: its maker's or product's name says Lab."""
    if resource is None:
        return False
    names = (resource.strings.get(key, "") for key in ("CompanyName", "ProductName"))
    return any(_LAB.search(name) for name in names)


def _fixed(image: Any) -> FileVersion | None:
    for info in getattr(image, "VS_FIXEDFILEINFO", []):
        high, low = info.FileVersionMS, info.FileVersionLS
        return FileVersion(high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
    return None


def _strings(image: Any) -> Iterator[tuple[str, str]]:
    for group in getattr(image, "FileInfo", []):
        for part in group:
            for table in getattr(part, "StringTable", []):
                for key, value in table.entries.items():
                    yield _text(key), _text(value)


def _text(raw: bytes) -> str:
    return printable(raw.decode("utf-8", "replace"))
