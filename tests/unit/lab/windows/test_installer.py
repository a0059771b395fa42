"""An update's installer changes a computer as update.exe does, over time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.lab.windows import traces
from orchestrator.lab.windows.host import SCHANNEL, SESSION_MANAGER
from orchestrator.lab.windows.installer import parse_switches, split
from orchestrator.lab.windows.package import BUILD_DATE, make_lab_package, schannel
from orchestrator.lab.windows.pe import version_of
from orchestrator.lab.windows.profile import InstallFault, Timing

PACKAGE = "C:\\WINDOWS\\Temp\\any name.bin.exe"
LOG = "C:\\WINDOWS\\KB903927.log"
HOTFIX = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Hotfix\\KB903927"
UPDATES = "HKLM\\SOFTWARE\\Microsoft\\Updates\\Windows Server 2003\\SP2\\KB903927"
FOLDER = "C:\\WINDOWS\\$NtUninstallKB903927$"
TIMING = Timing(install=40, service_start=6, service_stop=4, boot=120)


class Run:
    """A package that was started on a computer, and how it ended."""

    def __init__(self, lab: Any, line: str, content: bytes | None = None) -> None:
        self.lab = lab
        lab.host.files.put(PACKAGE, make_lab_package() if content is None else content)
        self.out = lab.call("Win32_Process.Create", {"CommandLine": line})
        self.code: int | None = None
        if self.out["ReturnValue"] == 0:
            job = lab.computer.executor._jobs.get(self.out["ProcessId"])
            if job is not None:
                job.outcome.then(lambda: setattr(self, "code", job.outcome.value))

    def end(self, seconds: float = 60) -> int | None:
        self.lab.wait(seconds)
        return self.code


def run(lab: Any, switches: str = "/quiet /norestart", **more: Any) -> Run:
    return Run(lab, f'"{PACKAGE}" {switches}', **more)


def dll(lab: Any) -> tuple[str, str]:
    version = version_of(lab.host.read(SCHANNEL))
    assert version is not None
    return version.dotted, version.branch


def log(lab: Any, path: str = LOG) -> str:
    return (lab.host.read(path) or b"").decode()


def pending(lab: Any) -> Any:
    return lab.host.registry.data(SESSION_MANAGER, traces.PENDING)


def test_an_installation_takes_time_in_a_child_process(make: Any) -> None:
    lab = make(timing=TIMING)
    started = run(lab)
    assert started.out["ReturnValue"] == 0
    lab.wait(20)
    (engine,) = lab.rows("SELECT * FROM Win32_Process WHERE Name='update.exe'")
    assert engine["ParentProcessId"] == started.out["ProcessId"]
    assert started.code is None
    assert started.end() == 0
    assert lab.rows("SELECT Name FROM Win32_Process WHERE Name='update.exe'") == []


def test_the_new_file_is_there_with_its_build_date(make: Any) -> None:
    lab = make(timing=TIMING)
    run(lab).end()
    assert dll(lab) == ("5.2.3790.2600", "qfe")
    assert lab.host.files.node(SCHANNEL).modified == BUILD_DATE


def test_the_old_file_is_kept_renamed_away_and_deleted_at_boot(make: Any) -> None:
    lab = make(timing=TIMING)
    old = lab.host.read(SCHANNEL)
    run(lab).end()
    assert lab.host.read(f"{FOLDER}\\schannel.dll") == old
    source, target = pending(lab)
    displaced = source.removeprefix("\\??\\")
    assert (lab.host.read(displaced), target) == (old, "")
    lab.computer.power_loss()
    lab.wait(200)
    assert lab.host.read(displaced) is None
    assert pending(lab) is None
    assert dll(lab) == ("5.2.3790.2600", "qfe")


def test_the_registry_tells_of_it_in_three_places_and_qfe_twice(make: Any) -> None:
    lab = make(timing=TIMING)
    run(lab).end()
    registry = lab.host.registry
    assert registry.data(HOTFIX, "Installed") == 1
    assert registry.data(HOTFIX, "Service Pack") == 2
    assert registry.data(f"{UPDATES}\\Filelist\\0", "FileName") == "schannel.dll"
    assert registry.data(f"{traces.UNINSTALL_KEY}\\KB903927", "RegistryLocation") == (
        UPDATES.replace("HKLM", "HKEY_LOCAL_MACHINE")
    )
    rows = lab.rows(
        "SELECT HotFixID FROM Win32_QuickFixEngineering WHERE HotFixID='KB903927'"
        " OR ServicePackInEffect='KB903927'"
    )
    assert len(rows) == 2


def test_the_log_is_in_local_time_and_appended_to(make: Any) -> None:
    lab = make(timing=TIMING, bias_minutes=120)
    local = lab.computer.now() + timedelta(hours=2, seconds=4)
    run(lab).end()
    text = log(lab)
    assert f"{local:%Y/%m/%d %H:%M:%S}.000 (local)" in text
    assert "update.exe (version 6.1.22.4)" in text
    assert "following command line: /quiet /norestart" in text
    assert text.rstrip().endswith("KB903927 installed successfully.")
    run(lab).end()
    assert log(lab).startswith(text)
    assert log(lab).count("installed successfully") == 2


def test_the_log_goes_where_it_is_told(make: Any) -> None:
    lab = make(timing=TIMING)
    run(lab, '/quiet /log:"C:\\WINDOWS\\Temp\\a b.log"').end()
    assert "installed successfully" in log(lab, "C:\\WINDOWS\\Temp\\a b.log")
    assert log(lab) == ""


def test_running_processes_keep_the_old_code_until_they_start_anew(make: Any) -> None:
    lab = make(timing=TIMING, leak_per_hour=3_600_000)
    memory = "SELECT PrivatePageCount FROM Win32_Process WHERE Name='rtcsrv.exe'"
    run(lab).end()
    before = lab.one(memory)["PrivatePageCount"]
    lab.wait(100)
    assert lab.one(memory)["PrivatePageCount"] - before == pytest.approx(100_000, abs=9)
    lab.call("Win32_Service.StopService", Name="RTCSRV")
    lab.wait(10)
    lab.call("Win32_Service.StartService", Name="RTCSRV")
    lab.wait(10)
    before = lab.one(memory)["PrivatePageCount"]
    lab.wait(100)
    assert lab.one(memory)["PrivatePageCount"] == before


def test_a_mapped_file_cannot_be_deleted_but_the_installer_replaces_it(
    make: Any,
) -> None:
    lab = make(timing=TIMING)
    assert lab.host.files.in_use(SCHANNEL)
    run(lab).end()
    assert not lab.host.files.in_use(SCHANNEL)
    displaced = pending(lab)[0].removeprefix("\\??\\")
    assert lab.host.files.in_use(displaced)


@pytest.mark.parametrize(
    ("traits", "found"),
    [
        ({"service_pack": 2}, "Service Pack"),
        ({"service_pack": 0}, "Service Pack"),
        ({"language": "DEU"}, "ENU"),
        ({"platform": "x64"}, "x86"),
        ({"free_megabytes": 12}, "space"),
    ],
)
def test_a_failing_prerequisite_changes_nothing_and_is_masked(
    make: Any, traits: dict[str, Any], found: str
) -> None:
    lab = make(timing=TIMING, **traits)
    before = dll(lab)
    assert run(lab).end() == 1603
    assert dll(lab) == before
    assert "Update.exe extended error code = 0x" in log(lab)
    assert "masked to 0x643" in log(lab)
    assert found in log(lab)
    assert not lab.host.registry.exists(HOTFIX)


def test_the_extended_code_is_given_when_asked_for(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.FATAL)
    assert run(lab, "/quiet /er").end() == 0xF01E
    assert "masked" not in log(lab)


def test_a_package_for_all_languages_installs_anywhere(make: Any) -> None:
    lab = make(timing=TIMING, language="DEU")
    assert run(lab, content=make_lab_package(language="INTL")).end() == 0


def test_a_64_bit_system_gets_both_files(make: Any) -> None:
    lab = make(timing=TIMING, platform="x64")
    assert run(lab, content=make_lab_package(platform="x64")).end() == 0
    for folder in ("system32", "SysWOW64"):
        version = version_of(lab.host.read(f"C:\\WINDOWS\\{folder}\\schannel.dll"))
        assert version is not None
        assert version.dotted == "5.2.3790.2600"


def test_over_a_later_gdr_the_branch_changes_and_the_version_does_not_regress(
    make: Any,
) -> None:
    lab = make(timing=TIMING, schannel="later-gdr")
    assert dll(lab) == ("5.2.3790.2700", "gdr")
    assert run(lab).end() == 0
    assert dll(lab) == ("5.2.3790.2700", "qfe")
    assert "AnalyzeForBranching" in log(lab)


def test_a_second_installation_leaves_the_file_alone(make: Any) -> None:
    lab = make(timing=TIMING)
    run(lab).end()
    node, waiting = lab.host.files.node(SCHANNEL), pending(lab)
    assert run(lab).end() == 0
    assert lab.host.files.node(SCHANNEL) is node
    assert pending(lab) == waiting


def test_without_a_backup_there_is_no_way_back(make: Any) -> None:
    for traits, switches in (
        ({}, "/quiet /nobackup"),
        ({"no_rollback_folder": True}, "/quiet"),
    ):
        lab = make(timing=TIMING, **traits)
        run(lab, switches).end()
        assert dll(lab)[1] == "qfe"
        assert not lab.host.files.exists(FOLDER)


def test_spuninst_takes_everything_back(make: Any) -> None:
    lab = make(timing=TIMING)
    old = lab.host.read(SCHANNEL)
    run(lab).end()
    spuninst = f"{FOLDER}\\spuninst\\spuninst.exe"
    undone = Run(lab, f"{spuninst} /quiet /norestart")
    assert undone.end() == 0
    assert lab.host.read(SCHANNEL) == old
    assert not lab.host.registry.exists(HOTFIX)
    assert not lab.host.registry.exists(UPDATES)
    assert not lab.host.files.exists(FOLDER)


def test_extracting_installs_nothing(make: Any) -> None:
    lab = make(timing=TIMING)
    assert run(lab, "/quiet /extract:C:\\out").end() == 0
    assert version_of(lab.host.read("C:\\out\\SP1QFE\\schannel.dll")) is not None
    assert dll(lab)[0] == "5.2.3790.1830"


@pytest.mark.parametrize("switches", ["/quiet /silly", "/?", "/help", "quiet"])
def test_help_and_unknown_switches_install_nothing(make: Any, switches: str) -> None:
    lab = make(timing=TIMING)
    assert run(lab, switches).end() is not None
    assert dll(lab)[0] == "5.2.3790.1830"
    assert log(lab) == ""


def test_without_a_silent_switch_it_waits_for_somebody(make: Any) -> None:
    lab = make(timing=TIMING)
    started = run(lab, "/norestart")
    assert started.end(100_000) is None
    assert dll(lab)[0] == "5.2.3790.1830"
    pid = str(started.out["ProcessId"])
    assert lab.call("Win32_Process.Terminate", {"Reason": 5}, Handle=pid) == {
        "ReturnValue": 0
    }
    assert started.code == 5


def test_a_package_is_known_by_content_not_by_name(make: Any) -> None:
    lab = make(timing=TIMING)
    assert Run(lab, "C:\\none.exe /quiet").out["ReturnValue"] == 9
    junk = run(lab, content=b"MZ this is no program")
    assert junk.out == {"ReturnValue": 8, "ProcessId": None}
    cut = run(lab, content=make_lab_package()[:-50])
    assert cut.out["ReturnValue"] == 8


def test_another_article_with_other_files_installs_as_well(make: Any) -> None:
    lab = make(timing=TIMING, service_pack=2)
    files = {"other.dll": schannel("5.2.3790.4100", "qfe", service_pack=2)}
    content = make_lab_package("KB111111", service_pack=2, files=files)
    assert run(lab, content=content).end() == 0
    found = version_of(lab.host.read("C:\\WINDOWS\\system32\\other.dll"))
    assert found is not None
    assert found.dotted == "5.2.3790.4100"
    assert lab.host.registry.exists(
        "HKLM\\SOFTWARE\\Microsoft\\Updates\\Windows Server 2003\\SP3\\KB111111"
    )


# Faults.


def test_success_without_effect(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.NO_EFFECT)
    assert run(lab).end() == 0
    assert dll(lab)[0] == "5.2.3790.1830"
    assert not lab.host.registry.exists(HOTFIX)


def test_a_restart_wanted_is_3010_with_the_file_in_place(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.RESTART)
    assert run(lab).end() == 3010
    assert dll(lab)[1] == "qfe"


def test_a_fatal_error_is_1603_with_the_code_in_the_log(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.FATAL)
    assert run(lab).end() == 1603
    assert "extended error code = 0xf01e" in log(lab)


def test_a_hanging_installer_never_ends(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.HANG)
    assert run(lab).end(100_000) is None
    assert len(lab.rows("SELECT * FROM Win32_Process WHERE Name='update.exe'")) == 1


def test_power_loss_half_way_leaves_the_file_without_traces(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.POWER_LOSS)
    booted = lab.one("SELECT LastBootUpTime FROM Win32_OperatingSystem")
    run(lab)
    lab.wait(30)
    assert not lab.computer.online
    lab.wait(150)
    assert lab.computer.online
    assert lab.one("SELECT LastBootUpTime FROM Win32_OperatingSystem") != booted
    assert dll(lab)[1] == "qfe"
    assert not lab.host.registry.exists(HOTFIX)
    assert "installed successfully" not in log(lab)
    assert lab.rows("SELECT Name FROM Win32_Process WHERE Name='update.exe'") == []


def test_a_pending_rename_whose_target_is_the_file(make: Any) -> None:
    lab = make(timing=TIMING, install_fault=InstallFault.PENDING_TARGET)
    assert run(lab).end() == 0
    assert dll(lab)[0] == "5.2.3790.1830"
    assert pending(lab)[1] == f"!\\??\\{SCHANNEL}"
    lab.computer.power_loss()
    lab.wait(200)
    assert dll(lab) == ("5.2.3790.2600", "qfe")


def test_the_clock_steps_half_way(make: Any) -> None:
    lab = make(timing=TIMING, clock_step_seconds=-3600)
    before = lab.computer.now()
    run(lab).end(60)
    assert lab.computer.now() - before == timedelta(seconds=60 - 3600)


# What a profile brings from the start.


def test_a_fix_that_is_active(make: Any) -> None:
    lab = make(schannel="fixed", registry_trace=True, service_age_hours=30)
    assert dll(lab) == ("5.2.3790.2600", "qfe")
    (row,) = lab.rows("SELECT * FROM Win32_Process WHERE Name='rtcsrv.exe'")
    ended = lab.computer.now() - timedelta(hours=60)
    assert row["CreationDate"] > ended
    assert f"{ended:%Y/%m/%d %H:%M}" in log(lab)
    assert pending(lab)[1] == ""


def test_a_fix_that_is_not_active_still_leaks(make: Any) -> None:
    lab = make(schannel="fixed", registry_trace=True, leak_per_hour=3_600_000)
    memory = "SELECT PrivatePageCount FROM Win32_Process WHERE Name='rtcsrv.exe'"
    before = lab.one(memory)["PrivatePageCount"]
    lab.wait(100)
    assert lab.one(memory)["PrivatePageCount"] > before


def test_a_trace_without_the_file(make: Any) -> None:
    lab = make(registry_trace=True)
    assert lab.host.registry.exists(HOTFIX)
    assert dll(lab) == ("5.2.3790.1830", "rtm")


def test_a_pending_rename_from_the_start(make: Any) -> None:
    target = pending(make(pending_rename=True))[1]
    assert target.endswith(SCHANNEL)


def test_open_staging_lets_everyone_write(make: Any) -> None:
    lab = make(open_staging=True)
    folder = lab.host.files.make_folder("C:\\WINDOWS\\staging")
    assert folder.security.grants(frozenset({"S-1-1-0"}), 2)
    closed = make().host.files.make_folder("C:\\WINDOWS\\staging")
    assert not closed.security.grants(frozenset({"S-1-1-0"}), 2)


def test_switches_are_read_in_both_styles() -> None:
    found = parse_switches(split('/QUIET -norestart /log:"C:\\a b.log" /x:C:\\o what'))
    assert found.values == {
        "quiet": "",
        "norestart": "",
        "log": "C:\\a b.log",
        "x": "C:\\o",
    }
    assert found.unknown == ("what",)
