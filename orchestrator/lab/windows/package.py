"""The lab's own update package: a program that only this lab's computers run.

It has the form of an update.exe package (a PE file whose version resource names
the installer engine, with a cabinet appended) and none of Microsoft's content.
Every name in it says that it belongs to the lab.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import shake_128

from orchestrator.lab.windows import cabinet
from orchestrator.lab.windows.pe import FileVersion, make_image, numbers_of
from orchestrator.lab.windows.profile import Platform

ENGINE_VERSION = "6.1.22.4"
NOTICE = (
    "LAB-ONLY. Made by the simulated estate for its own computers. It holds no"
    " Microsoft code and installs nothing on a real computer.\r\n"
)
MANIFEST = "lab-package.json"
BUILD_DATE = datetime(2005, 11, 21, 19, 30, tzinfo=UTC)
"""Invented, like all numbers of the lab's files: the day its DLL was 'built'."""

FIXED_VERSION = "5.2.3790.2600"
LATER_GDR_VERSION = "5.2.3790.2700"
SP1_VERSION, SP2_VERSION, RTM_VERSION = (
    "5.2.3790.1830",
    "5.2.3790.3959",
    "5.2.3790.0",
)
DLL_SIZES: Mapping[Platform, int] = {"x86": 36_864, "x64": 53_248, "ia64": 90_112}


@dataclass(frozen=True, slots=True)
class Package:
    """What a package wants: for whom it is, and which files it brings."""

    article: str
    platform: str
    language: str
    #: The service pack it is made for, and the highest it accepts.
    service_pack: int
    #: File name, to the content of its copy on the hotfix branch.
    files: Mapping[str, bytes]
    engine: str = ENGINE_VERSION
    built: datetime = BUILD_DATE


@lru_cache(maxsize=64)
def schannel(
    dotted: str = FIXED_VERSION,
    branch: str = "qfe",
    platform: Platform = "x86",
    service_pack: int = 1,
) -> bytes:
    """The lab's stand-in for schannel.dll; shared by all computers that have it."""
    numbers = numbers_of(dotted)
    line = f"srv03_sp{service_pack}_{branch}" if service_pack else f"srv03_{branch}"
    strings = {
        "CompanyName": "Lab",
        "FileDescription": "LAB-stand-in for a security provider",
        "FileVersion": f"{dotted} ({line}.051121-1930)",
        "InternalName": "schannel.dll",
        "LegalCopyright": "LAB-file, no Microsoft code",
        "OriginalFilename": "schannel.dll",
        "ProductName": "Lab",
        "ProductVersion": dotted,
    }
    version = FileVersion(numbers, strings)
    return make_image(version, platform=platform, size=DLL_SIZES[platform])


def make_lab_package(
    article: str = "KB903927",
    platform: Platform = "x86",
    language: str = "ENU",
    *,
    service_pack: int = 1,
    files: Mapping[str, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """The bytes of a package; the same arguments give the same bytes.

    Without ``files`` it brings the lab's fixed schannel.dll, and on 64-bit
    platforms also the 32-bit copy. ``padding`` adds so many bytes of filler.
    """
    brought = dict(files) if files is not None else _default_files(platform)
    branch = f"sp{service_pack}qfe"
    manifest = {
        "article": article,
        "platform": platform,
        "language": language,
        "service_pack": service_pack,
        "branch": branch,
        "files": sorted(brought),
    }
    content = {
        "LAB-NOTICE.txt": NOTICE.encode(),
        MANIFEST: json.dumps(manifest, indent=1).encode(),
    } | {f"{branch}\\{name}": data for name, data in sorted(brought.items())}
    if padding:
        content["LAB-FILLER.bin"] = shake_128(b"LAB").digest(padding)
    return _stub(article, platform) + cabinet.write(content, BUILD_DATE)


def _default_files(platform: Platform) -> dict[str, bytes]:
    files = {"schannel.dll": schannel(platform=platform)}
    if platform != "x86":
        files["wow\\wschannel.dll"] = schannel(platform="x86")
    return files


def _stub(article: str, platform: Platform) -> bytes:
    strings = {
        "CompanyName": "Lab",
        "FileDescription": f"LAB-package for {article}; not a Microsoft package",
        "FileVersion": "1.0.0.0",
        "Installer Engine": "update.exe",
        "Installer Version": ENGINE_VERSION,
        "KB Article Number": article.removeprefix("KB"),
        "LegalCopyright": "LAB-file, no Microsoft code",
        "OriginalFilename": f"LAB-{article}-{platform}.exe",
        "ProductName": "Lab",
        "ProductVersion": "1.0.0.0",
    }
    return make_image(FileVersion((1, 0, 0, 0), strings), platform="x86")


def file_name(article: str, platform: Platform, language: str = "ENU") -> str:
    """The package's name by the schema of update packages, marked as the lab's."""
    return f"LAB.WindowsServer2003-{article}-{platform}-{language}.exe"


@lru_cache(maxsize=16)
def open_package(content: bytes) -> Package | None:
    """What a program's bytes bring if they are a lab package, else ``None``."""
    found = cabinet.find(content)
    if found is None:
        return None
    try:
        files = cabinet.read(found)
        manifest = json.loads(files[MANIFEST])
        branch = manifest["branch"]
        return Package(
            article=manifest["article"],
            platform=manifest["platform"],
            language=manifest["language"],
            service_pack=manifest["service_pack"],
            files={name: files[f"{branch}\\{name}"] for name in manifest["files"]},
        )
    except (cabinet.CabinetError, ValueError, KeyError, TypeError):
        return None
