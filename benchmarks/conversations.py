"""Surveys without the program round them, and the floors under them."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Barrier, Semaphore
from typing import Any

import requests
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import WSMan

from benchmarks.costs import allow_files
from benchmarks.lab import Host
from orchestrator.adapters.winrm import identify
from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.application.ports.hosts import SurveyScope
from orchestrator.application.ports.secrets import Credential, Mechanism, Secret
from orchestrator.domain.server import Endpoint, Role, Server
from orchestrator.lab.serve import ARTICLE

#: As the shipped definition and the lab's file table ask.
SCOPE = SurveyScope(
    files=(
        r"%systemroot%\system32\schannel.dll",
        r"%systemroot%\syswow64\schannel.dll",
    ),
    articles=(ARTICLE,),
    services=("RTCSRV",),
    processes=("lsass.exe",),
    inventory_product="lcs-2005",
)
_HEADERS = {
    "WSMANIDENTIFY": "unauthenticated",
    "Content-Type": "application/soap+xml;charset=UTF-8",
}
_SECONDS = 30
#: Of those in flight, how many ask at a time.
ASKING = 64
_ALL_IN_SECONDS = 240
#: Files that a process has open beside its connections.
_SPARE_FILES = 100
Arguments = tuple[Any, ...]


def each(work: Callable[[Host], int], hosts: Sequence[Host], threads: int) -> int:
    """Work on every host; how many messages that took in all."""
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, hosts))


def ours(hosts: Sequence[Host], threads: int) -> int:
    """Our conversation: endpoint, login and survey."""
    return each(functools.partial(_survey, _gateway()), hosts, threads)


def _gateway() -> WinRmGateway:
    return WinRmGateway(WinRmLimits(), clock=lambda: datetime.now(UTC))  # noqa: TID251  # a benchmark may


@dataclass(frozen=True, slots=True)
class _Held:
    """What those in flight wait for, when they are in and before they ask."""

    all_in: Barrier
    asking: Semaphore


def _survey(gateway: WinRmGateway, host: Host, held: _Held | None = None) -> int:
    end = Endpoint(host.address, host.port)
    server = Server(host.name, end, "site", Role.FRONT_END, "lcs-2005")
    who = Credential("lab", host.account, Secret(host.password), (Mechanism.NTLM,))
    asking = nullcontext() if held is None else held.asking
    with ExitStack() as opened:
        with asking:
            reader = opened.enter_context(gateway.reader(server, who))
            if held is not None:
                reader.service("RTCSRV")
        if held is not None:
            held.all_in.wait(_ALL_IN_SECONDS)
        with asking:
            reader.survey(SCOPE)
        return reader._session.round_trips + 1  # noqa: SLF001  # and Identify


def in_flight(hosts: Sequence[Host], count: int) -> tuple[int, int]:
    """So many conversations held open at once: bytes that they take, and messages.

    No more than :data:`ASKING` of them ask at a time: beyond that they only wait for
    one interpreter, and 2,000 of them so long that answers come too late.
    """
    allow_files(count + _SPARE_FILES)
    gateway = _gateway()
    _survey(gateway, hosts[0])
    before, seen = _resident(), [0]
    all_in = Barrier(count, action=lambda: seen.append(_resident()))
    held = _Held(all_in, Semaphore(ASKING))

    def work(host: Host) -> int:
        try:
            return _survey(gateway, host, held)
        except BaseException:
            all_in.abort()  # else the others wait for one that never comes
            raise

    chosen = [hosts[number % len(hosts)] for number in range(count)]
    messages = each(work, chosen, count)
    return seen[-1] - before, messages


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # read while threads stand still
        return int(file.read().split()[1]) * 4096


def recorded(host: Host) -> list[Arguments]:
    """What a survey asks of a host, as pypsrp is told it."""
    asked: list[Arguments] = []
    invoke = WSMan.invoke

    def noting(self: WSMan, *arguments: Any, **named: Any) -> Any:
        asked.append(arguments)
        return invoke(self, *arguments, **named)

    WSMan.invoke = noting  # type: ignore[method-assign]  # put back below
    try:
        _survey(_gateway(), host)
    finally:
        WSMan.invoke = invoke  # type: ignore[method-assign]  # as it was
    return asked


def bare_pypsrp(hosts: Sequence[Host], threads: int) -> int:
    """The same messages by a loop over pypsrp with its own transport."""
    asked = recorded(hosts[0])

    def loop(host: Host) -> int:
        url = f"http://{host.address}:{host.port}/wsman"
        requests.post(url, identify.REQUEST, headers=_HEADERS, timeout=_SECONDS)
        with WSMan(
            host.address,
            port=host.port,
            username=host.account,
            password=host.password,
            ssl=False,
            auth="ntlm",
            no_proxy=True,
        ) as wsman:
            for arguments in asked:
                with suppress(WSManFaultError):  # a role without LCS's own classes
                    wsman.invoke(*arguments)
        return len(asked) + 1

    return each(loop, hosts, threads)


def bare_socket(hosts: Sequence[Host], threads: int, messages: int) -> int:
    """As many Identify messages, unsealed, written and read as bytes."""
    head = "POST /wsman HTTP/1.1\r\nHost: lab\r\nWSMANIDENTIFY: unauthenticated\r\n"
    kind = "Content-Type: application/soap+xml;charset=UTF-8\r\n"
    length = f"Content-Length: {len(identify.REQUEST)}\r\n\r\n"
    message = f"{head}{kind}{length}".encode() + identify.REQUEST

    def loop(host: Host) -> int:
        with socket.create_connection((host.address, host.port), _SECONDS) as peer:
            for _ in range(messages):
                peer.sendall(message)
                answer = b""
                while not answer.endswith(b"Envelope>"):
                    answer += peer.recv(65_536)
        return messages

    return each(loop, hosts, threads)
