"""Four-part file versions and service branches, and what they cannot decide.

A Windows file version is four 16-bit numbers. They are compared as numbers, never
as text: 5.2.3790.990 is older than 5.2.3790.2490. The numbers alone do not say on
which service branch a file was built (KB824994): the branch stands only in the text
of the version resource, such as ``5.2.3790.2490 (srv03_sp1_qfe.050707-1657)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from typing_extensions import override

PART_LIMIT = 65_535  # each part is a 16-bit number in VS_FIXEDFILEINFO

#: A wrong text may come from a hostile host; an error quotes no more of it.
QUOTED_CHARACTERS = 60

_FOUR_NUMBERS = re.compile(r"(\d{1,5})\.(\d{1,5})\.(\d{1,5})\.(\d{1,5})", re.ASCII)
_BUILD_LAB = re.compile(
    r"\b[a-z0-9]+_(?:sp(?P<sp>\d)_)?(?P<branch>rtm|gdr|qfe|ldr)\b",
    re.IGNORECASE | re.ASCII,
)


class Branch(StrEnum):
    """The line of development that a file was built on (KB824684, KB824994)."""

    RTM = "RTM"
    #: Broad fixes only. A later GDR build need not hold a hotfix.
    GDR = "GDR"
    #: Every hotfix so far; later called LDR.
    QFE = "QFE"


class MalformedVersionError(ValueError):
    """A text that is not four numbers between 0 and 65535."""

    def __init__(self, found: str) -> None:
        """Keep what was found."""
        self.found = found
        super().__init__(
            f"found {found[:QUOTED_CHARACTERS]!r}, expected four numbers "
            f"of at most {PART_LIMIT} such as 5.2.3790.2490"
        )


@dataclass(frozen=True, slots=True, order=True)
class FileVersion:
    """A file version; ordered part by part as numbers."""

    major: int
    minor: int
    build: int
    revision: int

    @classmethod
    def parse(cls, text: str) -> FileVersion:
        """Read ``5.2.3790.2490``.

        Raises:
            MalformedVersionError: the text is anything else.
        """
        match = _FOUR_NUMBERS.fullmatch(text.strip())
        parts = [int(part) for part in match.groups()] if match else []
        if not parts or max(parts) > PART_LIMIT:
            raise MalformedVersionError(text)
        return cls(*parts)

    @override
    def __str__(self) -> str:
        """The four numbers, joined by dots."""
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"


@dataclass(frozen=True, slots=True)
class BuildLab:
    """What the text of a version resource says of a file's origin."""

    branch: Branch
    #: The service pack of the branch; ``None`` where the text names none.
    service_pack: int | None


def parse_build_lab(text: str) -> BuildLab | None:
    """Read the branch from a FileVersion text; ``None`` where it names none.

    The form is ``<windows>_<sp>_<branch>.<yymmdd-hhmm>``; LDR is the later word for
    QFE.
    """
    match = _BUILD_LAB.search(text)
    if match is None:
        return None
    word = match["branch"].upper()
    branch = Branch.QFE if word == "LDR" else Branch(word)
    return BuildLab(branch, int(match["sp"]) if match["sp"] else None)
