"""pypsrp, unchanged, with the few calls that the tests make."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree as ET

import requests
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from orchestrator.lab.wsman import Listener
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.fake_computer import PASSWORD

PATIENCE_S = 10


class Client:
    """One connection of pypsrp."""

    def __init__(self, target: Listener, **settings: Any) -> None:
        chosen = {
            "username": "LAB\\operator",
            "password": PASSWORD,
            "auth": "ntlm",
            "encryption": "always",
            "ssl": False,
            "operation_timeout": 5,
            "read_timeout": PATIENCE_S,
            "connection_timeout": PATIENCE_S,
            **settings,
        }
        self.wsman = WSMan(target.address, port=target.port, no_proxy=True, **chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wsman.close()

    def send(self, message: bytes) -> str:
        answer: bytes = self.wsman.transport.send(message)
        return answer.decode()

    def query(self, wql: str, most: int = 20) -> Iterator[list[ET.Element]]:
        """Page by page, to the end."""
        body = self.wsman.enumerate(
            soap.ALL,
            ET.fromstring(_enumerate(wql, most)),  # noqa: S314 - our own text
        )
        yield body.findall(".//w:Items/*", soap.NS)
        while context := body.findtext(".//n:EnumerationContext", "", soap.NS):
            body = self.wsman.pull(
                soap.ALL,
                ET.fromstring(_pull(context, most)),  # noqa: S314 - our own
            )
            yield body.findall(".//n:Items/*", soap.NS)

    def invoke(self, class_name: str, method: str, **arguments: str) -> ET.Element:
        uri = soap.CIMV2 + class_name
        body = ET.Element(f"{{{uri}}}{method}_INPUT")
        for key, value in arguments.items():
            ET.SubElement(body, f"{{{uri}}}{key}").text = value
        answer: ET.Element = self.wsman.invoke(f"{uri}/{method}", uri, body)
        return answer

    def shell(self) -> Any:
        return WinRS(self.wsman, codepage=437)

    def run(self, shell: Any, line: str, *arguments: str) -> tuple[bytes, int | None]:
        process = Process(shell, line, list(arguments))
        process.invoke()
        process.signal(SignalCode.TERMINATE)
        return process.stdout, process.rc


def _enumerate(wql: str, most: int) -> str:
    return _declared(soap.enumerate_body(wql, most=most))


def _pull(context: str, most: int) -> str:
    return _declared(soap.pull_body(context, most))


def _declared(body: str) -> str:
    head, _, rest = body.partition(">")
    return f'{head} xmlns:n="{soap.NS["n"]}" xmlns:w="{soap.NS["w"]}">{rest}'


def post(target: Listener, body: bytes = b"", **headers: str) -> requests.Response:
    """A bare HTTP request without any authentication."""
    kind = {"Content-Type": "application/soap+xml;charset=UTF-8", **headers}
    return requests.post(target.url, data=body, headers=kind, timeout=PATIENCE_S)


def identify_masked(target: Listener) -> requests.Response:
    return post(target, soap.IDENTIFY, WSMANIDENTIFY="unauthenticated")
