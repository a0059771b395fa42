from __future__ import annotations

import pytest

from orchestrator.domain.hotfix import NoPackage, Package, Platform, choose_package
from tests.unit.domain.values import HOTFIX, package


def chosen(
    *packages: Package,
    platform: Platform = Platform.X86,
    language: str | None = "ENU",
    service_pack: int = 1,
) -> str:
    found = choose_package(
        packages, platform=platform, language=language, service_pack=service_pack
    )
    return f"! {found.reason}" if isinstance(found, NoPackage) else found.name


FIRST = package("WindowsServer2003-KB900001-x86-ENU.exe")
SECOND = package("WindowsServer2003-KB900001-v2-x86-ENU.exe")
TENTH = package("windowsserver2003-kb900001-V10-x86-enu.exe")
GERMAN = package("WindowsServer2003-KB900001-x86-DEU.exe", language="DEU")
ANY = package("WindowsServer2003-KB900001-x86.exe", language=None)
ANY_SECOND = package("WindowsServer2003-KB900001-v2-x86.exe", language=None)
X64 = package("WindowsServer2003.WindowsXP-KB900001-x64-ENU.exe", platform=Platform.X64)
FOR_SP1 = package("WindowsServer2003-KB900001-SP1-x86-ENU.exe", service_pack=1)
FOR_SP2 = package("WindowsServer2003-KB900001-SP2-x86-ENU.exe", service_pack=2)
UNPINNED = package("WindowsServer2003-KB900001-v3-x86-ENU.exe", pinned=False)


@pytest.mark.parametrize(
    ("packages", "name"),
    [
        ([FIRST], FIRST.name),
        ([FIRST, SECOND], SECOND.name),
        ([SECOND, FIRST], SECOND.name),
        ([FIRST, TENTH, SECOND], TENTH.name),
        ([FIRST, ANY], FIRST.name),
        ([FIRST, ANY_SECOND], FIRST.name),
        ([ANY, GERMAN], ANY.name),
        ([FIRST, X64], FIRST.name),
        ([FOR_SP1, FOR_SP2], FOR_SP1.name),
        ([FIRST, UNPINNED], FIRST.name),
        ([UNPINNED], f"! {UNPINNED.name} is not pinned; give --sha256"),
        (
            [GERMAN, X64, FOR_SP2],
            "! no package for x86, ENU, SP1; import one with catalog package",
        ),
        ([], "! no package for x86, ENU, SP1; import one with catalog package"),
    ],
)
def test_the_package_fits_platform_language_and_service_pack(
    packages: list[Package], name: str
) -> None:
    assert chosen(*packages) == name


def test_an_unknown_language_takes_only_a_package_for_all() -> None:
    assert chosen(FIRST, ANY, language=None) == ANY.name
    assert "unknown language" in chosen(FIRST, language=None)


def test_the_edition_stands_in_the_name() -> None:
    assert (FIRST.revision, SECOND.revision, TENTH.revision) == (1, 2, 10)


def test_an_article_has_a_number() -> None:
    assert HOTFIX.number == "900001"
