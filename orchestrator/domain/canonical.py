"""One spelling for a value, so that its hash can be computed by anyone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical_json(value: Json) -> bytes:
    """JSON with sorted keys, no spaces, ASCII only, and no NaN.

    Raises:
        ValueError: a number that JSON lacks.
    """
    return _encode(value).encode("ascii")


#: Made once; ``json.dumps`` makes one each time, which costs a third of a record.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


def digest(value: Json) -> str:
    """The SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
