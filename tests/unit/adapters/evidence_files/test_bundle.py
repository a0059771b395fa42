"""A bundle as a file: the same bytes for the same evidence, and hostile until read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from orchestrator.adapters.evidence_files.bundle import ZipBundles
from orchestrator.adapters.evidence_files.layout import MEMBERS
from orchestrator.application.evidence import EvidenceCheck, bind, export, verify
from orchestrator.application.ports.evidence_files import Signature
from orchestrator.application.ports.files import BadInputError
from orchestrator.application.ports.storage import Storage
from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    RequestError,
    Result,
)
from orchestrator.application.survey import survey
from orchestrator.domain.selection import Selection
from tests.fakes.estate import World, world

FILES = ZipBundles()
Kept = tuple[Path, str]


@pytest.fixture
def estate(sqlite_storage: Storage) -> World:
    with world(sqlite_storage, ["fe1", "fe2"]) as made:
        survey(made.services, Selection())
    return made


@pytest.fixture
def bundle(estate: World, tmp_path: Path) -> Kept:
    """A bundle and its head."""
    path = tmp_path / "evidence.zip"
    return path, export(estate.services, FILES, path).data.head


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private and a public key, in PEM."""
    return key_files(tmp_path, "operator")


def key_files(folder: Path, name: str) -> tuple[Path, Path]:
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name) for name in found.namelist()}


def written(path: Path, content: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in content.items():
            made.writestr(name, data)
    return path


def refused(path: Path, head: str | None = None) -> str:
    with pytest.raises(BadInputError) as caught:
        verify(FILES, path, head)
    return str(caught.value)


def test_what_is_exported_is_intact(bundle: Kept) -> None:
    path, head = bundle
    found = verify(FILES, path, head)
    assert found.exit_code is ExitCode.DONE
    assert found.data.intact
    assert found.data.records > 10
    assert found.data.signature is Signature.NONE


def test_the_head_is_a_checkpoint_that_binds_every_chain(
    estate: World, bundle: Kept
) -> None:
    path, head = bundle
    told = verify(FILES, path, head).data.cannot_tell
    assert any("after the head" in sentence for sentence in told)
    assert not any("no checkpoint" in sentence for sentence in told)
    earlier = bind(estate.services)
    export(estate.services, FILES, path)
    assert verify(FILES, path, earlier.hash).data.intact


def test_without_a_head_it_says_what_it_cannot_tell(bundle: Kept) -> None:
    told = verify(FILES, bundle[0]).data.cannot_tell
    assert any("newest records were cut" in sentence for sentence in told)
    assert any("who made the bundle" in sentence for sentence in told)


def test_the_same_evidence_gives_the_same_bytes(
    estate: World, bundle: Kept, tmp_path: Path
) -> None:
    path, head = bundle
    with estate.services.storage.read() as uow:
        heads = uow.evidence.heads()
        records = [record for end in heads for record in uow.evidence.chain(end)]
    again = tmp_path / "again.zip"
    FILES.write(again, records, heads, head, None)
    assert again.read_bytes() == path.read_bytes()


def changed_line(content: dict[str, bytes]) -> None:
    content["records.jsonl"] = content["records.jsonl"].replace(b"fe2", b"fe3", 1)


def removed_line(content: dict[str, bytes]) -> None:
    lines = content["records.jsonl"].splitlines(keepends=True)
    content["records.jsonl"] = b"".join((*lines[:4], *lines[5:]))


def other_readme(content: dict[str, bytes]) -> None:
    content["README.txt"] += b"trust me"


def other_manifest(content: dict[str, bytes]) -> None:
    content["manifest.json"] = content["manifest.json"].replace(b"/1", b"/2")


@pytest.mark.parametrize(
    ("change", "member"),
    [
        (changed_line, "records.jsonl"),
        (removed_line, "records.jsonl"),
        (other_readme, "README.txt"),
        (other_manifest, "manifest.json"),
    ],
)
def test_what_was_changed_is_named(
    bundle: Kept,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], None],
    member: str,
) -> None:
    content = members(bundle[0])
    change(content)
    found = verify(FILES, written(tmp_path / "changed.zip", content))
    assert found.exit_code is ExitCode.NOT_AS_IT_SHOULD_BE
    assert found.data.faults[0].member == member
    assert found.problems[0].code is ErrorCode.TAMPERED
    assert member in found.problems[0].message


def signature_of(result: Result[EvidenceCheck]) -> tuple[Signature, bool]:
    return result.data.signature, result.data.intact


def test_a_signature_holds_for_its_key_only(
    estate: World, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = keys
    path = tmp_path / "signed.zip"
    export(estate.services, FILES, path, private)
    stranger = key_files(tmp_path, "stranger")[1]
    assert signature_of(verify(FILES, path)) == (Signature.NOT_CHECKED, True)
    assert signature_of(verify(FILES, path, None, public)) == (Signature.VALID, True)
    assert signature_of(verify(FILES, path, None, stranger)) == (
        Signature.INVALID,
        False,
    )


def test_where_a_key_is_given_a_signature_must_be_there(
    bundle: Kept, keys: tuple[Path, Path]
) -> None:
    found = verify(FILES, bundle[0], None, keys[1])
    assert signature_of(found) == (Signature.INVALID, False)
    assert "signature" in found.problems[0].message


def test_only_ed25519_signs(estate: World, keys: tuple[Path, Path]) -> None:
    private, public = keys
    other = private.with_name("other.pem")
    other.write_bytes(
        X25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    target = private.with_name("new.zip")
    for bad in (other, public, private.with_name("absent")):
        with pytest.raises(BadInputError):
            export(estate.services, FILES, target, bad)
    assert not target.exists()


@pytest.mark.parametrize("head", ["", "abc", "g" * 64, "a" * 65])
def test_a_head_that_is_no_hash_is_refused(bundle: Kept, head: str) -> None:
    with pytest.raises(RequestError):
        verify(FILES, bundle[0], head)


def test_a_file_that_is_no_bundle_is_refused(bundle: Kept, tmp_path: Path) -> None:
    content = members(bundle[0])
    plain = tmp_path / "plain.zip"
    plain.write_bytes(b"not a zip")
    assert "zip" in refused(plain)
    assert "a file to read" in refused(tmp_path / "absent.zip")
    extra = {**content, "../../escape": b"x"}
    assert "members" in refused(written(tmp_path / "extra.zip", extra))
    less = {name: data for name, data in content.items() if name != "manifest.json"}
    assert "members" in refused(written(tmp_path / "less.zip", less))


def test_a_bomb_is_refused_by_what_it_declares(bundle: Kept, tmp_path: Path) -> None:
    content = members(bundle[0])
    content["records.jsonl"] = bytes(20_000_000)
    assert "packed too well" in refused(written(tmp_path / "bomb.zip", content))
    content["records.jsonl"] = b""
    content["README.txt"] = bytes(17 * 1024 * 1024)
    assert "README.txt of" in refused(written(tmp_path / "big.zip", content))


def test_a_damaged_file_is_refused_or_found(bundle: Kept, tmp_path: Path) -> None:
    """Whatever byte of the file is changed, nothing but a clear answer comes of it."""
    whole = bundle[0].read_bytes()
    path = tmp_path / "damaged.zip"
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        path.write_bytes(damaged)
        try:
            verify(FILES, path, bundle[1])
        except BadInputError:
            continue
    path.write_bytes(whole[: len(whole) // 2])
    assert "zip" in refused(path)


def test_the_members_are_those_of_the_format(bundle: Kept) -> None:
    assert tuple(members(bundle[0])) == MEMBERS[:-1]
