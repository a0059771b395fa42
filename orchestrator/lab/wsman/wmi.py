"""WMI over WS-Management: Get, Enumerate, Pull, Release and methods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from orchestrator.lab.machine import (
    WBEM_E_ACCESS_DENIED,
    WBEM_E_INVALID_CLASS,
    WBEM_E_INVALID_METHOD,
    WBEM_E_INVALID_NAMESPACE,
    WBEM_E_NOT_FOUND,
    WBEM_E_PROVIDER_LOAD_FAILURE,
    Instance,
    WmiError,
)
from orchestrator.lab.wsman import cim
from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.answers import element
from orchestrator.lab.wsman.envelope import Request, text_of
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.soap_faults import FaultKind, SoapFault

_ENVELOPE_ROOM = 2048
"""Octets of an answer that are not items."""

_EVERYTHING = re.compile(r"\s*select\s+\*\s", re.IGNORECASE)
_CLASS_URI = re.compile(r"(root(?:/[A-Za-z0-9_]+)*)/([A-Za-z0-9_]+|\*)", re.IGNORECASE)

_KINDS: dict[int, FaultKind] = {
    WBEM_E_NOT_FOUND: faults.DESTINATION_UNREACHABLE,
    WBEM_E_INVALID_CLASS: faults.DESTINATION_UNREACHABLE,
    WBEM_E_INVALID_NAMESPACE: faults.DESTINATION_UNREACHABLE,
    WBEM_E_INVALID_METHOD: faults.ACTION_NOT_SUPPORTED,
    WBEM_E_ACCESS_DENIED: faults.ACCESS_DENIED,
    WBEM_E_PROVIDER_LOAD_FAILURE: faults.PROVIDER_FAILED,
}
_FAILED = (WBEM_E_ACCESS_DENIED, WBEM_E_PROVIDER_LOAD_FAILURE)
"""What a query says of a class that is there."""


def _target(resource: str) -> tuple[str, str]:
    """Namespace and class of a resource URI."""
    found = _CLASS_URI.fullmatch(resource[len(v.WMI) :].partition("?")[0])
    if found is None:
        raise SoapFault(faults.INVALID_RESOURCE_URI)
    return found[1], found[2]


def _refused(error: WmiError, otherwise: FaultKind) -> SoapFault:
    kind = _KINDS.get(error.code, otherwise)
    return SoapFault(kind, provider_message=error.message)


def _refuse_namespace_selector(request: Request) -> None:
    # Server 2003 does not check options of WMI resources (<52>), except that a
    # "__cimnamespace" selector beside a WMI URI is an error (3.1.4.1.1).
    if "__cimnamespace" in request.selectors:
        raise SoapFault(faults.INVALID_SELECTORS, "The URI names the namespace.")


async def get(host: Host, _caller: Caller, request: Request) -> str:
    """One object."""
    namespace, class_name = _target(request.resource)
    _refuse_namespace_selector(request)
    if class_name == "*":
        raise SoapFault(faults.INVALID_RESOURCE_URI)
    if request.fragment:
        raise SoapFault(faults.UNSUPPORTED_FEATURE, "Fragments are not simulated.")
    try:
        found = host.computer.get(namespace, class_name, request.selectors)
    except WmiError as error:
        raise _refused(error, faults.INVALID_SELECTORS) from error
    return cim.instance(namespace, found)


async def enumerate_(host: Host, caller: Caller, request: Request) -> str:
    """Start an enumeration: a WQL query, or all objects of a class."""
    namespace, class_name = _target(request.resource)
    body = request.body
    if body is None or body.tag != v.name(v.ENUMERATION, "Enumerate"):
        raise SoapFault(faults.SCHEMA_VALIDATION, "The body must hold Enumerate.")
    if body.find(v.name(v.WSMAN, "EnumerationMode")) is not None:
        raise SoapFault(faults.UNSUPPORTED_FEATURE, "EnumerationMode is not simulated.")
    wql = _wql(body, class_name)
    try:
        rows = host.computer.query(namespace, wql)
    except WmiError as error:
        kind = _class_missing(error, class_name)
        raise SoapFault(kind, provider_message=error.message) from error
    context = host.enumerations.begin(
        request.resource.lower(), caller.user, _items(namespace, wql, rows)
    )
    return _first_page(host, caller, request, context)


def _class_missing(error: WmiError, class_name: str) -> FaultKind:
    if error.code in _FAILED:
        return _KINDS[error.code]
    star = class_name == "*"
    return faults.CANNOT_PROCESS_FILTER if star else faults.DESTINATION_UNREACHABLE


def _wql(body: Element, class_name: str) -> str:
    found = next(
        (
            each
            for namespace in (v.WSMAN, v.ENUMERATION)
            if (each := body.find(v.name(namespace, "Filter"))) is not None
        ),
        None,
    )
    if found is None:
        if class_name == "*":
            raise SoapFault(faults.CANNOT_PROCESS_FILTER)
        # A class name is letters, digits and underscores: see _CLASS_URI.
        return f"SELECT * FROM {class_name}"  # noqa: S608 - WQL of a simulated host
    if found.get("Dialect") != v.WQL:
        raise SoapFault(faults.FILTER_DIALECT)
    if class_name != "*":
        raise SoapFault(faults.WQL_NEEDS_STAR)
    return (found.text or "").strip()


def _items(namespace: str, wql: str, rows: Sequence[Instance]) -> list[str]:
    write = cim.instance if _EVERYTHING.match(wql) else cim.fragment
    return [write(namespace, each) for each in rows]


def _first_page(host: Host, caller: Caller, request: Request, context: str) -> str:
    body = request.body
    optimized = (
        body is not None
        and body.find(v.name(v.WSMAN, "OptimizeEnumeration")) is not None
    )
    if not optimized:
        return element("n:EnumerateResponse", element("n:EnumerationContext", context))
    count = _count(host, text_of(body, v.WSMAN, "MaxElements"))
    items, rest = _take(host, caller, request, context, count)
    end = "" if rest else element("w:EndOfSequence")
    return element(
        "n:EnumerateResponse",
        element("n:EnumerationContext", rest)
        + element("w:Items", "".join(items))
        + end,
    )


def _count(host: Host, asked: str) -> int:
    """The effective MaxElements (3.1.4.1.14); one unless asked (DSP0226, 8.4)."""
    if not asked:
        return 1
    if not re.fullmatch(r"[1-9][0-9]{0,9}", asked):
        raise SoapFault(faults.SCHEMA_VALIDATION, "MaxElements is not a number.")
    return min(int(asked), host.personality.max_batch_items)


def _take(
    host: Host, caller: Caller, request: Request, context: str, count: int
) -> tuple[list[str], str]:
    return host.enumerations.take(
        context,
        request.resource,
        caller.user,
        count=count,
        octets=request.max_envelope - _ENVELOPE_ROOM,
    )


async def pull(host: Host, caller: Caller, request: Request) -> str:
    """The next page."""
    context = _context(request, "Pull")
    count = _count(host, text_of(request.body, v.ENUMERATION, "MaxElements"))
    items, rest = _take(host, caller, request, context, count)
    after = element("n:EnumerationContext", rest) if rest else ""
    end = "" if rest else element("n:EndOfSequence")
    listed = element("n:Items", "".join(items))
    return element("n:PullResponse", after + listed + end)


async def release(host: Host, caller: Caller, request: Request) -> str:
    """End an enumeration early."""
    context = _context(request, "Release")
    host.enumerations.release(context, request.resource, caller.user)
    return ""


def _context(request: Request, name: str) -> str:
    if request.body is None or request.body.tag != v.name(v.ENUMERATION, name):
        raise SoapFault(faults.SCHEMA_VALIDATION, f"The body must hold {name}.")
    return text_of(request.body, v.ENUMERATION, "EnumerationContext")


async def invoke(host: Host, _caller: Caller, request: Request) -> str:
    """Call a method: the action is the resource and the method's name."""
    namespace, class_name = _target(request.resource)
    method = request.action[len(request.resource) + 1 :]
    expected = v.name(request.resource, f"{method}_INPUT")
    if request.body is None or request.body.tag.lower() != expected.lower():
        raise SoapFault(faults.SCHEMA_VALIDATION, f"The body must hold {method}_INPUT.")
    try:
        out = host.computer.invoke(
            namespace,
            class_name,
            method,
            cim.arguments(request.body),
            request.selectors,
        )
    except WmiError as error:
        raise _refused(error, faults.INVALID_SELECTORS) from error
    return cim.output(namespace, class_name, method, out)
