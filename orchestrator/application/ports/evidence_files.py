"""Evidence as a file that others check without our database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from orchestrator.domain.bundle import BundleFault, Checked
from orchestrator.domain.evidence import Head, Record


class Signature(StrEnum):
    """What a bundle's signature says of its manifest."""

    NONE = "none"
    #: There is one, and no key was given to check it by.
    NOT_CHECKED = "not-checked"
    VALID = "valid"
    #: It is not this key's signature of this manifest.
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """A bundle file that was read to its end."""

    records: Checked
    #: All that is wrong, the records' faults included.
    faults: tuple[BundleFault, ...]
    signature: Signature


class BundleFiles(Protocol):
    """Writes and checks bundles."""

    def write(
        self,
        path: Path,
        records: Iterable[Record],
        heads: Sequence[Head],
        head: str,
        sign_key: Path | None,
    ) -> int:
        """Write a bundle; it is there whole, or as it was before.

        Args:
            path: where to.
            records: in order of writer and number; streamed.
            heads: the chains' ends in it, by writer.
            head: the hash of the checkpoint that binds them.
            sign_key: an Ed25519 private key in PEM, if it is to be signed.

        Returns:
            How many records it holds.

        Raises:
            BadInputError: the key cannot be used, or the file cannot be written.
        """

    def check(
        self, path: Path, head: str | None, public_key: Path | None
    ) -> CheckedBundle:
        """Read a bundle to its end; hostile until checked, and never unpacked.

        Raises:
            BadInputError: it is no bundle, or past a bound; or the key is none.
        """
