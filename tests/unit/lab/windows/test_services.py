"""Services take their time, need one another, and sometimes fail."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.windows.profile import ServiceFault, Timing
from orchestrator.lab.windows.services import Answer, Service, State

TIMING = Timing(service_start=6, service_stop=4)


def state(lab: Any, name: str = "RTCSRV") -> Any:
    return lab.one(f"SELECT * FROM Win32_Service WHERE Name='{name}'")  # noqa: S608 -- WQL


def call(lab: Any, method: str, name: str = "RTCSRV") -> int:
    code: int = lab.call(f"Win32_Service.{method}", Name=name)["ReturnValue"]
    return code


def test_stopping_and_starting_takes_its_time_and_gives_a_new_process(
    make: Any,
) -> None:
    lab = make(timing=TIMING)
    first = state(lab)
    assert (first["State"], first["AcceptStop"]) == ("Running", True)
    assert call(lab, "StopService") == 0
    assert state(lab)["State"] == "Stop Pending"
    lab.wait(4.1)
    stopped = state(lab)
    assert (stopped["State"], stopped["ProcessId"]) == ("Stopped", 0)
    assert not stopped["Started"]
    assert lab.rows("SELECT Name FROM Win32_Process WHERE Name='rtcsrv.exe'") == []
    assert call(lab, "StartService") == 0
    assert state(lab)["State"] == "Start Pending"
    lab.wait(6.1)
    again = state(lab)
    assert again["State"] == "Running"
    assert again["ProcessId"] not in (0, first["ProcessId"])


def test_a_new_process_has_a_new_creation_date(make: Any) -> None:
    lab = make(timing=TIMING)
    query = "SELECT CreationDate FROM Win32_Process WHERE Name='rtcsrv.exe'"
    before = lab.one(query)["CreationDate"]
    call(lab, "StopService")
    lab.wait(5)
    call(lab, "StartService")
    after = lab.one(query)["CreationDate"]
    assert after > before
    assert after == lab.computer.now()


@pytest.mark.parametrize(
    ("method", "name", "code"),
    [
        ("StartService", "RTCSRV", Answer.ALREADY_RUNNING),
        ("StopService", "wuauserv", Answer.NOT_ACTIVE),
        ("StopService", "RpcSs", Answer.DEPENDENTS_RUNNING),
    ],
)
def test_what_cannot_be_done_has_its_code(
    make: Any, method: str, name: str, code: Answer
) -> None:
    assert call(make(), method, name) == code


def test_a_service_on_its_way_takes_no_orders(make: Any) -> None:
    lab = make(timing=TIMING)
    call(lab, "StopService")
    assert call(lab, "StopService") == Answer.NOT_ACCEPTED
    assert call(lab, "StartService") == Answer.NOT_ACCEPTED


def test_a_disabled_service_does_not_start(make: Any) -> None:
    lab = make()
    call(lab, "StopService")
    lab.wait(30)
    out = lab.call(
        "Win32_Service.ChangeStartMode", {"StartMode": "Disabled"}, Name="RTCSRV"
    )
    assert out == {"ReturnValue": 0}
    assert call(lab, "StartService") == Answer.DISABLED


def test_what_a_service_needs_is_started_first(make: Any) -> None:
    host = make().host
    below = host.services.add(Service("Below", "Below", "C:\\b.exe"))
    above = host.services.add(Service("Above", "Above", "C:\\a.exe"))
    above.depends_on = ("below",)
    assert host.services.start(above) is Answer.DONE
    assert below.state is State.STARTING


def test_a_missing_dependency_fails_the_start(make: Any) -> None:
    host = make().host
    above = host.services.add(Service("Above", "Above", "C:\\a.exe"))
    above.depends_on = ("nothing",)
    assert host.services.start(above) is Answer.DEPENDENCY_FAILED
    assert above.state is State.STOPPED


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ServiceFault.START_FAILS, "Stopped"),
        (ServiceFault.START_HANGS, "Start Pending"),
    ],
)
def test_a_start_can_fail_or_hang(
    make: Any, fault: ServiceFault, expected: str
) -> None:
    lab = make(service_fault=fault, timing=TIMING)
    assert state(lab)["State"] == "Running"
    call(lab, "StopService")
    lab.wait(5)
    assert call(lab, "StartService") == 0
    lab.wait(600)
    found = state(lab)
    assert found["State"] == expected
    assert (found["ExitCode"] == 1066) == (fault is ServiceFault.START_FAILS)


def test_killing_its_process_stops_a_service_with_an_error(make: Any) -> None:
    lab = make()
    pid = state(lab)["ProcessId"]
    lab.call("Win32_Process.Terminate", Handle=str(pid))
    found = state(lab)
    assert (found["State"], found["ExitCode"]) == ("Stopped", 1066)


def test_lcs_says_that_its_modules_follow_the_service(make: Any) -> None:
    lab = make(timing=TIMING)
    query = "SELECT ExecutionStatus FROM MSFT_SIPLoadedExtensionModuleElement"
    assert {one["ExecutionStatus"] for one in lab.rows(query)} == {"Started"}
    call(lab, "StopService")
    lab.wait(5)
    assert {one["ExecutionStatus"] for one in lab.rows(query)} == {"Stopped"}


def test_archiving_has_a_service_of_its_own_and_its_name_can_be_set(make: Any) -> None:
    assert state(make(role="archiving"), "RTCLOG")["State"] == "Running"
    assert state(make(service_name="RTCOTHER"), "RTCOTHER")["State"] == "Running"
