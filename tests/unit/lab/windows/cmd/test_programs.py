"""Windows' own programs: line, standard input, stdout, exit code."""

from __future__ import annotations

import base64
import hashlib

import pytest

from orchestrator.lab.windows.security import ADMINISTRATORS, FULL, SYSTEM, AceFlag
from tests.unit.lab.windows.cmd.machine import START, Machine

SHA1 = hashlib.sha1(b"one\r\ntwo\r\nThree\r\n", usedforsecurity=False).hexdigest()
DONE = "CertUtil: -{} command completed successfully.\n"
PROGRAMS: list[tuple[str, str, str, int]] = [
    ('find "o" a.txt', "", "\n---------- A.TXT\none\ntwo\n", 0),
    ('find /n "T" a.txt', "", "\n---------- A.TXT\n[3]Three\n", 0),
    ('find /i /c "t" a.txt', "", "\n---------- A.TXT: 2\n", 0),
    ('find /v "o"', "one\ntwo\nsix\n", "six\n", 0),
    ('find "zzz"', "one\n", "", 1),
    ('find "o" no.txt', "", "", 2),
    ("find o a.txt", "", "", 2),
    ('find ""', "one\n", "", 1),
    ("findstr two a.txt", "", "two\n", 0),
    ("findstr /i THREE a.txt", "", "Three\n", 0),
    ("findstr /v two a.txt", "", "one\nThree\n", 0),
    ("findstr /n e$ a.txt", "", "1:one\n3:Three\n", 0),
    ("findstr /x on a.txt", "", "", 1),
    ('findstr "one two" a.txt', "", "one\ntwo\n", 0),
    ('findstr /c:"one two" a.txt', "", "", 1),
    ('findstr /r "^t.o" a.txt', "", "two\n", 0),
    ('findstr "[a-f]e" a.txt', "", "Three\n", 0),
    ("findstr /l .. a.txt", "", "", 1),
    ("findstr /b t a.txt", "", "two\n", 0),
    ("findstr /e o a.txt", "", "two\n", 0),
    ("findstr /m o *.txt", "", "a.txt\n", 0),
    ("findstr o a.txt b.log", "", "a.txt:one\na.txt:two\nb.log:foo\n", 0),
    ("findstr /g:b.log", "xfoox\nbar\n", "xfoox\n", 0),
    ("findstr /c:x no", "", "", 1),
    ("findstr", "", "", 2),
    ("sort", "b\nC\na\n", "a\nb\nC\n", 0),
    ("sort /r a.txt", "", "two\nThree\none\n", 0),
    ("more a.txt", "", "one\ntwo\nThree\n", 0),
    ("more", "x\n", "x\n", 0),
    ("attrib a.txt", "", "A          C:\\work\\a.txt\n", 0),
    ("attrib +r +h a.txt&attrib a.txt", "", "A   HR     C:\\work\\a.txt\n", 0),
    ("attrib no", "", "File not found - no\n", 1),
    ("chcp", "", "Active code page: 437\n", 0),
    ("chcp 850 & chcp", "", "Active code page: 850\nActive code page: 850\n", 0),
    ("xcopy a.txt d\\ /y", "", "C:\\work\\a.txt\n1 File(s) copied\n", 0),
    ("xcopy no d", "", "0 File(s) copied\n", 4),
    ("certutil -hashfile a.txt MD4x", "", "", -2146893816),
    ("certutil -hashfile a.txt SHA256", "", "", -2146893816),
    ("certutil -hashfile no", "", "", -2147024894),
    ("certutil -decode no x", "", "", -2147024894),
    ("certutil -decode a.txt x", "", "", -2147024883),
    ("certutil -decode", "", "", -2147024809),
    ("certutil -nosuch", "", "", -2147024809),
    ("reg query HKLM\\NoSuch", "", "", 1),
    (
        "reg add HKLM\\X /v n /t REG_DWORD /d 7",
        "",
        "\nThe operation completed successfully\n",
        0,
    ),
    ("taskkill /f /im no.exe", "", "", 128),
    ("ping nosuchhost", "", "", 1),
]


def prepared() -> Machine:
    machine = Machine()
    machine.put("a.txt", "one\ntwo\nThree\n")
    machine.put("b.log", "foo\n")
    machine.files.make_folder("C:\\work\\d")
    return machine


@pytest.mark.parametrize(("line", "stdin", "out", "code"), PROGRAMS)
def test_a_program_prints_and_ends_as_on_windows(
    line: str, stdin: str, out: str, code: int
) -> None:
    result = prepared().run(line, stdin.replace("\n", "\r\n").encode())
    assert result.code == code
    if out or code in (0, 1):
        seen = result.out if out else ""
        assert seen == out.replace("\n", "\r\n")


def test_certutil_decodes_once_and_never_over_a_file_that_is_there() -> None:
    machine = prepared()
    content = bytes(range(256)) * 20
    machine.files.put("C:\\work\\p.b64", base64.encodebytes(content))
    assert machine.run("certutil -decode p.b64 p.bin").code == 0
    assert machine.files.read("C:\\work\\p.bin") == content
    again = machine.run("certutil -decode p.b64 p.bin")
    assert again.code == -2147024816
    assert "FAILED: 0x80070050 (WIN32: 80)\r\n" in again.out
    assert machine.run("certutil -f -decode p.b64 p.bin").code == 0


def test_certutil_encodes_with_frame_and_decodes_its_own_output() -> None:
    machine = prepared()
    assert (
        machine.run("certutil -encode a.txt a.b64&certutil -decode a.b64 c.txt").code
        == 0
    )
    assert (machine.text("a.b64") or "").startswith("-----BEGIN CERTIFICATE-----\r\n")
    assert machine.text("c.txt") == "one\r\ntwo\r\nThree\r\n"


def test_certutil_prints_a_hash_in_spaced_pairs() -> None:
    pairs = " ".join(SHA1[at : at + 2] for at in range(0, 40, 2))
    expected = f"SHA1 hash of file a.txt:\n{pairs}\n{DONE.format('hashfile')}"
    assert prepared().run("certutil -hashfile a.txt").out == expected.replace(
        "\n", "\r\n"
    )
    md5 = prepared().run("certutil -hashfile a.txt md5").out
    assert md5.startswith("MD5 hash of file a.txt:\r\n")


def test_an_old_certutil_does_not_know_hashfile() -> None:
    machine = prepared()
    machine.certutil_hashes = False
    result = machine.run("certutil -hashfile a.txt")
    assert (result.code, "Unknown arg: -hashfile" in result.out) == (-2147024809, True)


def test_a_missing_tool_is_not_recognized() -> None:
    machine = prepared()
    machine.files.delete("C:\\WINDOWS\\system32\\certutil.exe")
    result = machine.run("certutil -hashfile a.txt")
    assert (result.code, "not recognized" in result.err) == (1, True)


def test_a_copied_tool_does_under_its_new_name_what_it_did() -> None:
    machine = prepared()
    result = machine.run("copy %windir%\\system32\\hostname.exe h.exe>nul&h")
    assert result.out == "LCS01\r\n"


def test_a_file_that_is_no_program_is_refused() -> None:
    machine = prepared()
    machine.put("x.exe", "text")
    result = machine.run("x.exe")
    assert result.err == "C:\\work\\x.exe is not a valid Win32 application.\r\n"


def test_cacls_asks_unless_it_edits_and_sets_what_is_asked() -> None:
    machine = prepared()
    refused = machine.run("cacls d /g Administrators:F", b"n\r\n")
    assert refused.out == "Are you sure (Y/N)?"
    before = machine.files.node("C:\\work\\d").security
    assert any(ace.flags & AceFlag.INHERITED for ace in before.dacl)
    done = machine.run("echo y|cacls d /g Administrators:F SYSTEM:F")
    assert done.out == "Are you sure (Y/N)?processed dir: C:\\work\\d\r\n"
    after = machine.files.node("C:\\work\\d").security
    assert [(ace.sid, ace.mask) for ace in after.dacl] == [
        (ADMINISTRATORS, FULL),
        (SYSTEM, FULL),
    ]
    assert machine.run("cacls d").out == (
        "C:\\work\\d BUILTIN\\Administrators:(OI)(CI)F\r\n"
        "          NT AUTHORITY\\SYSTEM:(OI)(CI)F\r\n\r\n"
    )


def test_cacls_edits_add_and_remove_single_accounts() -> None:
    machine = prepared()
    machine.run("cacls d /e /r Users")
    assert "Users" not in machine.run("cacls d").out
    machine.run("cacls d /e /g Everyone:R")
    assert "Everyone:(OI)(CI)R" in machine.run("cacls d").out
    machine.run("cacls d /e /p Everyone:C")
    assert "Everyone:(OI)(CI)C" in machine.run("cacls d").out


def test_cacls_takes_sids_as_sddl() -> None:
    machine = prepared()
    machine.run('echo y|cacls d "/s:D:P(A;OICI;FA;;;S-1-5-18)(A;OICI;FA;;;BA)"')
    security = machine.files.node("C:\\work\\d").security
    assert security.protected
    assert [ace.sid for ace in security.dacl] == [SYSTEM, ADMINISTRATORS]
    assert machine.run("cacls d /s").out == (
        'C:\\work\\d "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"\r\n'
    )


def test_cacls_refuses_unknown_accounts() -> None:
    result = prepared().run("cacls d /e /g nobody:F")
    assert (result.code, "No mapping" in result.err) == (1332, True)


def test_a_folder_that_the_account_may_not_write_refuses_it() -> None:
    machine = prepared()
    machine.run("echo y|cacls d /g SYSTEM:F")
    assert machine.run("echo x>d\\f").err == "Access is denied.\r\n"
    assert machine.run("md d\\e").err == "Access is denied.\r\n"


def test_ping_takes_a_second_between_two_pings() -> None:
    machine = prepared()
    command = machine.open().run("ping -n 4 127.0.0.1 >nul", [], skip_cmd_shell=False)
    machine.pass_time(2.9)
    assert not command.read().done
    machine.pass_time(0.2)
    assert command.read().exit_code == 0


def test_reg_reads_what_it_wrote() -> None:
    machine = prepared()
    machine.run("reg add HKLM\\SOFTWARE\\X /v n /t REG_DWORD /d 7")
    machine.run("reg add HKLM\\SOFTWARE\\X /v s /d text")
    result = machine.run("reg query HKLM\\SOFTWARE\\X")
    assert result.out == (
        "\r\n! REG.EXE VERSION 3.0\r\n\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\X\r\n"
        "    n\tREG_DWORD\t0x7\r\n    s\tREG_SZ\ttext\r\n"
    )
    assert "0x7" in machine.run("reg query HKLM\\SOFTWARE\\X /v n").out
    assert machine.run("reg delete HKLM\\SOFTWARE\\X /v n /f").code == 0
    assert machine.run("reg query HKLM\\SOFTWARE\\X /v n").code == 1


def test_tasklist_filters_and_formats() -> None:
    machine = prepared()
    pid = machine.processes.create("C:\\x\\rtcsrv.exe", "rtcsrv", 4)
    line = 'tasklist /fi "imagename eq rtcsrv.exe" /fo csv /nh'
    assert machine.run(line).out == f'"rtcsrv.exe","{pid}","Console","0","4,096 K"\r\n'
    table = machine.run(f'tasklist /fi "pid eq {pid}"').out.split("\r\n")
    assert table[1].split() == [
        "Image",
        "Name",
        "PID",
        "Session",
        "Name",
        "Session#",
        "Mem",
        "Usage",
    ]
    assert table[3].split() == ["rtcsrv.exe", str(pid), "Console", "0", "4,096", "K"]
    assert machine.run('tasklist /fi "pid eq 1"').out.startswith("INFO: No tasks")
    assert machine.run('tasklist /fi "nonsense"').code == 1


@pytest.mark.parametrize("command", ["more", 'find /v ""', 'findstr "^"'])
def test_standard_input_becomes_lines_of_text_in_a_file(command: str) -> None:
    machine = prepared()
    machine.run(f"{command} > f", b"a\nb\r\nlast")
    assert machine.text("f") == "a\r\nb\r\nlast\r\n"


@pytest.mark.parametrize("command", ["more", 'find /v ""', 'findstr "^"'])
def test_bytes_that_are_no_text_do_not_survive_the_way_through_a_program(
    command: str,
) -> None:
    machine = prepared()
    sent = b"MZ\x00\x03binary\n\x00tail"
    machine.run(f"{command} > f", sent)
    assert machine.files.read("C:\\work\\f") != sent


def test_a_copy_keeps_the_date_of_its_content() -> None:
    machine = prepared()
    machine.pass_time(3600)
    machine.run("copy a.txt c.txt")
    copied = machine.files.node("C:\\work\\c.txt")
    assert (copied.modified, copied.created > START) == (
        machine.files.node("C:\\work\\a.txt").modified,
        True,
    )
