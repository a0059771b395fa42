"""Signed messages (CMS, RFC 5652) and their certificates: who signed, through whom.

asn1crypto reads the structures and cryptography checks the signatures; both take what
was signed in 2005, MD5 and SHA-1 included, which is why neither answer is a verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms  # type: ignore[import-untyped] # it ships no types
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from orchestrator.adapters.packages.text import printable
from orchestrator.domain.authenticode import Certificate, ChainAnswer

MAX_CERTIFICATES = 32  # of one message
MAX_CHAIN = 8  # certificates

_HASHES: dict[str, hashes.HashAlgorithm] = {
    # MD5 and SHA-1 are what packages of these years are signed with.
    "md5": hashes.MD5(),  # noqa: S303 -- verifying an old signature, never making one
    "sha1": hashes.SHA1(),  # noqa: S303 -- likewise
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """A signer's certificates, the signer first, and how far they lead."""

    answer: ChainAnswer
    certificates: tuple[Certificate, ...] = ()
    remark: str = ""


def certificates_of(signed: Any) -> list[Any]:
    """The certificates that a message brings.

    Raises:
        ValueError: there are too many.
    """
    found = signed["certificates"]
    if len(found) > MAX_CERTIFICATES:
        raise ValueError(f"{len(found)} certificates, at most {MAX_CERTIFICATES}")
    return [each.chosen for each in found if each.name == "certificate"]


def signer_of(signer: Any, certificates: Sequence[Any]) -> Any | None:
    """The certificate that a signer names by issuer and serial number."""
    wanted = signer["sid"].chosen
    if not isinstance(wanted, cms.IssuerAndSerialNumber):
        return None
    for each in certificates:
        if (
            each.serial_number == wanted["serial_number"].native
            and each.issuer == wanted["issuer"]
        ):
            return each
    return None


def signs(signer: Any, certificate: Any, content: bytes) -> bool:
    """Whether a signer's signature is by this certificate's key, over this content."""
    attributes = signer["signed_attrs"]
    algorithm = signer["digest_algorithm"]["algorithm"].native
    data = content
    if len(attributes):
        wanted = attribute(attributes, "message_digest")
        digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
        if wanted is None or wanted.native != digest:
            return False
        # What is signed is the set as such, not under its tag in the message.
        data = attributes.untag().dump()
    return _verifies(certificate, signer["signature"].native, data, algorithm)


def attribute(attributes: Any, name: str) -> Any | None:
    """The first value of an attribute."""
    for each in attributes:
        if each["type"].native == name:
            return each["values"][0]
    return None


def chain_of(signer: Any, certificates: Sequence[Any], purpose: str) -> Chain:
    """Follow a signer's issuers, each link checked by its signature.

    Args:
        signer: the certificate that signed.
        certificates: all that the message brings.
        purpose: the extended key usage that the signer must have.
    """
    path, remark = [signer], ""
    usage = signer.extended_key_usage_value
    if usage is None or purpose not in usage.native:
        remark = f"the signer's certificate is not for {purpose.replace('_', ' ')}"
    while path[-1].issuer != path[-1].subject and not remark:
        issuer = _issuer_of(path[-1], certificates)
        if issuer is None:
            break
        remark = _wrong_link(path[-1], issuer, len(path))
        path.append(issuer)
    facts = tuple(_facts(each) for each in path)
    if remark:
        return Chain(ChainAnswer.BROKEN, facts, remark)
    root = path[-1].issuer == path[-1].subject
    return Chain(ChainAnswer.TO_ROOT if root else ChainAnswer.OPEN, facts)


def _issuer_of(certificate: Any, certificates: Sequence[Any]) -> Any | None:
    named = [each for each in certificates if each.subject == certificate.issuer]
    key = certificate.authority_key_identifier
    by_key = [each for each in named if key and each.key_identifier == key]
    return next(iter(by_key or named), None)


def _wrong_link(certificate: Any, issuer: Any, depth: int) -> str:
    name = _name(issuer.subject)
    if depth >= MAX_CHAIN:
        return f"more than {MAX_CHAIN} certificates"
    if not issuer.ca:
        return f"{name} may not issue certificates"
    body = certificate["tbs_certificate"].dump()
    algorithm = certificate["signature_algorithm"].hash_algo
    if not _verifies(issuer, certificate.signature, body, algorithm):
        return f"a certificate that {name} did not sign"
    return ""


def _verifies(certificate: Any, signature: bytes, data: bytes, algorithm: str) -> bool:
    chosen = _HASHES.get(algorithm)
    try:
        key = load_der_public_key(certificate.public_key.dump())
        if chosen is None:
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), chosen)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(chosen))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _facts(certificate: Any) -> Certificate:
    return Certificate(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        fingerprint=certificate.sha256.hex(),
        valid_from=certificate.not_valid_before,
        valid_to=certificate.not_valid_after,
    )


def _name(name: Any) -> str:
    """A holder by common name and organisation, else by all that is said of it."""
    parts = [name.native.get(key) for key in ("common_name", "organization_name")]
    return printable(", ".join(map(str, filter(None, parts))) or name.human_friendly)
