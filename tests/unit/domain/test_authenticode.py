"""What a policy demands of a signature, answer by answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.domain.authenticode import (
    Certificate,
    ChainAnswer,
    Demand,
    DigestAnswer,
    Signature,
    SignaturePolicy,
    TimestampAnswer,
    objection,
)

LEAF = Certificate(
    "Leaf",
    "Root",
    "ab" * 32,
    datetime(2004, 1, 1, tzinfo=UTC),
    datetime(2007, 1, 1, tzinfo=UTC),
)
GOOD = Signature(
    DigestAnswer.MATCHES,
    ChainAnswer.OPEN,
    TimestampAnswer.VALID,
    certificates=(LEAF,),
    stamped=datetime(2005, 11, 14, tzinfo=UTC),
)
UNSIGNED = Signature(DigestAnswer.UNSIGNED)
DIFFERS = replace(GOOD, digest=DigestAnswer.DIFFERS)
UNREADABLE = Signature(DigestAnswer.UNREADABLE)
BROKEN = replace(GOOD, chain=ChainAnswer.BROKEN, remarks=("a reason",))
NO_STAMP = replace(GOOD, timestamp=TimestampAnswer.NONE, stamped=None)
FALSE_STAMP = replace(GOOD, timestamp=TimestampAnswer.INVALID)
LATE = replace(GOOD, stamped=datetime(2008, 1, 1, tzinfo=UTC))
ANY, UNTAMPERED, SIGNED, STAMPED = Demand


@pytest.mark.parametrize(
    ("signature", "demand", "found"),
    [
        (GOOD, STAMPED, None),
        (UNSIGNED, ANY, None),
        (UNSIGNED, UNTAMPERED, None),
        (UNSIGNED, SIGNED, "no signature"),
        (UNSIGNED, STAMPED, "no signature"),
        (DIFFERS, ANY, None),
        (DIFFERS, UNTAMPERED, "another file's"),
        (DIFFERS, STAMPED, "another file's"),
        (UNREADABLE, ANY, None),
        (UNREADABLE, UNTAMPERED, "cannot be read"),
        (BROKEN, ANY, None),
        # Else a forger would write his own file's digest into it.
        (BROKEN, UNTAMPERED, "a reason"),
        (NO_STAMP, UNTAMPERED, None),
        (BROKEN, SIGNED, "a reason"),
        (NO_STAMP, SIGNED, None),
        (NO_STAMP, STAMPED, "timestamp that is none"),
        (FALSE_STAMP, SIGNED, None),
        (FALSE_STAMP, STAMPED, "timestamp that is invalid"),
        (LATE, SIGNED, None),
        (LATE, STAMPED, "outside the chain's validity"),
    ],
)
def test_a_demand_objects_to_what_it_demands_and_no_more(
    signature: Signature, demand: Demand, found: str | None
) -> None:
    wrong = objection(signature, SignaturePolicy(demand))
    if found is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert found in wrong.found


@pytest.mark.parametrize("demand", Demand)
def test_trusted_certificates_demand_a_signature_through_one(demand: Demand) -> None:
    through = SignaturePolicy(demand, frozenset({LEAF.fingerprint, "cd" * 32}))
    past = SignaturePolicy(demand, frozenset({"cd" * 32}))
    assert objection(GOOD, through) is None
    assert objection(UNSIGNED, through) is not None
    assert objection(BROKEN, through) is not None
    wrong = objection(GOOD, past)
    assert wrong is not None
    assert LEAF.fingerprint in wrong.found


@pytest.mark.parametrize(
    ("signature", "valid"),
    [(GOOD, True), (LATE, False), (NO_STAMP, None), (FALSE_STAMP, None)],
)
def test_only_a_valid_timestamp_says_whether_the_chain_was_valid(
    signature: Signature,
    valid: bool | None,
) -> None:
    assert signature.valid_when_stamped is valid
