"""Authenticode signatures: three separate answers, and which of them is demanded.

A signature of 2005 has a certificate that expired long ago and often hashes that
nobody would choose today. So nothing here is one yes or no: whether the file is the
one that was signed, by whom, and when, are answers of their own. The operator's
SHA-256 pin is the primary control; a policy says what is demanded beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DigestAnswer(StrEnum):
    """Whether the file is the one that was signed."""

    MATCHES = "matches"
    DIFFERS = "differs"
    UNSIGNED = "unsigned"
    #: There is a signature that could not be read.
    UNREADABLE = "unreadable"


class ChainAnswer(StrEnum):
    """How far the signer's certificates lead. No list of trusted roots is shipped."""

    #: Each certificate is signed by the next, to a root that the file brings.
    TO_ROOT = "to-root"
    #: The same, to a certificate whose issuer the file does not bring.
    OPEN = "open"
    #: A signature in it is wrong, or the signer may not sign programs.
    BROKEN = "broken"
    NONE = "none"


class TimestampAnswer(StrEnum):
    """Whether somebody else says when it was signed."""

    VALID = "valid"
    INVALID = "invalid"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of a chain."""

    subject: str
    issuer: str
    #: SHA-256 of the certificate, lower-case hexadecimal.
    fingerprint: str
    valid_from: datetime
    valid_to: datetime

    def valid_at(self, moment: datetime) -> bool:
        """Whether a moment lies in its validity."""
        return self.valid_from <= moment <= self.valid_to


@dataclass(frozen=True, slots=True)
class Signature:
    """The three answers, with what they rest on."""

    digest: DigestAnswer
    chain: ChainAnswer = ChainAnswer.NONE
    timestamp: TimestampAnswer = TimestampAnswer.NONE
    #: What is wrong with the chain or the timestamp, where something is.
    remarks: tuple[str, ...] = ()
    #: The chain, the signer first.
    certificates: tuple[Certificate, ...] = ()
    stamped: datetime | None = None
    stamped_by: str = ""

    @property
    def valid_when_stamped(self) -> bool | None:
        """Whether every certificate was valid then; ``None`` without a timestamp."""
        if self.stamped is None or self.timestamp is not TimestampAnswer.VALID:
            return None
        return all(each.valid_at(self.stamped) for each in self.certificates)


class Demand(StrEnum):
    """What a package's signature must show."""

    NOTHING = "nothing"
    #: If it is signed at all, it is the file that was signed, by an unbroken chain.
    UNTAMPERED = "untampered"
    #: The same, and it is signed.
    SIGNED = "signed"
    #: Signed, and timestamped while the chain was valid.
    STAMPED = "stamped"


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """What is demanded of signatures."""

    demand: Demand = Demand.UNTAMPERED
    #: Fingerprints (SHA-256) of which one must be in the chain; empty demands none.
    trusted: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Objection:
    """What a policy finds wrong: found against expected."""

    found: str
    expected: str


def objection(signature: Signature, policy: SignaturePolicy) -> Objection | None:
    """The first demand of a policy that a signature does not meet."""
    if policy.demand is Demand.NOTHING and not policy.trusted:
        return None
    digest = signature.digest
    if digest is DigestAnswer.UNSIGNED:
        may_lack = policy.demand is Demand.UNTAMPERED and not policy.trusted
        return None if may_lack else Objection("no signature", "a signed package")
    if digest is not DigestAnswer.MATCHES:
        found = f"a signature whose digest {_said(digest)}"
        return Objection(found, "the file that was signed")
    return _of_chain(signature, policy)


def _said(digest: DigestAnswer) -> str:
    differs = digest is DigestAnswer.DIFFERS
    return "is another file's" if differs else "cannot be read"


def _of_chain(signature: Signature, policy: SignaturePolicy) -> Objection | None:
    if signature.chain in (ChainAnswer.BROKEN, ChainAnswer.NONE):
        why = "; ".join(signature.remarks) or signature.chain.value
        return Objection(f"a broken chain of certificates ({why})", "an unbroken one")
    known = {each.fingerprint for each in signature.certificates}
    if policy.trusted and not known & policy.trusted:
        found = f"a chain through {', '.join(sorted(known))}"
        return Objection(found, f"one of {', '.join(sorted(policy.trusted))}")
    if policy.demand is not Demand.STAMPED or signature.valid_when_stamped:
        return None
    if signature.valid_when_stamped is None:
        found = f"a timestamp that is {signature.timestamp.value}"
        return Objection(found, "a valid timestamp")
    return Objection("a timestamp outside the chain's validity", "one within it")
