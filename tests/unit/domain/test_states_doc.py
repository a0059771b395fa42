from __future__ import annotations

from docs.make_states import PAGE, page
from orchestrator.domain.remediation import TRANSITIONS
from orchestrator.domain.rollout import RUN_TRANSITIONS


def test_the_page_of_states_is_what_the_tables_draw() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python docs/make_states.py"


def test_every_transition_is_an_arrow() -> None:
    tables = ({**TRANSITIONS}, {**RUN_TRANSITIONS})
    arrows = sum(len(row) for table in tables for row in table.values())
    ends = page().count("--> [*]")
    starts = page().count("[*] -->")
    assert (starts, ends) == (2, 3)
    assert page().count("-->") == arrows + starts + ends
