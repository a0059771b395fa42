"""Batch files: text, standard output, exit code; all tried on a real interpreter."""

from __future__ import annotations

import pytest

from tests.unit.lab.windows.cmd.machine import Machine

BATCHES: list[tuple[str, str, int]] = [
    ("echo %1 %2 %~1 [%*]", 'a "b c" a [a "b c" d]\n', 0),
    ("shift\necho %1 %*", '"b c" a "b c" d\n', 0),
    ("echo %0 %~n0 %~x0 %~dp0", "test.cmd test .cmd C:\\work\\\n", 0),
    ("echo %%1 %%~ %nope%.", "%1 %~ .\n", 0),
    ("echo %nope:~0,1%", "~0,1\n", 0),
    ("echo 100%", "100\n", 0),
    ("type no 2>nul\necho %errorlevel%", "1\n", 1),
    ("nosuch 2>nul\necho %errorlevel%", "9009\n", 9009),
    ("del no 2>nul\necho %errorlevel%", "0\n", 0),
    ("rd no 2>nul\necho %errorlevel%", "0\n", 0),
    ("rd no 2>nul || call echo %%errorlevel%%", "2\n", 2),
    ("md d\nmd d 2>nul\necho %errorlevel%", "1\n", 1),
    ("cmd /c exit -3\nif errorlevel 0 (echo pos) else echo neg", "neg\n", -3),
    ("cmd /c exit 3010\nif %errorlevel%==3010 echo restart", "restart\n", 3010),
    ("cmd /c exit 5\necho x\nver>nul\necho %errorlevel%", "x\n0\n", 0),
    ("set Q=1\nif 1==1 (set Q=2\necho %Q%)\necho %Q%", "1\n2\n", 0),
    ("setlocal enabledelayedexpansion\nset Q=1\n(set Q=2\necho !Q!)", "2\n", 0),
    ("setlocal\nset Q=1\nendlocal\necho [%Q%]", "[]\n", 0),
    ("goto b\necho no\n:b\necho yes", "yes\n", 0),
    (":a\nif exist f goto :eof\necho x>f\ngoto a", "", 0),
    ("goto nowhere\necho no", "", 1),
    ('call :s a "b c"\necho back\ngoto :eof\n:s\necho %0 %~2\n', ":s b c\nback\n", 0),
    ("call :s\necho %errorlevel%\ngoto :eof\n:s\nexit /b 3", "3\n", 3),
    ("call other.cmd x\necho back", "other x\nback\n", 7),
    ("other.cmd x\necho never", "other x\n", 7),
    ("call echo %%windir%%", "C:\\WINDOWS\n", 0),
    ("set A=1\nset B=A\ncall echo %%%B%%%", "1\n", 0),
    ("type no 2>nul\nset Q=1\necho %errorlevel%", "0\n", 0),
    ("type no 2>nul\necho x >nul\nrem\nif 1==1 echo %errorlevel%", "1\n", 1),
    ("setlocal enabledelayedexpansion\necho !nope!^^!", "!\n", 0),
    ("exit /b 4\necho no", "", 4),
    ("call :s\necho no\n:s\nexit 6", "", 6),
    ("for %%i in (a b) do (for %%j in (1 2) do echo %%i%%j)", "a1\na2\nb1\nb2\n", 0),
    ("for %%i in (a\nb) do (\necho %%i\n)", "a\nb\n", 0),
    ("for %%i in (1 2) do call :s %%i\ngoto :eof\n:s\necho [%1]", "[1]\n[2]\n", 0),
    ("set N=0\nfor %%i in (a b) do set /a N+=1\necho %N%", "2\n", 0),
    ("echo a^\nb", "ab\n", 0),
    ("if 1==1 (\necho a\n) else (\necho b\n)", "a\n", 0),
    ("rem x ^\necho y", "y\n", 0),
    ("(\n:: note\necho a\n)", "a\n", 0),
    ("@echo on\n@echo a\necho b", "a\n\nC:\\work>echo b \nb\n", 0),
    (
        "@echo on\nif 1==1 (echo a) else echo b",
        "\nC:\\work>if 1 == 1 (echo a ) else echo b \na\n",
        0,
    ),
    (
        "@echo on\nfor %%i in (1) do echo %%i>nul",
        "\nC:\\work>for %i in (1) do echo %i  1>nul \n\nC:\\work>echo 1  1>nul \n",
        0,
    ),
    ("set /p V=<a.txt\necho [%V%]", "[one]\n", 0),
    ("set /p V=ask:\necho [%V%]", "ask:[typed]\n", 0),
    (">f echo 1\nren f g\nfor /f %%i in (g) do echo %%i", "1\n", 0),
    ("type nul>f\nfor %%i in (f) do echo %%~zi", "0\n", 0),
    ("pushd d 2>nul\nif errorlevel 1 echo none", "none\n", 1),
    ("findstr two a.txt >nul && echo found", "found\n", 0),
    ("start /wait cmd /c exit 5\necho %errorlevel%", "5\n", 5),
    ('if "%~1"=="a" if "%~2"=="b c" echo both', "both\n", 0),
    ("echo x\x1aecho y", "x\n", 0),
]


@pytest.mark.parametrize(("text", "out", "code"), BATCHES)
def test_a_batch_file_runs_as_on_windows(text: str, out: str, code: int) -> None:
    machine = Machine()
    machine.put("a.txt", "one\ntwo\n")
    machine.put("other.cmd", "@echo other %1\n@exit /b 7\n")
    result = machine.batch(text, 'a "b c" d', b"typed\r\n")
    assert (result.out, result.code) == (out.replace("\n", "\r\n"), code)


def test_a_one_digit_code_before_the_sign_is_a_handle_and_not_written() -> None:
    machine = Machine()
    machine.batch(
        "cmd /c exit 1\necho %errorlevel%>bad\ncmd /c exit 1\n>good echo %errorlevel%"
    )
    assert machine.text("bad") == "ECHO is off.\r\n"
    assert machine.text("good") == "1\r\n"


def test_a_batch_file_may_delete_itself_and_then_cannot_go_on() -> None:
    machine = Machine()
    result = machine.batch('del "%~f0"\necho never')
    assert (result.out, result.err) == ("", "The batch file cannot be found.\r\n")


def test_a_batch_file_that_is_appended_to_runs_what_was_appended() -> None:
    machine = Machine()
    assert machine.batch("echo echo later>>%~f0").out == "later\r\n"


def test_batch_files_do_nothing_under_the_utf8_code_page() -> None:
    machine = Machine()
    machine.put("x.cmd", "@echo hi\n")
    assert machine.run("x.cmd", code_page=65001).out == ""
    assert machine.run("x.cmd", code_page=437).out == "hi\r\n"


def test_endless_recursion_is_stopped() -> None:
    result = Machine().batch(":a\ncall :a")
    assert "R E C U R S I O N" in result.err
    assert result.code == 1


def test_output_is_in_the_code_page_of_the_shell() -> None:
    machine = Machine()
    machine.files.put("C:\\work\\x.cmd", "@echo é\r\n".encode("cp850"))
    command = machine.open(850).run("x.cmd", [], skip_cmd_shell=False)
    assert command.read().stdout == "é\r\n".encode("cp850")


def test_cmd_reads_commands_from_its_input() -> None:
    result = Machine().run("cmd", b"echo hi\r\nexit 3\r\n")
    assert result.out.startswith("Microsoft Windows [Version 5.2.3790]\r\n(C)")
    assert "C:\\work>echo hi\r\nhi\r\n" in result.out
    assert result.code == 3
