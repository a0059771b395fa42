"""CIM values as XML and back (DSP0230; MS-WSMV 3.1.4.1.13, 25, 26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from orchestrator.lab.machine import Instance, WmiScalar, WmiValue
from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.answers import element, text

_NIL = {"xsi:nil": "true"}


def class_uri(namespace: str, class_name: str) -> str:
    r"""The resource URI of a class, for a namespace written with ``\`` or ``/``."""
    return f"{v.WMI}{namespace.replace(chr(92), '/')}/{class_name}"


def instance(namespace: str, found: Instance) -> str:
    """A whole object: ``p:Class`` in its own namespace, with its type."""
    return _typed(f"p:{found.class_name}", namespace, found)


def fragment(namespace: str, found: Instance) -> str:
    """A projection: ``w:XmlFragment``, children without namespace (<58>, <59>)."""
    return element(
        "w:XmlFragment",
        properties("", namespace, found.properties),
        {"xmlns:xsi": v.XSI},
    )


def output(
    namespace: str, class_name: str, method: str, out: Mapping[str, WmiValue]
) -> str:
    """What a method returned: ``p:Method_OUTPUT``."""
    return element(
        f"p:{method}_OUTPUT",
        properties("p:", namespace, out),
        _declarations(class_uri(namespace, class_name)),
    )


def _declarations(uri: str) -> dict[str, str]:
    return {"xmlns:xsi": v.XSI, "xmlns:p": uri, "xmlns:cim": v.CIM}


def _typed(tag: str, namespace: str, found: Instance) -> str:
    uri = class_uri(namespace, found.class_name)
    return element(
        tag,
        properties("p:", namespace, found.properties),
        {**_declarations(uri), "xsi:type": f"p:{found.class_name}_Type"},
    )


def properties(prefix: str, namespace: str, values: Mapping[str, WmiValue]) -> str:
    """All properties in alphabetical order (<59>)."""
    return "".join(
        _property(prefix, namespace, key, values[key])
        for key in sorted(values, key=str.lower)
    )


def _property(prefix: str, namespace: str, key: str, value: WmiValue) -> str:
    if isinstance(value, Instance):
        return _embedded(prefix, namespace, key, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _array(prefix, namespace, key, value)
    return _scalar(prefix, key, value)


def _array(
    prefix: str,
    namespace: str,
    key: str,
    values: Sequence[WmiScalar] | Sequence[Instance],
) -> str:
    # An element of an array is never null on the wire (3.1.4.1.26).
    return "".join(
        _property(prefix, namespace, key, "" if each is None else each)
        for each in values
    )


def _embedded(prefix: str, namespace: str, key: str, value: Instance) -> str:
    if not prefix:
        inside = properties("", namespace, value.properties)
        return element(key, inside)
    # The prefix p of the outer class is still in force for the element's name.
    uri = class_uri(namespace, value.class_name)
    inside = properties("e:", namespace, value.properties)
    marks = {"xmlns:e": uri, "xsi:type": f"e:{value.class_name}_Type"}
    return element(prefix + key, inside, marks)


def _scalar(prefix: str, key: str, value: WmiScalar) -> str:
    match value:
        case None:
            return element(prefix + key, "", _NIL)
        case bool():
            return element(prefix + key, "true" if value else "false")
        case datetime():
            tag = "cim:Datetime" if prefix else "Datetime"
            return element(prefix + key, element(tag, _moment(value)))
        case _:
            return element(prefix + key, text(str(value)))


def _moment(value: datetime) -> str:
    written = value.isoformat()
    return written.replace("+00:00", "Z") if value.tzinfo is not None else written


def arguments(body: Element | None) -> dict[str, WmiValue]:
    """The arguments of a method; an element given several times is an array.

    Values are text, as the wire does not tell types; the computer knows them.
    """
    found: dict[str, list[WmiScalar | Instance]] = {}
    for child in () if body is None else body:
        found.setdefault(_local(child), []).append(_value(child))
    return {key: _one_or_many(values) for key, values in found.items()}


def _one_or_many(values: list[WmiScalar | Instance]) -> WmiValue:
    if len(values) == 1:
        return values[0]
    embedded = [each for each in values if isinstance(each, Instance)]
    return embedded or [each for each in values if not isinstance(each, Instance)]


def _local(child: Element) -> str:
    return child.tag.rpartition("}")[2]


def _value(child: Element) -> WmiScalar | Instance:
    if child.get(v.name(v.XSI, "nil"), "").lower() in {"true", "1"}:
        return None
    if len(child) == 0:
        return child.text or ""
    if _local(child[0]) == "Datetime":
        return _read_moment((child[0].text or "").strip())
    return Instance(_class_of(child), arguments(child))


def _class_of(child: Element) -> str:
    kind = child.get(v.name(v.XSI, "type"), "").rpartition(":")[2]
    namespace = child[0].tag.rpartition("}")[0]
    return kind.removesuffix("_Type") or namespace.rpartition("/")[2]


def _read_moment(written: str) -> WmiScalar:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return written
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
