"""The naming schema of Windows update packages (KB816915).

The article has four parts, ``Product-KBnumber-Option-Language.exe``. Real names add a
revision (``-v2``) and a service pack (``-SP2``), join products by a dot, leave out the
platform (Windows 2000) or the language (one package for all), and vary in case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.application.ports.files import PackageProblem
from orchestrator.domain.hotfix import Platform

MAX_NAME = 128  # characters

_SCHEMA = re.compile(
    r"(?P<product>[a-z0-9]+(?:\.[a-z0-9]+)*)-(?:kb|q)(?P<number>\d{5,7})"
    r"(?:-v(?P<revision>\d{1,2}))?(?:-sp(?P<pack>\d))?"
    r"(?:-(?P<platform>x86|x64|amd64|ia64))?(?:-(?P<language>[a-z]{3,4}))?\.exe",
    re.IGNORECASE,
)
#: What Microsoft's support mails: a self-extracting archive round the package.
_WRAPPER = re.compile(
    r"\d{5,7}_[a-z]{3,4}_(?:i386|x86|x64|amd64|ia64)_zip\.exe", re.IGNORECASE
)
#: Codes of real packages for Server 2003 and XP; INTL is for several languages.
LANGUAGES = frozenset(
    (
        *("ARA", "CHH", "CHS", "CHT", "CSY", "DAN", "DEU", "ELL", "ENU", "ESN"),
        *("FIN", "FRA", "HEB", "HUN", "ITA", "JPN", "KOR", "NLD", "NOR", "PLK"),
        *("PTB", "PTG", "RUS", "SVE", "TRK"),
    )
)
_ALL_LANGUAGES = "INTL"
_EXAMPLE = "a name such as WindowsServer2003-KB123456-x86-ENU.exe (KB816915)"


@dataclass(frozen=True, slots=True)
class PackageName:
    """What a package's name says."""

    product: str
    article: str
    revision: int
    #: The service pack that the name restricts it to.
    service_pack: int | None
    platform: Platform
    #: ``None`` for every language.
    language: str | None


def parse_package_name(name: str) -> PackageName | PackageProblem:
    """Read the name of a package file, without its folder."""
    shown = "".join(letter for letter in name if letter.isprintable())[:MAX_NAME]
    if _WRAPPER.fullmatch(name):
        return PackageProblem(
            f"{shown}, a support download that holds the package",
            _EXAMPLE,
            "run it once on any Windows computer (the mail has its password) "
            "and import the package that it unpacks",
        )
    match = _SCHEMA.fullmatch(name)
    if match is None or len(name) > MAX_NAME:
        return PackageProblem(shown, _EXAMPLE, "give it its original name back")
    language = (match["language"] or "").upper()
    if language and language not in {*LANGUAGES, _ALL_LANGUAGES}:
        known = ", ".join(sorted(LANGUAGES))
        hint = "give it its original name back"
        return PackageProblem(f"language {language}", f"INTL or one of {known}", hint)
    if match["platform"] is None and match["product"].lower() != "windows2000":
        hint = "only packages for Windows 2000 leave it out: give it its original name"
        return PackageProblem(f"no platform in {shown}", _EXAMPLE, hint)
    return _named(match, language)


def _named(match: re.Match[str], language: str) -> PackageName:
    platform = (match["platform"] or "x86").lower()
    return PackageName(
        product=match["product"],
        article=f"KB{match['number']}",
        revision=int(match["revision"] or 1),
        service_pack=int(match["pack"]) if match["pack"] else None,
        platform=Platform.X64 if platform == "amd64" else Platform(platform),
        language=None if language in {"", _ALL_LANGUAGES} else language,
    )
