"""The remote shell reaches the computer's services, files and installers."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.machine import WmiError
from orchestrator.lab.windows.package import make_lab_package
from orchestrator.lab.windows.pe import version_of
from orchestrator.lab.windows.profile import ServiceFault, Timing

TIMING = Timing(install=40, service_start=6, service_stop=4, boot=120)


def run(lab: Any, line: str, seconds: float = 90) -> tuple[int | None, str]:
    shell = lab.computer.open_shell(
        code_page=437, working_directory=None, environment={}
    )
    command = shell.run(line, [], skip_cmd_shell=False)
    text = b""
    for _ in range(200):
        output = command.read()
        text += output.stdout + output.stderr
        if output.done:
            return output.exit_code, text.decode("cp437")
        lab.wait(seconds / 200)
    shell.close()
    return None, text.decode("cp437")


def test_net_stops_and_starts_and_waits_for_it(make: Any) -> None:
    lab = make(timing=TIMING)
    code, text = run(lab, "net stop rtcsrv")
    assert (code, "stopped successfully" in text) == (0, True)
    assert "STOPPED" in run(lab, "sc query RTCSRV")[1]
    code, text = run(lab, 'net start "Live Communications Server"')
    assert (code, "started successfully" in text) == (0, True)
    assert "Live Communications Server" in run(lab, "net start")[1]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("net start rtcsrv", 2),
        ("net stop nothing", 2),
        ("net stop rpcss", 2),
        ("sc query nothing", 1060),
        ("sc start rtcsrv", 1056),
        ("sc stop wuauserv", 1062),
    ],
)
def test_what_cannot_be_done_ends_with_a_code(make: Any, line: str, code: int) -> None:
    assert run(make(), line)[0] == code


def test_sc_returns_before_the_service_has_moved(make: Any) -> None:
    lab = make(timing=TIMING)
    code, text = run(lab, "sc stop rtcsrv", seconds=1)
    assert (code, "STOP_PENDING" in text) == (0, True)


def test_net_says_when_a_start_fails(make: Any) -> None:
    lab = make(timing=TIMING, service_fault=ServiceFault.START_FAILS)
    run(lab, "net stop rtcsrv")
    assert run(lab, "net start rtcsrv")[0] == 2


@pytest.mark.parametrize(
    ("stack", "code", "branch"), [("1.1", 1, "rtm"), ("2.0", 0, "qfe")]
)
def test_a_package_is_ended_where_it_needs_more_memory_than_the_shell_may_use(
    make: Any, stack: str, code: int, branch: str
) -> None:
    lab = make(timing=TIMING, stack=stack)
    lab.host.files.put("C:\\WINDOWS\\a\\p.exe", make_lab_package())
    assert run(lab, "C:\\WINDOWS\\a\\p.exe /quiet /norestart")[0] == code
    version = version_of(lab.host.read("C:\\WINDOWS\\system32\\schannel.dll"))
    assert version is not None
    assert version.branch == branch


def test_one_process_more_than_a_shell_may_have_is_not_created(make: Any) -> None:
    lab = make()
    four = "cmd /c " * 4
    assert run(lab, f"{four}echo fits") == (0, "fits\r\n")
    _, text = run(lab, f"{four}cmd /c echo too many")
    assert "too many" not in text
    assert "Not enough storage" in text


def test_type_gives_a_file_s_very_bytes(make: Any) -> None:
    lab = make()
    shell = lab.computer.open_shell(
        code_page=437, working_directory=None, environment={}
    )
    command = shell.run(
        "type C:\\WINDOWS\\system32\\schannel.dll", [], skip_cmd_shell=False
    )
    found = command.read().stdout
    assert version_of(found) == version_of(
        lab.host.read("C:\\WINDOWS\\system32\\schannel.dll")
    )


def test_closing_the_shell_ends_an_installer_in_it(make: Any) -> None:
    lab = make(timing=TIMING, stack="2.0")
    lab.host.files.put("C:\\WINDOWS\\a\\p.exe", make_lab_package())
    run(lab, "C:\\WINDOWS\\a\\p.exe /quiet /norestart", seconds=10)
    assert lab.rows("SELECT Name FROM Win32_Process WHERE Name='update.exe'") == []
    lab.wait(100)
    version = version_of(lab.host.read("C:\\WINDOWS\\system32\\schannel.dll"))
    assert version is not None
    assert version.branch == "rtm"


def test_a_detached_batch_file_outlives_every_shell(make: Any) -> None:
    lab = make(timing=TIMING)
    lab.host.files.put("C:\\WINDOWS\\a\\p.exe", make_lab_package())
    lab.host.files.put(
        "C:\\WINDOWS\\a\\w.cmd",
        b"@echo off\r\nmd C:\\WINDOWS\\a\\claim || exit /b 1\r\n"
        b"C:\\WINDOWS\\a\\p.exe /quiet /norestart\r\n"
        b">C:\\WINDOWS\\a\\code.txt echo %ERRORLEVEL%\r\n",
    )
    for _ in range(2):
        out = lab.call(
            "Win32_Process.Create", {"CommandLine": "cmd.exe /c C:\\WINDOWS\\a\\w.cmd"}
        )
        assert out["ReturnValue"] == 0
    lab.wait(20)
    assert len(lab.rows("SELECT * FROM Win32_Process WHERE Name='update.exe'")) == 1
    lab.wait(60)
    assert lab.host.read("C:\\WINDOWS\\a\\code.txt").strip() == b"0"
    log = lab.host.read("C:\\WINDOWS\\KB903927.log").decode()
    assert log.count("installed successfully") == 1


def test_a_computer_without_power_opens_no_shell(make: Any) -> None:
    lab = make(timing=TIMING)
    lab.computer.power_loss()
    with pytest.raises(WmiError):
        lab.computer.open_shell(code_page=437, working_directory=None, environment={})


def test_a_shell_in_a_folder_that_is_not_there_is_refused(make: Any) -> None:
    with pytest.raises(WmiError):
        make().computer.open_shell(
            code_page=437, working_directory="C:\\none", environment={}
        )
