"""Reading a SOAP request: bounded, and hostile until read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, fromstring

from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.personality import Personality
from orchestrator.lab.wsman.soap_faults import FaultKind, SoapFault

MAX_DEPTH = 40
"""Deepest nesting of elements that a request may have."""

MIN_ENVELOPE = 8192
"""Smallest MaxEnvelopeSize in octets (MS-WSMV 3.1.4.1.7)."""

MAX_MESSAGE_ID = 2048
"""Longest MessageID in characters (<47>)."""

_DURATION = re.compile(
    r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)
_TRUE = frozenset({"true", "1"})

_KNOWN = frozenset(
    [v.name(v.ADDRESSING, each) for each in ("To", "Action", "MessageID", "From")]
    + [v.name(v.ADDRESSING, each) for each in ("ReplyTo", "FaultTo", "Address")]
    + [v.name(v.WSMAN, each) for each in ("ResourceURI", "SelectorSet", "OptionSet")]
    + [v.name(v.WSMAN, each) for each in ("OperationTimeout", "MaxEnvelopeSize")]
    + [v.name(v.WSMAN, each) for each in ("FragmentTransfer", "RequestEPR")]
    + [v.name(v.WSMAN, "RequestTotalItemsCountEstimate")]
)
_KNOWN_SINCE_2 = frozenset(
    v.name(v.WSMV, each) for each in ("SessionId", "ActivityId", "CompressionType")
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose headers were accepted.

    ``selectors`` and ``options`` have lower-case names (MS-WSMV 3.1.4.1.2);
    ``must_comply`` holds the names of options that may not be ignored.
    ``timeout_s`` and ``max_envelope`` are clamped to what the service allows.
    """

    action: str
    resource: str
    message_id: str
    selectors: Mapping[str, str]
    options: Mapping[str, str]
    must_comply: frozenset[str]
    timeout_s: float
    max_envelope: int
    fragment: bool
    body: Element | None


def read_xml(data: bytes) -> Element:
    """Parse a document in UTF-8 or UTF-16.

    Raises:
        SoapFault: not XML, a document type, or nested too deep.
    """
    wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    try:
        text = data.decode("utf-16" if wide else "utf-8")
        if "<!DOCTYPE" in text:
            raise SoapFault(faults.SCHEMA_VALIDATION, "A document type is refused.")
        root = fromstring(text)  # noqa: S314 - no entities without a document type
    except (ParseError, ValueError) as error:
        raise SoapFault(
            faults.SCHEMA_VALIDATION, "The request is not well-formed XML."
        ) from error
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
    if level:
        raise SoapFault(faults.SCHEMA_VALIDATION, "The request nests too deep.")
    return root


def text_of(parent: Element | None, namespace: str, local: str) -> str:
    """The trimmed text of a child, or nothing."""
    found = None if parent is None else parent.find(v.name(namespace, local))
    return "" if found is None else (found.text or "").strip()


def message_id(root: Element) -> str:
    """What the answer relates to; empty where the request does not say."""
    header = root.find(v.name(v.SOAP, "Header"))
    return text_of(header, v.ADDRESSING, "MessageID")[:MAX_MESSAGE_ID]


def body_of(root: Element) -> Element | None:
    """The first element of the body."""
    body = root.find(v.name(v.SOAP, "Body"))
    return None if body is None else next(iter(body), None)


def is_identify(root: Element) -> bool:
    """Whether the request is Identify, which needs no addressing (DSP0226, 11)."""
    body = body_of(root)
    return body is not None and body.tag == v.name(v.IDENTITY, "Identify")


def read_request(root: Element, personality: Personality) -> Request:
    """Check the headers, in the order of MS-WSMV 3.1.4.1, and take their values.

    Raises:
        SoapFault: a header is missing, wrong, or not understood.
    """
    header = root.find(v.name(v.SOAP, "Header"))
    if root.tag != v.name(v.SOAP, "Envelope") or header is None:
        raise SoapFault(faults.SCHEMA_VALIDATION, "No SOAP 1.2 envelope and header.")
    _understand(header, personality)
    _require_addressing(header)
    options = _options(header)
    return Request(
        action=text_of(header, v.ADDRESSING, "Action"),
        resource=text_of(header, v.WSMAN, "ResourceURI"),
        message_id=message_id(root),
        selectors=_selectors(header),
        options={key: value for key, (value, _) in options.items()},
        must_comply=frozenset(key for key, (_, must) in options.items() if must),
        timeout_s=_timeout(header, personality),
        max_envelope=_max_envelope(header, personality),
        fragment=header.find(v.name(v.WSMAN, "FragmentTransfer")) is not None,
        body=body_of(root),
    )


def _must(element: Element) -> bool:
    return element.get(v.name(v.SOAP, "mustUnderstand"), "").lower() in _TRUE


def _understand(header: Element, personality: Personality) -> None:
    known = _KNOWN if personality.first_shapes else _KNOWN | _KNOWN_SINCE_2
    if not personality.speaks_dmtf:
        known = frozenset(tag for tag in known if tag.startswith("{" + v.ADDRESSING))
    refused: dict[str, FaultKind] = {
        v.name(v.WSMAN, "Locale"): faults.LOCALE,
        v.name(v.WSMV, "DataLocale"): faults.DATA_LOCALE,
    }
    for element in header:
        if element.tag == v.name(v.WSMAN, "FragmentTransfer") and not _must(element):
            raise SoapFault(
                faults.INVALID_HEADER, "FragmentTransfer must be understood."
            )
        if _must(element) and element.tag not in known:
            kind = refused.get(element.tag, faults.MUST_UNDERSTAND)
            raise SoapFault(kind, f"{kind.reason} Header: {element.tag[:200]}")


def _require_addressing(header: Element) -> None:
    identity = header.find(v.name(v.ADDRESSING, "MessageID"))
    text = "" if identity is None else (identity.text or "").strip()
    if not 0 < len(text) <= MAX_MESSAGE_ID:
        raise SoapFault(
            faults.INVALID_HEADER, "MessageID is missing, empty or too long."
        )
    reply = header.find(v.name(v.ADDRESSING, "ReplyTo"))
    if reply is None or not text_of(header, v.ADDRESSING, "Action"):
        missing = "ReplyTo" if reply is None else "Action"
        raise SoapFault(faults.HEADER_REQUIRED, f"{missing} is missing.")
    for each in (reply, header.find(v.name(v.ADDRESSING, "FaultTo"))):
        if each is not None and text_of(each, v.ADDRESSING, "Address") != v.ANONYMOUS:
            raise SoapFault(faults.ADDRESSING_MODE)


def _named(header: Element, outer: str, inner: str) -> Iterator[tuple[str, Element]]:
    for element in header.findall(f"{v.name(v.WSMAN, outer)}/{v.name(v.WSMAN, inner)}"):
        yield element.get("Name", "").lower(), element


def _selectors(header: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, element in _named(header, "SelectorSet", "Selector"):
        if key in found:
            raise SoapFault(faults.INVALID_SELECTORS, "A selector is given twice.")
        found[key] = (element.text or "").strip()
    return found


def _options(header: Element) -> dict[str, tuple[str, bool]]:
    return {
        key: (
            (element.text or "").strip(),
            element.get("MustComply", "").lower() in _TRUE,
        )
        for key, element in _named(header, "OptionSet", "Option")
    }


def seconds(duration: str) -> float | None:
    """Read an XML duration without years and months; ``None`` if it is not one."""
    found = _DURATION.fullmatch(duration.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(each or 0) for each in found.groups())
    return math.fsum((days * 86_400, hours * 3_600, minutes * 60, rest))


def _timeout(header: Element, personality: Personality) -> float:
    asked = text_of(header, v.WSMAN, "OperationTimeout")
    if not asked:
        return personality.max_timeout_s
    wanted = seconds(asked)
    if wanted is None:
        raise SoapFault(faults.INVALID_HEADER, "OperationTimeout is not a duration.")
    return min(wanted, personality.max_timeout_s)


def _max_envelope(header: Element, personality: Personality) -> int:
    asked = text_of(header, v.WSMAN, "MaxEnvelopeSize")
    if not asked:
        return personality.max_envelope
    if not re.fullmatch(r"[0-9]{1,12}", asked):
        raise SoapFault(faults.INVALID_HEADER, "MaxEnvelopeSize is not a number.")
    if int(asked) < MIN_ENVELOPE:
        raise SoapFault(faults.ENCODING_LIMIT)
    return min(int(asked), personality.max_envelope)
