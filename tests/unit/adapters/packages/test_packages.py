"""Installer files by name, hash and maker."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.packages.file_name import PackageName, parse_package_name
from orchestrator.adapters.packages.hashes import TooLargeError, hash_stream
from orchestrator.adapters.packages.reader import read_package
from orchestrator.adapters.packages.version_resource import (
    is_lab_made,
    read_version_resource,
)
from orchestrator.application.ports.files import PackageFacts, PackageProblem
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.version import FileVersion as Version
from orchestrator.lab.windows.package import file_name, make_lab_package
from orchestrator.lab.windows.pe import FileVersion, make_image

NAME = "WindowsServer2003-KB700123-x86-ENU.exe"


ENGINE = {"Installer Engine": "update.exe", "Installer Version": "6.1.22.4"}


def image(**strings: str) -> bytes:
    return make_image(FileVersion((6, 1, 22, 4), {**ENGINE, **strings}))


def stored(folder: Path, content: bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def facts(path: Path, pin: str | None = None) -> PackageFacts:
    result = read_package(path, pin=pin)
    assert isinstance(result, PackageFacts), result
    return result


def problem(path: Path, pin: str | None = None) -> PackageProblem:
    result = read_package(path, pin=pin)
    assert isinstance(result, PackageProblem), result
    return result


@pytest.mark.parametrize("kept", [2, 100, 300, 800])
def test_a_file_that_was_cut_off_is_told_with_its_size(
    tmp_path: Path, kept: int
) -> None:
    found = problem(stored(tmp_path, image()[:kept]))
    assert f"{kept} bytes" in found.found
    assert "cut off" in found.hint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, ("KB700123", 1, None, Platform.X86, "ENU")),
        (NAME.upper(), ("KB700123", 1, None, Platform.X86, "ENU")),
        (NAME.lower(), ("KB700123", 1, None, Platform.X86, "ENU")),
        (
            "WindowsServer2003.WindowsXP-KB700123-x64-DEU.exe",
            ("KB700123", 1, None, Platform.X64, "DEU"),
        ),
        (
            "WindowsServer2003-KB700123-ia64-ENU.exe",
            ("KB700123", 1, None, Platform.IA64, "ENU"),
        ),
        (
            "WindowsServer2003-KB700123-AMD64-ENU.exe",
            ("KB700123", 1, None, Platform.X64, "ENU"),
        ),
        (
            "WindowsServer2003-KB700123-v2-x86-ENU.exe",
            ("KB700123", 2, None, Platform.X86, "ENU"),
        ),
        (
            "WindowsServer2003-KB700123-SP2-x86-JPN.exe",
            ("KB700123", 1, 2, Platform.X86, "JPN"),
        ),
        (
            "WindowsServer2003-KB700123-x86-INTL.exe",
            ("KB700123", 1, None, Platform.X86, None),
        ),
        (
            "WindowsServer2003-KB700123-x86.exe",
            ("KB700123", 1, None, Platform.X86, None),
        ),
        ("Windows2000-KB700123-ENU.exe", ("KB700123", 1, None, Platform.X86, "ENU")),
        ("WindowsXP-Q700123-x86-ENU.exe", ("KB700123", 1, None, Platform.X86, "ENU")),
    ],
)
def test_real_variants_of_package_names_are_read(
    name: str, expected: tuple[object, ...]
) -> None:
    found = parse_package_name(name)
    assert isinstance(found, PackageName)
    assert (
        found.article,
        found.revision,
        found.service_pack,
        found.platform,
        found.language,
    ) == expected


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe",
        "WindowsServer2003-KB700123-x86-ENU.msi",
        "WindowsServer2003-KB700123-x86-CUS.exe",
        "WindowsServer2003-KB700123-86-ENU.exe",
        "WindowsServer2003-KB700123-ENU.exe",
        "WindowsServer2003-KB7-x86-ENU.exe",
        "WindowsServer2003-KB700123-x86-ENU.exe & del",
        "x" * 500 + "-KB700123-x86-ENU.exe",
        "",
    ],
)
def test_other_names_are_refused_with_an_example(name: str) -> None:
    found = parse_package_name(name)
    assert isinstance(found, PackageProblem)
    assert found.expected


@pytest.mark.parametrize("name", ["448094_intl_i386_zip.exe", "700123_ENU_x64_zip.EXE"])
def test_a_support_wrapper_is_refused_with_how_to_unpack_it(name: str) -> None:
    found = parse_package_name(name)
    assert isinstance(found, PackageProblem)
    assert "run it once on any Windows computer" in found.hint


@given(st.text())
def test_any_name_is_a_package_or_a_problem(name: str) -> None:
    found = parse_package_name(name)
    if isinstance(found, PackageProblem):
        assert found.found.isprintable()


def test_a_pinned_package_gives_its_facts(tmp_path: Path) -> None:
    content = image(CompanyName="Microsoft Corporation")
    digest = hashlib.sha256(content).hexdigest()
    found = facts(stored(tmp_path, content), pin=digest.upper())
    assert replace(found, inside=None) == PackageFacts(
        name=NAME,
        article="KB700123",
        platform=Platform.X86,
        language="ENU",
        service_pack=None,
        size=len(content),
        sha256=digest,
        sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        pinned=True,
        lab=False,
        product="WindowsServer2003",
    )


def test_without_a_pin_a_package_is_unpinned(tmp_path: Path) -> None:
    assert not facts(stored(tmp_path, image())).pinned


def test_another_hash_than_the_pin_is_refused_naming_both(tmp_path: Path) -> None:
    content = image()
    found = problem(stored(tmp_path, content), pin="0" * 64)
    assert hashlib.sha256(content).hexdigest() in found.found
    assert "0" * 64 in found.expected


@pytest.mark.parametrize("pin", ["", "abc", "g" * 64, "0" * 40])
def test_a_pin_that_is_no_sha256_is_refused(tmp_path: Path, pin: str) -> None:
    found = problem(stored(tmp_path, image()), pin=pin)
    assert "64 hexadecimal digits" in found.expected


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    assert "no Windows program" in problem(stored(tmp_path, b"text")).found
    assert problem(tmp_path / NAME.lower()).hint == "check the path"
    (tmp_path / "folder").mkdir()
    folder = (tmp_path / "folder").rename(tmp_path / NAME.upper())
    assert "not a plain file" in problem(folder).found


def test_hashing_stops_at_its_limit() -> None:
    assert hash_stream(io.BytesIO(b"x" * 10), limit=10).size == 10
    with pytest.raises(TooLargeError):
        hash_stream(io.BytesIO(b"x" * 11), limit=10)


def test_the_labs_own_package_is_known_as_the_labs(tmp_path: Path) -> None:
    name = file_name("KB700123", "x64")
    found = facts(stored(tmp_path, make_lab_package("KB700123", "x64"), name))
    assert found.lab
    assert found.platform is Platform.X64


@pytest.mark.parametrize("maker", ["Microsoft Corporation", "Labrador Inc", ""])
def test_no_other_maker_is_the_lab(tmp_path: Path, maker: str) -> None:
    path = stored(tmp_path, image(CompanyName=maker, ProductName=maker))
    assert not is_lab_made(read_version_resource(path))


def test_a_version_resource_is_read_with_its_strings(tmp_path: Path) -> None:
    path = stored(tmp_path, image(FileVersion="6.1.22.4 (a_sp1_qfe.1)"))
    resource = read_version_resource(path)
    assert resource is not None
    assert resource.version == Version(6, 1, 22, 4)
    assert resource.strings["FileVersion"] == "6.1.22.4 (a_sp1_qfe.1)"
