"""What a scenario can do to an endpoint, as a client sees it."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from typing_extensions import override

from orchestrator.lab.wsman import (
    Endpoint,
    Faults,
    Listener,
    Reply,
    Service,
    ServiceError,
)
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.clients import Client, identify_masked
from tests.integration.lab_wsman.conftest import Connect, Serve
from tests.integration.lab_wsman.fake_computer import FakeComputer

LAUNCH = ("Win32_Process", "Create")


def test_a_refusing_endpoint_has_nothing_that_listens(serve: Serve) -> None:
    listener = serve(faults=Faults(refuse=True))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((listener.address, listener.port), timeout=5)
    listener.inject(Faults())
    assert identify_masked(listener).status_code == 200


def test_a_host_goes_down_and_comes_back_on_its_port(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener)
    client.send(soap.IDENTIFY)
    listener.inject(Faults(refuse=True))
    with pytest.raises(requests.ConnectionError):
        client.send(soap.IDENTIFY)
    listener.inject(Faults())
    assert connect(listener).send(soap.IDENTIFY)


def test_a_silent_endpoint_never_answers(serve: Serve) -> None:
    listener = serve(faults=Faults(silent=True))
    with pytest.raises(requests.ReadTimeout):
        requests.post(listener.url, timeout=0.3)


def test_a_slow_endpoint_takes_its_time(serve: Serve) -> None:
    listener = serve(faults=Faults(delay_s=0.3))
    started = time.monotonic()
    assert identify_masked(listener).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_connection_cut_before_a_request_leaves_nothing_done(
    serve: Serve, connect: Connect, computer: FakeComputer
) -> None:
    listener = serve(faults=Faults(drop_before=frozenset({2})))
    client = connect(listener)
    client.send(soap.IDENTIFY)
    with pytest.raises(requests.ConnectionError):
        client.invoke(*LAUNCH, CommandLine="a.exe")
    assert computer.launched == []
    connect(listener).invoke(*LAUNCH, CommandLine="b.exe")
    assert computer.launched == ["b.exe"]
    assert [each.number for each in listener.journal] == [1, 2, 3]


def test_a_lost_answer_leaves_the_work_done(
    serve: Serve, connect: Connect, computer: FakeComputer
) -> None:
    listener = serve(faults=Faults(drop_after=frozenset({1})))
    with pytest.raises(requests.ConnectionError):
        connect(listener).invoke(*LAUNCH, CommandLine="a.exe")
    assert computer.launched == ["a.exe"]


def test_the_answer_to_a_launch_is_lost_once(
    serve: Serve, connect: Connect, computer: FakeComputer
) -> None:
    listener = serve(faults=Faults(lose_reply_to="Win32_Process/Create"))
    first = connect(listener)
    first.send(soap.IDENTIFY)
    with pytest.raises(requests.ConnectionError):
        first.invoke(*LAUNCH, CommandLine="a.exe")
    connect(listener).invoke(*LAUNCH, CommandLine="b.exe")
    assert computer.launched == ["a.exe", "b.exe"]


def test_garbage_comes_under_a_right_seal(serve: Serve, connect: Connect) -> None:
    listener = serve(faults=Faults(reply=Reply.GARBAGE))
    with pytest.raises(UnicodeDecodeError):
        connect(listener).send(soap.IDENTIFY)


def test_an_answer_in_utf_16_comes_under_a_right_seal(serve: Serve) -> None:
    listener = serve(faults=Faults(reply=Reply.UTF_16))
    answer = identify_masked(listener)
    assert answer.headers["Content-Type"].endswith("charset=UTF-16")
    assert "Stack: 1.1" in answer.content.decode("utf-16")


def test_an_unavailable_service_says_503(serve: Serve, connect: Connect) -> None:
    listener = serve(faults=Faults(reply=Reply.UNAVAILABLE))
    with pytest.raises(WinRMTransportError) as caught:
        connect(listener).send(soap.IDENTIFY)
    assert caught.value.code == 503


def test_another_web_server_has_no_wsman(serve: Serve) -> None:
    listener = serve(faults=Faults(reply=Reply.NOT_WINRM))
    answer = identify_masked(listener)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")


def test_something_else_than_http_answers(serve: Serve) -> None:
    listener = serve(faults=Faults(reply=Reply.NOT_HTTP))
    with pytest.raises(requests.ConnectionError):
        identify_masked(listener)


def test_shells_taken_by_someone_else_fill_the_quota(
    serve: Serve, connect: Connect
) -> None:
    listener = serve(faults=Faults(shells_elsewhere=2))
    with pytest.raises(WSManFaultError) as caught:
        connect(listener).shell().open()
    assert caught.value.code == 2150858815


def test_the_journal_counts_the_round_trips(
    listener: Listener, connect: Connect
) -> None:
    list(connect(listener).query("SELECT Name FROM Win32_Process"))
    actions = [each.action.rpartition("/")[2] for each in listener.journal]
    assert actions == ["Enumerate", "Pull", "Pull"]
    assert listener.requests == 3


def test_a_restarted_computer_has_lost_its_shells(
    service: Service, listener: Listener, connect: Connect, computer: FakeComputer
) -> None:
    connect(listener).shell().open()
    service.restart(computer)
    assert computer.shells[0].closed
    client = connect(listener)
    with client.shell(), client.shell():
        assert len(computer.shells) == 3


def test_a_removed_endpoint_can_be_added_again(
    service: Service, listener: Listener, computer: FakeComputer
) -> None:
    service.remove(listener)
    with pytest.raises(requests.ConnectionError):
        identify_masked(listener)
    again = service.add(Endpoint(listener.address, listener.port, computer))
    assert again.port == listener.port
    assert identify_masked(again).status_code == 200


def test_a_port_in_use_is_a_clear_error(
    service: Service, listener: Listener, computer: FakeComputer
) -> None:
    with pytest.raises(ServiceError, match=rf"port {listener.port}.*choose another"):
        service.add(Endpoint(listener.address, listener.port, computer))


def test_a_computer_may_lose_power_while_it_serves_a_request(
    service: Service, connect: Connect
) -> None:
    class Failing(FakeComputer):
        @override
        def identity(self) -> tuple[str, str]:
            service.restart(self)
            return super().identity()

    failing = service.add(Endpoint("127.0.0.23", 0, Failing()))
    with pytest.raises(requests.ConnectionError):
        connect(failing).send(soap.IDENTIFY)
    assert len(list(connect(failing).query("SELECT Name FROM Win32_Process"))) == 3


def test_a_computer_that_calls_its_own_service_is_told_so(
    service: Service, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Confused(FakeComputer):
        @override
        def identity(self) -> tuple[str, str]:
            service.add(Endpoint("127.0.0.25", 0, self))
            return super().identity()

    confused = service.add(Endpoint("127.0.0.24", 0, Confused()))
    with pytest.raises(WinRMTransportError):
        connect(confused).send(soap.IDENTIFY)
    assert "only Service.restart()" in caplog.text


def test_many_clients_work_at_the_same_time(
    service: Service,
) -> None:
    estate = [
        service.add(Endpoint(f"127.0.5.{n}", 0, FakeComputer())) for n in range(1, 41)
    ]

    def work(target: Listener) -> int:
        with Client(target) as client, client.shell() as shell:
            assert client.run(shell, "echo", target.address)[0].split() == [
                target.address.encode()
            ]
            return sum(
                len(page) for page in client.query("SELECT Name FROM Win32_Process")
            )

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, estate)) == [45] * 40
