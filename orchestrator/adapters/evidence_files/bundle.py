"""A bundle as a zip file: the same evidence gives the same bytes."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from orchestrator.adapters.evidence_files.keys import (
    signed_by,
    signing_key,
    verifying_key,
)
from orchestrator.adapters.evidence_files.layout import (
    FIXED,
    MAX_RATIO,
    MAX_RECORD_BYTES,
    MAX_RECORDS_BYTES,
    MAX_SMALL_BYTES,
    MEMBERS,
    SIGNATURE,
)
from orchestrator.application.ports.evidence_files import CheckedBundle, Signature
from orchestrator.application.ports.files import BadInputError, Problem
from orchestrator.domain.bundle import (
    MANIFEST,
    RECORDS,
    check,
    check_manifest,
    line_of,
    manifest_of,
)
from orchestrator.domain.canonical import canonical_json
from orchestrator.domain.evidence import Head, Record

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold
_CHUNK_BYTES = 1024 * 1024


class ZipBundles:
    """Writes and checks bundles as zip files."""

    def write(
        self,
        path: Path,
        records: Iterable[Record],
        heads: Sequence[Head],
        head: str,
        sign_key: Path | None,
    ) -> int:
        """Write a bundle; it is there whole, or as it was before.

        Raises:
            BadInputError: the key cannot be used, or the file cannot be written.
        """
        key = signing_key(sign_key) if sign_key else None
        fresh = path.with_name(f".{path.name}.new")
        try:
            with zipfile.ZipFile(fresh, "w") as made:
                count, hashed = _write_records(made, records)
                members = {RECORDS: hashed}
                for name, content in FIXED.items():
                    members[name] = hashlib.sha256(content).hexdigest()
                    made.writestr(_member(name), content)
                manifest = canonical_json(manifest_of(members, heads, head)) + b"\n"
                made.writestr(_member(MANIFEST), manifest)
                if key is not None:
                    signature = key.sign(manifest).hex().encode("ascii")
                    made.writestr(_member(SIGNATURE), signature)
            fresh.replace(path)
        except OSError as error:
            why = error.strerror or "an error"
            problem = Problem("", why, "a file that can be written")
            raise BadInputError(str(path), [problem]) from None
        finally:
            fresh.unlink(missing_ok=True)
        return count

    def check(
        self, path: Path, head: str | None, public_key: Path | None
    ) -> CheckedBundle:
        """Read a bundle to its end; hostile until checked, and never unpacked.

        Raises:
            BadInputError: it is no bundle, or past a bound; or the key is none.
        """
        key = verifying_key(public_key) if public_key else None
        with _opened(path) as found:
            names = _checked_names(path, found)
            checked = check(partial(_lines, found), head)
            members = {
                name: _sha256(found, name)
                for name in names
                if name not in (MANIFEST, SIGNATURE)
            }
            manifest = _small(found, MANIFEST)
            signature = _small(found, SIGNATURE) if SIGNATURE in names else None
        faults = (*checked.faults, *check_manifest(manifest, members, checked.heads))
        if signature is None:
            state = Signature.NONE
        elif key is None:
            state = Signature.NOT_CHECKED
        else:
            valid = signed_by(key, signature, manifest)
            state = Signature.VALID if valid else Signature.INVALID
        if key is not None and signature is None:
            state = Signature.INVALID
        return CheckedBundle(checked, faults, state)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _write_records(made: zipfile.ZipFile, records: Iterable[Record]) -> tuple[int, str]:
    count, hashed = 0, hashlib.sha256()
    with made.open(_member(RECORDS), "w", force_zip64=True) as stream:
        for record in records:
            line = line_of(record)
            stream.write(line)
            hashed.update(line)
            count += 1
    return count, hashed.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The file as a zip; whatever is wrong with it is told in one sentence."""
    try:
        with zipfile.ZipFile(path) as found:
            yield found
    except OSError as error:
        raise _bad(path, error.strerror or "an error", "a file to read") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        # CRCs are checked as members are read.
        raise _bad(path, f"a damaged file ({error})", "a zip file") from None
    except (ValueError, RuntimeError):
        raise _bad(path, "a file that makes no sense", "a zip file") from None


def _bad(path: Path, found: str, expected: str) -> BadInputError:
    return BadInputError(str(path), [Problem("", found, expected, "export it again")])


def _checked_names(path: Path, found: zipfile.ZipFile) -> tuple[str, ...]:
    """The members, once each and within bounds.

    Raises:
        BadInputError: another member, a missing one, or one past a bound.
    """
    infos = found.infolist()
    names = tuple(info.filename for info in infos)
    if names not in (MEMBERS, MEMBERS[:-1]):
        shown = ", ".join(name[:40] for name in names[: len(MEMBERS)])
        raise _bad(path, f"the members {shown!r}", ", ".join(MEMBERS))
    for info in infos:
        bound = MAX_RECORDS_BYTES if info.filename == RECORDS else MAX_SMALL_BYTES
        if info.file_size > bound:
            raise _bad(path, f"{info.filename} of {info.file_size} bytes", f"{bound}")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise _bad(path, f"{info.filename} packed too well", f"at most {MAX_RATIO}")
    return names


def _lines(found: zipfile.ZipFile) -> Iterator[bytes]:
    """The lines of the records; one that is too long comes in pieces."""
    with found.open(RECORDS) as stream:
        yield from iter(partial(stream.readline, MAX_RECORD_BYTES), b"")


def _sha256(found: zipfile.ZipFile, name: str) -> str:
    hashed = hashlib.sha256()
    with found.open(name) as stream:
        for chunk in _chunks(stream):
            hashed.update(chunk)
    return hashed.hexdigest()


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(stream.read, _CHUNK_BYTES), b"")


def _small(found: zipfile.ZipFile, name: str) -> bytes:
    with found.open(name) as stream:
        return stream.read(MAX_SMALL_BYTES)
