from __future__ import annotations

import pytest

from orchestrator.domain.exit_codes import CodeMeaning, extended_code, read_exit_code

OK, RESTART = CodeMeaning.SUCCESS, CodeMeaning.RESTART_WANTED
FAILED = CodeMeaning.FAILURE


@pytest.mark.parametrize(
    ("code", "extended", "meaning", "phrase"),
    [
        (0, None, OK, "installed"),
        (0, "0xf201", OK, "installed"),
        (3010, None, RESTART, "installed, wants a restart (3010)"),
        (1603, None, FAILED, "failed, 1603"),
        (1603, "0xf201", FAILED, "failed, 1603, extended error 0xf201"),
        (0xF000, None, FAILED, "update.exe extended error 0xf000"),
        (0xF01E, None, FAILED, "update.exe extended error 0xf01e"),
        (0xF2FF, None, FAILED, "update.exe extended error 0xf2ff"),
        (0xF300, None, FAILED, "failed, code 62208"),
        (0xEFFF, None, FAILED, "failed, code 61439"),
        (0x8007F0DA, None, FAILED, "update.exe extended error 0x8007f0da"),
        (0x8007F0DA - 2**32, None, FAILED, "update.exe extended error 0x8007f0da"),
        (0x1F01E, None, FAILED, "failed, code 127006"),
        (0x80070005, None, FAILED, "failed, code 2147942405"),
        (-1, None, FAILED, "failed, code 4294967295"),
        (-1, "0x1", FAILED, "failed, code 4294967295, extended error 0x1"),
        (1641, None, FAILED, "failed, code 1641"),
        (1602, None, FAILED, "failed, code 1602"),
        (194, None, FAILED, "failed, code 194"),
        (67, None, FAILED, "failed, code 67"),
        (0x10000, None, FAILED, "failed, code 65536"),
        (3010 - 2**32, None, RESTART, "installed, wants a restart (3010)"),
    ],
)
def test_a_code_says_what_its_source_says(
    code: int, extended: str | None, meaning: CodeMeaning, phrase: str
) -> None:
    found = read_exit_code(code, extended)
    assert (found.code, found.meaning, found.phrase) == (code, meaning, phrase)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], None),
        (["1.313: nothing of note"], None),
        (["1.313: Update.exe extended error code = 0xf201"], "0xf201"),
        (["UPDATE.EXE EXTENDED ERROR CODE = 0xF01E"], "0xF01E"),
        (["extended error code = 0xf201", "extended error code = 0xf01e"], "0xf01e"),
        (["extended error code = none"], None),
    ],
)
def test_the_last_extended_error_of_a_log_counts(
    lines: list[str], code: str | None
) -> None:
    assert extended_code(lines) == code
