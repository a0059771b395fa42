"""JSON Schemas of every kind, made from the types of its data.

``python -m orchestrator.cli.schema`` writes them anew; a test holds them current.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from orchestrator.application.results import ErrorCode, Status
from orchestrator.cli.envelope import SCHEMA
from orchestrator.cli.kinds import KINDS
from orchestrator.domain.version import FileVersion

FOLDER = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Spells a version as the codec does, which leaves no field out."""

    @override
    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return True

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        if schema["cls"] is FileVersion:
            return {"type": "string", "pattern": r"^\d+\.\d+\.\d+\.\d+$"}
        return super().dataclass_schema(schema)


def schemas() -> dict[str, str]:
    """The text of each schema by kind; ``error`` is what could not be read."""
    made = {kind: _envelope(kind, one.data) for kind, one in KINDS.items()}
    made["error"] = _envelope("error", None)
    return {kind: json.dumps(schema, indent=2) + "\n" for kind, schema in made.items()}


def _envelope(kind: str, data: type | None) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if data is not None:
        described = TypeAdapter(data).json_schema(
            mode="serialization", schema_generator=_Generator
        )
    definitions = described.pop("$defs", {})
    nothing = {"type": "null"}
    return {
        "$schema": _DIALECT,
        "$id": f"{SCHEMA}/{kind}",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "kind", "status", "data", "errors"],
        "properties": {
            "schema": {"const": SCHEMA},
            "kind": {"const": kind},
            "status": {"enum": [status.value for status in Status]},
            "data": {"anyOf": [described, nothing]} if described else nothing,
            "errors": {"type": "array", "items": _ERROR},
        },
        "$defs": definitions,
    }


_ERROR: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "server", "message", "hint"],
    "properties": {
        "code": {"enum": [code.value for code in ErrorCode]},
        "server": {"type": ["string", "null"]},
        "message": {"type": "string"},
        "hint": {"type": "string"},
    },
}


def write(folder: Path = FOLDER) -> None:
    """Write every schema."""
    folder.mkdir(exist_ok=True)
    for kind, text in schemas().items():
        (folder / f"{kind}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
