"""The Authenticode signature of an installer file.

lief finds it and compares the file's digest, since it knows which bytes of a program
count; the signer, the chain and the timestamp are worked out from the message itself,
because lief takes a timestamp as true without looking who made it, and because one
eye must see both the key that signed and the certificate that is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import lief
from asn1crypto import cms, tsp  # type: ignore[import-untyped] # it ships no types

from orchestrator.adapters.packages.signed_message import (
    Chain,
    attribute,
    certificates_of,
    chain_of,
    signer_of,
    signs,
)
from orchestrator.adapters.packages.text import printable
from orchestrator.domain.authenticode import (
    ChainAnswer,
    DigestAnswer,
    Signature,
    TimestampAnswer,
)

_CHECKS = lief.PE.Signature.VERIFICATION_CHECKS
_OK = lief.PE.Signature.VERIFICATION_FLAGS.OK
_TABLE = lief.PE.DataDirectory.TYPES.CERTIFICATE_TABLE
#: A timestamp by RFC 3161, under Microsoft's name for the attribute and the field's.
_TOKENS = ("microsoft_time_stamp_token", "signature_time_stamp_token")


def read_signature(path: Path) -> Signature:
    """The first signature of a program, as three answers."""
    lief.logging.disable()
    binary = lief.PE.parse(str(path), _config())
    if not isinstance(binary, lief.PE.Binary):
        return Signature(DigestAnswer.UNREADABLE)
    if not binary.has_signatures:
        # A damaged table looks like none, unless one asks for its size.
        table = binary.data_directory(_TABLE)
        there = table is not None and table.size > 0
        return Signature(DigestAnswer.UNREADABLE if there else DigestAnswer.UNSIGNED)
    first = binary.signatures[0]
    same = binary.verify_signature(first, _CHECKS.HASH_ONLY) == _OK
    signature = Signature(DigestAnswer.MATCHES if same else DigestAnswer.DIFFERS)
    return _with_message(signature, bytes(first.raw_der))


def _config() -> lief.PE.ParserConfig:
    """Only what signatures need is parsed."""
    config = lief.PE.ParserConfig()
    config.parse_signature = True
    config.parse_exports = config.parse_imports = False
    config.parse_reloc = config.parse_rsrc = False
    return config


def _with_message(signature: Signature, message: bytes) -> Signature:
    try:
        signed = cms.ContentInfo.load(message)["content"]
        certificates = certificates_of(signed)
        signer = signed["signer_infos"][0]
        chain = _signed_by(signer, certificates, signed)
        stamp = _stamp(signer, certificates)
    except Exception as error:  # noqa: BLE001 -- asn1crypto raises many kinds
        remark = printable(str(error) or type(error).__name__)
        return replace(signature, chain=ChainAnswer.BROKEN, remarks=(remark,))
    return replace(
        signature,
        chain=chain.answer,
        timestamp=stamp.answer,
        remarks=tuple(filter(None, (chain.remark, stamp.remark))),
        certificates=chain.certificates,
        stamped=stamp.moment,
        stamped_by=stamp.by,
    )


def _signed_by(signer: Any, certificates: Sequence[Any], signed: Any) -> Chain:
    """Who signed the content; of that, the outer tag and length are not signed."""
    named = signer_of(signer, certificates)
    if named is None:
        return Chain(ChainAnswer.BROKEN, remark="the signer's certificate is not there")
    if not signs(signer, named, signed["encap_content_info"]["content"].contents):
        return Chain(ChainAnswer.BROKEN, remark="the signature is not its signer's")
    return chain_of(named, certificates, "code_signing")


@dataclass(frozen=True, slots=True)
class _Stamp:
    answer: TimestampAnswer = TimestampAnswer.NONE
    moment: datetime | None = None
    by: str = ""
    remark: str = ""


def _stamp(signer: Any, certificates: Sequence[Any]) -> _Stamp:
    """The timestamp over a signature: the form of 2005, or RFC 3161."""
    attributes = signer["unsigned_attrs"]
    stamped = signer["signature"].native
    counter = attribute(attributes, "counter_signature")
    if counter is not None:
        signing_time = attribute(counter["signed_attrs"], "signing_time")
        moment = signing_time.native if signing_time is not None else None
        return _judged(counter, certificates, stamped, moment)
    for name in _TOKENS:
        token = attribute(attributes, name)
        if token is not None:
            return _token(token["content"], stamped)
    return _Stamp()


def _token(token: Any, stamped: bytes) -> _Stamp:
    content = bytes(token["encap_content_info"]["content"])
    info = tsp.TSTInfo.load(content)
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    digest = hashlib.new(algorithm, stamped, usedforsecurity=False).digest()
    if imprint["hashed_message"].native != digest:
        remark = "the timestamp is of another signature"
        return _Stamp(TimestampAnswer.INVALID, remark=remark)
    authority = token["signer_infos"][0]
    moment = info["gen_time"].native
    return _judged(authority, certificates_of(token), content, moment)


def _judged(
    signer: Any, certificates: Sequence[Any], content: bytes, moment: datetime | None
) -> _Stamp:
    named = signer_of(signer, certificates)
    if named is None or moment is None:
        remark = "a timestamp without its certificate or its time"
        return _Stamp(TimestampAnswer.INVALID, moment, remark=remark)
    chain = chain_of(named, certificates, "time_stamping")
    by = chain.certificates[0].subject
    remark = _stamp_remark(chain, moment)
    if not signs(signer, named, content):
        remark = "the timestamp is not its signer's"
    answer = TimestampAnswer.INVALID if remark else TimestampAnswer.VALID
    return _Stamp(answer, moment, by, remark)


def _stamp_remark(chain: Chain, moment: datetime) -> str:
    if chain.answer is ChainAnswer.BROKEN:
        return f"timestamp: {chain.remark}"
    if not all(each.valid_at(moment) for each in chain.certificates):
        return "the timestamp's certificates were not valid at its time"
    return ""
