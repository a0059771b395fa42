"""One row of a file table as people type it, and as rows of the domain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestrator.documents.validation import Matching
from orchestrator.domain.hotfix import Platform
from orchestrator.domain.version import (
    PART_LIMIT,
    Branch,
    FileVersion,
    MalformedVersionError,
)

MAX_FILE_BYTES = 2**31  # no system file of these years comes near

_SIZE = re.compile(r"\d{1,10}|\d{1,3}(?:[.,]\d{3}){1,3}")
_BRANCH = re.compile(
    r"(?:SP(?P<sp>\d)|(?P<first>RTM))?(?P<branch>RTM|GDR|QFE|LDR)(?P<wow>\\WOW)?"
)
_SEVERAL = re.compile(r"\s+AND\s+|\s*[,;/]\s*")
_FULL_PATH = Matching(
    r"(?:%[a-z0-9_()]+%|[a-z]:)(?:\\[a-z0-9 ._$()~-]*[a-z0-9_$()~-])+",
    r"a full path such as %systemroot%\system32\name.dll",
)
_DATE_FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%d-%b-%Y",
    "%d-%b-%Y %H:%M",
)
_PLATFORMS: Final = {
    "x86": Platform.X86,
    "x64": Platform.X64,
    "amd64": Platform.X64,
    "ia64": Platform.IA64,
}


def _version(text: Any) -> FileVersion:
    try:
        return FileVersion.parse(str(text))
    except MalformedVersionError:
        wanted = f"four numbers of at most {PART_LIMIT} such as 5.2.3790.2490"
        raise ValueError(wanted) from None


Version = Annotated[FileVersion, BeforeValidator(_version)]


def _platform(text: Any) -> Platform:
    found = _PLATFORMS.get(str(text).strip().lower().replace("-", ""))
    if found is None:
        raise ValueError("x86, x64, amd64 or ia64")
    return found


def _size(text: Any) -> int:
    if not _SIZE.fullmatch(str(text)):
        raise ValueError("a size in bytes such as 144,384")
    return int(re.sub("[.,]", "", str(text)))


def _date(text: Any) -> datetime:
    """ISO 8601 or the form of Microsoft's tables; UTC unless it has an offset."""
    typed = " ".join(str(text).replace("T", " ").split()).removesuffix("Z")
    typed = re.sub(r" (\d{1,2})\.(\d{2})$", r" \1:\2", typed)
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(typed, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError("a UTC date such as 2007-04-25 20:27 or 25-Apr-2007 20:27")


@dataclass(frozen=True, slots=True)
class BranchCell:
    r"""``QFE``, or the folder of a package: ``SP1QFE``, ``SP2GDR``, ``SP1QFE\wow``."""

    branch: Branch
    service_pack: int | None
    wow: bool


def _branches(text: Any) -> tuple[BranchCell, ...]:
    """Tables name several at once where they hold the same file."""
    cells = [_branch(part) for part in _SEVERAL.split(str(text).strip().upper())]
    return tuple(cells)


def _branch(text: str) -> BranchCell:
    match = _BRANCH.fullmatch(text)
    if match is None:
        raise ValueError(
            r"RTM, GDR, QFE or LDR, or a folder such as SP1QFE or SP1QFE\wow"
        )
    word = match["branch"]
    branch = Branch.QFE if word == "LDR" else Branch(word)
    pack = 0 if match["first"] else int(match["sp"]) if match["sp"] else None
    return BranchCell(branch, pack, bool(match["wow"]))


class TableRow(BaseModel):
    """One row of a table, checked by itself."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    file: Annotated[
        str, Matching(r"[a-z0-9_$~-][a-z0-9._$~-]{0,127}", "a file name, no folder")
    ]
    version: Version
    platform: Annotated[Platform, BeforeValidator(_platform)]
    branch: Annotated[tuple[BranchCell, ...], BeforeValidator(_branches)]
    service_pack: Annotated[int | None, Field(ge=0, le=9)] = None
    path: Annotated[str, _FULL_PATH, Field(max_length=260)] | None = None
    size: Annotated[
        int | None, BeforeValidator(_size), Field(ge=1, le=MAX_FILE_BYTES)
    ] = None
    date: Annotated[datetime | None, BeforeValidator(_date)] = None

    @model_validator(mode="before")
    @classmethod
    def _lower_names(cls, data: Any) -> Any:
        """Names on Windows know no case; a time column belongs to the date."""
        if not isinstance(data, dict):
            return data
        row = {name: value for name, value in data.items() if value is not None}
        for name in ("file", "path"):
            if isinstance(row.get(name), str):
                row[name] = row[name].lower()
        if "time" in row and "date" in row:
            row["date"] = f"{row['date']} {row.pop('time')}"
        return row

    @model_validator(mode="after")
    def _one_wow_form(self) -> TableRow:
        """A package's 32-bit copies carry a ``w`` that the host's do not always."""
        wow = any(cell.wow for cell in self.branch)
        if wow and not all(cell.wow for cell in self.branch):
            raise ValueError(r"one row for \wow and one without")
        if wow and self.path is None and self.file.startswith("w"):
            raise ValueError(
                r"a path for this \wow row, since the installed name may lack the "
                r"leading w: for example %systemroot%\syswow64\name.dll"
            )
        return self

    @property
    def wow(self) -> bool:
        """Whether it is a 32-bit file of a 64-bit system."""
        return self.branch[0].wow

    @property
    def target(self) -> str:
        """Where the file lies on a host."""
        folder = "syswow64" if self.wow else "system32"
        return self.path or rf"%systemroot%\{folder}\{self.file}"
