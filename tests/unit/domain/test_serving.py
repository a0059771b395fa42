"""What served before a change and does not after it."""

from __future__ import annotations

import pytest

from orchestrator.domain.serving import Listener, Part, Reach, Serving, lost

BEFORE = Serving(
    (Listener("*", 5061, Reach.OPEN), Listener("192.0.2.1", 5060)),
    (Part("Filter", up=True), Part("Idle", up=False)),
    (Part("{1}", up=True),),
)


def after(reach: Reach, *, application: bool = True, module: bool = True) -> Serving:
    return Serving(
        (Listener("*", 5061, reach), Listener("192.0.2.1", 5060)),
        (Part("Filter", up=application), Part("Idle", up=False)),
        (Part("{1}", up=module),),
    )


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        (after(Reach.OPEN), ()),
        (after(Reach.CLOSED), ("port 5061 open on *",)),
        (after(Reach.FILTERED), ()),
        (after(Reach.NOT_TRIED), ()),
        (after(Reach.OPEN, application=False), ("application Filter",)),
        (after(Reach.OPEN, module=False), ("module {1}",)),
        (
            Serving(BEFORE.listeners[:1], BEFORE.applications, BEFORE.modules),
            ("listener 192.0.2.1:5060",),
        ),
    ],
)
def test_what_was_up_and_is_not_is_lost(now: Serving, missing: tuple[str, ...]) -> None:
    assert lost(BEFORE.up(), now) == missing


def test_what_was_down_before_is_not_missed() -> None:
    before = Serving((Listener("*", 5061, Reach.CLOSED),), (Part("Filter", up=False),))
    assert lost(before.up(), before) == ()


def test_where_nothing_is_told_before_nothing_is_missed() -> None:
    assert lost(Serving().up(), Serving()) == ()


def test_a_class_that_vanished_took_everything_it_told_of_along() -> None:
    assert len(lost(BEFORE.up(), Serving())) == 5
