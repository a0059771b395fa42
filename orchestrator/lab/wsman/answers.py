"""Writing SOAP answers. Prefixes and shapes follow MS-WSMV, section 4."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.personality import Personality
from orchestrator.lab.wsman.soap_faults import FaultKind, SoapFault

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in v.PREFIXES.items())
_WMI_PLUGIN = "WMIv1 plugin for Windows Remote Management "
_WMI_PLUGIN_PATH = r"%systemroot%\system32\WsmWmiPl.dll"


def text(value: str) -> str:
    """Escape, with "?" for what XML cannot carry (MS-WSMV 3.1.4.1.25)."""
    return escape(_UNPRINTABLE.sub("?", value), {"\r": "&#13;"})


def element(
    tag: str, content: str = "", attributes: Mapping[str, str] | None = None
) -> str:
    """One element with attributes; ``content`` is markup already."""
    marks = "".join(
        f" {key}={quoteattr(_UNPRINTABLE.sub('?', value))}"
        for key, value in (attributes or {}).items()
    )
    return f"<{tag}{marks}>{content}</{tag}>"


def new_id() -> str:
    """A fresh identifier as Windows writes it."""
    return str(uuid.uuid4()).upper()


def envelope(action: str, relates_to: str, body: str) -> bytes:
    """A whole answer."""
    related = element("a:RelatesTo", text(relates_to)) if relates_to else ""
    header = element(
        "s:Header",
        element("a:Action", text(action))
        + element("a:MessageID", "uuid:" + new_id())
        + element("a:To", v.ANONYMOUS)
        + related,
    )
    whole = (
        f'<s:Envelope xml:lang="en-US" {_ROOT}>{header}'
        f"{element('s:Body', body)}</s:Envelope>"
    )
    return whole.encode()


def fault(problem: SoapFault, relates_to: str, personality: Personality) -> bytes:
    """A fault; its Machine attribute is empty as in 1.1 (<36>)."""
    kind = problem.kind
    body = element(
        "s:Fault",
        _code(kind)
        + element(
            "s:Reason",
            element("s:Text", text(problem.message), {"xml:lang": "en-US"}),
        )
        + element("s:Detail", _detail(problem, personality)),
    )
    return envelope(kind.action, relates_to, body)


def _code(kind: FaultKind) -> str:
    if kind.subcode.startswith("s:"):
        return element("s:Code", element("s:Value", kind.subcode))
    role = "s:Receiver" if kind.receiver else "s:Sender"
    subcode = element("s:Subcode", element("s:Value", kind.subcode))
    return element("s:Code", element("s:Value", role) + subcode)


def _detail(problem: SoapFault, personality: Personality) -> str:
    uri = problem.kind.detail_uri
    said = (
        _provider_fault(problem, personality)
        if problem.provider_message
        else text(problem.message)
    )
    named = element("w:FaultDetail", uri) if uri else ""
    return named + _wsman_fault(problem.kind.number, said)


def _wsman_fault(number: int, message: str) -> str:
    return element(
        "f:WSManFault",
        element("f:Message", message),
        {"xmlns:f": v.FAULT, "Code": str(number), "Machine": ""},
    )


def _provider_fault(problem: SoapFault, personality: Personality) -> str:
    provider = _WMI_PLUGIN if personality.first_shapes else "WMI Provider"
    return element(
        "f:ProviderFault",
        _wsman_fault(problem.kind.number, text(problem.provider_message)),
        {"provider": provider, "path": _WMI_PLUGIN_PATH},
    )


def identify(stack: str, version: str, service_pack: str) -> bytes:
    """IdentifyResponse; without SecurityProfiles up to 2008 R2 (<73>)."""
    product = f"OS: {version} SP: {service_pack} Stack: {stack}"
    body = element(
        "wsmid:IdentifyResponse",
        element("wsmid:ProtocolVersion", v.WSMAN)
        + element("wsmid:ProductVendor", "Microsoft Corporation")
        + element("wsmid:ProductVersion", text(product)),
        {"xmlns:wsmid": v.IDENTITY},
    )
    whole = (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{v.SOAP}">'
        f"<s:Header/>{element('s:Body', body)}</s:Envelope>"
    )
    return whole.encode()
