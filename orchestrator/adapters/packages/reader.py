"""An installer file becomes facts, or a reason to refuse it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from orchestrator.adapters.packages.confined import UnparsableError, package_inside
from orchestrator.adapters.packages.file_name import PackageName, parse_package_name
from orchestrator.adapters.packages.hashes import Hashes, TooLargeError, hash_stream
from orchestrator.application.ports.files import (
    PackageFacts,
    PackageInside,
    PackageProblem,
)
from orchestrator.domain.authenticode import SignaturePolicy, objection

MAX_PACKAGE_BYTES = 512 * 1024 * 1024  # service packs stay below; hotfixes far below

#: Design of these packages since July 2004 (KB832475).
_ENGINE = "update.exe"
_CUT_OFF = "it may be cut off: compare its size, and obtain the package again"
_DEFAULT = SignaturePolicy()
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_package(
    path: Path, *, pin: str | None, policy: SignaturePolicy = _DEFAULT
) -> PackageFacts | PackageProblem:
    """Read a package.

    Args:
        path: the file, under its original name.
        pin: the SHA-256 that the operator has from a source of trust.
        policy: what its signature must show, beside the pin.
    """
    expected = None if pin is None else pin.strip().lower()
    if expected is not None and _SHA256.fullmatch(expected) is None:
        found = f"a pin of {len(expected)} characters"
        return PackageProblem(
            found, "a SHA-256 of 64 hexadecimal digits", "see --sha256"
        )
    named = parse_package_name(path.name)
    if isinstance(named, PackageProblem):
        return named
    hashes = _hash(path)
    if isinstance(hashes, PackageProblem):
        return hashes
    if expected is not None and hashes.sha256 != expected:
        return PackageProblem(
            f"SHA-256 {hashes.sha256}",
            f"the pin {expected}",
            "this is not the pinned file: obtain it again from where the pin is from",
        )
    inside = _inside(path, hashes.size, policy)
    if isinstance(inside, PackageProblem):
        return inside
    return _facts(path, named, hashes, inside, pinned=expected is not None)


def _inside(
    path: Path, size: int, policy: SignaturePolicy
) -> PackageInside | PackageProblem:
    try:
        inside = package_inside(path)
    except UnparsableError as error:
        found = f"a file of {size} bytes that cannot be parsed ({error})"
        return PackageProblem(found, "a package", _CUT_OFF)
    if not inside.engine:
        found = f"a file of {size} bytes that names no installer engine"
        return PackageProblem(found, _ENGINE, _CUT_OFF)
    if inside.engine.lower() != _ENGINE:
        return PackageProblem(
            f"installer engine {inside.engine}",
            _ENGINE,
            "only update.exe packages take the switches that this tool gives",
        )
    wrong = objection(inside.signature, policy)
    if wrong is not None:
        hint = "obtain the package again, or change the policy for signatures"
        return PackageProblem(wrong.found, wrong.expected, hint)
    return inside


def _facts(
    path: Path,
    named: PackageName,
    hashes: Hashes,
    inside: PackageInside,
    *,
    pinned: bool,
) -> PackageFacts:
    return PackageFacts(
        name=path.name,
        article=named.article,
        platform=named.platform,
        language=named.language,
        service_pack=named.service_pack,
        size=hashes.size,
        sha256=hashes.sha256,
        sha1=hashes.sha1,
        pinned=pinned,
        lab=inside.lab,
        product=named.product,
        inside=inside,
    )


def _hash(path: Path) -> Hashes | PackageProblem:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return PackageProblem(
                "not a plain file", "a package file", "check the path"
            )
        with path.open("rb") as stream:
            if stream.read(2) != b"MZ":
                hint = "obtain the package again"
                return PackageProblem("no Windows program", "an .exe package", hint)
            stream.seek(0)
            return hash_stream(stream, limit=MAX_PACKAGE_BYTES)
    except TooLargeError:
        limit = f"at most {MAX_PACKAGE_BYTES} bytes"
        return PackageProblem(f"more than {limit[8:]}", limit, "check the path")
    except OSError as error:
        found = error.strerror or type(error).__name__
        return PackageProblem(found, "a readable file", "check the path")
