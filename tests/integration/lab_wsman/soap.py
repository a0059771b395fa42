"""Requests written by hand, as the examples of MS-WSMV write them."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from orchestrator.lab.wsman import operations
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.operations import Answer

NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "wsmv": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "i": "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",
}
ANONYMOUS = NS["a"] + "/role/anonymous"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
CIMV2 = WMI + "root/cimv2/"
ALL = CIMV2 + "*"
CMD = NS["rsp"] + "/cmd"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
GET, CREATE, DELETE = (f"{NS['x']}/{each}" for each in ("Get", "Create", "Delete"))
ENUMERATE, PULL, RELEASE = (f"{NS['n']}/{e}" for e in ("Enumerate", "Pull", "Release"))
COMMAND, SEND, RECEIVE, SIGNAL = (
    f"{NS['rsp']}/{each}" for each in ("Command", "Send", "Receive", "Signal")
)
MESSAGE_ID = "uuid:5E6FD101-710A-4EEA-A50D-70C0BF863AA3"
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())

IDENTIFY = (
    f"<s:Envelope {_DECLARED}><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>"
).encode()
REPLY_TO = f"<a:ReplyTo><a:Address>{ANONYMOUS}</a:Address></a:ReplyTo>"


def request(
    action: str,
    resource: str,
    body: str = "",
    *,
    headers: str = "",
    message_id: str | None = MESSAGE_ID,
    reply_to: str = REPLY_TO,
    timeout: str = "PT60.000S",
    max_envelope: str = "153600",
) -> bytes:
    identity = "" if message_id is None else f"<a:MessageID>{message_id}</a:MessageID>"
    return (
        f"<s:Envelope {_DECLARED}><s:Header>"
        "<a:To>http://server:80/wsman</a:To>"
        f'<w:ResourceURI s:mustUnderstand="true">{resource}</w:ResourceURI>'
        f'{reply_to}<a:Action s:mustUnderstand="true">{action}</a:Action>'
        f'<w:MaxEnvelopeSize s:mustUnderstand="true">{max_envelope}</w:MaxEnvelopeSize>'
        f"{identity}<w:OperationTimeout>{timeout}</w:OperationTimeout>{headers}"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def selectors(**named: str) -> str:
    inside = "".join(
        f'<w:Selector Name="{key}">{value}</w:Selector>' for key, value in named.items()
    )
    return f"<w:SelectorSet>{inside}</w:SelectorSet>"


def option(name: str, value: str, *, must_comply: bool = False) -> str:
    must = ' MustComply="true"' if must_comply else ""
    return (
        f'<w:OptionSet><w:Option Name="{name}"{must}>{value}</w:Option></w:OptionSet>'
    )


def enumerate_body(
    wql: str | None = None, *, most: int | None = 20, dialect: str = WQL
) -> str:
    count = "" if most is None else f"<w:MaxElements>{most}</w:MaxElements>"
    optimized = "" if most is None else f"<w:OptimizeEnumeration/>{count}"
    chosen = (
        "" if wql is None else f'<w:Filter Dialect="{dialect}">{escape(wql)}</w:Filter>'
    )
    return f"<n:Enumerate>{optimized}{chosen}</n:Enumerate>"


def pull_body(context: str, most: int | None = None) -> str:
    count = "" if most is None else f"<n:MaxElements>{most}</n:MaxElements>"
    named = f"<n:EnumerationContext>{context}</n:EnumerationContext>"
    return f"<n:Pull>{named}{count}</n:Pull>"


SHELL = (
    "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams>"
    "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>"
)


def command_body(line: str, *arguments: str) -> str:
    inside = "".join(f"<rsp:Arguments>{each}</rsp:Arguments>" for each in arguments)
    return (
        f"<rsp:CommandLine><rsp:Command>{line}</rsp:Command>{inside}</rsp:CommandLine>"
    )


def receive_body(command_id: str) -> str:
    return (
        f'<rsp:Receive><rsp:DesiredStream CommandId="{command_id}">stdout stderr'
        "</rsp:DesiredStream></rsp:Receive>"
    )


def signal_body(command_id: str, code: str = "Terminate") -> str:
    return (
        f'<rsp:Signal CommandId="{command_id}">'
        f"<rsp:Code>{NS['rsp']}/signal/{code}</rsp:Code></rsp:Signal>"
    )


class Answered:
    """An answer, read for a test."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.text = answer.message.decode()
        self.root = ET.fromstring(self.text)  # noqa: S314 - our own service wrote it

    def find(self, path: str) -> ET.Element:
        found = self.root.find(path, NS)
        assert found is not None, f"{path} is not in {self.text}"
        return found

    def value(self, path: str) -> str:
        return self.find(path).text or ""

    def all(self, path: str) -> list[ET.Element]:
        return self.root.findall(path, NS)

    @property
    def fault(self) -> tuple[str, int]:
        """Subcode (or code) and number."""
        number = int(self.find(".//s:Detail/f:WSManFault").get("Code", "0"))
        sub = self.root.find(".//s:Code/s:Subcode/s:Value", NS)
        return (sub.text or "") if sub is not None else self.value(
            ".//s:Code/s:Value"
        ), number


CALLER = Caller(user="LAB\\OPERATOR", address="127.0.0.1")


def ask(host: Host, message: bytes, caller: Caller = CALLER) -> Answered:
    """Hand a message to the service without a network."""
    return Answered(asyncio.run(operations.answer(host, caller, message)))
