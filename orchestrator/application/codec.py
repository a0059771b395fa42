"""Values to JSON and back: one spelling for storage, evidence and output.

Versions are strings of four numbers, times are RFC 3339 in UTC, enums are their
values. A fact's type follows from its kind, and an unreadable one says so. Where a
field may hold one of several types, their name stands beside their fields.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, cast

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter

from orchestrator.domain.canonical import Json
from orchestrator.domain.effect import Effect
from orchestrator.domain.evidence import Entry, Record
from orchestrator.domain.exposure import Exposure
from orchestrator.domain.facts import (
    VALUE_TYPES,
    FactSet,
    Observation,
    Unreadable,
)
from orchestrator.domain.remediation import Settlement
from orchestrator.domain.version import FileVersion

T = TypeVar("T")

_UNREADABLE = "unreadable"

#: Names the type of a value that may be of several.
VARIANT = "variant"

#: Of an error's text, no more is repeated.
QUOTED_CHARACTERS = 200


class DecodeError(ValueError):
    """Stored or received JSON does not have the shape of the value asked for."""


def to_json(value: object) -> Json:
    """The JSON form of a value of ours.

    Raises:
        ValueError: it holds a time without an offset.
    """
    return cast("Json", _converter.unstructure(value))


def from_json(kind: type[T], data: Json) -> T:
    """A value from its JSON form.

    Raises:
        DecodeError: the JSON has another shape.
    """
    try:
        return _converter.structure(data, kind)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"[:QUOTED_CHARACTERS]
        raise DecodeError(f"not a {kind.__name__}: {why}") from error


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond where there is one.

    Raises:
        ValueError: without an offset nobody knows which instant it is.
    """
    if moment.tzinfo is None:
        raise ValueError(f"found {moment} without an offset, expected an aware time")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """The instant that :func:`time_text` spelled, in UTC.

    Raises:
        ValueError: another form, or no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"found {text!r} without an offset")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


#: An estate repeats its times and versions; so many are read only once.
_REPEATED = 8_192
_time = lru_cache(_REPEATED)(parse_time)
_time_text = lru_cache(_REPEATED)(time_text)
_version = lru_cache(_REPEATED)(FileVersion.parse)


def _make_converter() -> cattrs.Converter:
    # Without the detailed errors it is twice as fast, and estates are large.
    converter = make_converter(detailed_validation=False)
    converter.register_unstructure_hook(FileVersion, str)
    converter.register_structure_hook(FileVersion, lambda text, _: _version(text))
    converter.register_unstructure_hook(datetime, _time_text)
    converter.register_structure_hook(datetime, lambda text, _: _time(text))
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_structure_hook(
        timedelta, lambda seconds, _: timedelta(seconds=seconds)
    )
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_factory(_is_row, _row_loader)
    for union in (Effect, Exposure, Settlement):
        _register_union(converter, union)
    _register_facts(converter)
    _register_payloads(converter)
    return converter


def _number(data: object, _: object) -> float:
    """A number as it was: 20 does not become 20.0, which has another digest."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise TypeError(f"found {data!r}, expected a number")
    return data


def _is_row(kind: Any) -> bool:
    """Whether a type is a tuple of any length, all of one type."""
    return typing.get_origin(kind) is tuple and typing.get_args(kind)[1:] == (...,)


def _row_loader(
    kind: Any, converter: cattrs.Converter
) -> Callable[[Iterable[Any], object], tuple[Any, ...]]:
    """Reads such a tuple; its values' reader is looked up once, not per value."""
    of = typing.get_args(kind)[0]
    load_one = converter.get_structure_hook(of)
    return lambda data, _: tuple([load_one(one, of) for one in data])


def _register_union(converter: cattrs.Converter, union: types.UnionType) -> None:
    """Spell one of several types as its fields and its name; none as null."""
    variants = {kind.__name__: kind for kind in typing.get_args(union)}

    def dump(value: object) -> dict[str, Any] | None:
        if value is None:
            return None
        return {VARIANT: type(value).__name__, **converter.unstructure(value)}

    def load(data: Mapping[str, Any] | None, _: object) -> object:
        if data is None:
            return None
        return converter.structure(data, variants[data[VARIANT]])

    for hooked in (union, union | None):
        converter.register_unstructure_hook(hooked, dump)
        converter.register_structure_hook(hooked, load)


def _register_facts(converter: cattrs.Converter) -> None:
    load_one = _observation_loader(converter)

    def dump_set(facts: FactSet) -> list[Any]:
        return [converter.unstructure(seen) for seen in facts.observations.values()]

    def load_set(data: list[Any], _: object) -> FactSet:
        seen = map(load_one, data)
        return FactSet({(found.kind, found.subject): found for found in seen})

    converter.register_unstructure_hook(
        Unreadable, lambda value: {_UNREADABLE: value.reason}
    )
    converter.register_structure_hook(Observation, lambda data, _: load_one(data))
    converter.register_unstructure_hook(FactSet, dump_set)
    converter.register_structure_hook(FactSet, load_set)


def _observation_loader(
    converter: cattrs.Converter,
) -> Callable[[Mapping[str, Any]], Observation]:
    """Reads a fact by its kind; each kind's reader is looked up once, not per fact."""
    kinds = {
        kind.value: (kind, wanted, converter.get_structure_hook(wanted))
        for kind, wanted in VALUE_TYPES.items()
    }

    def load(data: Mapping[str, Any]) -> Observation:
        kind, wanted, load_value = kinds[data["kind"]]
        raw = data["value"]
        value = (
            Unreadable(raw[_UNREADABLE])
            if _UNREADABLE in raw
            else load_value(raw, wanted)
        )
        at = _time(data["at"])
        return Observation(kind, value, data["source"], at, data["subject"])

    return load


def _register_payloads(converter: cattrs.Converter) -> None:
    """What a record holds is JSON already."""
    as_is = override(unstruct_hook=lambda data: data, struct_hook=lambda data, _: data)
    for kind in (Entry, Record):
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, payload=as_is)
        )
        converter.register_structure_hook(
            kind, make_dict_structure_fn(kind, converter, payload=as_is)
        )


_converter = _make_converter()
