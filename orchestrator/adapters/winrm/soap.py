"""Bytes of an answer to XML and faults; whatever cannot be read is malformed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from orchestrator.adapters.winrm.faults import FaultDetail, MalformedError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: It names the encoding of the bytes, which are none any more.
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9-]{3,20})", re.IGNORECASE)
_CHARSETS = {"utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


def charset_in(header: str) -> str:
    """The codec that a Content-Type names: UTF-16 where it says so, else UTF-8."""
    found = _CHARSET.search(header)
    return _CHARSETS.get(found[1].lower(), "utf-8") if found else "utf-8"


def decode_text(data: bytes, charset: str = "utf-8") -> str:
    """An XML answer as text; a byte order mark wins over what the header says.

    A document type is refused: no answer has one, and it could define entities.

    Raises:
        MalformedError: other bytes than that.
    """
    for mark, codec in _BOMS:
        if data.startswith(mark):
            data, charset = data.removeprefix(mark), codec
            break
    else:
        if data[:2] == b"<\0":
            charset = "utf-16-le"
    try:
        text = data.decode(charset)
    except UnicodeDecodeError as error:
        raise MalformedError(f"an answer that is not {charset}") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MalformedError("an answer with a document type")
    return _DECLARATION.sub("", text, count=1)


def parse(text: str) -> Element:
    """The root of an answer.

    Raises:
        MalformedError: it is no XML.
    """
    try:
        return fromstring(text)  # noqa: S314  # document types are refused before
    except (ParseError, ValueError) as error:
        raise MalformedError("an answer that is no XML") from error


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(parent: Element | None, name: str) -> Iterator[Element]:
    """Direct children of a local name, whatever their namespace."""
    for child in parent if parent is not None else ():
        if local_name(child) == name:
            yield child


def first(parent: Element | None, *path: str) -> Element | None:
    """The first element down a path of local names."""
    found = parent
    for name in path:
        found = next(children(found, name), None)
    return found


def text_of(element: Element | None) -> str:
    """All text in an element, in one line."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def fault_of(text: str) -> FaultDetail | None:
    """The SOAP fault in an answer, with subcode and code; ``None`` if it has none.

    Raises:
        MalformedError: the answer is no XML.
    """
    fault = first(parse(text), "Body", "Fault")
    if fault is None:
        return None
    code = first(fault, "Code", "Subcode", "Value")
    detail = first(fault, "Detail", "WSManFault")
    message = first(detail, "Message")
    return FaultDetail(
        subcode=text_of(code).rpartition(":")[2],
        code=_number(detail.get("Code", "") if detail is not None else ""),
        reason=text_of(first(fault, "Reason", "Text")) or text_of(message),
        provider=text_of(first(message, "ProviderFault")),
    )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,12}", text.strip()) else None
