"""Identify: what answers, asked before any credential is shown.

Asked without a credential, a service masks the system as ``OS: 0.0.0 SP: 0.0``
(MS-WSMV note 72): that is no version, and is left empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from orchestrator.adapters.winrm.soap import first, parse, text_of

REQUEST = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identify/1/'
    b'wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>'
)
_PRODUCT = re.compile(
    r"OS:\s*([\d.]{1,20})\s+SP:\s*([\d.]{1,10})\s+Stack:\s*([\d.]{1,10})"
)
_MASKED = "0.0.0"


@dataclass(frozen=True, slots=True)
class Identity:
    """The stack, and the system where it is told."""

    stack: str
    os_version: str = ""
    service_pack: str = ""


def read_identity(text: str) -> Identity | None:
    """The answer to Identify; ``None`` if it is none.

    Raises:
        MalformedError: the answer is no XML.
    """
    found: Element | None = first(parse(text), "Body", "IdentifyResponse")
    if found is None:
        return None
    version = _PRODUCT.search(text_of(first(found, "ProductVersion")))
    if version is None:
        return Identity("")
    system, pack, stack = version.groups()
    return Identity(stack) if system == _MASKED else Identity(stack, system, pack)
