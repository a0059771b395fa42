r"""File tables from packages extracted on Windows: SP1QFE, SP1GDR, …\wow."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from orchestrator.adapters.packages import extracted
from orchestrator.adapters.packages.extracted import read_extracted
from orchestrator.application.ports.files import BadInputError, TableRead
from orchestrator.domain.hotfix import FileRow, Platform, PlausibleWindow, Provenance
from orchestrator.domain.version import Branch, FileVersion
from orchestrator.lab.windows import pe


def place(
    root: Path,
    where: str,
    version: str = "5.2.3790.2600",
    *,
    platform: str = "x86",
    size: int = 4096,
    **strings: str,
) -> Path:
    """A program in a package's folder."""
    path = root.joinpath(*where.split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    version_of = pe.FileVersion(pe.numbers_of(version), strings)
    path.write_bytes(pe.make_image(version_of, platform=platform, size=size))
    return path


def read(folder: Path, plausible: PlausibleWindow | None = None) -> TableRead:
    return read_extracted(
        folder, supplied_by="operator", source="a case", plausible=plausible
    )


def rows(folder: Path) -> tuple[FileRow, ...]:
    return read(folder).table.rows


def problem(folder: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        read(folder)
    return str(caught.value)


def test_both_branches_give_versions_sizes_and_platforms(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/schannel.dll", "5.2.3790.2600", size=8192)
    place(tmp_path, "SP1GDR/schannel.dll", "5.2.3790.2600", size=4096)
    place(tmp_path, "sp2qfe/schannel.dll", "5.2.3790.4068")
    place(tmp_path, "RTMQFE/schannel.dll", "5.2.3790.500")
    path = r"%systemroot%\system32\schannel.dll"
    found = {(row.branch, row.service_pack): row for row in rows(tmp_path)}
    assert found[Branch.QFE, 1] == FileRow(
        "schannel.dll",
        path,
        FileVersion(5, 2, 3790, 2600),
        Platform.X86,
        Branch.QFE,
        service_pack=1,
        size=8192,
    )
    assert found[Branch.GDR, 1].size == 4096
    assert found[Branch.QFE, 2].version == FileVersion(5, 2, 3790, 4068)
    assert found[Branch.QFE, 0].version == FileVersion(5, 2, 3790, 500)


def test_the_table_says_where_it_is_from(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll")
    table = read(tmp_path).table
    assert table.provenance == Provenance("operator", "a case")
    assert not table.lab


def test_the_labs_files_make_a_lab_table(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll", CompanyName="Lab")
    assert read(tmp_path).table.lab


def test_the_installers_own_files_are_no_rows(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll")
    place(tmp_path, "update/update.exe")
    place(tmp_path, "spmsg.dll")
    (tmp_path / "SP1QFE" / "readme.txt").write_text("text")
    found = read(tmp_path)
    assert [row.file for row in found.table.rows] == ["a.dll"]
    assert ["readme.txt" in warning.where for warning in found.warnings] == [True]


@pytest.mark.parametrize("platform", ["x64", "ia64"])
def test_a_32_bit_copy_belongs_to_the_64_bit_system(
    tmp_path: Path, platform: str
) -> None:
    place(tmp_path, "SP1QFE/schannel.dll", platform=platform)
    place(tmp_path, "SP1QFE/wow/wschannel.dll")
    wide, copy = sorted(rows(tmp_path), key=lambda row: row.path)
    assert (wide.path, wide.platform.value) == (
        r"%systemroot%\system32\schannel.dll",
        platform,
    )
    assert (copy.file, copy.path, copy.platform.value) == (
        "wschannel.dll",
        r"%systemroot%\syswow64\schannel.dll",
        platform,
    )


def test_a_copys_own_resource_tells_its_name_too(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/other.dll", platform="x64")
    place(tmp_path, "SP1QFE/wow/wfirst.dll", OriginalFilename="First.dll")
    place(tmp_path, "SP1QFE/wow/wininet.dll", OriginalFilename="wininet.dll")
    names = {row.path.rpartition("\\")[2] for row in rows(tmp_path)}
    assert names == {"other.dll", "first.dll", "wininet.dll"}


def test_a_copy_without_64_bit_files_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll")
    place(tmp_path, "SP1QFE/wow/wa.dll")
    assert "a 32-bit copy beside 64-bit files" in problem(tmp_path)


@pytest.mark.parametrize(
    ("folder", "text", "good"),
    [
        ("SP1QFE", "5.2.3790.2600 (srv03_sp1_qfe.051121-1930)", True),
        ("SP1QFE", "5.2.3790.2600 (srv03_sp1_gdr.051121-1930)", False),
        ("SP1GDR", "5.2.3790.2600 (srv03_sp1_gdr.051121-1930)", True),
        ("SP1GDR", "5.2.3790.1830 (srv03_sp1_rtm.050324-1447)", True),
        ("SP1GDR", "5.2.3790.2600 (srv03_sp1_ldr.051121-1930)", False),
        ("SP1QFE", "5.2.3790.2600", True),
    ],
)
def test_a_file_of_another_branch_than_its_folder_is_refused(
    tmp_path: Path, folder: str, text: str, good: bool
) -> None:
    place(tmp_path, f"{folder}/a.dll", FileVersion=text)
    if good:
        assert len(rows(tmp_path)) == 1
    else:
        assert "/extract" in problem(tmp_path)


def test_deltas_alone_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "_sfx_manifest_").write_bytes(b"x")
    found = problem(tmp_path)
    assert "deltas (_sfx_*)" in found
    assert "extract the package on Windows" in found


def test_a_folder_without_branches_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "system32/a.dll")
    assert "no branch folder" in problem(tmp_path)
    assert "check the path" in problem(tmp_path / "missing")


def test_an_implausible_version_is_a_warning(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll", "5.2.3790.9999")
    window = PlausibleWindow(
        FileVersion(5, 2, 3790, 1830), FileVersion(5, 2, 3790, 2924), "a reason"
    )
    (warning,) = read(tmp_path, window).warnings
    assert warning.found == "5.2.3790.9999"


def test_where_a_driver_goes_is_an_assumption_and_said(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/tcpip.sys")
    (warning,) = read(tmp_path).warnings
    assert "the system folder was assumed" in str(warning)


def test_links_are_not_followed(tmp_path: Path) -> None:
    place(tmp_path, "SP1QFE/a.dll")
    outside = place(tmp_path, "elsewhere/b.dll")
    (tmp_path / "SP1QFE" / "b.dll").symlink_to(outside)
    (tmp_path / "SP1GDR").symlink_to(tmp_path / "elsewhere")
    assert [row.file for row in rows(tmp_path)] == ["a.dll"]


def test_too_many_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extracted, "MAX_FILES", 1)
    place(tmp_path, "SP1QFE/a.dll")
    place(tmp_path, "SP1QFE/b.dll")
    assert "more than 1 files" in problem(tmp_path)


def test_damaged_files_are_left_out_or_read_never_a_crash(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 -- damage, no secret
    place(tmp_path, "SP1QFE/whole.dll")
    for number in range(40):
        path = place(tmp_path, f"SP1QFE/damaged{number}.dll", size=0)
        content = bytearray(path.read_bytes())
        for _ in range(4):
            content[chance.randrange(2, len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randrange(2, len(content))])
    assert "whole.dll" in {row.file for row in rows(tmp_path)}
