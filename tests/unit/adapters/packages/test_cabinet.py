"""The cabinet inside a program: listed, never unpacked."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.packages import cabinet as module
from orchestrator.adapters.packages.cabinet import read_cabinet
from orchestrator.adapters.packages.text import MAX_TEXT
from tests.fixtures.packages import cabinet, program, stored

DELTAS = ("_sfx_.dll", "_sfx_manifest_", "_sfx_0000._p", "_sfx_0001._p")


def test_the_files_of_a_cabinet_are_listed(tmp_path: Path) -> None:
    content = program() + cabinet("SP1QFE\\schannel.dll", "update\\update.exe")
    found = read_cabinet(stored(tmp_path, content))
    assert found.found
    assert sorted(found.entries) == ["SP1QFE/schannel.dll", "update/update.exe"]
    assert (found.total, found.deltas_only, found.problem) == (2, False, "")


def test_a_cabinet_that_was_cut_off_is_told_with_what_is_missing(
    tmp_path: Path,
) -> None:
    whole = cabinet("SP1QFE\\schannel.dll")
    found = read_cabinet(stored(tmp_path, program() + whole[:-7]))
    assert found.problem == f"cut off: {len(whole) - 7} of {len(whole)} bytes are there"


def test_a_program_without_one_has_none(tmp_path: Path) -> None:
    assert not read_cabinet(stored(tmp_path, program())).found


def test_deltas_alone_are_said_to_be_deltas(tmp_path: Path) -> None:
    path = stored(tmp_path, program() + cabinet(*DELTAS))
    assert read_cabinet(path).deltas_only


def test_deltas_beside_a_branchs_files_are_not_all(tmp_path: Path) -> None:
    path = stored(tmp_path, program() + cabinet(*DELTAS, "sp1qfe\\schannel.dll"))
    assert not read_cabinet(path).deltas_only


def test_a_cabinet_far_behind_the_program_is_found(tmp_path: Path) -> None:
    content = program() + b"\0" * (1 << 20) + cabinet("a.dll")
    assert read_cabinet(stored(tmp_path, content)).entries == ("a.dll",)


def test_what_only_begins_like_a_cabinet_does_not_hide_the_real_one(
    tmp_path: Path,
) -> None:
    content = program() + b"MSCF\0\0\0\0 no cabinet" + cabinet("a.dll")
    assert read_cabinet(stored(tmp_path, content)).entries == ("a.dll",)


def test_lzx_content_is_listed_though_it_cannot_be_unpacked(tmp_path: Path) -> None:
    content = bytearray(cabinet("SP1QFE\\schannel.dll"))
    # CFFOLDER.typeCompress: LZX with a window of 21 bits (MS-CAB).
    struct.pack_into("<H", content, 36 + 6, 0x1503)
    found = read_cabinet(stored(tmp_path, program() + bytes(content)))
    assert found.entries == ("SP1QFE/schannel.dll",)


def test_names_are_bounded_in_number_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    names = [f"file-{number}.dll" for number in range(9)]
    found = read_cabinet(stored(tmp_path, program() + cabinet(*names)))
    assert (len(found.entries), found.total) == (3, 9)


def test_a_name_that_would_steer_a_terminal_is_cleaned(tmp_path: Path) -> None:
    path = stored(tmp_path, program() + cabinet("a\x1b[31m.dll"))
    assert all(name.isprintable() for name in read_cabinet(path).entries)


def test_gcabs_cabinets_are_listed_too(tmp_path: Path) -> None:
    if shutil.which("gcab") is None:
        pytest.skip("gcab is not installed")
    (tmp_path / "schannel.dll").write_bytes(b"x" * 70_000)
    subprocess.run(
        ["gcab", "-c", "-z", "made.cab", "schannel.dll"],
        check=True,
        cwd=tmp_path,
        timeout=30,
    )
    content = program() + (tmp_path / "made.cab").read_bytes()
    assert read_cabinet(stored(tmp_path, content)).entries == ("schannel.dll",)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_damaged_cabinet_is_listed_in_part_or_not_at_all(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(cabinet("SP1QFE\\schannel.dll", "update\\update.inf"))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(8, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(content)))
    found = read_cabinet(stored(tmp_path, program() + bytes(content[:cut])))
    assert found.found
    assert len(found.entries) <= found.total <= module.MAX_COUNTED
    assert all(len(name) <= MAX_TEXT for name in found.entries)
