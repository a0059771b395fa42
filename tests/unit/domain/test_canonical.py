from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.canonical import canonical_json, digest

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_the_spelling_is_ascii_and_reads_back(value: object) -> None:
    spelled = canonical_json(value)  # type: ignore[arg-type] # the strategy is JSON
    assert spelled.isascii()
    assert json.loads(spelled) == value


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(backwards) == canonical_json(value)


def test_there_are_no_spaces_and_keys_are_sorted() -> None:
    assert canonical_json({"b": [1, "ø"], "a": None}) == b'{"a":null,"b":[1,"\\u00f8"]}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json([number])


def test_the_digest_is_the_sha256_of_the_spelling() -> None:
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()
