"""A small registry: keys and values, letter case kept and ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

RegData = int | str | bytes | tuple[str, ...]
"""A DWORD, a string of either kind, binary data or a list of strings."""


class RegType(IntEnum):
    """Value types by their Windows number."""

    SZ = 1
    EXPAND_SZ = 2
    BINARY = 3
    DWORD = 4
    MULTI_SZ = 7


@dataclass(frozen=True, slots=True)
class RegValue:
    """A value with the name as it was written."""

    name: str
    kind: RegType
    data: RegData


@dataclass(slots=True)
class _Key:
    name: str
    keys: dict[str, _Key] = field(default_factory=dict)
    values: dict[str, RegValue] = field(default_factory=dict)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("\\") if part]


def kind_of(data: RegData) -> RegType:
    """The type under which plain data is stored unless told otherwise."""
    match data:
        case int():
            return RegType.DWORD
        case str():
            return RegType.SZ
        case bytes():
            return RegType.BINARY
        case tuple():
            return RegType.MULTI_SZ


class Registry:
    r"""One computer's registry; paths begin with the hive: ``HKLM\SOFTWARE``."""

    def __init__(self) -> None:
        """Create the hives, empty."""
        hives = ("HKCR", "HKCU", "HKLM", "HKU", "HKCC")
        self._root = _Key("", {hive.lower(): _Key(hive) for hive in hives})

    def _find(self, path: str) -> _Key | None:
        key: _Key | None = self._root
        for part in _parts(path):
            key = key.keys.get(part.lower()) if key else None
        return key

    def exists(self, path: str) -> bool:
        """Whether a key is there."""
        return self._find(path) is not None

    def create(self, path: str) -> None:
        """Make a key and those above it; an existing one stays as it is."""
        self._make(path)

    def _make(self, path: str) -> _Key:
        key = self._root
        for part in _parts(path):
            key = key.keys.setdefault(part.lower(), _Key(part))
        return key

    def keys(self, path: str) -> list[str] | None:
        """Names of the keys below; ``None`` when the key is absent."""
        key = self._find(path)
        return [child.name for child in key.keys.values()] if key else None

    def values(self, path: str) -> list[RegValue] | None:
        """Values of a key; ``None`` when the key is absent."""
        key = self._find(path)
        return list(key.values.values()) if key else None

    def value(self, path: str, name: str) -> RegValue | None:
        """One value, or ``None`` when it or its key is absent."""
        key = self._find(path)
        return key.values.get(name.lower()) if key else None

    def data(self, path: str, name: str) -> RegData | None:
        """The data of one value, or ``None``."""
        value = self.value(path, name)
        return value.data if value else None

    def set(
        self, path: str, name: str, data: RegData, kind: RegType | None = None
    ) -> None:
        """Write a value, making its key where needed."""
        value = RegValue(name, kind or kind_of(data), data)
        self._make(path).values[name.lower()] = value

    def fill(self, path: str, values: Mapping[str, RegData]) -> None:
        """Write several values of one key."""
        self.create(path)
        for name, data in values.items():
            self.set(path, name, data)

    def delete_value(self, path: str, name: str) -> bool:
        """Remove a value; ``False`` when it was not there."""
        key = self._find(path)
        return bool(key and key.values.pop(name.lower(), None))

    def delete(self, path: str) -> bool:
        """Remove a key and all below it; ``False`` when it was not there."""
        *above, last = _parts(path)
        parent = self._find("\\".join(above))
        return bool(parent and parent.keys.pop(last.lower(), None))

    def walk(self, path: str) -> Iterator[str]:
        """Paths of a key's descendants, parents first."""
        for name in self.keys(path) or ():
            child = f"{path}\\{name}"
            yield child
            yield from self.walk(child)
