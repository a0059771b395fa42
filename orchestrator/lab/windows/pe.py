"""Minimal, real PE files: headers, one ``.rsrc`` section, a version resource.

They hold no code. Layouts are those of the public PE/COFF specification and of
VS_VERSIONINFO in the Platform SDK.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_MACHINES = {"x86": 0x014C, "x64": 0x8664, "ia64": 0x0200}
_FILE_ALIGN, _SECTION_ALIGN, _RSRC_RVA = 0x200, 0x1000, 0x1000
_RT_VERSION = 16
_LANGUAGE = 0x0409
_SIGNATURE = 0xFEEF04BD
_ENTRY_HEADER = 6
MAX_STRINGS = 64
"""Strings that are read from one version resource."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a file's version resource says: four numbers, and its strings."""

    numbers: tuple[int, int, int, int]
    strings: Mapping[str, str] = field(default_factory=dict)

    @property
    def dotted(self) -> str:
        """The numbers as ``5.2.3790.1830``."""
        return ".".join(map(str, self.numbers))

    @property
    def branch(self) -> str:
        """The branch that the FileVersion string names: ``rtm``, ``gdr``, ``qfe``."""
        text = self.strings.get("FileVersion", "").partition("(")[2]
        return text.partition(".")[0].rpartition("_")[2].lower()


def numbers_of(dotted: str) -> tuple[int, int, int, int]:
    """Four numbers from ``5.2.3790.1830``.

    Raises:
        ValueError: it is not four numbers of 16 bits.
    """
    parts = [int(part) for part in dotted.split(".")]
    if len(parts) != 4 or not all(0 <= part <= 0xFFFF for part in parts):  # noqa: PLR2004 -- a version has four parts of 16 bits
        raise ValueError(f"expected four numbers such as 5.2.3790.1830, not {dotted!r}")
    return parts[0], parts[1], parts[2], parts[3]


def _pad(data: bytes, to: int) -> bytes:
    return data + b"\0" * (-len(data) % to)


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def _block(key: str, value: bytes, children: bytes = b"", *, text: bool) -> bytes:
    head = _pad(b"\0" * _ENTRY_HEADER + _wide(key), 4)[_ENTRY_HEADER:]
    length = len(value) // 2 if text else len(value)
    body = head + (_pad(value, 4) if children else value) + children
    size = _ENTRY_HEADER + len(body)
    return struct.pack("<HHH", size, length, int(text)) + body


def _version_info(version: FileVersion) -> bytes:
    high, low = (
        version.numbers[0] << 16 | version.numbers[1],
        version.numbers[2] << 16 | version.numbers[3],
    )
    fixed = struct.pack(
        "<13I", _SIGNATURE, 0x10000, high, low, high, low, 0x3F, 0, 0x40004, 2, 0, 0, 0
    )
    strings = b"".join(
        _pad(_block(name, _wide(text), text=True), 4)
        for name, text in version.strings.items()
    )
    table = _block(f"{_LANGUAGE:04x}04b0", b"", strings, text=True)
    info = _block("StringFileInfo", b"", table, text=True)
    translation = _block("Translation", struct.pack("<HH", _LANGUAGE, 1200), text=False)
    variables = _block("VarFileInfo", b"", translation, text=True)
    return _block("VS_VERSION_INFO", fixed, _pad(info, 4) + variables, text=False)


def _resources(version: FileVersion) -> bytes:
    """A directory of three levels (type, name, language) and its one leaf."""
    info = _version_info(version)
    levels = [(_RT_VERSION, 0x80000018), (1, 0x80000030), (_LANGUAGE, 0x48)]
    tree = b"".join(
        struct.pack("<IIHHHHII", 0, 0, 4, 0, 0, 1, ident, offset)
        for ident, offset in levels
    )
    return tree + struct.pack("<IIII", _RSRC_RVA + 0x58, len(info), 0, 0) + info


def _optional_header(platform: str, rsrc_size: int) -> bytes:
    wide = platform != "x86"
    image_size = _RSRC_RVA + -(-rsrc_size // _SECTION_ALIGN) * _SECTION_ALIGN
    head = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 7, 10, 0, 0, 0, 0, 0)
    base = struct.pack("<Q", 0x10000000) if wide else struct.pack("<II", 0, 0x10000000)
    rest = struct.pack(
        "<IIHHHHHHIIIIHH",
        *(_SECTION_ALIGN, _FILE_ALIGN, 5, 2, 5, 2, 5, 2, 0),
        *(image_size, _FILE_ALIGN, 0, 3, 0),
    )
    sizes = struct.pack("<4Q" if wide else "<4I", 0x40000, 0x1000, 0x100000, 0x1000)
    directories = [(0, 0)] * 16
    directories[2] = (_RSRC_RVA, rsrc_size)
    tail = struct.pack("<II", 0, 16)
    return (
        head
        + base
        + rest
        + sizes
        + tail
        + b"".join(struct.pack("<II", *entry) for entry in directories)
    )


@lru_cache(maxsize=256)
def _image(
    numbers: tuple[int, int, int, int],
    strings: tuple[tuple[str, str], ...],
    platform: str,
    size: int,
) -> bytes:
    rsrc = _resources(FileVersion(numbers, dict(strings)))
    optional = _optional_header(platform, len(rsrc))
    raw = len(rsrc) + -len(rsrc) % _FILE_ALIGN
    coff = struct.pack(
        "<HHIIIHH", _MACHINES[platform], 1, 0, 0, 0, len(optional), 0x210E
    )
    section = struct.pack(
        "<8sIIIIIIHHI",
        *(b".rsrc", len(rsrc), _RSRC_RVA, raw, _FILE_ALIGN, 0, 0, 0, 0, 0x40000040),
    )
    dos = struct.pack("<2s58xI", b"MZ", 0x40)
    head = _pad(dos + b"PE\0\0" + coff + optional + section, _FILE_ALIGN)
    return (head + _pad(rsrc, _FILE_ALIGN)).ljust(size, b"\0")


def make_image(version: FileVersion, *, platform: str = "x86", size: int = 0) -> bytes:
    """A PE file with this version resource, padded to ``size`` bytes."""
    strings = tuple(version.strings.items())
    return _image(version.numbers, strings, platform, size)


def is_image(content: bytes) -> bool:
    """Whether bytes begin as a PE file does."""
    if content[:2] != b"MZ" or len(content) < 0x40:  # noqa: PLR2004 -- the size of a DOS header
        return False
    at = int.from_bytes(content[0x3C:0x40], "little")
    return content[at : at + 4] == b"PE\0\0"


@lru_cache(maxsize=512)
def version_of(content: bytes) -> FileVersion | None:
    """The version resource of a PE file; ``None`` when it has none.

    The resource is found by its fixed signature rather than by walking the
    resource tree, so real files of any layout can be read too.
    """
    if not is_image(content):
        return None
    at = content.find(struct.pack("<II", _SIGNATURE, 0x10000))
    if at < 0 or len(content) < at + 16:
        return None
    high, low = struct.unpack_from("<II", content, at + 8)
    numbers = (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
    return FileVersion(numbers, dict(_strings(content, at)))


def _strings(content: bytes, start: int) -> list[tuple[str, str]]:
    table = content.find("StringFileInfo\0".encode("utf-16-le"), start)
    if table < 0:
        return []
    at = table + 30 + -(_ENTRY_HEADER + 30) % 4
    size = int.from_bytes(content[at : at + 2], "little")
    end, at = min(at + size, len(content)), at + 24
    found: list[tuple[str, str]] = []
    while at + _ENTRY_HEADER < end and len(found) < MAX_STRINGS:
        length, _, _ = struct.unpack_from("<HHH", content, at)
        if length < _ENTRY_HEADER:
            break
        name, _, value = (
            content[at + _ENTRY_HEADER : at + length]
            .decode("utf-16-le", "replace")
            .partition("\0")
        )
        found.append((name, value.strip("\0")))
        at += length + -length % 4
    return found
