from __future__ import annotations

from datetime import timedelta

from orchestrator.domain.waiver import Waiver
from tests.unit.domain.values import ARTICLE, NOW


def test_a_waiver_ends_by_itself_at_its_moment() -> None:
    waiver = Waiver("fe1", ARTICLE, "Kari", NOW, "vendor lock", NOW, "ops")
    assert waiver.holds(NOW - timedelta(seconds=1))
    assert not waiver.holds(NOW)
