"""Hashes of a file, read once in pieces."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Hashes:
    """A file's size in bytes and its hashes as lower-case hexadecimal."""

    size: int
    sha256: str
    #: For old hosts, whose certutil knows no SHA-256; never the operator's pin.
    sha1: str


class TooLargeError(Exception):
    """There is more to read than the limit allows."""


def hash_stream(stream: BinaryIO, *, limit: int) -> Hashes:
    """Hash what is left of a stream.

    Raises:
        TooLargeError: it holds more than ``limit`` bytes.
    """
    sha256, size = hashlib.sha256(), 0
    sha1 = hashlib.sha1(usedforsecurity=False)
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        sha256.update(chunk)
        sha1.update(chunk)
    return Hashes(size, sha256.hexdigest(), sha1.hexdigest())
