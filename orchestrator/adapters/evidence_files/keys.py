"""An operator's key: Ed25519 in PEM, for the signature of a manifest."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from orchestrator.application.ports.files import BadInputError, Problem

_MAX_KEY_BYTES = 64 * 1024


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file; it must not ask for a passphrase.

    Raises:
        BadInputError: it is none.
    """
    try:
        key = load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _not(path, "private", "openssl genpkey -algorithm ed25519") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _not(path, "private", "openssl genpkey -algorithm ed25519")
    return key


def verifying_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file.

    Raises:
        BadInputError: it is none.
    """
    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm):
        raise _not(path, "public", "openssl pkey -pubout") from None
    if not isinstance(key, Ed25519PublicKey):
        raise _not(path, "public", "openssl pkey -pubout")
    return key


def signed_by(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether a signature, in hexadecimal, is this key's on this content."""
    try:
        key.verify(bytes.fromhex(signature.decode("ascii")), content)
    except (ValueError, InvalidSignature):
        return False
    return True


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_KEY_BYTES)
    except OSError as error:
        why = error.strerror or "an error"
        raise BadInputError(
            str(path), [Problem("", why, "a key file that can be read")]
        ) from None


def _not(path: Path, which: str, how: str) -> BadInputError:
    expected = f"an Ed25519 {which} key in PEM without a passphrase"
    return BadInputError(
        str(path), [Problem("", "something else", expected, f"make one with {how}")]
    )
