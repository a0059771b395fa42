"""PE files, cabinets and packages are real enough for readers not made here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.windows import cabinet, package
from orchestrator.lab.windows.pe import (
    FileVersion,
    is_image,
    make_image,
    numbers_of,
    version_of,
)
from orchestrator.lab.windows.profile import Platform

MOMENT = datetime(2005, 11, 21, 19, 30, tzinfo=UTC)
part = st.integers(0, 0xFFFF)
text = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), max_size=30)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)


@given(st.tuples(part, part, part, part), st.dictionaries(names, text, max_size=8))
def test_a_version_resource_comes_back(
    numbers: tuple[int, int, int, int], strings: dict[str, str]
) -> None:
    found = version_of(make_image(FileVersion(numbers, strings)))
    assert found is not None
    assert found.numbers == numbers
    assert found.strings == strings


@pytest.mark.parametrize("platform", ["x86", "x64", "ia64"])
def test_an_image_has_the_size_asked_for(platform: Platform) -> None:
    content = make_image(FileVersion((1, 2, 3, 4)), platform=platform, size=20_000)
    assert len(content) == 20_000
    assert is_image(content)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_image_have_no_version(content: bytes) -> None:
    assert version_of(content) is None


@given(st.integers(0, 3000))
def test_a_cut_off_image_never_breaks_the_reader(length: int) -> None:
    version_of(package.schannel()[:length])


@pytest.mark.parametrize("dotted", ["5.2.3790", "5.2.3790.70000", "a.b.c.d", ""])
def test_a_version_is_four_numbers(dotted: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        numbers_of(dotted)


def test_the_branch_is_read_from_the_version_string() -> None:
    for branch in ("rtm", "gdr", "qfe"):
        found = version_of(package.schannel("5.2.3790.2600", branch))
        assert found is not None
        assert found.branch == branch


@given(st.dictionaries(names, st.binary(max_size=70_000), max_size=3))
def test_a_cabinet_gives_back_its_files(files: dict[str, bytes]) -> None:
    assert cabinet.read(cabinet.write(files, MOMENT)) == files


@given(st.data())
def test_a_damaged_cabinet_is_refused_or_reads_the_same(data: st.DataObject) -> None:
    files = {"a.txt": b"lab" * 50}
    whole = cabinet.write(files, MOMENT)
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
    try:
        found = cabinet.read(damaged)
    except cabinet.CabinetError:
        return
    assert all(isinstance(content, bytes) for content in found.values())


@given(st.integers(0, 400))
def test_a_cut_off_cabinet_is_refused(length: int) -> None:
    whole = cabinet.write({"a.txt": bytes(range(256)) * 4}, MOMENT)
    with pytest.raises(cabinet.CabinetError):
        cabinet.read(whole[: min(length, len(whole) - 1)])


def test_a_package_says_that_it_is_the_labs() -> None:
    content = package.make_lab_package()
    version = version_of(content)
    assert version is not None
    assert version.strings["CompanyName"] == "Lab"
    assert version.strings["Installer Engine"] == "update.exe"
    assert version.strings["OriginalFilename"].startswith("LAB-")
    assert "Microsoft Corporation" not in str(version.strings)
    found = cabinet.find(content)
    assert found is not None
    assert b"LAB-ONLY" in cabinet.read(found)["LAB-NOTICE.txt"]


def test_the_same_package_has_the_same_bytes() -> None:
    assert package.make_lab_package() == package.make_lab_package()


def test_padding_makes_a_package_as_large_as_asked() -> None:
    assert len(package.make_lab_package(padding=300_000)) > 300_000


def test_a_package_is_known_by_its_content() -> None:
    opened = package.open_package(package.make_lab_package("KB111111", "x64"))
    assert opened is not None
    assert opened.article == "KB111111"
    assert set(opened.files) == {"schannel.dll", "wow\\wschannel.dll"}


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ", package.schannel(), package.make_lab_package()[:-100]],
)
def test_what_is_no_whole_package_is_none(content: bytes) -> None:
    assert package.open_package(content) is None
