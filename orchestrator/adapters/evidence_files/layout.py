"""What a bundle holds beside its records, and the bounds of one."""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.domain.bundle import FORMAT, MANIFEST, RECORDS
from orchestrator.domain.evidence import RecordKind

SIGNATURE = "manifest.sig"
_RECORD_SCHEMA, _MANIFEST_SCHEMA = "schemas/record.json", "schemas/manifest.json"
README = "README.txt"

#: The members in their order; only the signature may be missing.
MEMBERS = (RECORDS, README, _RECORD_SCHEMA, _MANIFEST_SCHEMA, MANIFEST, SIGNATURE)

MAX_SMALL_BYTES = 16 * 1024 * 1024  # any member but the records
MAX_RECORD_BYTES = 64 * 1024 * 1024  # one line
MAX_RECORDS_BYTES = 32 * 1024**3  # the records, unpacked
MAX_RATIO = 300  # unpacked to packed; hashes do not compress, so true ones stay below

_README = f"""An evidence bundle of orchestrator, format {FORMAT}.

{RECORDS} holds one record a line, in canonical JSON: sorted keys, no spaces, ASCII.
Each writer has a chain of its own, from number 1 on.

  payload_hash = SHA-256(canonical JSON of payload)
  header       = canonical JSON of at, kind, sequence, subject, writer
  hash         = SHA-256(previous + LF + header + LF + payload_hash)
  previous     = the hash before it in its chain; 64 zeros before the first

A payload that retention took is null; its hash stands. A record of the kind retention
names what was taken (writer, first and last number), by whom and why. A record of the
kind checkpoint names the end of every chain at its time. {MANIFEST} has the SHA-256 of
each other member and the ends of the chains; {SIGNATURE}, if there is one, is an
Ed25519 signature of its bytes, in hexadecimal.

Check it with: orchestrator evidence verify FILE --head HASH
"""

_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 1}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_RECORD: dict[str, object] = {
    "at": {"type": "string", "format": "date-time"},
    "hash": _HASH,
    "kind": {"enum": [kind.value for kind in RecordKind]},
    "payload": {},
    "payload_hash": _HASH,
    "previous": _HASH,
    "sequence": _NUMBER,
    "subject": _TEXT,
    "writer": _TEXT,
}
_MANIFEST: dict[str, object] = {
    "format": {"const": FORMAT},
    "head": _HASH,
    "heads": {
        "type": "array",
        "items": {
            "type": "array",
            "prefixItems": [_TEXT, {"type": "integer", "minimum": 0}, _HASH],
            "minItems": 3,
            "maxItems": 3,
        },
    },
    "members": {"type": "object", "additionalProperties": _HASH},
}


def _schema(name: str, properties: dict[str, object]) -> bytes:
    schema = {
        "$schema": _DIALECT,
        "$id": f"{FORMAT}/{name}",
        "type": "object",
        "additionalProperties": False,
        "required": sorted(properties),
        "properties": properties,
    }
    return json.dumps(schema, indent=2, sort_keys=True).encode("ascii") + b"\n"


#: The members that are the same in every bundle of this format.
FIXED: Mapping[str, bytes] = {
    README: _README.encode("ascii"),
    _RECORD_SCHEMA: _schema("record", _RECORD),
    _MANIFEST_SCHEMA: _schema("manifest", _MANIFEST),
}
