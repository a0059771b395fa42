r"""A file table from the folder of a package that was extracted on Windows.

``package.exe /extract:FOLDER`` leaves a folder for each branch, such as ``SP1QFE``
and ``SP1GDR``, with 32-bit copies for 64-bit systems under ``wow`` (KB824994). The
``update`` folder holds the installer's own files. The files are real programs, so
version, platform and branch come from each one's own resource.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.packages.confined import UnparsableError, version_resources
from orchestrator.adapters.packages.text import printable
from orchestrator.adapters.packages.version_resource import (
    VersionResource,
    is_lab_made,
)
from orchestrator.application.ports.files import (
    BadInputError,
    Problem,
    TableRead,
    implausible,
)
from orchestrator.domain.hotfix import (
    FileRow,
    FileTable,
    Platform,
    PlausibleWindow,
    Provenance,
)
from orchestrator.domain.version import Branch, FileVersion, parse_build_lab

MAX_FILES = 2_000  # of the branches; a hotfix has a dozen
MAX_FILE_BYTES = 256 * 1024 * 1024

_BRANCH = re.compile(r"(?:SP(?P<pack>\d)|RTM)(?P<branch>GDR|QFE)", re.IGNORECASE)
_WOW = "wow"
_NAME = re.compile(r"[a-z0-9_$~-][a-z0-9._$~-]{0,127}")
_WIDE = (Platform.X64, Platform.IA64)


@dataclass(frozen=True, slots=True)
class _Found:
    """A file in a branch's folder."""

    path: Path
    branch: Branch
    service_pack: int
    wow: bool
    size: int

    @property
    def name(self) -> str:
        return self.path.name.lower()

    @property
    def where(self) -> str:
        """Branch, ``wow`` and name, as the package has them."""
        parts = self.path.parts[-3 if self.wow else -2 :]
        return printable("\\".join(parts))


@dataclass(frozen=True, slots=True)
class _Image:
    """A file with what its resource says."""

    found: _Found
    version: FileVersion
    platform: Platform
    resource: VersionResource


def read_extracted(
    folder: Path,
    *,
    supplied_by: str,
    source: str,
    plausible: PlausibleWindow | None,
) -> TableRead:
    """Read versions, platforms, branches and sizes from an extracted package.

    Raises:
        BadInputError: there is no branch folder, or its files contradict it.
    """
    found = _files(folder)
    images, skipped = _images(folder, found)
    wide = {image.platform for image in images} & set(_WIDE)
    problems = [problem for image in images for problem in _problems(image, wide)]
    if not images:
        problems = [_nothing(folder)]
    if problems:
        raise BadInputError(folder.name, problems)
    originals = {image.found.name for image in images if not image.found.wow}
    rows = [row for image in images for row in _rows(image, wide, originals)]
    table = FileTable(
        tuple(rows),
        Provenance(supplied_by, source),
        lab=any(is_lab_made(image.resource) for image in images),
    )
    unsure = [_assumed_path(image) for image in images if not _is_library(image)]
    return TableRead(table, (*skipped, *unsure, *implausible(table, plausible)))


def _files(folder: Path) -> list[_Found]:
    found: list[_Found] = []
    for branch_folder in _sorted(folder):
        match = _BRANCH.fullmatch(branch_folder.name)
        if match is None or not branch_folder.is_dir():
            continue
        branch, pack = Branch(match["branch"].upper()), int(match["pack"] or 0)
        for path, wow in _of_branch(branch_folder):
            if len(found) == MAX_FILES:
                problem = Problem("", f"more than {MAX_FILES} files", "fewer")
                raise BadInputError(folder.name, [problem])
            found.append(_Found(path, branch, pack, wow, path.stat().st_size))
    return found


def _of_branch(folder: Path) -> Iterator[tuple[Path, bool]]:
    for path in _sorted(folder):
        if path.is_dir() and path.name.lower() == _WOW:
            yield from ((each, True) for each in _sorted(path) if each.is_file())
        elif path.is_file():
            yield path, False


def _sorted(folder: Path) -> list[Path]:
    """A folder's entries by name; links, which Windows did not make, left out."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(each) for each in entries if not each.is_symlink())
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem("", found, "a readable folder", "check the path")
        raise BadInputError(folder.name, [problem]) from error


def _images(
    folder: Path, found: Sequence[_Found]
) -> tuple[list[_Image], list[Problem]]:
    """The programs among the files, and what was passed over."""
    small = [each for each in found if each.size <= MAX_FILE_BYTES]
    try:
        resources = version_resources([each.path for each in small])
    except UnparsableError as error:
        problem = Problem("", f"files that cannot be parsed ({error})", "programs")
        raise BadInputError(folder.name, [problem]) from error
    images = []
    for each, seen in zip(small, resources, strict=True):
        if seen is not None and seen.version is not None and seen.platform is not None:
            images.append(_Image(each, seen.version, seen.platform, seen))
    taken = {image.found.path for image in images}
    skipped = [
        Problem(each.where, "no program with a version", "left out of the table")
        for each in found
        if each.path not in taken
    ]
    return images, skipped


def _problems(image: _Image, wide: Iterable[Platform]) -> Iterator[Problem]:
    where = image.found.where
    if _NAME.fullmatch(image.found.name) is None:
        yield Problem(where, "a strange name", "a file name as Windows uses it")
    lab = parse_build_lab(image.resource.strings.get("FileVersion", ""))
    says = Branch.GDR if lab and lab.branch is Branch.RTM else lab and lab.branch
    if says is not None and says is not image.found.branch:
        hint = "take the folder as the package's own /extract left it"
        yield Problem(where, f"a file of {says}", image.found.branch.value, hint)
    if image.found.wow and (image.platform is not Platform.X86 or not wide):
        expected = "a 32-bit copy beside 64-bit files"
        yield Problem(where, f"a file for {image.platform}", expected)


def _rows(
    image: _Image, wide: Iterable[Platform], originals: set[str]
) -> Iterator[FileRow]:
    found = image.found
    name = _installed_name(image, originals)
    folder = "syswow64" if found.wow else "system32"
    for platform in sorted(wide) if found.wow else [image.platform]:
        yield FileRow(
            file=found.name,
            path=rf"%systemroot%\{folder}\{name}",
            version=image.version,
            platform=platform,
            branch=found.branch,
            service_pack=found.service_pack,
            size=found.size,
        )


def _installed_name(image: _Image, originals: set[str]) -> str:
    """A 32-bit copy has a ``w`` before its name that the installed file has not."""
    name = image.found.name
    original = image.resource.strings.get("OriginalFilename", "").lower()
    prefixed = image.found.wow and name.startswith("w")
    plain = name.removeprefix("w")
    return plain if prefixed and plain in {original, *originals} else name


def _is_library(image: _Image) -> bool:
    return image.found.name.endswith(".dll")


def _assumed_path(image: _Image) -> Problem:
    return Problem(
        image.found.where,
        "a package that does not say where the file goes",
        "the system folder was assumed",
        "import the table as .csv with a path if it goes elsewhere",
    )


def _nothing(folder: Path) -> Problem:
    deltas = any(path.name.lower().startswith("_sfx_") for path in _sorted(folder))
    found = "deltas (_sfx_*)" if deltas else "no branch folder with programs"
    return Problem(
        "",
        found,
        "a folder such as SP1QFE with the package's files",
        "extract the package on Windows with its own /extract switch",
    )
