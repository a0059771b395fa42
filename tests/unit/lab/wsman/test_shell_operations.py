"""The remote shell, with the quotas and shapes of 1.1 and 2.0."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from orchestrator.lab.wsman import WINRM_1_1, WINRM_2_0, Personality
from orchestrator.lab.wsman.host import Caller, Host
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.fake_computer import FakeComputer
from tests.integration.lab_wsman.soap import CALLER, Answered, ask, request


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Client:
    """One client and its computer, without a network."""

    def __init__(self, personality: Personality = WINRM_1_1) -> None:
        self.clock = Clock()
        self.computer = FakeComputer()
        self.host = Host(self.computer, personality, self.clock)

    def create(
        self, headers: str = "", body: str = soap.SHELL, caller: Caller = CALLER
    ) -> Answered:
        message = request(soap.CREATE, soap.CMD, body, headers=headers)
        return ask(self.host, message, caller)

    def open(self) -> str:
        return self.create().value(".//w:Selector")

    def to(
        self, shell: str, action: str, body: str = "", *, headers: str = "", **more: str
    ) -> Answered:
        chosen = soap.selectors(ShellId=shell) + headers
        message = request(action, soap.CMD, body, headers=chosen, **more)
        return ask(self.host, message)

    def run(self, shell: str, line: str, *arguments: str) -> str:
        answer = self.to(shell, soap.COMMAND, soap.command_body(line, *arguments))
        return answer.value(".//rsp:CommandId")

    def receive(self, shell: str, command: str, **more: str) -> Answered:
        return self.to(shell, soap.RECEIVE, soap.receive_body(command), **more)

    def terminate(self, shell: str, command: str) -> Answered:
        return self.to(shell, soap.SIGNAL, soap.signal_body(command))


@pytest.fixture
def client() -> Client:
    return Client()


def stdout(answer: Answered) -> bytes:
    blocks = answer.all(".//rsp:Stream[@Name='stdout']")
    return b"".join(base64.b64decode(each.text or "") for each in blocks)


def test_a_created_shell_is_described_as_1_1_does(client: Client) -> None:
    answer = client.create()
    created = answer.find(".//s:Body/x:ResourceCreated")
    assert created.findtext("a:Address", namespaces=soap.NS) == soap.ANONYMOUS
    assert answer.value(".//w:Selector").startswith("uuid:")
    assert answer.find(".//w:Selector").get("Name") == "ShellId"
    assert not answer.all(".//rsp:Shell")


def test_a_created_shell_is_described_as_2_0_does() -> None:
    answer = Client(WINRM_2_0).create()
    shell_id = answer.value(".//w:Selector")
    assert not shell_id.startswith("uuid:")
    assert answer.value(".//rsp:Shell/rsp:ShellId") == shell_id


def test_a_shell_gets_what_was_asked_for(client: Client) -> None:
    body = soap.SHELL.replace(
        "<rsp:InputStreams>",
        '<rsp:Environment><rsp:Variable Name="test">1</rsp:Variable></rsp:Environment>'
        r"<rsp:WorkingDirectory>d:\windows</rsp:WorkingDirectory><rsp:InputStreams>",
    )
    client.create(soap.option("WINRS_CODEPAGE", "437"), body)
    (shell,) = client.computer.shells
    assert shell.code_page == 437
    assert shell.working_directory == r"d:\windows"
    assert shell.environment == {"test": "1"}


def test_a_command_runs_to_its_end(client: Client) -> None:
    shell = client.open()
    answer = client.receive(shell, client.run(shell, "echo", "a", "b"))
    assert stdout(answer) == b"a b\r\n"
    state = answer.find(".//rsp:CommandState")
    assert state.get("State") == soap.NS["rsp"] + "/CommandState/Done"
    assert answer.value(".//rsp:ExitCode") == "0"
    ends = answer.all(".//rsp:Stream[@End='true']")
    assert {each.get("Name") for each in ends} == {"stdout", "stderr"}


def test_a_negative_exit_code_is_told_in_full(client: Client) -> None:
    shell = client.open()
    answer = client.receive(shell, client.run(shell, "exit", "-1073741819"))
    assert answer.value(".//rsp:ExitCode") == "-1073741819"


def test_output_beyond_the_envelope_comes_in_pieces(client: Client) -> None:
    shell = client.open()
    command = client.run(shell, "large", "300000")
    got, answers = b"", 0
    while True:
        answer = client.receive(shell, command)
        assert len(answer.text.encode()) <= WINRM_1_1.max_envelope
        got += stdout(answer)
        answers += 1
        if answer.all(".//rsp:ExitCode"):
            break
    assert len(got) == 300_000
    assert answers == 3


def test_a_receive_without_output_times_out_and_can_be_asked_again(
    client: Client,
) -> None:
    shell = client.open()
    command = client.run(shell, "wait")
    client.clock.step = 1.0
    answer = client.receive(shell, command, timeout="PT1S")
    assert answer.fault == ("w:TimedOut", 2150858793)
    assert client.receive(shell, command, timeout="PT1S").fault[1] == 2150858793


def test_standard_input_reaches_the_command(client: Client) -> None:
    shell = client.open()
    command = client.run(shell, "more")
    for data, end in ((b"one ", ""), (b"two", ' End="True"')):
        body = (
            f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}"{end}>'
            f"{base64.b64encode(data).decode()}</rsp:Stream></rsp:Send>"
        )
        assert client.to(shell, soap.SEND, body).status == 200
    assert stdout(client.receive(shell, command)) == b"one two"


def test_a_user_has_two_shells_at_most(client: Client) -> None:
    assert [client.create().status for _ in range(3)] == [200, 200, 500]
    assert client.create().fault == ("w:QuotaLimit", 2150858815)
    assert client.create(caller=Caller("LAB\\OTHER")).status == 200


def test_a_deleted_shell_frees_its_place(client: Client) -> None:
    shell = client.open()
    client.open()
    assert client.to(shell, soap.DELETE).status == 200
    assert client.computer.shells[0].closed
    assert client.create().status == 200


def test_shells_that_someone_else_holds_count_against_the_quota(client: Client) -> None:
    busy = replace(CALLER, shells_elsewhere=1)
    assert [client.create(caller=busy).status for _ in range(2)] == [200, 500]


def test_five_users_have_shells_at_most(client: Client) -> None:
    found = [client.create(caller=Caller(f"LAB\\U{n}")).status for n in range(6)]
    assert found == [200] * 5 + [500]


def test_a_second_command_waits_for_the_terminate_of_the_first(client: Client) -> None:
    shell = client.open()
    first = client.run(shell, "echo", "a")
    client.receive(shell, first)
    refused = client.to(shell, soap.COMMAND, soap.command_body("echo"))
    assert refused.fault == ("w:Concurrency", 2150858802)
    assert client.terminate(shell, first).status == 200
    assert client.run(shell, "echo", "b")


def test_ctrl_c_ends_a_command_without_freeing_the_shell(client: Client) -> None:
    shell = client.open()
    command = client.run(shell, "wait")
    client.to(shell, soap.SIGNAL, soap.signal_body(command, "ctrl_c"))
    answer = client.receive(shell, command)
    assert answer.value(".//rsp:ExitCode") == "1"
    assert client.to(shell, soap.COMMAND, soap.command_body("echo")).status == 500


def test_stack_2_runs_several_commands_in_a_shell() -> None:
    client = Client(WINRM_2_0)
    shell = client.open()
    assert client.run(shell, "wait")
    assert client.run(shell, "echo", "b")


def test_a_shell_is_found_in_any_case_and_only_by_its_owner(client: Client) -> None:
    shell = client.open()
    assert client.to(shell.lower(), soap.GET).status == 200
    message = request(soap.DELETE, soap.CMD, headers=soap.selectors(ShellId=shell))
    stranger = ask(client.host, message, Caller("LAB\\OTHER"))
    assert stranger.fault == ("w:InvalidSelectors", 2150858843)


def test_get_on_a_shell_has_its_uri_by_version() -> None:
    shell_uri = soap.NS["rsp"]
    for personality, works in ((WINRM_1_1, soap.CMD), (WINRM_2_0, shell_uri)):
        client = Client(personality)
        chosen = soap.selectors(ShellId=client.open())
        for uri in (soap.CMD, shell_uri):
            answer = ask(client.host, request(soap.GET, uri, headers=chosen))
            if uri == works:
                assert answer.value(".//rsp:InputStreams") == "stdin"
            else:
                assert answer.fault[0] == "a:ActionNotSupported"


def test_a_command_is_killed_at_the_longest_run_time(client: Client) -> None:
    shell = client.open()
    command = client.run(shell, "wait")
    client.clock.now = 28_800.0
    assert client.receive(shell, command).value(".//rsp:ExitCode") == "1"
    assert client.computer.shells[0].commands[0].terminated


def test_an_idle_shell_outlives_its_limit_unless_keepalive_was_asked(
    client: Client,
) -> None:
    shell = client.open()
    client.clock.now = 900.0
    command = client.run(shell, "echo")
    keep = soap.option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
    client.receive(shell, command, headers=keep)
    client.clock.now = 1_800.0
    assert client.to(shell, soap.GET).fault == ("w:InvalidSelectors", 2150858843)
    assert client.computer.shells[0].closed


def test_an_idle_shell_of_stack_2_dies() -> None:
    client = Client(WINRM_2_0)
    shell = client.open()
    client.clock.now = 180.0
    assert client.to(shell, soap.DELETE).status == 500


def test_a_shell_ends_with_its_lifetime(client: Client) -> None:
    lifetime = "<rsp:Lifetime>PT10S</rsp:Lifetime><rsp:InputStreams>"
    body = soap.SHELL.replace("<rsp:InputStreams>", lifetime)
    shell = client.create(body=body).value(".//w:Selector")
    client.clock.now = 10.0
    assert client.to(shell, soap.GET).fault[1] == 2150858843


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (soap.option("WINRS_NOPROFILE", "TRUE", must_comply=True), 200),
        (soap.option("WINRS_NONSENSE", "1"), 200),
        (soap.option("WINRS_NONSENSE", "1", must_comply=True), 500),
        (soap.option("WINRS_CODEPAGE", "many"), 500),
        (soap.option("WINRS_CODEPAGE", "99999"), 500),
    ],
)
def test_options_are_checked_when_they_must_be_complied_with(
    client: Client, headers: str, status: int
) -> None:
    answer = client.create(headers)
    assert answer.status == status
    if status == 500:
        assert answer.fault[0] == "w:InvalidOptions"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (soap.COMMAND, ""),
        (soap.COMMAND, "<rsp:CommandLine/>"),
        (soap.RECEIVE, "<rsp:Receive/>"),
        (soap.SEND, '<rsp:Send><rsp:Stream Name="stdout"/></rsp:Send>'),
        (soap.SIGNAL, ""),
    ],
)
def test_a_body_that_does_not_belong_is_a_schema_error(
    client: Client, action: str, body: str
) -> None:
    shell = client.open()
    assert client.to(shell, action, body).fault[0] == "w:SchemaValidationError"


def test_input_that_is_not_base64_is_a_schema_error(client: Client) -> None:
    shell = client.open()
    command = client.run(shell, "more")
    body = (
        f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}">%%%'
        "</rsp:Stream></rsp:Send>"
    )
    assert client.to(shell, soap.SEND, body).fault[0] == "w:SchemaValidationError"


def test_an_unknown_command_is_an_invalid_selector(client: Client) -> None:
    shell = client.open()
    assert client.receive(shell, "nothing").fault == ("w:InvalidSelectors", 2150858813)


def test_what_is_left_open_ends_with_the_service(client: Client) -> None:
    shell = client.open()
    client.run(shell, "wait")
    client.host.close()
    (opened,) = client.computer.shells
    assert opened.closed
    assert opened.commands[0].terminated
