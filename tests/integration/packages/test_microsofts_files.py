"""The readers of versions and signatures on files that Microsoft built and signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.adapters.packages.extracted import read_extracted
from orchestrator.adapters.packages.signature import read_signature
from orchestrator.adapters.packages.version_resource import (
    is_lab_made,
    read_version_resource,
)
from orchestrator.domain.authenticode import (
    ChainAnswer,
    DigestAnswer,
    TimestampAnswer,
)
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.version import Branch, FileVersion
from tests.fixtures.packages import microsoft_files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("msvc-runtime")
    return {path.name: path for path in microsoft_files(folder)}


def test_they_are_signed_and_stamped(files: dict[str, Path]) -> None:
    for path in files.values():
        found = read_signature(path)
        assert found.digest is DigestAnswer.MATCHES
        assert found.chain is ChainAnswer.OPEN
        assert found.timestamp is TimestampAnswer.VALID
        assert found.valid_when_stamped is True
        assert "Microsoft Corporation" in found.certificates[0].subject


def test_one_changed_byte_shows(files: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray(files["vcruntime140.dll"].read_bytes())
    content[0x1000] ^= 1
    path = tmp_path / "changed.dll"
    path.write_bytes(content)
    assert read_signature(path).digest is DigestAnswer.DIFFERS


def test_their_version_platform_and_maker_are_read(files: dict[str, Path]) -> None:
    found = read_version_resource(files["vcruntime140.dll"])
    assert found is not None
    assert found.version is not None
    assert found.version > FileVersion(14, 0, 0, 0)
    assert str(found.version).startswith(found.strings["FileVersion"][:5])
    assert found.platform is Platform.X64
    assert found.strings["CompanyName"] == "Microsoft Corporation"
    assert not is_lab_made(found)


def test_they_make_a_file_table(files: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "SP1QFE"
    folder.mkdir()
    original = files["vcruntime140.dll"]
    (folder / original.name).symlink_to(original)  # no package holds links
    (folder / "msvcp140.dll").write_bytes(files["msvcp140.dll"].read_bytes())
    read = read_extracted(tmp_path, supplied_by="me", source="x", plausible=None)
    (row,) = read.table.rows
    assert (row.file, row.platform, row.branch) == (
        "msvcp140.dll",
        Platform.X64,
        Branch.QFE,
    )
    assert row.size == files["msvcp140.dll"].stat().st_size
