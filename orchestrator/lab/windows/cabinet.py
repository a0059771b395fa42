"""Cabinets of one folder, as the public MS-CAB text describes them.

Blocks are MSZIP, each compressed by itself. The reader takes what the writer
makes; it is no reader for the world's cabinets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from datetime import datetime

_SIGNATURE = b"MSCF"
_HEADER, _FOLDER, _FILE, _DATA = "<4s5I2B5H", "<IHH", "<IIHHHH", "<IHH"
_BLOCK = 32768
_MSZIP = 1
_UTF8_NAME = 0x80
MAX_CONTENT = 64 << 20
"""Bytes that a cabinet may hold, unpacked."""


class CabinetError(ValueError):
    """The bytes are not a cabinet that this module understands."""


def _checksum(data: bytes, seed: int = 0) -> int:
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        seed ^= word
    return seed ^ int.from_bytes(data[whole:], "big")


def _blocks(content: bytes) -> list[bytes]:
    found = []
    for at in range(0, len(content), _BLOCK):
        piece = content[at : at + _BLOCK]
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = b"CK" + packer.compress(piece) + packer.flush()
        sizes = struct.pack("<HH", len(packed), len(piece))
        total = _checksum(sizes, _checksum(packed))
        found.append(struct.pack("<I", total) + sizes + packed)
    return found


def _dos(moment: datetime) -> tuple[int, int]:
    day = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return day, moment.hour << 11 | moment.minute << 5 | moment.second // 2


def write(files: Mapping[str, bytes], moment: datetime) -> bytes:
    """A cabinet of these files, by their names inside."""
    day, time = _dos(moment)
    entries, offset = b"", 0
    for name, content in files.items():
        head = struct.pack(_FILE, len(content), offset, 0, day, time, 0x20 | _UTF8_NAME)
        entries += head + name.encode() + b"\0"
        offset += len(content)
    blocks = _blocks(b"".join(files.values()))
    files_at = struct.calcsize(_HEADER) + struct.calcsize(_FOLDER)
    data_at = files_at + len(entries)
    folder = struct.pack(_FOLDER, data_at, len(blocks), _MSZIP)
    size = data_at + sum(map(len, blocks))
    header = struct.pack(
        _HEADER, _SIGNATURE, 0, size, 0, files_at, 0, 3, 1, 1, len(files), 0, 0, 0
    )
    return header + folder + entries + b"".join(blocks)


def find(content: bytes) -> bytes | None:
    """The cabinet that is appended to a program, if there is one."""
    at = content.rfind(_SIGNATURE)
    return content[at:] if at >= 0 else None


def read(cabinet: bytes) -> dict[str, bytes]:
    """The files of a cabinet.

    Raises:
        CabinetError: damaged, cut off, or of a kind that :func:`write` never makes.
    """
    try:
        return _read(cabinet)
    except (struct.error, zlib.error, UnicodeDecodeError, IndexError) as error:
        raise CabinetError(f"damaged cabinet: {error}") from error


def _read(cabinet: bytes) -> dict[str, bytes]:
    header = struct.unpack_from(_HEADER, cabinet)
    if header[0] != _SIGNATURE or header[2] > len(cabinet):
        raise CabinetError("no cabinet, or one that was cut off")
    data_at, blocks, kind = struct.unpack_from(_FOLDER, cabinet, 36)
    if kind & 0xF != _MSZIP:
        raise CabinetError(f"compression {kind} is not MSZIP")
    content = _unpack(cabinet, data_at, blocks)
    found, at = {}, header[4]
    for _ in range(header[9]):
        size, offset = struct.unpack_from("<II", cabinet, at)
        start = at + struct.calcsize(_FILE)
        end = cabinet.index(b"\0", start)
        found[cabinet[start:end].decode()] = content[offset : offset + size]
        at = end + 1
    return found


def _unpack(cabinet: bytes, at: int, blocks: int) -> bytes:
    content = bytearray()
    for _ in range(blocks):
        total, packed, size = struct.unpack_from(_DATA, cabinet, at)
        at += struct.calcsize(_DATA)
        piece = cabinet[at : at + packed]
        sizes = struct.pack("<HH", packed, size)
        if _checksum(sizes, _checksum(piece)) != total or len(piece) != packed:
            raise CabinetError("a block's checksum does not match")
        content += zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece[2:], _BLOCK)
        at += packed
        if len(content) > MAX_CONTENT:
            raise CabinetError(f"holds more than {MAX_CONTENT} bytes")
    return bytes(content)
