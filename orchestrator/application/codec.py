"""Values to JSON and back: one spelling for storage, evidence and output.

Versions are strings of four numbers, times are RFC 3339 in UTC, enums are their
values. A fact's type follows from its kind, and an unreadable one says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import cattrs
from cattrs.preconf.json import make_converter

from orchestrator.domain.canonical import Json
from orchestrator.domain.facts import (
    VALUE_TYPES,
    FactKind,
    Observation,
    Unreadable,
)
from orchestrator.domain.version import FileVersion

T = TypeVar("T")

_UNREADABLE = "unreadable"


class DecodeError(ValueError):
    """Stored or received JSON does not have the shape of the value asked for."""


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_time(text: str, _: type[datetime]) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _dump_observation(seen: Observation) -> dict[str, Any]:
    if isinstance(seen.value, Unreadable):
        value: Any = {_UNREADABLE: seen.value.reason}
    else:
        value = _converter.unstructure(seen.value)
    return {
        "kind": seen.kind.value,
        "subject": seen.subject,
        "value": value,
        "source": seen.source,
        "at": time_text(seen.at),
    }


def _load_observation(data: Mapping[str, Any], _: type[Observation]) -> Observation:
    kind = FactKind(data["kind"])
    raw = data["value"]
    value: Any
    if set(raw) == {_UNREADABLE}:
        value = Unreadable(raw[_UNREADABLE])
    else:
        value = _converter.structure(raw, VALUE_TYPES[kind])
    at = _parse_time(data["at"], datetime)
    return Observation(kind, value, data["source"], at, data["subject"])


def _make_converter() -> cattrs.Converter:
    converter = make_converter()
    converter.register_unstructure_hook(FileVersion, str)
    converter.register_structure_hook(
        FileVersion, lambda text, _: FileVersion.parse(text)
    )
    converter.register_unstructure_hook(datetime, time_text)
    converter.register_structure_hook(datetime, _parse_time)
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_structure_hook(
        timedelta, lambda seconds, _: timedelta(seconds=seconds)
    )
    converter.register_unstructure_hook(Observation, _dump_observation)
    converter.register_structure_hook(Observation, _load_observation)
    return converter


_converter = _make_converter()


def to_json(value: object) -> Json:
    """The JSON form of a value of ours."""
    return cast("Json", _converter.unstructure(value))


def from_json(kind: type[T], data: Json) -> T:
    """A value from its JSON form.

    Raises:
        DecodeError: the JSON has another shape.
    """
    try:
        return _converter.structure(data, kind)
    except (cattrs.BaseValidationError, ValueError, KeyError, TypeError) as error:
        raise DecodeError(f"not a {kind.__name__}: {error}") from error
