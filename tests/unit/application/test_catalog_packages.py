"""Packages in the catalog: what is refused, warned of, kept and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.application.catalog import CatalogEntry, import_package, show
from orchestrator.application.ports.files import (
    BadInputError,
    Cabinet,
    PackageFacts,
    PackageInside,
    PackageProblem,
)
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import Result
from orchestrator.domain.authenticode import (
    ChainAnswer,
    DigestAnswer,
    Signature,
    TimestampAnswer,
)
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.version import FileVersion
from tests.fakes.estate import ARTICLE, World, world

INSIDE = PackageInside(
    FileVersion(6, 1, 22, 4),
    "update.exe",
    "6.1.22.4",
    Cabinet(found=True, entries=("SP1QFE/example.dll",), total=1),
    Signature(DigestAnswer.MATCHES, ChainAnswer.OPEN, TimestampAnswer.VALID),
    lab=False,
)
FACTS = PackageFacts(
    name="WindowsServer2003-KB700001-x86-ENU.exe",
    article=ARTICLE,
    platform=Platform.X86,
    language="ENU",
    service_pack=None,
    size=1000,
    sha256="12" * 32,
    sha1="34" * 20,
    pinned=True,
    lab=False,
    product="WindowsServer2003",
    inside=INSIDE,
)


@pytest.fixture
def estate(sqlite_storage: Storage) -> Iterator[World]:
    with world(sqlite_storage, ["fe1"]) as made:
        yield made


def imported(made: World, found: PackageFacts | PackageProblem) -> Result[CatalogEntry]:
    """Import a package whose reader says this."""

    def reader(path: Path, *, pin: str | None) -> PackageFacts | PackageProblem:
        assert (path.name, pin) == ("package.exe", "a pin")
        return found

    path = Path("/somewhere/package.exe")
    return import_package(made.services, reader, ARTICLE, path, "a pin")


def test_what_the_bytes_say_is_shown_with_the_package(estate: World) -> None:
    assert imported(estate, FACTS).warnings == ()
    shown = show(estate.services, ARTICLE).data
    assert shown.insides == {FACTS.sha256: INSIDE}
    assert FACTS.sha256 in {package.sha256 for package in shown.packages}


def test_the_newest_import_counts(estate: World) -> None:
    imported(estate, FACTS)
    unsigned = replace(INSIDE, signature=Signature(DigestAnswer.UNSIGNED))
    imported(estate, replace(FACTS, inside=unsigned))
    assert show(estate.services, ARTICLE).data.insides[FACTS.sha256] == unsigned


def test_each_package_keeps_its_own(estate: World) -> None:
    imported(estate, FACTS)
    other = replace(INSIDE, engine_version="6.2")
    imported(estate, replace(FACTS, sha256="56" * 32, inside=other))
    shown = show(estate.services, ARTICLE).data.insides
    assert shown == {FACTS.sha256: INSIDE, "56" * 32: other}


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        (replace(FACTS, pinned=False), "not pinned"),
        (
            replace(
                FACTS,
                inside=replace(INSIDE, signature=Signature(DigestAnswer.UNSIGNED)),
            ),
            "its signature is unsigned",
        ),
        (
            replace(
                FACTS,
                inside=replace(
                    INSIDE, signature=replace(INSIDE.signature, remarks=("x",))
                ),
            ),
            "exe: x",
        ),
        (
            replace(
                FACTS, inside=replace(INSIDE, cabinet=Cabinet(True, deltas_only=True))
            ),
            "deltas only",
        ),
    ],
)
def test_what_an_operator_should_know_is_a_warning(
    estate: World, facts: PackageFacts, warning: str
) -> None:
    (said,) = imported(estate, facts).warnings
    assert warning in said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (PackageProblem("SHA-256 ab", "the pin cd", "obtain it again"), "the pin cd"),
        (replace(FACTS, article="KB1"), "a package of KB1"),
        (
            replace(FACTS, product="WindowsXP"),
            "one for WindowsXP, expected Windows 5.2",
        ),
        (replace(FACTS, product="Windows2000"), "one for Windows2000"),
    ],
)
def test_a_package_that_is_not_for_the_article_is_refused_and_not_kept(
    estate: World, found: PackageFacts | PackageProblem, said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        imported(estate, found)
    assert show(estate.services, ARTICLE).data.insides == {}


@pytest.mark.parametrize(
    "product",
    ["WindowsServer2003", "windowsserver2003.WINDOWSXP", "LAB.WindowsServer2003", ""],
)
def test_a_package_for_several_systems_fits_if_one_does(
    estate: World, product: str
) -> None:
    imported(estate, replace(FACTS, product=product))
    assert FACTS.sha256 in show(estate.services, ARTICLE).data.insides
