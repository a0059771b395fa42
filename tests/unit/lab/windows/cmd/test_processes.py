"""Shells, detached processes, input that comes late, and ends from outside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.lab.windows.cmd import shell
from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.streams import Outcome, Routine
from orchestrator.lab.windows.paths import FileError, Win32
from tests.unit.lab.windows.cmd.machine import Machine

CLAIM = (
    "@echo off\nmd claim 2>nul || exit /b 0\nping -n 2 127.0.0.1 >nul\n>>ran echo x\n"
)


def launch(machine: Machine, line: str, folder: str = "C:\\work") -> int:
    with machine.visit():
        return shell.start_process(machine, machine.executor, line, folder=folder).pid


def test_md_is_a_claim_that_one_of_two_launches_gets() -> None:
    machine = Machine()
    machine.put("w.cmd", CLAIM)
    launch(machine, "cmd /c w.cmd")
    launch(machine, "cmd /c w.cmd")
    machine.pass_time(60)
    assert machine.text("ran") == "x\r\n"


@settings(max_examples=50)
@given(st.lists(st.floats(0, 3), min_size=2, max_size=6))
def test_however_launches_overlap_exactly_one_gets_the_claim(gaps: list[float]) -> None:
    machine = Machine()
    machine.put("w.cmd", CLAIM)
    for gap in gaps:
        launch(machine, "C:\\WINDOWS\\system32\\cmd.exe /c w.cmd")
        machine.pass_time(gap)
    machine.pass_time(60)
    assert machine.text("ran") == "x\r\n"


def test_a_detached_process_outlives_the_shell_and_power_loss_ends_it() -> None:
    machine = Machine()
    machine.put("w.cmd", "@ping -n 10 127.0.0.1 >nul\n@>ran echo x\n")
    opened = machine.open()
    launch(machine, "cmd.exe /c w.cmd")
    opened.close()
    assert len(machine.processes.alive) == 2
    machine.executor.kill_all()
    assert not machine.processes.alive
    machine.pass_time(60)
    assert machine.text("ran") is None


def test_terminate_ends_a_command_with_all_it_started() -> None:
    machine = Machine()
    command = machine.open().run(
        "start /b ping -n 99 127.0.0.1 & ping -n 99 127.0.0.1", [], skip_cmd_shell=False
    )
    assert len(machine.processes.alive) == 3
    command.terminate()
    assert not machine.processes.alive
    assert command.read().exit_code == 1


def test_closing_the_shell_ends_what_still_runs() -> None:
    machine = Machine()
    opened = machine.open()
    opened.run("ping -n 99 127.0.0.1", [], skip_cmd_shell=False)
    opened.close()
    assert not machine.processes.alive


def test_a_command_waits_for_input_that_comes_later() -> None:
    machine = Machine()
    command = machine.open().run("sort", [], skip_cmd_shell=False)
    command.write(b"b\r\n", end=False)
    assert not command.read().done
    command.write(b"a\r\n", end=True)
    seen = command.read()
    assert (seen.stdout, seen.done, seen.exit_code) == (b"a\r\nb\r\n", True, 0)


def test_output_comes_while_the_command_runs() -> None:
    machine = Machine()
    command = machine.open().run(
        "echo a& ping -n 3 127.0.0.1 >nul & echo b", [], skip_cmd_shell=False
    )
    assert command.read().stdout == b"a\r\n"
    machine.pass_time(10)
    assert command.read().stdout == b"b\r\n"


def test_taskkill_ends_a_running_program() -> None:
    machine = Machine()
    command = machine.open().run("ping -n 99 127.0.0.1", [], skip_cmd_shell=False)
    killed = machine.run("taskkill /f /im ping.exe")
    assert killed.out.startswith("SUCCESS: The process with PID ")
    assert command.read().exit_code == 1


def test_a_batch_file_can_be_a_process_of_its_own() -> None:
    machine = Machine()
    machine.put("w.cmd", "@>ran echo x\n")
    launch(machine, "C:\\work\\w.cmd")
    assert machine.text("ran") == "x\r\n"


def test_an_unquoted_program_path_may_hold_spaces() -> None:
    machine = Machine()
    program = machine.files.read("C:\\WINDOWS\\system32\\cmd.exe")
    machine.files.put("C:\\my tools\\shell.exe", program)
    launch(machine, "C:\\my tools\\shell.exe /c echo x>ran")
    assert machine.text("ran") == "x\r\n"


def test_a_question_is_asked_again_until_it_is_answered() -> None:
    machine = Machine()
    machine.files.make_folders("C:\\work\\d\\e")
    asked = machine.run("rd /s d", b"what\r\ny\r\n")
    assert asked.out == "d, Are you sure (Y/N)? " * 2
    assert not machine.files.exists("C:\\work\\d")


def test_rd_keeps_what_is_in_use_and_says_so() -> None:
    machine = Machine()
    machine.put("d\\e\\x.dll", "x")
    machine.mapped = {"c:\\work\\d\\e\\x.dll"}
    result = machine.run("rd /s /q d")
    assert result.err == "C:\\work\\d\\e\\x.dll - Access is denied.\r\n"
    assert machine.files.exists("C:\\work\\d\\e\\x.dll")


def test_each_drive_has_its_own_folder() -> None:
    machine = Machine()
    machine.files.add_volume("D:")
    machine.files.make_folder("D:\\x")
    assert machine.run("cd D:\\x & cd & D: & cd & C: & cd").out == (
        "C:\\work\r\nD:\\x\r\nC:\\work\r\n"
    )


def test_moving_to_another_volume_copies_and_deletes() -> None:
    machine = Machine()
    machine.files.add_volume("D:")
    machine.put("a", "1")
    assert machine.run("move a D:\\").out == "        1 file(s) moved.\r\n"
    assert machine.files.read("D:\\a") == b"1"
    assert machine.text("a") is None


def test_the_shell_runs_a_program_without_cmd_when_asked() -> None:
    machine = Machine()
    opened = machine.open()
    assert opened.run("hostname", [], skip_cmd_shell=True).read().stdout == b"LCS01\r\n"
    refused = opened.run("echo", ["hi"], skip_cmd_shell=True).read()
    assert (refused.done, refused.exit_code) == (True, 2)


def test_arguments_follow_the_command() -> None:
    seen = Machine().open().run("echo", ["a", "b"], skip_cmd_shell=False).read()
    assert seen.stdout == b"a b\r\n"


def test_command_lines_name_what_runs() -> None:
    machine = Machine()
    machine.run('find "x" a.txt')
    assert machine.processes.lines == [
        'C:\\WINDOWS\\system32\\cmd.exe /C "find "x" a.txt"',
        'find "x" a.txt',
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nosuch.exe", Win32.FILE_NOT_FOUND),
        ("C:\\no\\such.exe", Win32.PATH_NOT_FOUND),
        ("C:\\work\\text.exe", Win32.BAD_EXE_FORMAT),
    ],
)
def test_a_process_that_cannot_start_says_why(line: str, code: Win32) -> None:
    machine = Machine()
    machine.put("text.exe", "text")
    with pytest.raises(FileError) as caught:
        launch(machine, line)
    assert caught.value.code is code


def test_a_process_needs_a_folder_that_is_there() -> None:
    with pytest.raises(FileError):
        launch(Machine(), "cmd /c ver", "C:\\nowhere")


def test_a_program_of_the_computer_runs_for_its_time_and_is_stopped_when_killed() -> (
    None
):
    machine = Machine()
    stopped: list[str] = []

    def package(run: Invocation) -> Routine:
        ended = Outcome()
        run.system.scheduler.after(30, lambda: ended.set(3010))
        try:
            return (yield ended)
        finally:
            stopped.append(run.tail)

    machine.files.put("C:\\work\\hotfix.exe", b"package")
    machine.programs[b"package"] = package
    assert machine.run("hotfix.exe /quiet").code == 3010
    command = machine.open().run("hotfix.exe /x", [], skip_cmd_shell=False)
    command.terminate()
    assert stopped == [" /quiet", " /x"]


def test_an_endless_loop_neither_hangs_the_computer_nor_fills_memory() -> None:
    machine = Machine()
    machine.put("loop.cmd", "@echo off\n:a\necho xxxxxxxxxx\ngoto a\n")
    command = machine.open().run("loop.cmd", [], skip_cmd_shell=False)
    machine.pass_time(20)
    assert not command.read().done
    command.terminate()
    assert command.read().done


@pytest.mark.parametrize("line", ["x|x", "x&x", "start x&start x", "call x&call x"])
def test_a_script_that_starts_itself_over_and_over_hurts_nobody(line: str) -> None:
    machine = Machine()
    machine.put("x.cmd", f"@{line}\n@{line}\n")
    command = machine.open().run("x.cmd", [], skip_cmd_shell=False)
    machine.pass_time(10)
    command.read()
    assert len(machine.processes.alive) <= 64
    command.terminate()
    assert not machine.processes.alive


def test_a_file_that_is_being_written_cannot_be_deleted_or_written_by_another() -> None:
    machine = Machine()
    machine.open().run("ping -n 9 127.0.0.1 > log", [], skip_cmd_shell=False)
    assert "being used" in machine.run("echo x>log", limit=0).err
    assert "being used" in machine.run("del log", limit=0).err
    machine.pass_time(60)
    assert machine.run("del log").err == ""


def test_a_killed_command_lets_go_of_its_files() -> None:
    machine = Machine()
    command = machine.open().run("ping -n 9 127.0.0.1 > log", [], skip_cmd_shell=False)
    command.terminate()
    assert machine.run("del log").err == ""


TEXT = st.text(st.sampled_from("ab1%!^&|<>()\"' :=,;~*?.\\/@\t\n\x00é0x"), max_size=60)
PIECES = (
    'if for %i in ( ) do echo set /a call a == | & && || > < f %%a ^ " /f goto :eof not'
    " exist else type copy dir /s findstr find * %a:~1% %~dp0 errorlevel shift start"
    " cmd /c md rd /q del"
)
WORDS = st.lists(st.sampled_from(PIECES.split()), max_size=14).map(" ".join)


@settings(max_examples=400)
@given(TEXT | WORDS)
def test_no_line_crashes_or_hangs_the_interpreter(line: str) -> None:
    result = Machine().run(line, b"y\r\nx\r\n", limit=60, step=20)
    assert isinstance(result.err, str)


@settings(max_examples=300)
@given(st.lists(TEXT | WORDS, max_size=6))
def test_no_batch_file_crashes_or_hangs_the_interpreter(lines: list[str]) -> None:
    machine = Machine()
    machine.put("x.cmd", "\n".join(lines))
    result = machine.run("x.cmd a b", b"y\r\nx\r\n", limit=60, step=20)
    assert isinstance(result.err, str)
