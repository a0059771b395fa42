"""What a survey asks, request by request: anything more is a change to be noticed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from typing_extensions import override

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.application.ports.hosts import SurveyScope
from orchestrator.lab.machine import Instance, WmiValue
from orchestrator.lab.serve import ARTICLE, Lab
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.wsman import Endpoint, Service
from tests.integration.winrm.conftest import credential_of, server_of

SCOPE = SurveyScope(
    files=(r"%systemroot%\system32\schannel.dll",),
    articles=(ARTICLE,),
    services=("RTCSRV",),
    processes=("lsass.exe",),
    inventory_product="lcs-2005-sp1",
)
ASKED = [
    "Win32_OperatingSystem",
    "Win32_ComputerSystem",  # the platform by WMI, ...
    "GetStringValue PROCESSOR_ARCHITECTURE",  # ... and by Windows itself
    "GetDWORDValue SynAttackProtect",
    "GetMultiStringValue PendingFileRenameOperations",
    "Win32_LogicalDisk",
    "Win32_Service",
    "Win32_Process",  # the services' processes and lsass in one
    "MSFT_SIPPoolSetting",
    "MSFT_SIPFederationInternalEdgeSetting",  # whom it opens MTLS to, ...
    "MSFT_SIPEdgeProxySetting",
    "MSFT_SIPESTrustedServerSetting",
    "MSFT_SIPProxyServerSetting",  # ... in four classes
    "MSFT_SIPLogSetting",
    "CIM_DataFile",  # files and the installer's log in one
    "EnumKey SP2",  # of all updates in one, likewise the next two
    "EnumKey Hotfix",
    "EnumKey Uninstall",
    "Win32_QuickFixEngineering",
    "Win32_Directory",
]
IDENTIFY, LOGIN = 1, 2


class Asked(SimulatedComputer):
    """A computer that notes what WMI is asked."""

    notes: list[str]

    @override
    def query(self, namespace: str, wql: str) -> Sequence[Instance]:
        self.notes.append(wql.partition(" FROM ")[2].split()[0])
        return super().query(namespace, wql)

    @override
    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Mapping[str, WmiValue]:
        key = str(arguments["sSubKeyName"]).rpartition("\\")[2]
        self.notes.append(f"{method} {arguments.get('sValueName', key)}")
        return super().invoke(namespace, class_name, method, arguments, selectors)


@dataclass
class Relay:
    """Between client and host; counts."""

    target: int
    port: int = 0
    connections: int = 0
    requests: int = 0

    async def serve(self, ready: threading.Event, done: asyncio.Event) -> None:
        server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await done.wait()
        server.close()

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.35", self.target)
        await asyncio.gather(self.pump(reader, back), self.pump(there, writer))

    async def pump(
        self, source: asyncio.StreamReader, drain: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(1 << 20):
            self.requests += data.count(b"POST /wsman HTTP/1.1\r\n")
            drain.write(data)
        drain.close()
        await drain.wait_closed()


@contextmanager
def relayed(target: int) -> Iterator[Relay]:
    relay, ready, done = Relay(target), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def whole() -> None:
        await relay.serve(ready, done)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others), 5)

    thread = threading.Thread(target=loop.run_until_complete, args=(whole(),))
    thread.start()
    try:
        assert ready.wait(5)
        yield relay
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


def test_a_survey_is_one_connection_and_each_request_has_its_name(
    gateway: WinRmGateway, lab: Lab
) -> None:
    profile = lab.estate.members[0].profile
    computer = Asked(profile)
    computer.notes = []
    with Service() as service:
        listener = service.add(Endpoint("127.0.0.35", 0, computer))
        with relayed(listener.port) as relay:
            server = server_of("counted", "127.0.0.1", relay.port)
            with gateway.reader(server, credential_of(profile)) as host:
                host.survey(SCOPE)
    assert computer.notes == ASKED
    assert relay.requests == IDENTIFY + LOGIN + len(ASKED)
    assert relay.connections == 1
