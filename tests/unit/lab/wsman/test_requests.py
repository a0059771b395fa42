"""What the service accepts and refuses, header by header (MS-WSMV 3.1.4.1)."""

from __future__ import annotations

import pytest

from orchestrator.lab.wsman import WINRM_0_5, WINRM_1_1, WINRM_2_0
from orchestrator.lab.wsman.envelope import seconds
from orchestrator.lab.wsman.host import Caller, Host
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.fake_computer import FakeComputer
from tests.integration.lab_wsman.soap import ask, request

OS = soap.CIMV2 + "Win32_OperatingSystem"


@pytest.fixture
def host() -> Host:
    return Host(FakeComputer(), WINRM_1_1)


def get(**changes: str | None) -> bytes:
    return request(soap.GET, OS, **changes)  # type: ignore[arg-type]  # header texts


def test_an_answer_relates_to_its_request(host: Host) -> None:
    answer = ask(host, get())
    assert answer.status == 200
    assert answer.value(".//a:RelatesTo") == soap.MESSAGE_ID
    assert answer.value(".//a:Action") == soap.GET + "Response"
    assert answer.value(".//a:To") == soap.ANONYMOUS


def test_a_fault_relates_to_its_request(host: Host) -> None:
    answer = ask(host, get(headers='<w:Nonsense s:mustUnderstand="true"/>'))
    assert answer.status == 500
    assert answer.value(".//a:RelatesTo") == soap.MESSAGE_ID


def test_the_machine_of_a_fault_is_empty(host: Host) -> None:
    answer = ask(host, request(soap.GET, "winrm/nothing"))
    assert answer.find(".//f:WSManFault").get("Machine") == ""


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"message_id": None}, ("a:InvalidMessageInformationHeader", 2150858767)),
        ({"message_id": " "}, ("a:InvalidMessageInformationHeader", 2150858767)),
        ({"message_id": "u" * 2049}, ("a:InvalidMessageInformationHeader", 2150858767)),
        ({"reply_to": ""}, ("a:MessageInformationHeaderRequired", 2150858769)),
        (
            {
                "reply_to": "<a:ReplyTo><a:Address>http://me</a:Address></a:ReplyTo>",
            },
            ("w:UnsupportedFeature", 2150858818),
        ),
        (
            {"headers": '<w:Locale xml:lang="en-US" s:mustUnderstand="true"/>'},
            ("w:UnsupportedFeature", 2150858818),
        ),
        (
            {"headers": '<wsmv:DataLocale xml:lang="en-US" s:mustUnderstand="true"/>'},
            ("w:UnsupportedFeature", 2150858818),
        ),
        (
            {"headers": '<wsmv:SessionId s:mustUnderstand="true">u</wsmv:SessionId>'},
            ("s:MustUnderstand", 2150858768),
        ),
        (
            {"headers": "<w:FragmentTransfer>a</w:FragmentTransfer>"},
            ("a:InvalidMessageInformationHeader", 2150858767),
        ),
        ({"max_envelope": "8191"}, ("w:EncodingLimit", 2150858805)),
        ({"max_envelope": "-1"}, ("a:InvalidMessageInformationHeader", 2150858767)),
        ({"timeout": "soon"}, ("a:InvalidMessageInformationHeader", 2150858767)),
        (
            {"headers": soap.selectors(__cimnamespace="root/cimv2")},
            ("w:InvalidSelectors", 2150858813),
        ),
    ],
)
def test_a_wrong_header_is_refused(
    host: Host, changes: dict[str, str | None], fault: tuple[str, int]
) -> None:
    assert ask(host, get(**changes)).fault == fault


@pytest.mark.parametrize(
    "headers",
    [
        '<w:Locale xml:lang="en-US" s:mustUnderstand="false"/>',
        '<wsmv:DataLocale xml:lang="en-US" s:mustUnderstand="false"/>',
        '<wsmv:SessionId s:mustUnderstand="false">uuid:1</wsmv:SessionId>',
        '<w:Locale xml:lang="en-US" mustUnderstand="true"/>',
    ],
)
def test_a_header_that_need_not_be_understood_is_ignored(
    host: Host, headers: str
) -> None:
    assert ask(host, get(headers=headers)).status == 200


def test_stack_2_understands_the_session_id() -> None:
    host = Host(FakeComputer(), WINRM_2_0)
    headers = '<wsmv:SessionId s:mustUnderstand="true">uuid:1</wsmv:SessionId>'
    assert ask(host, get(headers=headers)).status == 200


def test_stack_0_5_does_not_understand_the_published_protocol() -> None:
    host = Host(FakeComputer(), WINRM_0_5)
    assert ask(host, get()).fault == ("s:MustUnderstand", 2150858768)
    assert ask(host, soap.IDENTIFY).status == 500


@pytest.mark.parametrize(
    ("resource", "fault"),
    [
        ("winrm/config", ("a:DestinationUnreachable", 2150858811)),
        (soap.WMI + "root/cimv2", ("a:DestinationUnreachable", 2150858770)),
        (soap.WMI + "root/cimv2/a b", ("a:DestinationUnreachable", 2150858811)),
        (soap.CIMV2 + "Win32_Absent", ("a:DestinationUnreachable", 2150858770)),
        (soap.CMD, ("w:InvalidSelectors", 2150858813)),
    ],
)
def test_a_resource_that_is_not_there_is_refused(
    host: Host, resource: str, fault: tuple[str, int]
) -> None:
    assert ask(host, request(soap.GET, resource)).fault == fault


def test_put_is_not_supported(host: Host) -> None:
    put = soap.NS["x"] + "/Put"
    fault = ("a:ActionNotSupported", 2150858771)
    assert ask(host, request(put, OS)).fault == fault


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"<",
        b"\xff\xfe<",
        b"\x80\x81",
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a>" * 100 + b"</a>" * 100,
        b"<?xml version='1.0' encoding='klingon'?><a/>",
    ],
)
def test_what_is_no_envelope_is_a_schema_error(host: Host, junk: bytes) -> None:
    assert ask(host, junk).fault == ("w:SchemaValidationError", 2150858817)


def test_a_request_in_utf_16_is_read(host: Host) -> None:
    assert ask(host, get().decode().encode("utf-16")).status == 200


def test_a_bug_of_a_computer_is_an_internal_error(host: Host) -> None:
    answer = ask(host, request(soap.GET, soap.CIMV2 + "Broken"))
    assert answer.fault == ("w:InternalError", 1359)
    assert "ZeroDivision" not in answer.text


def test_chunks_to_a_shell_are_refused(host: Host) -> None:
    caller = Caller("LAB\\OPERATOR", chunked=True)
    answer = ask(host, request(soap.CREATE, soap.CMD, soap.SHELL), caller)
    assert answer.fault == ("w:InternalError", 50)


def test_more_requests_at_once_than_connections_are_refused(host: Host) -> None:
    host.active_requests = WINRM_1_1.max_connections
    assert ask(host, get()).fault == ("w:InternalError", 1359)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("PT60.000S", 60.0),
        ("PT1M5S", 65.0),
        ("P1DT2H", 93_600.0),
        ("PT", None),
        ("P", None),
        ("60", None),
        ("PT9999999999S", None),
    ],
)
def test_durations_are_read(written: str, expected: float | None) -> None:
    assert seconds(written) == expected


def test_the_configuration_tells_the_limits(host: Host) -> None:
    config = "http://schemas.microsoft.com/wbem/wsman/1/config"
    text = ask(host, request(soap.GET, config)).text
    assert "<cfg:MaxEnvelopeSizekb>150<" in text
    assert "<cfg:MaxBatchItems>20<" in text
    assert "<cfg:MaxShellsPerUser>2<" in text
