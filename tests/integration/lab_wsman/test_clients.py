"""Clients that this project did not write, against the service."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import winrm
from pypsrp.exceptions import (
    AuthenticationError,
    WinRMTransportError,
    WSManFaultError,
)
from pypsrp.shell import Process

from orchestrator.lab.wsman import (
    WINRM_0_5,
    WINRM_1_1,
    WINRM_2_0,
    Endpoint,
    Listener,
    Service,
    ServiceError,
)
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.clients import identify_masked, post
from tests.integration.lab_wsman.conftest import Connect, Serve
from tests.integration.lab_wsman.fake_computer import PASSWORD, FakeComputer


def product(text: str) -> str:
    found = re.search(r"ProductVersion>(.*?)<", text)
    assert found is not None
    return found[1]


def test_identify_is_masked_without_authentication(listener: Listener) -> None:
    answer = identify_masked(listener)
    assert answer.status_code == 200
    assert product(answer.text) == "OS: 0.0.0 SP: 0.0 Stack: 1.1"


def test_identify_tells_the_truth_to_the_authenticated(
    listener: Listener, connect: Connect
) -> None:
    text = connect(listener).send(soap.IDENTIFY)
    assert product(text) == "OS: 5.2.3790 SP: 1.0 Stack: 1.1"
    assert "SecurityProfiles" not in text


def test_stack_2_identifies_itself(serve: Serve) -> None:
    answer = identify_masked(serve(WINRM_2_0))
    assert product(answer.text) == "OS: 0.0.0 SP: 0.0 Stack: 2.0"


def test_stack_0_5_answers_http_but_not_identify(
    serve: Serve, connect: Connect
) -> None:
    listener = serve(WINRM_0_5)
    assert identify_masked(listener).status_code == 401
    with pytest.raises(WinRMTransportError) as caught:
        connect(listener).send(soap.IDENTIFY)
    assert caught.value.code == 500


def test_only_identify_is_answered_without_authentication(listener: Listener) -> None:
    message = soap.request(soap.GET, soap.CIMV2 + "Win32_OperatingSystem")
    answer = post(listener, message, WSMANIDENTIFY="unauthenticated")
    assert answer.status_code == 500
    assert "Server 2003" not in answer.text


def test_rows_come_twenty_at_a_time(listener: Listener, connect: Connect) -> None:
    pages = list(connect(listener).query("SELECT Name FROM Win32_Process", most=1000))
    assert [len(page) for page in pages] == [20, 20, 5]
    names = [row.findtext("Name") for page in pages for row in page]
    assert names == [f"p{n}.exe" for n in range(45)]


def test_a_method_is_called(
    listener: Listener, connect: Connect, computer: FakeComputer
) -> None:
    answer = connect(listener).invoke("Win32_Process", "Create", CommandLine="a.exe")
    uri = soap.CIMV2 + "Win32_Process"
    assert answer.findtext(f".//{{{uri}}}ProcessId") == "4001"
    assert computer.launched == ["a.exe"]


def test_a_bad_query_is_a_fault_with_its_provider(
    listener: Listener, connect: Connect
) -> None:
    with pytest.raises(WSManFaultError) as caught:
        list(connect(listener).query("SELECT OSArchitecture FROM Win32_Absent"))
    assert caught.value.code == 2150858778
    assert caught.value.provider.startswith("WMIv1 plugin")


def test_commands_run_one_after_the_other_in_a_shell(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener)
    with client.shell() as shell:
        assert client.run(shell, "echo", "one") == (b"one\r\n", 0)
        assert client.run(shell, "exit", "3") == (b"", 3)


def test_a_client_that_forgets_terminate_is_refused(
    listener: Listener, connect: Connect
) -> None:
    with connect(listener).shell() as shell:
        Process(shell, "echo", ["one"]).invoke()
        with pytest.raises(WSManFaultError) as caught:
            Process(shell, "echo", ["two"]).invoke()
    assert caught.value.code == 2150858802


def test_a_third_shell_is_one_too_many(listener: Listener, connect: Connect) -> None:
    client = connect(listener)
    with client.shell(), client.shell():
        with pytest.raises(WSManFaultError) as caught:
            client.shell().open()
        assert caught.value.code == 2150858815


def test_the_largest_input_that_the_envelope_allows_arrives(
    listener: Listener, connect: Connect, computer: FakeComputer
) -> None:
    client = connect(listener)
    data = bytes(range(256)) * (client.wsman.max_payload_size // 256)
    with client.shell() as shell:
        process = Process(shell, "more")
        process.begin_invoke()
        process.send(data, end=True)
        process.end_invoke()
        assert process.stdout == data
    assert computer.shells[0].commands[0].received == data


def test_a_request_beyond_the_envelope_is_413_without_soap(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener)
    with pytest.raises(WinRMTransportError) as caught:
        list(client.query("SELECT Name FROM Win32_Process" + " " * 153_600))
    assert caught.value.code == 413
    assert caught.value.response_text == ""


def test_a_quiet_command_times_out_and_is_asked_again(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener)
    with client.shell() as shell:
        process = Process(shell, "wait")
        process.begin_invoke()
        process.poll_invoke(timeout=1)  # the timeout fault is not an error to pypsrp
        assert process.rc is None
        process.signal("any/signal/ctrl_c")
        process.end_invoke()
        assert process.rc == 1


def test_a_wrong_password_is_refused(listener: Listener, connect: Connect) -> None:
    with pytest.raises(AuthenticationError):
        connect(listener, password="wrong").send(soap.IDENTIFY)
    with pytest.raises(AuthenticationError):
        connect(listener, username="LAB\\nobody").send(soap.IDENTIFY)
    assert listener.requests == 0


def test_the_same_account_may_have_another_password_on_another_computer(
    service: Service, listener: Listener, connect: Connect
) -> None:
    other = FakeComputer(accounts={("LAB", "OPERATOR"): "Another-1"})
    second = service.add(Endpoint("127.0.0.22", 0, other))
    assert connect(second, password="Another-1").send(soap.IDENTIFY)
    assert connect(listener).send(soap.IDENTIFY)
    with pytest.raises(AuthenticationError):
        connect(second).send(soap.IDENTIFY)


def test_basic_is_refused_over_http(listener: Listener, connect: Connect) -> None:
    client = connect(listener, auth="basic", encryption="never")
    with pytest.raises(AuthenticationError):
        client.send(soap.IDENTIFY)


def test_soap_that_is_not_sealed_is_refused_over_http(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener, encryption="never")
    with pytest.raises(WinRMTransportError) as caught:
        client.send(soap.IDENTIFY)
    assert caught.value.code == 500
    assert listener.requests == 0


def test_each_connection_is_challenged_anew(listener: Listener) -> None:
    with requests.Session() as session:
        for _ in range(2):
            answer = session.post(listener.url, timeout=5)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Negotiate"


def test_a_proof_given_on_one_connection_does_not_open_another(
    listener: Listener, connect: Connect
) -> None:
    client = connect(listener)
    client.send(soap.IDENTIFY)
    assert post(listener, soap.IDENTIFY).status_code == 401


def test_an_idle_connection_is_dropped_and_its_seal_with_it(
    serve: Serve, connect: Connect
) -> None:
    listener = serve(replace(WINRM_1_1, idle_connection_s=0.2))
    client = connect(listener)
    assert client.send(soap.IDENTIFY)
    time.sleep(0.5)
    with pytest.raises(requests.ConnectionError):
        client.send(soap.IDENTIFY)
    assert connect(listener).send(soap.IDENTIFY)


def test_other_paths_and_methods_are_not_found(listener: Listener) -> None:
    base = listener.url.removesuffix("/wsman")
    assert requests.post(base + "/", timeout=5).status_code == 404
    assert requests.get(listener.url, timeout=5).status_code == 405


def test_stack_2_serves_pypsrp(serve: Serve, connect: Connect) -> None:
    client = connect(serve(WINRM_2_0))
    assert len(list(client.query("SELECT Name FROM Win32_Process", most=50))) == 1
    with client.shell() as shell:
        assert shell.id
        assert client.run(shell, "echo", "two") == (b"two\r\n", 0)


def test_pypsrp_learns_the_limits(listener: Listener, connect: Connect) -> None:
    client = connect(listener)
    client.wsman.update_max_payload_size()
    assert client.wsman.max_envelope_size == 153_600


def test_pywinrm_runs_a_command(listener: Listener) -> None:
    session = winrm.Session(
        listener.url,
        auth=("LAB\\operator", PASSWORD),
        transport="ntlm",
        message_encryption="always",
        ca_trust_path=None,
    )
    answer = session.run_cmd("echo", ["from", "pywinrm"])
    assert (answer.std_out, answer.status_code) == (b"from pywinrm\r\n", 0)


def test_negotiate_wraps_ntlm(listener: Listener, connect: Connect) -> None:
    assert connect(listener, auth="negotiate").send(soap.IDENTIFY)


def test_endpoints_of_one_computer_share_its_shells(
    service: Service, listener: Listener, connect: Connect, computer: FakeComputer
) -> None:
    second = service.add(Endpoint("127.0.0.21", 0, computer))
    one, two = connect(listener), connect(second)
    with one.shell(), two.shell(), pytest.raises(WSManFaultError):
        one.shell().open()


def test_the_account_file_is_private_and_empty_after_use(
    listener: Listener, connect: Connect
) -> None:
    connect(listener).send(soap.IDENTIFY)
    file = Path(os.environ["NTLM_USER_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == b""


def test_a_service_that_cannot_start_leaves_nothing_behind(
    listener: Listener, computer: FakeComputer
) -> None:
    free = Endpoint("127.0.0.26", 0, computer)
    taken = Endpoint(listener.address, listener.port, computer)
    with pytest.raises(ServiceError, match="cannot listen"):
        Service([free, taken]).start()
    assert sum(each.name == "lab-wsman" for each in threading.enumerate()) == 1
