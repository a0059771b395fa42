"""Three answers of a signature: digest, chain, timestamp; each can fail alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lief
import pytest
from asn1crypto import cms  # type: ignore[import-untyped] # it ships no types
from cryptography.x509.oid import ExtendedKeyUsageOID

from orchestrator.adapters.packages.signature import read_signature
from orchestrator.domain.authenticode import (
    ChainAnswer,
    DigestAnswer,
    TimestampAnswer,
)
from tests.fixtures.packages import (
    STAMPED,
    ThrowAwayAuthority,
    cabinet,
    program,
    stored,
)

STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@pytest.fixture(scope="session")
def stamped(
    authority: ThrowAwayAuthority, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """A package with a cabinet, signed and timestamped."""
    signer = authority.issue("Signer")
    stamper = authority.issue("Stamper", usage=STAMPING, years=(2004, 2010))
    content = program() + cabinet("SP1QFE\\schannel.dll")
    path = stored(tmp_path_factory.mktemp("stamped"), content)
    return authority.sign(path, signer, stamper=stamper).read_bytes()


def test_an_unsigned_program_is_unsigned(tmp_path: Path) -> None:
    found = read_signature(stored(tmp_path, program()))
    assert found.digest is DigestAnswer.UNSIGNED
    assert found.chain is ChainAnswer.NONE


def test_what_is_no_program_is_unreadable(tmp_path: Path) -> None:
    found = read_signature(stored(tmp_path, b"MZ nothing more"))
    assert found.digest is DigestAnswer.UNREADABLE


def test_an_expired_chain_is_whole_and_was_valid_when_stamped(
    tmp_path: Path, stamped: bytes
) -> None:
    found = read_signature(stored(tmp_path, stamped))
    assert (found.digest, found.chain, found.timestamp) == (
        DigestAnswer.MATCHES,
        ChainAnswer.TO_ROOT,
        TimestampAnswer.VALID,
    )
    assert [each.subject for each in found.certificates] == [
        "Signer",
        "Throw-away Root",
    ]
    assert (found.stamped, found.stamped_by) == (STAMPED, "Stamper")
    assert found.valid_when_stamped is True
    assert found.remarks == ()


def test_without_a_timestamp_nobody_says_when(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    path = authority.sign(stored(tmp_path, program()), authority.issue("Signer"))
    found = read_signature(path)
    assert found.digest is DigestAnswer.MATCHES
    assert found.timestamp is TimestampAnswer.NONE
    assert found.valid_when_stamped is None


def test_a_root_that_the_file_does_not_bring_leaves_the_chain_open(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    signer = authority.issue("Signer", with_root=False)
    found = read_signature(authority.sign(stored(tmp_path, program()), signer))
    assert found.chain is ChainAnswer.OPEN
    assert [each.issuer for each in found.certificates] == ["Throw-away Root"]


def test_a_certificate_for_something_else_breaks_the_chain(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    signer = authority.issue("Web", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    found = read_signature(authority.sign(stored(tmp_path, program()), signer))
    assert found.chain is ChainAnswer.BROKEN
    assert "not for code signing" in found.remarks[0]


def test_one_who_may_not_issue_certificates_breaks_the_chain(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    signer = authority.issue("Forged", issuer=authority.issue("Signer"))
    found = read_signature(authority.sign(stored(tmp_path, program()), signer))
    assert found.chain is ChainAnswer.BROKEN
    assert "may not issue certificates" in found.remarks[0]


def test_a_timestamp_from_one_who_may_not_stamp_is_invalid(
    tmp_path: Path, stamped: bytes
) -> None:
    # osslsigncode would not make one: take the usage out of the stamper's certificate.
    usage = bytes.fromhex("06082b06010505070308")
    assert usage in stamped
    damaged = stamped.replace(usage, bytes.fromhex("06082b06010505070301"))
    found = read_signature(stored(tmp_path, damaged))
    assert found.timestamp is TimestampAnswer.INVALID
    assert "not for time stamping" in found.remarks[0]
    assert found.chain is ChainAnswer.TO_ROOT


def _message(content: bytes, folder: Path) -> cms.SignedData:
    binary = lief.PE.parse(str(stored(folder, content, "whole.exe")))
    assert isinstance(binary, lief.PE.Binary)
    raw = bytes(binary.signatures[0].raw_der)
    return cms.ContentInfo.load(raw)["content"]


def _token(message: cms.SignedData) -> cms.SignedData:
    unsigned = message["signer_infos"][0]["unsigned_attrs"]
    return unsigned[0]["values"][0]["content"]


#: Which bytes are damaged, and the three answers then.
DAMAGE: dict[str, Callable[[cms.SignedData], bytes]] = {
    "signed digest": lambda m: m["encap_content_info"]["content"].contents[-20:],
    "signature": lambda m: m["signer_infos"][0]["signature"].native,
    "stamp": lambda m: _token(m)["signer_infos"][0]["signature"].native,
    "time": lambda _: b"20051114",
}
M, D = DigestAnswer.MATCHES, DigestAnswer.DIFFERS
WHOLE, BROKEN = ChainAnswer.TO_ROOT, ChainAnswer.BROKEN
VALID, INVALID = TimestampAnswer.VALID, TimestampAnswer.INVALID


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("signed digest", (D, BROKEN, VALID)),
        # The timestamp is over the signature.
        ("signature", (M, BROKEN, INVALID)),
        ("stamp", (M, WHOLE, INVALID)),
        ("time", (M, WHOLE, INVALID)),
    ],
)
def test_each_answer_fails_alone(
    tmp_path: Path,
    stamped: bytes,
    part: str,
    expected: tuple[DigestAnswer, ChainAnswer, TimestampAnswer],
) -> None:
    wanted = DAMAGE[part](_message(stamped, tmp_path))
    at = stamped.index(wanted) + 3
    damaged = bytearray(stamped)
    damaged[at] ^= 1
    found = read_signature(stored(tmp_path, bytes(damaged)))
    assert (found.digest, found.chain, found.timestamp) == expected
    assert found.remarks


def test_a_changed_program_is_not_the_one_that_was_signed(
    tmp_path: Path, stamped: bytes
) -> None:
    damaged = bytearray(stamped)
    damaged[0x400] ^= 1
    found = read_signature(stored(tmp_path, bytes(damaged)))
    assert (found.digest, found.chain) == (DigestAnswer.DIFFERS, ChainAnswer.TO_ROOT)


def test_a_signature_that_was_cut_off_is_not_none(
    tmp_path: Path, stamped: bytes
) -> None:
    found = read_signature(stored(tmp_path, stamped[:-3000]))
    assert found.digest is not DigestAnswer.MATCHES
    assert found.digest is not DigestAnswer.UNSIGNED
