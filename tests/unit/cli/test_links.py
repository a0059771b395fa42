"""Links of an inventory file, as an operator sees them come and go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import Call

Ask = Callable[..., Any]

ESTATE = """\
sites: [{{name: north}}, {{name: south}}, {{name: east}}]
links:
  - {{name: wan, sites: [north, south], max_concurrent: {limit}}}
  - {{name: ring, sites: [east], max_concurrent: 9}}
servers:
  - {{name: a, site: north, role: standard, product: lcs-2005}}
  - {{name: b, site: south, role: standard, product: lcs-2005}}
"""


def imported(ask: Ask, folder: Path, limit: int) -> Any:
    """What an import says; nobody minds the servers that the file lacks."""
    file = folder / "estate.yml"
    file.write_text(ESTATE.format(limit=limit))
    return ask("inventory", "import", str(file), "--prune")["data"]


def test_the_list_names_the_links_to_its_servers_and_no_other(
    ask: Ask, call: Call, tmp_path: Path
) -> None:
    imported(ask, tmp_path, 3)
    wan = {"name": "wan", "sites": ["north", "south"], "max_concurrent": 3}
    assert ask("inventory", "list", "site:south")["data"]["links"] == [wan]
    shown = call("inventory", "list").out
    assert "wan" in shown
    assert "ring" not in shown


def test_a_links_new_limit_is_a_change_and_the_same_again_is_none(
    ask: Ask, tmp_path: Path
) -> None:
    assert imported(ask, tmp_path, 3)["surroundings_changed"]
    assert not imported(ask, tmp_path, 3)["surroundings_changed"]
    assert imported(ask, tmp_path, 4)["surroundings_changed"]
