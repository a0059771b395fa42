"""WMI over WS-Management: shapes, paging, faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from orchestrator.lab.machine import Instance
from orchestrator.lab.wsman import WINRM_1_1, WINRM_2_0, cim
from orchestrator.lab.wsman.host import Caller, Host
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.fake_computer import FakeComputer, processes
from tests.integration.lab_wsman.soap import Answered, ask, request

PROCESSES = "SELECT Name, Owner FROM Win32_Process"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(clock: Clock) -> Host:
    return Host(FakeComputer(), WINRM_1_1, clock)


def enumerate_(host: Host, wql: str, most: int | None = 20) -> Answered:
    body = soap.enumerate_body(wql, most=most)
    return ask(host, request(soap.ENUMERATE, soap.ALL, body))


def pull(host: Host, context: str, most: int | None = 20) -> Answered:
    return ask(host, request(soap.PULL, soap.ALL, soap.pull_body(context, most)))


def test_a_page_holds_twenty_rows_however_many_are_asked(host: Host) -> None:
    first = enumerate_(host, PROCESSES, most=32_000)
    assert len(first.all(".//w:Items/*")) == 20
    assert first.value(".//n:EnumerationContext").startswith("uuid:")
    assert not first.all(".//w:EndOfSequence")


def test_stack_2_gives_as_many_rows_as_asked() -> None:
    host = Host(FakeComputer(), WINRM_2_0)
    answer = enumerate_(host, PROCESSES, most=32_000)
    assert len(answer.all(".//w:Items/*")) == 45
    assert answer.value(".//n:EnumerationContext") == ""
    assert answer.all(".//w:EndOfSequence")


def test_pulls_lead_through_all_rows_to_the_end(host: Host) -> None:
    first = enumerate_(host, PROCESSES)
    second = pull(host, first.value(".//n:EnumerationContext"))
    third = pull(host, second.value(".//n:EnumerationContext"))
    assert [len(each.all(".//n:Items/*")) for each in (second, third)] == [20, 5]
    assert third.all(".//n:PullResponse/n:EndOfSequence")
    assert not third.all(".//n:EnumerationContext")


def test_a_context_is_void_once_it_was_pulled(host: Host) -> None:
    first = enumerate_(host, PROCESSES).value(".//n:EnumerationContext")
    pull(host, first)
    assert pull(host, first).fault == ("n:InvalidEnumerationContext", 2150858779)


def test_a_context_dies_after_a_minute_between_pulls(host: Host, clock: Clock) -> None:
    first = enumerate_(host, PROCESSES).value(".//n:EnumerationContext")
    clock.now = 59.9
    second = pull(host, first).value(".//n:EnumerationContext")
    clock.now = 59.9 + 60.0
    assert pull(host, second).fault == ("n:InvalidEnumerationContext", 2150858779)


def test_a_context_belongs_to_its_user(host: Host) -> None:
    context = enumerate_(host, PROCESSES).value(".//n:EnumerationContext")
    message = request(soap.PULL, soap.ALL, soap.pull_body(context))
    assert ask(host, message, Caller("LAB\\OTHER")).status == 500


def test_a_released_context_is_gone(host: Host) -> None:
    context = enumerate_(host, PROCESSES).value(".//n:EnumerationContext")
    body = soap.pull_body(context).replace("n:Pull", "n:Release")
    assert ask(host, request(soap.RELEASE, soap.ALL, body)).status == 200
    assert pull(host, context).status == 500


def test_without_optimization_the_first_answer_has_no_rows(host: Host) -> None:
    answer = enumerate_(host, PROCESSES, most=None)
    assert not answer.all(".//w:Items")
    page = pull(host, answer.value(".//n:EnumerationContext"), most=None)
    assert len(page.all(".//n:Items/*")) == 1


def test_an_empty_result_ends_at_once(host: Host) -> None:
    answer = enumerate_(host, "SELECT Name FROM Win32_Nothing")
    assert answer.all(".//w:EndOfSequence")
    assert not answer.all(".//w:Items/*")
    assert answer.value(".//n:EnumerationContext") == ""


def test_no_page_exceeds_the_envelope(host: Host) -> None:
    answer = enumerate_(host, "SELECT Text FROM CIM_Large")
    assert len(answer.all(".//w:Items/*")) == 2
    assert len(answer.text.encode()) <= WINRM_1_1.max_envelope


def test_a_row_that_fits_no_envelope_is_a_fault(host: Host) -> None:
    answer = enumerate_(host, "SELECT Text FROM CIM_Huge")
    assert answer.fault == ("w:EncodingLimit", 2150858824)


def test_an_object_that_fits_no_envelope_is_a_fault(host: Host) -> None:
    answer = ask(host, request(soap.GET, soap.CIMV2 + "CIM_Huge"))
    assert answer.fault == ("w:EncodingLimit", 2150858824)


def test_too_many_enumerations_of_a_user_are_refused(host: Host) -> None:
    for _ in range(15):
        assert enumerate_(host, PROCESSES).status == 200
    assert enumerate_(host, PROCESSES).fault == ("w:InternalError", 1359)


def test_too_many_enumerations_of_all_users_are_refused(clock: Clock) -> None:
    few = replace(WINRM_1_1, max_operations=2)
    host = Host(FakeComputer(), few, clock)
    message = request(soap.ENUMERATE, soap.ALL, soap.enumerate_body(PROCESSES))
    found = [ask(host, message, Caller(f"LAB\\U{n}")).status for n in range(3)]
    assert found == [200, 200, 500]


def test_a_projection_is_a_fragment_without_namespace_in_alphabetical_order(
    host: Host,
) -> None:
    wql = "SELECT Primary, Caption, PlusProductID FROM Win32_OperatingSystem"
    item = enumerate_(host, wql).find(".//w:Items/w:XmlFragment")
    assert [child.tag for child in item] == ["Caption", "PlusProductID", "Primary"]
    assert item[1].get(f"{{{soap.NS['xsi']}}}nil") == "true"
    assert item[2].text == "true"


def test_a_whole_object_is_typed_in_the_namespace_of_its_class(host: Host) -> None:
    answer = enumerate_(host, "SELECT * FROM Win32_OperatingSystem")
    uri = soap.CIMV2 + "Win32_OperatingSystem"
    item = answer.find(f".//w:Items/{{{uri}}}Win32_OperatingSystem")
    kind = item.get(f"{{{soap.NS['xsi']}}}type")
    assert kind == "p:Win32_OperatingSystem_Type"
    names = [child.tag.removeprefix(f"{{{uri}}}") for child in item]
    assert names == sorted(names, key=str.lower)
    moment = item.findtext(f"{{{uri}}}LastBootUpTime/{{{soap.NS['cim']}}}Datetime")
    assert moment == "2026-03-04T05:06:07.376625Z"


def test_a_moment_in_a_fragment_has_no_namespace(host: Host) -> None:
    answer = enumerate_(host, "SELECT LastBootUpTime FROM Win32_OperatingSystem")
    text = answer.value(".//w:XmlFragment/LastBootUpTime/Datetime")
    assert text == "2026-03-04T05:06:07.376625Z"


def test_a_moment_with_an_offset_keeps_it() -> None:
    east = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    text = cim.properties("", "root/cimv2", {"At": east})
    assert text == "<At><Datetime>2026-01-02T03:04:05+02:00</Datetime></At>"


def test_arrays_repeat_their_element_and_objects_are_embedded(host: Host) -> None:
    answer = enumerate_(host, "SELECT * FROM Win32_ComputerSystem")
    uri, inner = soap.CIMV2 + "Win32_ComputerSystem", soap.CIMV2 + "Win32_Group"
    roles = answer.all(f".//{{{uri}}}Roles")
    assert [each.text for each in roles] == ["LM_Server", "NT"]
    assert answer.value(f".//{{{uri}}}Inner/{{{inner}}}Name") == "Administrators"


def test_an_empty_string_is_not_null_and_control_characters_become_question_marks(
    host: Host,
) -> None:
    answer = enumerate_(host, "SELECT Description, Bell FROM Win32_OperatingSystem")
    empty = answer.find(".//Description")
    assert empty.text is None
    assert not empty.attrib
    assert answer.value(".//Bell") == "ding?dong <&> \u00e9"


def test_a_class_without_filter_is_enumerated_whole(host: Host) -> None:
    resource = soap.CIMV2 + "Win32_Process"
    body = soap.enumerate_body(most=5)
    answer = ask(host, request(soap.ENUMERATE, resource, body))
    assert len(answer.all(f".//{{{resource}}}Win32_Process")) == 5


@pytest.mark.parametrize(
    ("resource", "body", "fault"),
    [
        (
            soap.ALL,
            soap.enumerate_body("SELECT Name FROM Win32_Absent"),
            ("n:CannotProcessFilter", 2150858778),
        ),
        (
            soap.ALL,
            soap.enumerate_body("nonsense"),
            ("n:CannotProcessFilter", 2150858778),
        ),
        (soap.ALL, soap.enumerate_body(), ("n:CannotProcessFilter", 2150858778)),
        (
            soap.ALL,
            soap.enumerate_body(PROCESSES, dialect="http://xpath"),
            ("n:FilterDialectRequestedUnavailable", 2150858777),
        ),
        (
            soap.CIMV2 + "Win32_Process",
            soap.enumerate_body(PROCESSES),
            ("a:DestinationUnreachable", 2150859003),
        ),
        (
            soap.CIMV2 + "Win32_Absent",
            soap.enumerate_body(),
            ("a:DestinationUnreachable", 2150858770),
        ),
        (soap.ALL, "", ("w:SchemaValidationError", 2150858817)),
        (
            soap.ALL,
            soap.enumerate_body(PROCESSES, most=0),
            ("w:SchemaValidationError", 2150858817),
        ),
    ],
)
def test_a_wrong_enumeration_is_refused(
    host: Host, resource: str, body: str, fault: tuple[str, int]
) -> None:
    assert ask(host, request(soap.ENUMERATE, resource, body)).fault == fault


def test_a_refused_query_names_the_provider_of_its_version(host: Host) -> None:
    answer = enumerate_(host, "SELECT Name FROM Win32_Absent")
    provider = answer.find(".//f:WSManFault/f:Message/f:ProviderFault")
    # The blank at the end is in the recorded answer of a real host.
    assert provider.get("provider") == "WMIv1 plugin for Windows Remote Management "
    assert provider.get("path") == r"%systemroot%\system32\WsmWmiPl.dll"
    said = answer.value(".//f:ProviderFault/f:WSManFault/f:Message")
    assert said == "The class does not exist. "


def test_get_finds_an_object_by_its_selectors_in_any_case(host: Host) -> None:
    resource = soap.CIMV2 + "Win32_Process"
    chosen = soap.selectors(PROCESSID="7")
    answer = ask(host, request(soap.GET, resource, headers=chosen))
    assert answer.value(f".//{{{resource}}}Name") == "p7.exe"


def test_a_method_is_called_with_its_arguments(host: Host) -> None:
    resource = soap.CIMV2 + "Win32_Process"
    body = (
        f'<p:Create_INPUT xmlns:p="{resource}">'
        "<p:CommandLine>notepad.exe</p:CommandLine></p:Create_INPUT>"
    )
    answer = ask(host, request(resource + "/Create", resource, body))
    assert answer.value(".//a:Action") == resource + "/CreateResponse"
    output = f".//{{{resource}}}Create_OUTPUT/{{{resource}}}"
    assert answer.value(output + "ProcessId") == "4001"
    assert answer.value(output + "ReturnValue") == "0"


def test_arguments_come_back_as_they_went(host: Host) -> None:
    resource = soap.WMI + "root/default/StdRegProv"
    startup = soap.CIMV2 + "Win32_ProcessStartup"
    body = (
        f'<p:Echo_INPUT xmlns:p="{resource}"><p:Many>1</p:Many><p:Many>2</p:Many>'
        '<p:Nil xsi:nil="true"/><p:Blank></p:Blank>'
        "<p:At><cim:Datetime>2026-03-04T05:06:07Z</cim:Datetime></p:At>"
        f'<p:Inner xmlns:q="{startup}"><q:ShowWindow>0</q:ShowWindow></p:Inner>'
        "</p:Echo_INPUT>"
    )
    answer = ask(host, request(resource + "/Echo", resource, body))
    q = f"{{{resource}}}"
    assert [each.text for each in answer.all(f".//{q}Many")] == ["1", "2"]
    assert answer.find(f".//{q}Nil").get(f"{{{soap.NS['xsi']}}}nil") == "true"
    assert answer.find(f".//{q}Blank").attrib == {}
    moment = answer.value(f".//{q}At/{{{soap.NS['cim']}}}Datetime")
    assert moment == "2026-03-04T05:06:07Z"
    inner = answer.find(f".//{q}Inner")
    assert inner.get(f"{{{soap.NS['xsi']}}}type") == "e:Win32_ProcessStartup_Type"


@pytest.mark.parametrize(
    ("method", "body", "fault"),
    [
        ("Nothing", "Nothing_INPUT", ("a:ActionNotSupported", 2150858771)),
        ("Create", "Wrong_INPUT", ("w:SchemaValidationError", 2150858817)),
    ],
)
def test_a_wrong_call_is_refused(
    host: Host, method: str, body: str, fault: tuple[str, int]
) -> None:
    resource = soap.CIMV2 + "Win32_Process"
    message = request(
        f"{resource}/{method}", resource, f'<p:{body} xmlns:p="{resource}"/>'
    )
    assert ask(host, message).fault == fault


def test_wmi_create_and_delete_are_not_supported(host: Host) -> None:
    for action in (soap.CREATE, soap.DELETE):
        answer = ask(host, request(action, soap.CIMV2 + "Win32_Process"))
        assert answer.fault[0] == "a:ActionNotSupported"


def test_twenty_rows_exactly_end_without_a_second_page(clock: Clock) -> None:
    host = Host(FakeComputer({"win32_process": processes(20)}), WINRM_1_1, clock)
    assert enumerate_(host, PROCESSES).all(".//w:EndOfSequence")


def test_an_element_of_an_array_is_never_null() -> None:
    text = cim.fragment("root/cimv2", Instance("C", {"A": ["x", None]}))
    assert "<A>x</A><A></A>" in text


def test_a_null_array_is_one_nil_element() -> None:
    text = cim.fragment("root/cimv2", Instance("C", {"A": None}))
    assert '<A xsi:nil="true"></A>' in text
