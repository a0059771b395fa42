"""Command lines as ``cmd /c`` runs them: line, stdout, stderr, exit code."""

from __future__ import annotations

import pytest

from tests.unit.lab.windows.cmd.machine import Machine

UNKNOWN = (
    "'{}' is not recognized as an internal or external command,\n"
    "operable program or batch file.\n"
)
NO_FILE = "The system cannot find the file specified.\n"
NO_PATH = "The system cannot find the path specified.\n"
THERE = "A subdirectory or file d already exists.\n"
NO_NUMBER = (
    "Invalid number.  Numeric constants are either decimal (17),\n"
    "hexadecimal (0x11), or octal (021).\n"
)
SYNTAX = "The syntax of the command is incorrect.\n"

# One file is there: a.txt with the lines one, two, Three; and the folder d.
LINES: list[tuple[str, str, str, int]] = [
    # echo and text
    ("echo hi", "hi\n", "", 0),
    ("ECHO Hi  there ", "Hi  there \n", "", 0),
    ("echo.", "\n", "", 0),
    ("echo:a", "a\n", "", 0),
    ("echo/", "\n", "", 0),
    ("echo(b", "b\n", "", 0),
    ("echo", "ECHO is on.\n", "", 0),
    ("@echo quiet", "quiet\n", "", 0),
    ("echo off & echo", "ECHO is off.\n", "", 0),
    ("ver", "\nMicrosoft Windows [Version 5.2.3790]\n", "", 0),
    ("date /t", "Tue 11/24/2026 \n", "", 0),
    ("time /t", "09:05 AM\n", "", 0),
    ("title x", "", "", 0),
    ("rem hidden & echo no", "", "", 0),
    ("::x", "", "", 0),
    # quotes, carets, operators
    ("echo a ^& b", "a & b\n", "", 0),
    ('echo "a & b"', '"a & b"\n', "", 0),
    ('echo "a^b" a^^b', '"a^b" a^b\n', "", 0),
    ("echo a)b", "a)b\n", "", 0),
    ("echo a&echo b", "a\nb\n", "", 0),
    ("echo a && echo b", "a \nb\n", "", 0),
    ("echo a || echo b", "a \n", "", 0),
    ("type no 2>nul && echo a", "", "", 1),
    ("type no 2>nul || echo b", "b\n", "", 0),
    ("type no 2>nul && echo a || echo b", "b\n", "", 0),
    ("echo a || echo b & echo c", "a \nc\n", "", 0),
    ("(echo a & echo b) && echo c", "a \nb\nc\n", "", 0),
    ("(echo a)&(echo b)", "a\nb\n", "", 0),
    ("&", "", "& was unexpected at this time.\n", 255),
    ("echo a |", "", "| was unexpected at this time.\n", 255),
    ("(echo a)b", "", "b was unexpected at this time.\n", 255),
    (")", "", "", 0),
    ("echo a >", "", SYNTAX, 255),
    # unknown commands
    ("nosuch", "", UNKNOWN.format("nosuch"), 1),
    ("nosuch & echo %errorlevel%", "0\n", UNKNOWN.format("nosuch"), 0),
    ("nosuch & call echo %^errorlevel%", "9009\n", UNKNOWN.format("nosuch"), 0),
    ("powershell -Command x", "", UNKNOWN.format("powershell"), 1),
    ("cscript x.vbs", "", UNKNOWN.format("cscript"), 1),
    ("C:\\nosuch\\x.exe", "", NO_PATH, 1),
    ('"C:\\work\\no such.exe"', "", UNKNOWN.format('"C:\\work\\no such.exe"'), 1),
    # redirection
    ("echo x>f & type f", "x \n", "", 0),
    ("echo x>f & echo y>>f & type f", "x \ny \n", "", 0),
    (">f echo x& type f", "x\n", "", 0),
    ("echo x>f y & type f", "x y \n", "", 0),
    ("echo err 1>&2", "", "err \n", 0),
    ("type no 2>&1", NO_FILE, "", 1),
    ("type no >nul 2>&1", "", "", 1),
    ("type no 2>&1 >nul", NO_FILE, "", 1),
    ("echo x>nodir\\f", "", NO_PATH, 1),
    ("sort<no", "", NO_FILE, 1),
    ("echo 1>f & type f", "ECHO is on.\n", "", 0),
    ("echo 0>f & type f", "ECHO is on.\n", "", 0),
    ("echo 12>f & type f", "12 \n", "", 0),
    ("echo x1>f & type f", "x1 \n", "", 0),
    ("echo ^1>f & type f", "1 \n", "", 0),
    ("echo x>&5", "", "The handle is invalid.\n", 1),
    ("(echo a & echo b)>f & type f", "a \nb\n", "", 0),
    ("(type f & echo b)>f 2>&1 & type f", "b\n", "", 0),
    # variables
    ("echo %CD% %cd:~0,2%", "C:\\work C:\n", "", 0),
    ("echo %nope% 100%", "%nope% 100%\n", "", 0),
    ("echo %%CD%%", "%C:\\work%\n", "", 0),
    ("echo %windir:~3%", "WINDOWS\n", "", 0),
    ("echo %windir:~-3%", "OWS\n", "", 0),
    ("echo %windir:~-4,2%", "DO\n", "", 0),
    ("echo %windir:~0,-4%", "C:\\WIN\n", "", 0),
    ("echo %windir:WIN=win%", "C:\\winDOWS\n", "", 0),
    ("echo %windir:*\\=%", "WINDOWS\n", "", 0),
    ("set q=a b& set q", "q=a b\n", "", 0),
    ("set nosuch", "", "Environment variable nosuch not defined\n", 1),
    ('set "q=a&b"& set q', "q=a&b\n", "", 0),
    ("set q=1& set q=& set q", "", "Environment variable q not defined\n", 1),
    ("set /a 3*4", "12", "", 0),
    ("set /a (1+2)*3", "9", "", 0),
    ("set /a -7/2", "-3", "", 0),
    ('set /a "-7%3"', "-1", "", 0),
    ("set /a 0x10+010", "24", "", 0),
    ("set /a 2147483647+1", "-2147483648", "", 0),
    ('set /a "1<<4|3"', "19", "", 0),
    ("set /a ~5,!0", "1", "", 0),
    ("set /a 1/0", "", "Divide by zero error.\n", 1073750993),
    ("set /a 1+", "", "Missing operand.\n", 1073750989),
    ("set /a (1", "", "Unbalanced parenthesis.\n", 1073750988),
    ("cmd /v:on /c set q=1^&echo !q!", "1\n", "", 0),
    ("set q=1&echo !q!", "!q!\n", "", 0),
    # if
    ("if 1==1 echo y", "y\n", "", 0),
    ("if 1==2 echo a & echo b", "", "", 0),
    ("if 1==2 (echo a) else echo b", "b\n", "", 0),
    ("if 1==2 (echo a) else (echo c) & echo b", "c\nb\n", "", 0),
    ("if /i ABC==abc echo y", "y\n", "", 0),
    ("if not ABC==abc echo y", "y\n", "", 0),
    ('if "a b"=="a b" echo y', "y\n", "", 0),
    ("if 10 gtr 9 echo y", "y\n", "", 0),
    ('if "10" gtr "9" echo y', "", "", 0),
    ("if 0x10 equ 16 echo y", "y\n", "", 0),
    ("if a lss b echo y", "y\n", "", 0),
    ("if exist a.txt echo y", "y\n", "", 0),
    ("if exist *.txt echo y", "y\n", "", 0),
    ("if exist d\\nul echo y", "y\n", "", 0),
    ("if exist d\\ echo y", "y\n", "", 0),
    ("if exist a.txt\\ echo y", "", "", 0),
    ("if not exist no echo y", "y\n", "", 0),
    ("if defined windir echo y", "y\n", "", 0),
    ("if not defined nope echo y", "y\n", "", 0),
    ("if errorlevel 0 echo y", "y\n", "", 0),
    ("if", "", SYNTAX, 255),
    ("if a", "", "a was unexpected at this time.\n", 255),
    # for
    ("for %i in (a b,c;d) do @echo %i", "a\nb\nc\nd\n", "", 0),
    ('for %i in ("a b" c) do @echo %~i %i', 'a b "a b"\nc c\n', "", 0),
    ("for %i in (x) do echo %i", "\nC:\\work>echo x \nx\n", "", 0),
    ("for /l %i in (1,1,3) do @echo %i", "1\n2\n3\n", "", 0),
    ("for /l %i in (3,-1,1) do @echo %i", "3\n2\n1\n", "", 0),
    ("for %i in (*.txt) do @echo %~ni%~xi %~zi", "a.txt 17\n", "", 0),
    ("for %i in (a.txt) do @echo %~fi %~dpi", "C:\\work\\a.txt C:\\work\\\n", "", 0),
    ("for %i in (a.txt) do @echo %~ti %~ai", "11/24/2026 09:05 AM --a------\n", "", 0),
    (
        "for %i in (cmd.exe) do @echo %~$PATH:i",
        "C:\\WINDOWS\\system32\\cmd.exe\n",
        "",
        0,
    ),
    ("for /d %i in (*) do @echo %i", "d\n", "", 0),
    ("for /r %i in (*.txt) do @echo %i", "C:\\work\\a.txt\n", "", 0),
    ("for /f %i in (a.txt) do @echo [%i]", "[one]\n[two]\n[Three]\n", "", 0),
    ("for /f %i in ('type a.txt') do @echo %i", "one\ntwo\nThree\n", "", 0),
    ('for /f "tokens=1,3 delims=:" %a in ("x:y:z") do @echo %a%b', "xz\n", "", 0),
    ('for /f "tokens=1*" %a in ("p q r") do @echo %b', "q r\n", "", 0),
    ('for /f "skip=2" %i in (a.txt) do @echo %i', "Three\n", "", 0),
    ('for /f "eol=t" %i in (a.txt) do @echo %i', "one\nThree\n", "", 0),
    ('for /f "usebackq" %i in (`echo z`) do @echo %i', "z\n", "", 0),
    ("for /f %i in (no) do @echo", "", "The system cannot find the file no.\n", 1),
    ("for", "", SYNTAX, 255),
    # folders
    ("md x & if exist x\\nul echo y", "y\n", "", 0),
    ("md x\\y\\z & cd x\\y\\z & cd", "C:\\work\\x\\y\\z\n", "", 0),
    ("md d", "", "A subdirectory or file d already exists.\n", 1),
    ("md a.txt", "", "A subdirectory or file a.txt already exists.\n", 1),
    ("md", "", SYNTAX, 1),
    ("md Q:\\x", "", NO_PATH, 1),
    ("cd", "C:\\work\n", "", 0),
    ("cd nodir", "", NO_PATH, 1),
    ("cd ..&cd", "C:\\\n", "", 0),
    ("cd\\windows&cd", "C:\\WINDOWS\n", "", 0),
    ("cd a.txt", "", "The directory name is invalid.\n", 1),
    ("pushd d&cd&popd&cd", "C:\\work\\d\nC:\\work\n", "", 0),
    ("rd d & if not exist d echo y", "y\n", "", 0),
    ("rd no", "", NO_FILE, 2),
    ("rd a.txt", "", "The directory name is invalid.\n", 267),
    ("md d\\e & rd d", "", "The directory is not empty.\n", 145),
    ("md d\\e & rd /s /q d & dir /b", "a.txt\n", "", 0),
    ("X:", "", "The system cannot find the drive specified.\n", 1),
    # files
    ("type a.txt", "one\ntwo\nThree\n", "", 0),
    ("type no", "", NO_FILE, 1),
    ("type nodir\\x", "", NO_PATH, 1),
    (
        "copy a.txt b.txt & dir /b",
        "        1 file(s) copied.\na.txt\nb.txt\nd\n",
        "",
        0,
    ),
    ("copy a.txt d\\", "        1 file(s) copied.\n", "", 0),
    ("copy no b", "", NO_FILE, 1),
    ("copy a.txt nodir\\x", "        0 file(s) copied.\n", NO_PATH, 1),
    (
        "copy a.txt a.txt",
        "        0 file(s) copied.\n",
        "The file cannot be copied onto itself.\n",
        1,
    ),
    (
        'copy /b a.txt+a.txt b & find /c "o" b',
        "a.txt\na.txt\n        1 file(s) copied.\n\n---------- B: 4\n",
        "",
        0,
    ),
    ("move a.txt b.txt & dir /b", "        1 file(s) moved.\nb.txt\nd\n", "", 0),
    ("move no b", "", NO_FILE, 1),
    ("ren a.txt b.txt & dir /b", "b.txt\nd\n", "", 0),
    ("ren a.txt *.old & dir /b", "a.old\nd\n", "", 0),
    (
        "ren a.txt d",
        "",
        "A duplicate file name exists, or the file\ncannot be found.\n",
        1,
    ),
    ("ren no b", "", NO_FILE, 1),
    ("del a.txt & dir /b", "d\n", "", 0),
    ("del no", "", "Could Not Find C:\\work\\no\n", 0),
    ("attrib +r a.txt & del a.txt", "", "C:\\work\\a.txt\nAccess is denied.\n", 0),
    ("attrib +r a.txt & del /f a.txt & dir /b", "d\n", "", 0),
    ("attrib +h a.txt & dir /b & dir /b /ah", "d\na.txt\n", "", 0),
    ("dir /b no", "", "File Not Found\n", 1),
    ("dir /b /s", "C:\\work\\a.txt\nC:\\work\\d\n", "", 0),
    ("dir /b /ad", "d\n", "", 0),
    ("dir /b /a-d", "a.txt\n", "", 0),
    (
        "vol",
        " Volume in drive C has no label.\n Volume Serial Number is 4C41-4243\n",
        "",
        0,
    ),
    # nesting, exit codes
    ("exit 7", "", "", 7),
    ("exit /b 3&echo no", "", "", 3),
    ("cmd /c exit -3", "", "", -3),
    ("cmd /c exit 4294967295", "", "", -1),
    ('cmd /c "echo "a b""', '"a b"\n', "", 0),
    ('cmd /c "hostname"', "LCS01\n", "", 0),
    ('cmd /s /c "echo x"', "x\n", "", 0),
    ("hostname", "LCS01\n", "", 0),
    ("%ComSpec% /c echo x", "x\n", "", 0),
    ("start /wait cmd /c exit 9&call echo %^errorlevel%", "9\n", "", 0),
    ("start nosuch", "", "The system cannot find the file nosuch.\n", 9059),
    (
        "call :x",
        "",
        "Invalid attempt to call batch label outside of batch script.\n",
        1,
    ),
    ("echo x|cmd /c echo b", "b\n", "", 0),
    ("shift & setlocal & endlocal & goto x", "", "", 0),
    ("pause", "Press any key to continue . . . \n", "", 0),
    ("start /d C:\\WINDOWS /b /wait cmd /c cd", "C:\\WINDOWS\n", "", 0),
    ('start "title" /wait hostname', "LCS01\n", "", 0),
    ("start /b echo x", "x\n", "", 0),
    ("path", "PATH=C:\\WINDOWS\\system32;C:\\WINDOWS\n", "", 0),
    ("path C:\\x& path", "PATH=C:\\x\n", "", 0),
    ("path ;& hostname", "", UNKNOWN.format("hostname"), 1),
    ("prompt $g", "", "", 0),
    ("date 1-1-2030", "", "A required privilege is not held by the client.\n", 1),
    ("time 1:00", "", "A required privilege is not held by the client.\n", 1),
    ("time", "The current time is:  9:05:07.00\n", "", 0),
    ("echo %time% %date%", " 9:05:07.00 Tue 11/24/2026\n", "", 0),
    ("echo %cmdextversion%%cmdcmdline:~-1%", '2"\n', "", 0),
    ("cls", "\f", "", 0),
    ("vol Q:", "", NO_PATH, 1),
    (
        "type a.txt no",
        "one\ntwo\nThree\n",
        "\na.txt\n\n\n" + NO_FILE + "Error occurred while processing: no.\n",
        1,
    ),
    ("type nul", "", "", 0),
    ("type", "", SYNTAX, 1),
    ("set =x", "", SYNTAX, 1),
    ("set /p", "", "", 1),
    (
        "set /a 09",
        "",
        NO_NUMBER,
        1073750991,
    ),
    ("set /a 1 2", "", "Missing operator.\n", 1073750990),
    ("set /a x=y=3,x+y", "6", "", 0),
    ("set q=5& set /a q*=2,q-1", "9", "", 0),
    (
        "md x y\\z d",
        "",
        f"{THERE}Error occurred while processing: d.\n",
        1,
    ),
    ("rd", "", SYNTAX, 1),
    ("cd C:", "C:\\work\n", "", 0),
    ("cd /d C:\\windows & cd", "C:\\WINDOWS\n", "", 0),
    ("pushd nodir", "", NO_PATH, 1),
    ("popd", "", "", 1),
    ("pushd d & pushd & popd & popd & popd", "C:\\work\n", "", 1),
    ("copy", "", SYNTAX, 1),
    ("copy a.txt b c", "", SYNTAX, 1),
    ("copy a.txt nul", "        1 file(s) copied.\n", "", 0),
    ("copy nul z>nul & dir /b z", "z\n", "", 0),
    ("copy *.txt d", "a.txt\n        1 file(s) copied.\n", "", 0),
    ("copy a.txt d\\*.bak & dir /b d", "        1 file(s) copied.\na.bak\n", "", 0),
    ("copy a.txt nodir\\", "        0 file(s) copied.\n", NO_PATH, 1),
    ("move", "", SYNTAX, 1),
    ("move d e & dir /b", "        1 dir(s) moved.\na.txt\ne\n", "", 0),
    ("md e & move d e & dir /b e", "        1 dir(s) moved.\nd\n", "", 0),
    ("ren a.txt x\\y", "", SYNTAX, 1),
    ("ren a.txt ?b.* & dir /b *.txt", "ab.txt\n", "", 0),
    ("del", "", SYNTAX, 1),
    ("del nodir\\x", "", "Could Not Find C:\\work\\nodir\\x\n", 0),
    (
        "copy a.txt d\\>nul & del /s /q *.txt",
        "Deleted file - C:\\work\\a.txt\nDeleted file - C:\\work\\d\\a.txt\n",
        "",
        0,
    ),
    ("attrib +h a.txt & del /q /a:h *.txt & dir /b /a", "d\n", "", 0),
    ("attrib +h a.txt & del /q /a-h *.txt", "", "Could Not Find C:\\work\\*.txt\n", 0),
    ("dir /b /on", "a.txt\nd\n", "", 0),
    ("dir /b /o-n", "d\na.txt\n", "", 0),
    ("dir /b /ogn", "d\na.txt\n", "", 0),
    ("dir /b *.zzz", "", "File Not Found\n", 1),
    ("dir nodir\\*", "", NO_PATH, 1),
    ("for %i in (*.zzz) do @echo %i", "", "", 0),
    ("for %i in (nodir\\*) do @echo %i", "", "", 0),
    ("for /r d %i in (.) do @echo %i", "C:\\work\\d\\.\n", "", 0),
    ('for /f "tokens=5" %a in ("x y") do @echo [%a]', "[]\n", "", 0),
    ("for /x %i in (a) do echo", "", "/x was unexpected at this time.\n", 255),
    ("for %i (a) do echo", "", "%i was unexpected at this time.\n", 255),
    ("for i in (a) do echo", "", "i was unexpected at this time.\n", 255),
    ("for %i in a do echo", "", "a was unexpected at this time.\n", 255),
    ("if cmdextversion 1 echo y", "y\n", "", 0),
    ("if exist nodir\\*.* echo y", "", "", 0),
    ("cmd /v:on /c echo !windir:~0,2! !nope!", "C: \n", "", 0),
    ("xcopy d e /e /i & dir /b e", "0 File(s) copied\n", "File Not Found\n", 1),
    (
        "copy a.txt d>nul & xcopy d e /i /q & type e\\a.txt",
        "1 File(s) copied\none\ntwo\nThree\n",
        "",
        0,
    ),
    ("xcopy", "0 File(s) copied\n", "Invalid number of parameters\n", 4),
    ("chcp 9", "", "Invalid code page\n", 1),
    (
        "reg add HKLM\\X /v b /t REG_BINARY /d 01ff>nul & reg query HKLM\\X /v b",
        "\n! REG.EXE VERSION 3.0\n\nHKEY_LOCAL_MACHINE\\X\n    b\tREG_BINARY\t01FF\n",
        "",
        0,
    ),
    (
        "reg add HKLM\\X /v b /t REG_DWORD /d zz",
        "",
        "\nError:  Invalid value for /d\n",
        1,
    ),
    ("reg add HKLM\\X /t NO", "", "\nError:  Invalid value for /t\n", 1),
    ("reg query XX\\Y", "", "\nError:  Invalid key name\n", 1),
    ("reg", "", "\nError:  Invalid command-line parameters\n", 1),
    ("set q=1|set q", "", "Environment variable q not defined\n", 1),
]


@pytest.mark.parametrize(("line", "out", "err", "code"), LINES)
def test_a_command_line_prints_and_ends_as_on_windows(
    line: str, out: str, err: str, code: int
) -> None:
    machine = Machine()
    machine.put("a.txt", "one\ntwo\nThree\n")
    machine.files.make_folder("C:\\work\\d")
    result = machine.run(line)
    assert (result.out, result.err, result.code) == (
        out.replace("\n", "\r\n"),
        err.replace("\n", "\r\n"),
        code,
    )


def test_the_full_listing_has_american_dates_and_grouped_numbers() -> None:
    machine = Machine()
    machine.put("a.txt", "x" * 1234)
    machine.files.set_free("C:\\", 6_442_450_944)
    assert machine.run("dir").out.split("\r\n") == [
        " Volume in drive C has no label.",
        " Volume Serial Number is 4C41-4243",
        "",
        " Directory of C:\\work",
        "",
        "11/24/2026  09:05 AM    <DIR>          .",
        "11/24/2026  09:05 AM    <DIR>          ..",
        "11/24/2026  09:05 AM             1,234 a.txt",
        "               1 File(s)          1,234 bytes",
        "               2 Dir(s)   6,442,450,944 bytes free",
        "",
    ]


def test_a_line_over_the_limit_is_refused() -> None:
    result = Machine().run("echo " + "x" * 8190)
    assert (result.err, result.code) == ("The command line is too long.\r\n", 1)


def test_copy_asks_before_it_overwrites_outside_a_batch_file() -> None:
    machine = Machine()
    machine.put("a", "new")
    machine.put("b", "old")
    question = "Overwrite C:\\work\\b? (Yes/No/All): "
    assert (
        machine.run("copy a b", b"n\r\n").out
        == f"{question}        0 file(s) copied.\r\n"
    )
    assert machine.text("b") == "old"
    assert machine.run("copy a b", b"y\r\n").code == 0
    assert machine.text("b") == "new"


def test_copy_overwrites_unasked_with_y_and_in_batch_files() -> None:
    machine = Machine()
    machine.put("a", "new")
    machine.put("b", "old")
    assert machine.run("copy /y a b").out == "        1 file(s) copied.\r\n"
    machine.put("b", "old")
    assert machine.batch("copy a b").out == "        1 file(s) copied.\r\n"


def test_joined_text_gets_an_end_mark_and_joined_bytes_do_not() -> None:
    machine = Machine()
    machine.put("a", "1")
    machine.put("b", "2")
    machine.run("copy a+b c & copy /b a+b d")
    assert (machine.text("c"), machine.text("d")) == ("12\x1a", "12")


def test_del_of_everything_asks_first() -> None:
    machine = Machine()
    machine.put("a", "1")
    assert machine.run("del *", b"n\r\n").out == "C:\\work\\*, Are you sure (Y/N)? "
    assert machine.text("a") == "1"
    machine.run("del /q *")
    assert machine.text("a") is None


def test_a_mapped_file_can_be_renamed_but_neither_deleted_nor_overwritten() -> None:
    machine = Machine()
    machine.put("x.dll", "old")
    machine.put("new", "new")
    machine.mapped = {"c:\\work\\x.dll"}
    assert "Access is denied." in machine.run("del x.dll").err
    assert "being used by another process" in machine.run("copy /y new x.dll").err
    machine.mapped = {"c:\\work\\x.dll"}
    assert machine.run("ren x.dll y.dll").code == 0


def test_a_full_disk_fails_the_copy_and_leaves_the_old_file() -> None:
    machine = Machine()
    machine.put("a", "12345")
    machine.put("b", "old")
    machine.files.set_free("C:\\", 1)
    result = machine.run("copy /y a b")
    assert "There is not enough space on the disk." in result.err
    assert (result.code, machine.text("b")) == (1, "old")


def test_a_share_is_read_and_a_closed_one_is_denied() -> None:
    machine = Machine()
    machine.files.add_share("\\\\srv\\open")
    machine.files.put("\\\\srv\\open\\p.exe", b"pkg")
    machine.files.add_share("\\\\srv\\shut", denied=True)
    assert machine.run("copy \\\\srv\\open\\p.exe .").code == 0
    assert machine.text("p.exe") == "pkg"
    assert machine.run("type \\\\srv\\shut\\x").err == "Access is denied.\r\n"
    assert "network path" in machine.run("type \\\\no\\share\\x").err
