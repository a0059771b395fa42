"""What LCS says of itself over WMI, and what a connection to its listeners finds."""

from __future__ import annotations

import socket

import pytest

from orchestrator.adapters.winrm.gateway import WinRmGateway
from orchestrator.adapters.winrm.serving import knock
from orchestrator.domain.facts import Unreadable
from orchestrator.domain.serving import Reach, Serving, lost
from orchestrator.lab.serve import Served
from orchestrator.lab.traits import Trait
from tests.integration.winrm.conftest import credential_of, reached
from tests.integration.winrm.test_traits import server_with

LOOPBACK = "127.0.0.1"
#: LCS's classes are four, and no page of theirs is full.
PAGES = 4


def told(gateway: WinRmGateway, served: Served) -> Serving:
    credential = credential_of(served.computer.profile)
    with gateway.reader(reached(served), credential) as host:
        seen = host.serving()
    assert isinstance(seen.value, Serving), seen.value
    return seen.value


def restarted(gateway: WinRmGateway, served: Served) -> Serving:
    credential = credential_of(served.computer.profile)
    with gateway.writer(reached(served), credential) as host:
        assert host.restart_service("RTCSRV", timeout_s=30).running
    return told(gateway, served)


@pytest.mark.parametrize(
    ("value", "missing"), [("application", "application Lab filter"), ("module", "{")]
)
def test_what_stays_down_after_a_restart_is_missed(
    gateway: WinRmGateway, value: str, missing: str
) -> None:
    with server_with(Trait.SERVING_FAULT, value) as served:
        before = told(gateway, served)
        (found,) = lost(before.up(), restarted(gateway, served))
    assert missing in found


def test_nothing_is_missed_where_everything_comes_back(gateway: WinRmGateway) -> None:
    with server_with(Trait.SERVING_FAULT, "none") as served:
        before = told(gateway, served)
        after = restarted(gateway, served)
    assert {(one.address, one.port) for one in before.listeners} == {
        ("*", 5060),
        ("*", 5061),
    }
    assert [one.up for one in (*before.applications, *before.modules)] == [True] * 4
    assert lost(before.up(), after) == ()


def test_lcs_2003_tells_nothing_and_misses_nothing(gateway: WinRmGateway) -> None:
    with server_with(Trait.PRODUCT, "lcs-2003") as served:
        assert told(gateway, served) == Serving()


def test_what_cannot_be_read_of_lcs_is_not_taken_for_nothing(
    gateway: WinRmGateway,
) -> None:
    with server_with(Trait.FAILING_CLASS, "MSFT_SIPListeningAddressData") as served:
        credential = credential_of(served.computer.profile)
        with gateway.reader(reached(served), credential) as host:
            seen = host.serving()
    assert isinstance(seen.value, Unreadable)


def test_each_class_costs_one_request(gateway: WinRmGateway) -> None:
    with server_with(Trait.SERVING_FAULT, "none") as served:
        credential = credential_of(served.computer.profile)
        with gateway.reader(reached(served), credential) as host:
            host.serving()
            before = served.listener.requests
            host.serving()
            assert served.listener.requests - before == PAGES


def test_a_port_that_is_listened_on_is_open() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert knock(LOOPBACK, server.getsockname()[1], 2.0) is Reach.OPEN


def test_a_port_that_nobody_listens_on_is_closed() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    assert knock(LOOPBACK, port, 2.0) is Reach.CLOSED


def test_a_port_that_does_not_answer_is_filtered() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen(0)
        port = server.getsockname()[1]
        # A queue that is full drops what comes, as a firewall does.
        with socket.create_connection((LOOPBACK, port)):
            assert knock(LOOPBACK, port, 0.3) is Reach.FILTERED
