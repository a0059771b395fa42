"""The JSON Schema of an inventory file, for editors and other tools."""

from __future__ import annotations

from typing import Any

from orchestrator.adapters.inventory_files.models import InventoryFile


def inventory_schema() -> dict[str, Any]:
    """The schema that ``inventory/inventory.schema.json`` publishes."""
    schema = InventoryFile.model_json_schema()
    # YAML 1.1 editors turn on and off into true and false, which is accepted.
    schema["$defs"]["Protection"]["enum"] += [True, False]
    schema["$defs"]["Protection"].pop("type", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
