"""A host with the limits of WinRM 1.1, and clients that trip over each of them.

The naive client is pypsrp, used as its documentation shows.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests
from pypsrp.exceptions import (
    AuthenticationError,
    WinRMTransportError,
    WSManFaultError,
)
from pypsrp.shell import Process, WinRS
from pypsrp.wsman import OptionSet

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.writer import WinRmWriter
from orchestrator.domain.server import Endpoint as ServerEndpoint
from orchestrator.lab.serve import ARTICLE
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.windows.package import make_lab_package
from orchestrator.lab.wsman import Faults, Listener, Reply
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.clients import Client, identify_masked, post
from tests.integration.winrm.conftest import credential_of, server_of
from tests.integration.winrm.wine_host import now

ADDRESS = "127.0.0.61"
PLACES = "SELECT Name FROM CIM_DataFile"
QUOTA = "Too many"


@dataclass(slots=True)
class Bench:
    """A host, and both kinds of client for it."""

    computer: SimulatedComputer
    listener: Listener
    folder: Path
    stack: ExitStack

    def naive(self, **settings: Any) -> Client:
        """pypsrp."""
        account, password = next(iter(self.computer.profile.accounts.items()))
        chosen = {"username": account, "password": password, **settings}
        return self.stack.enter_context(Client(self.listener, **chosen))

    def ours(self, *, fixed: bool = True, **limits: Any) -> WinRmWriter:
        """Our adapter."""
        gateway = WinRmGateway(WinRmLimits(**limits), clock=now)
        server = server_of("host", ADDRESS, self.listener.port)
        if not fixed:
            server = replace(server, endpoint=ServerEndpoint(ADDRESS))
        credential = credential_of(self.computer.profile)
        return self.stack.enter_context(gateway.writer(server, credential))

    def shell(self, **limits: Any) -> Shell:
        """A shell of ours."""
        return self.stack.enter_context(self.ours(**limits)._shell_with(437))

    def version(self) -> str:
        """The version of the file that the hotfix replaces."""
        path = r"c:\\windows\\system32\\schannel.dll"
        query = "SELECT Version FROM CIM_DataFile WHERE Name='" + path + "'"  # noqa: S608 - a constant
        (row,) = self.computer.query("root/cimv2", query)
        return str(row.properties["Version"])


def refused(pattern: str, call: Callable[[], object]) -> None:
    """The naive client gets this fault."""
    with pytest.raises(WSManFaultError) as caught:
        call()
    assert re.search(pattern, f"{caught.value.code} {caught.value}")


def package(bench: Bench) -> bytes:
    """The lab's package for this computer."""
    return make_lab_package(ARTICLE, bench.computer.profile.platform)


def sends_more_than_the_envelope(bench: Bench) -> None:
    client = bench.naive()
    with pytest.raises(WinRMTransportError) as caught:
        list(client.query(PLACES + " " * 153_600))
    assert caught.value.code == 413


def believes_the_first_page(bench: Bench) -> None:
    first = next(bench.naive().query(PLACES, most=1000))
    assert len(first) == 20
    assert len(bench.computer.query("root/cimv2", PLACES)) > 20


def rests_between_pages(bench: Bench) -> None:
    pages = bench.naive().query(PLACES)
    next(pages)
    time.sleep(0.5)
    refused("2150858779|2150858780", lambda: next(pages))


def leaves_enumerations_open(bench: Bench) -> None:
    client = bench.naive()
    for _ in range(15):
        next(client.query(PLACES))
    refused(QUOTA, lambda: next(client.query(PLACES)))


def opens_a_shell_for_each_job(bench: Bench) -> None:
    client = bench.naive()
    with client.shell(), client.shell():
        refused("2150858815", client.shell().open)


def forgets_terminate(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        Process(shell, "ver").invoke()
        refused("2150858802", Process(shell, "ver").invoke)


def waiting_for(process: Any) -> ET.Element:
    """The body of a Receive."""
    body = ET.Element(f"{{{soap.NS['rsp']}}}Receive")
    wanted = f"{{{soap.NS['rsp']}}}DesiredStream"
    ET.SubElement(body, wanted, CommandId=process.id).text = "stdout"
    return body


def takes_a_quiet_command_for_a_dead_one(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        process = Process(shell, "ping -n 200 127.0.0.1 >nul")
        process.begin_invoke()
        body = waiting_for(process)
        ask = shell.wsman.invoke
        refused(
            "2150858793",
            lambda: ask(
                soap.RECEIVE,
                soap.CMD,
                body,
                selector_set=shell._selector_set,
                timeout=1,
            ),
        )


def works_on_many_connections(bench: Bench) -> None:
    waiting, other = bench.naive(), bench.naive()
    with waiting.shell() as shell:
        process = Process(shell, "ping -n 200 127.0.0.1 >nul")
        process.begin_invoke()
        thread = threading.Thread(target=process.poll_invoke, kwargs={"timeout": 2})
        thread.start()
        time.sleep(0.5)
        try:
            refused(QUOTA, lambda: list(other.query(PLACES)))
        finally:
            thread.join(10)


def keeps_a_seal_past_its_connection(bench: Bench) -> None:
    client = bench.naive()
    client.send(soap.IDENTIFY)
    time.sleep(0.6)
    with pytest.raises((requests.ConnectionError, AuthenticationError)):
        client.send(soap.IDENTIFY)


def thinks_it_is_known(bench: Bench) -> None:
    bench.naive().send(soap.IDENTIFY)
    assert post(bench.listener, soap.IDENTIFY).status_code == 401


def sends_in_the_clear(bench: Bench) -> None:
    with pytest.raises(WinRMTransportError) as caught:
        bench.naive(encryption="never").send(soap.IDENTIFY)
    assert caught.value.code == 500


def uses_the_ports_of_today(bench: Bench) -> None:
    del bench
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((ADDRESS, 5985), timeout=2)


def insists_on_its_language(bench: Bench) -> None:
    must = f'<w:Locale s:mustUnderstand="true" xmlns:w="{soap.NS["w"]}"/>'
    message = soap.request(soap.GET, soap.CIMV2 + "Win32_OperatingSystem", headers=must)
    with pytest.raises(WinRMTransportError) as caught:
        bench.naive().send(message)
    assert "UnsupportedFeature" in caught.value.response_text


def starts_a_sixth_process(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        process = Process(shell, "cmd /c " * 5 + "echo made it")
        process.invoke()
    assert b"made it" not in process.stdout
    assert b"Not enough storage" in process.stderr


def installs_in_the_shell(bench: Bench) -> None:
    before = bench.version()
    bench.computer.host.files.put(r"c:\p.exe", package(bench))
    with bench.naive().shell() as shell:
        process = Process(shell, r"c:\p.exe /quiet /norestart")
        process.invoke()
    assert process.rc == 1
    assert bench.version() == before


def asks_the_answer_for_the_shell(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        assert shell.id is None


def believes_the_masked_system(bench: Bench) -> None:
    assert "OS: 0.0.0 SP: 0.0" in identify_masked(bench.listener).text


def writes_a_long_line(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        process = Process(shell, "echo " + "x" * 8_200)
        process.invoke()
    assert process.rc != 0
    assert b"too long" in process.stderr + process.stdout


def speaks_utf_8(bench: Bench) -> None:
    bench.computer.host.files.put(r"c:\say.cmd", b"@echo said\r\n")
    with WinRS(bench.naive().wsman, codepage=65001) as shell:
        process = Process(shell, r"c:\say.cmd")
        process.invoke()
    assert b"said" not in process.stdout


def comes_back_to_an_idle_shell(bench: Bench) -> None:
    with suppress(WSManFaultError), bench.naive().shell() as shell:
        process = Process(shell, "ver")
        process.begin_invoke()
        body = waiting_for(process)
        options = _keep_alive()
        shell.wsman.receive(
            soap.CMD, body, option_set=options, selector_set=shell._selector_set
        )
        time.sleep(0.6)
        refused("21508588|shell", Process(shell, "ver").invoke)


def _keep_alive() -> Any:
    options = OptionSet()
    options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
    return options


def stays_for_the_whole_run(bench: Bench) -> None:
    with bench.naive().shell() as shell:
        process = Process(shell, "ping -n 4000 127.0.0.1 >nul")
        process.invoke()
    assert process.rc == 1


def reads_utf_8_whatever_comes(bench: Bench) -> None:
    bench.listener.inject(Faults(reply=Reply.UTF_16))
    with pytest.raises(UnicodeDecodeError):
        list(bench.naive().query("SELECT Name FROM Win32_OperatingSystem"))
