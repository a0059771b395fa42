"""The scenario file: how large the estate is, and what is peculiar about whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from orchestrator.lab.traits import MEANINGS, Trait, Value
from orchestrator.lab.windows.profile import Timing

MAX_SERVERS = 10_000
MAX_SITES = 100
MAX_PADDING = 1 << 26
"""Bytes of filler in a package."""

MAX_SECONDS = 1e6
MAX_FILE = 1 << 20
"""Bytes of a scenario file."""


class ScenarioError(ValueError):
    """The file does not say what a scenario says; the message names the place."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A trait for servers by name pattern, or for a share of the estate."""

    trait: Trait
    servers: tuple[str, ...] = ()
    share: float = 0.0
    value: Value = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """An estate to be simulated."""

    servers: int = 24
    sites: int = 2
    #: Simulated seconds for one real second.
    speed: float = 20.0
    timing: Timing = field(default_factory=Timing)
    #: Bytes of filler in the package, to make it as large as real ones are.
    package_padding: int = 0
    assignments: tuple[Assignment, ...] = field(default=())


_TOP = {"servers", "sites", "speed", "timing", "package_padding", "traits"}
_ROW = {"trait", "servers", "share", "value"}
_TIMING = {one.name for one in fields(Timing)}


def load(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: it cannot be read, or a field is not as it should be.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_FILE:
        raise ScenarioError(f"{path}: larger than {MAX_FILE} bytes; split it")
    return parse(raw, str(path))


def default() -> Scenario:
    """The estate of the demonstration: at least one server for each verdict."""
    source = files("orchestrator.lab") / "default-scenario.yml"
    return parse(source.read_bytes(), "default-scenario.yml")


def parse(raw: bytes, where: str) -> Scenario:
    """Read a scenario's text; ``where`` names it in errors.

    Raises:
        ScenarioError: a field is not as it should be.
    """
    try:
        data = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ScenarioError(f"{where}: not YAML: {error}") from error
    return _scenario(data if data is not None else {}, where)


def _scenario(data: Any, where: str) -> Scenario:
    top = _mapping(data, where, _TOP)
    rows = top.get("traits", [])
    if not isinstance(rows, list):
        raise ScenarioError(f"{where}: traits: expected a list, found {rows!r}")
    return Scenario(
        servers=_whole(top, "servers", where, default=24, limits=(1, MAX_SERVERS)),
        sites=_whole(top, "sites", where, default=2, limits=(1, MAX_SITES)),
        speed=_number(top, "speed", where, default=20.0, limits=(0.01, 10_000)),
        timing=_timing(top.get("timing", {}), f"{where}: timing"),
        package_padding=_whole(
            top, "package_padding", where, default=0, limits=(0, MAX_PADDING)
        ),
        assignments=tuple(
            _assignment(row, f"{where}: traits[{index}]")
            for index, row in enumerate(rows)
        ),
    )


def _whole(
    data: Mapping[str, Any],
    name: str,
    where: str,
    *,
    default: int,
    limits: tuple[int, int],
) -> int:
    return int(_number(data, name, where, default=default, limits=limits, whole=True))


def _mapping(data: Any, where: str, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ScenarioError(f"{where}: expected names with values, found {data!r}")
    for name in data:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise ScenarioError(f"{where}: unknown field {name!r}; known are {known}")
    return data


def _number(
    data: Mapping[str, Any],
    name: str,
    where: str,
    *,
    default: float,
    limits: tuple[float, float],
    whole: bool = False,
) -> float:
    least, most = limits
    found = data.get(name, default)
    kinds = int if whole else int | float
    if isinstance(found, bool) or not isinstance(found, kinds):
        kind = "a whole number" if whole else "a number"
        raise ScenarioError(f"{where}: {name}: expected {kind}, found {found!r}")
    if not least <= found <= most:
        raise ScenarioError(
            f"{where}: {name}: expected {least:g} to {most:g}, found {found!r}"
        )
    return found


def _timing(data: Any, where: str) -> Timing:
    given = _mapping(data, where, _TIMING)
    return Timing(
        **{
            name: _number(given, name, where, default=0, limits=(0, 1e6))
            for name in given
        }
    )


def _assignment(data: Any, where: str) -> Assignment:
    row = _mapping(data, where, _ROW)
    trait = _trait(row.get("trait"), where)
    value = row.get("value")
    default = MEANINGS[trait].default
    wrong = MEANINGS[trait].check(default if value is None else value)
    if wrong:
        raise ScenarioError(f"{where}: {trait}: value {value!r}: {wrong}")
    if ("servers" in row) == ("share" in row):
        raise ScenarioError(f"{where}: {trait}: give either servers or share")
    share = _number(row, "share", where, default=0, limits=(0, 1))
    return Assignment(trait, _names(row.get("servers", []), where), share, value)


def _trait(found: Any, where: str) -> Trait:
    try:
        return Trait(found)
    except ValueError:
        known = ", ".join(Trait)
        raise ScenarioError(
            f"{where}: unknown trait {found!r}; known are {known}"
        ) from None


def _names(found: Any, where: str) -> tuple[str, ...]:
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ScenarioError(f"{where}: servers: expected names, found {found!r}")
    return tuple(names)
