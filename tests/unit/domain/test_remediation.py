from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.domain.remediation import (
    IN_FLIGHT,
    TRANSITIONS,
    Action,
    Attempt,
    AttemptEvent,
    AttemptEvidence,
    AttemptState,
    Finished,
    IllegalTransitionError,
    Interrupted,
    KnownLaunch,
    NotLaunched,
    ProcessSeen,
    RefusedByWrapper,
    Settlement,
    StillRunning,
    advance,
    restarted,
    settle,
)
from tests.unit.domain.values import NOW

S, E = AttemptState, AttemptEvent
PAIRS = [(state, event) for state in S for event in E]

#: Every legal pair, written down a second time so that a change is seen.
LEGAL = {
    (S.READY, E.BEGIN): S.PREPARING,
    (S.READY, E.SETTLE): S.SETTLED,
    (S.PREPARING, E.BEGIN): S.PREPARING,
    (S.PREPARING, E.INTEND_LAUNCH): S.LAUNCH_INTENDED,
    (S.PREPARING, E.INTEND_ACTIVATE): S.ACTIVATING,
    (S.PREPARING, E.SETTLE): S.SETTLED,
    (S.LAUNCH_INTENDED, E.LAUNCHED): S.LAUNCHED,
    (S.LAUNCH_INTENDED, E.LOSE_CONTACT): S.UNKNOWN,
    (S.LAUNCHED, E.INSTALLER_ENDED): S.CONFIRMING,
    (S.LAUNCHED, E.LOSE_CONTACT): S.UNKNOWN,
    (S.CONFIRMING, E.INTEND_ACTIVATE): S.ACTIVATING,
    (S.CONFIRMING, E.LOSE_CONTACT): S.UNKNOWN,
    (S.CONFIRMING, E.SETTLE): S.SETTLED,
    (S.ACTIVATING, E.LOSE_CONTACT): S.UNKNOWN,
    (S.ACTIVATING, E.SETTLE): S.SETTLED,
    (S.UNKNOWN, E.FOUND_NOT_LAUNCHED): S.PREPARING,
    (S.UNKNOWN, E.FOUND_RUNNING): S.LAUNCHED,
    (S.UNKNOWN, E.FOUND_FINISHED): S.CONFIRMING,
    (S.UNKNOWN, E.CONFIRM_AGAIN): S.CONFIRMING,
    (S.UNKNOWN, E.FOUND_INTERRUPTED): S.SETTLED,
    (S.UNKNOWN, E.LOSE_CONTACT): S.UNKNOWN,
}


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_a_pair_is_legal_or_raises(state: AttemptState, event: AttemptEvent) -> None:
    if (state, event) in LEGAL:
        assert advance(state, event) is LEGAL[state, event]
        return
    with pytest.raises(IllegalTransitionError) as caught:
        advance(state, event)
    assert (caught.value.state, caught.value.event) == (state, event)


def test_an_illegal_event_says_what_would_be_legal() -> None:
    with pytest.raises(IllegalTransitionError, match="settle in state launched"):
        advance(S.LAUNCHED, E.SETTLE)
    with pytest.raises(IllegalTransitionError, match="legal: installer-ended, lose-co"):
        advance(S.LAUNCHED, E.SETTLE)
    with pytest.raises(IllegalTransitionError, match="legal: nothing"):
        advance(S.SETTLED, E.BEGIN)


def reachable(
    start: AttemptState, without: Iterable[tuple[AttemptState, AttemptEvent]] = ()
) -> set[AttemptState]:
    barred, seen, todo = set(without), set[AttemptState](), [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [
                after
                for event, after in TRANSITIONS[state].items()
                if (state, event) not in barred
            ]
    return seen


def test_every_state_is_reachable_and_has_its_row() -> None:
    assert reachable(S.READY) == set(S) == set(TRANSITIONS)


@pytest.mark.parametrize("state", S)
def test_settled_is_reachable_from_every_state(state: AttemptState) -> None:
    assert S.SETTLED in reachable(state)


def test_settled_is_final() -> None:
    assert reachable(S.SETTLED) == {S.SETTLED}


@pytest.mark.parametrize(
    "state", [S.LAUNCH_INTENDED, S.LAUNCHED, S.UNKNOWN, S.CONFIRMING, S.ACTIVATING]
)
def test_only_a_host_that_says_not_launched_leads_back_to_a_launch(
    state: AttemptState,
) -> None:
    assert S.PREPARING in reachable(state)
    without = [(S.UNKNOWN, E.FOUND_NOT_LAUNCHED)]
    assert not {S.PREPARING, S.READY} & reachable(state, without)


def test_nothing_ends_while_the_installer_may_be_at_work() -> None:
    for state in (S.LAUNCH_INTENDED, S.LAUNCHED):
        assert S.SETTLED not in TRANSITIONS[state].values()


@pytest.mark.parametrize("state", [S.CONFIRMING, S.ACTIVATING])
def test_a_crash_while_confirming_or_activating_is_confirmed_again(
    state: AttemptState,
) -> None:
    unknown = advance(state, E.LOSE_CONTACT)
    again = advance(unknown, E.CONFIRM_AGAIN)
    assert again is S.CONFIRMING
    assert advance(again, E.INTEND_ACTIVATE) is S.ACTIVATING
    assert advance(again, E.SETTLE) is S.SETTLED


@pytest.mark.parametrize("state", sorted(IN_FLIGHT))
def test_contact_can_be_lost_in_every_state_in_flight(state: AttemptState) -> None:
    assert advance(state, E.LOSE_CONTACT) is S.UNKNOWN


def test_nothing_is_in_flight_before_an_intent_or_after_the_end() -> None:
    assert set(S) - IN_FLIGHT == {S.READY, S.PREPARING, S.SETTLED}


class AttemptMachine(RuleBasedStateMachine):
    """An attempt that crashes and loses contact whenever it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.READY
        self.launches = 0
        self.found_not_launched = 0

    @precondition(lambda self: self.state is not S.SETTLED)
    @rule(data=st.data())
    def legal(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(sorted(TRANSITIONS[self.state])))
        before, self.state = self.state, advance(self.state, event)
        # An intent is left behind by an answer from the host or an outcome only.
        if before in IN_FLIGHT and self.state not in IN_FLIGHT:
            assert event in (E.FOUND_NOT_LAUNCHED, E.FOUND_INTERRUPTED, E.SETTLE)
        self.launches += event is E.INTEND_LAUNCH
        self.found_not_launched += event is E.FOUND_NOT_LAUNCHED

    @rule(event=st.sampled_from(E))
    def any_event(self, event: AttemptEvent) -> None:
        if (self.state, event) in LEGAL:
            return
        before = self.state
        with pytest.raises(IllegalTransitionError):
            advance(self.state, event)
        assert self.state is before

    @invariant()
    def a_launch_is_repeated_only_after_it_was_found_not_to_be_one(self) -> None:
        assert self.launches <= self.found_not_launched + 1

    @invariant()
    def the_end_is_in_sight(self) -> None:
        assert S.SETTLED in reachable(self.state)


AttemptMachine.TestCase.settings = settings(max_examples=200)
TestAttemptMachine = AttemptMachine.TestCase

# Settling.

BOOT = NOW - timedelta(days=30)
STARTED = NOW - timedelta(minutes=5)
WRAPPER = ProcessSeen(100, STARTED, "cmd.exe", r"cmd /c c:\windows\x\tok\run.cmd")
CHILD = ProcessSeen(200, NOW, "update.exe", r"update.exe /log:c:\windows\x\tok\a.log")
OTHER = ProcessSeen(300, NOW, "update.exe", "update.exe /quiet")
OURS_BY_ID = ProcessSeen(100, STARTED, "update.exe", "")
REUSED = ProcessSeen(100, NOW, "update.exe", "update.exe /quiet")

LOST_REPLY = KnownLaunch(BOOT)
KNOWN = KnownLaunch(BOOT, 100, STARTED)
ID_ONLY = KnownLaunch(BOOT, 100)

RESTARTED = BOOT + timedelta(days=1)
JITTER = BOOT + timedelta(minutes=1)
NO_JITTER = BOOT + timedelta(minutes=1, microseconds=1)


def evidence(
    *mentioning: ProcessSeen,
    installers: tuple[ProcessSeen, ...] = (),
    claimed: bool = True,
    boot: datetime = BOOT,
    exit_text: str | None = None,
    refusal: str | None = None,
) -> AttemptEvidence:
    return AttemptEvidence(
        host_time=NOW,
        boot_time=boot,
        mentioning=mentioning,
        installers=installers,
        claimed=claimed,
        exit_text=exit_text,
        refusal=refusal,
        ended=NOW if exit_text else None,
        log_tail=("a line",),
    )


UNCLAIMED = evidence(claimed=False)
QUIET = evidence()
BUSY = evidence(installers=(OTHER,))

SETTLED = [
    # Not claimed: nothing ran, unless the wrapper is about to claim.
    (UNCLAIMED, LOST_REPLY, NotLaunched),
    (UNCLAIMED, KNOWN, NotLaunched),
    (replace(UNCLAIMED, boot_time=RESTARTED), LOST_REPLY, NotLaunched),
    (replace(UNCLAIMED, boot_time=RESTARTED), KNOWN, NotLaunched),
    (replace(UNCLAIMED, installers=(OTHER,)), LOST_REPLY, NotLaunched),
    (replace(UNCLAIMED, mentioning=(WRAPPER,)), LOST_REPLY, StillRunning),
    (replace(UNCLAIMED, mentioning=(WRAPPER,)), KNOWN, StillRunning),
    # A code decides, whatever runs or has restarted.
    (evidence(exit_text="0"), KNOWN, Finished),
    (evidence(exit_text="0"), LOST_REPLY, Finished),
    (evidence(WRAPPER, exit_text="0"), KNOWN, Finished),
    (evidence(exit_text="0", boot=RESTARTED), KNOWN, Finished),
    (evidence(exit_text="0", installers=(OTHER,)), LOST_REPLY, Finished),
    (evidence(exit_text="0", claimed=False), KNOWN, Finished),
    # So does the wrapper's refusal.
    (evidence(refusal="another hash"), KNOWN, RefusedByWrapper),
    (evidence(WRAPPER, refusal="another hash"), LOST_REPLY, RefusedByWrapper),
    (evidence(refusal="another hash", boot=RESTARTED), KNOWN, RefusedByWrapper),
    # The process is known by id and start: it decides.
    (evidence(WRAPPER), KNOWN, StillRunning),
    (evidence(installers=(OURS_BY_ID,)), KNOWN, StillRunning),
    (evidence(CHILD), KNOWN, StillRunning),
    (QUIET, KNOWN, Interrupted),
    (BUSY, KNOWN, Interrupted),
    (evidence(installers=(REUSED,)), KNOWN, Interrupted),
    (evidence(boot=RESTARTED), KNOWN, Interrupted),
    (evidence(installers=(OTHER,), boot=RESTARTED), KNOWN, Interrupted),
    # It still lives, so the clock moved and the computer did not restart.
    (evidence(WRAPPER, boot=RESTARTED), KNOWN, StillRunning),
    # The reply was lost: any installer may be ours until a restart.
    (QUIET, LOST_REPLY, Interrupted),
    (evidence(WRAPPER), LOST_REPLY, StillRunning),
    (evidence(CHILD), LOST_REPLY, StillRunning),
    (BUSY, LOST_REPLY, StillRunning),
    (evidence(boot=RESTARTED), LOST_REPLY, Interrupted),
    (evidence(installers=(OTHER,), boot=RESTARTED), LOST_REPLY, Interrupted),
    (evidence(installers=(OTHER,), boot=JITTER), LOST_REPLY, StillRunning),
    (evidence(installers=(OTHER,), boot=NO_JITTER), LOST_REPLY, Interrupted),
    # An id without a start may be anybody's by now.
    (QUIET, ID_ONLY, Interrupted),
    (BUSY, ID_ONLY, StillRunning),
    (evidence(installers=(REUSED,)), ID_ONLY, StillRunning),
    # A text that is no code counts as none.
    (evidence(exit_text=""), KNOWN, Interrupted),
    (evidence(exit_text="ECHO is off."), KNOWN, Interrupted),
    (evidence(WRAPPER, exit_text=""), KNOWN, StillRunning),
    (evidence(installers=(OTHER,), exit_text="x"), LOST_REPLY, StillRunning),
    (evidence(exit_text="x", claimed=False), KNOWN, Interrupted),
]


@pytest.mark.parametrize(("found", "known", "kind"), SETTLED)
def test_the_host_settles_an_attempt(
    found: AttemptEvidence, known: KnownLaunch, kind: type[Settlement]
) -> None:
    assert type(settle(found, known)) is kind


def test_still_running_names_each_process_once() -> None:
    found = evidence(WRAPPER, installers=(WRAPPER, OTHER))
    assert settle(found, KNOWN) == StillRunning((WRAPPER,))
    assert settle(BUSY, LOST_REPLY) == StillRunning((OTHER,))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", 0),
        (" 0 \r\n", 0),
        ("3010\r\n", 3010),
        ("1603", 1603),
        ("-1", -1),
        ("-2147483648", -(2**31)),
        ("4294967295", 2**32 - 1),
        ("0000000000", 0),
    ],
)
def test_an_exit_text_is_a_32_bit_number(text: str, code: int) -> None:
    assert settle(evidence(exit_text=text), KNOWN) == Finished(code, NOW, ("a line",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\r\n",
        "ECHO is off.",
        "0x0",
        "+0",
        "--1",
        "-",
        "1 2",
        "1.0",
        "4294967296",
        "-2147483649",
        "00000000000",
        "9" * 100_000,
        "\uff10",
        "\u0660",
    ],
)
def test_anything_else_is_no_code_and_is_quoted_in_short(text: str) -> None:
    found = settle(evidence(exit_text=text), KNOWN)
    assert isinstance(found, Interrupted)
    assert found.reason == (
        f"claimed, the exit file holds {text[:40]!r}, "
        "and no process of the attempt is left"
    )


def test_an_interruption_says_what_is_missing() -> None:
    assert settle(QUIET, KNOWN) == Interrupted(
        "claimed, no exit code, and no process of the attempt is left", ("a line",)
    )
    assert settle(evidence(boot=RESTARTED), KNOWN) == Interrupted(
        "the computer restarted at 2006-08-03 12:00Z before the installer wrote "
        "its code",
        ("a line",),
    )


def test_a_refusal_keeps_its_reason() -> None:
    found = settle(evidence(refusal="another hash", exit_text="0"), KNOWN)
    assert found == RefusedByWrapper("another hash")


@pytest.mark.parametrize(
    ("moved", "is_restart"),
    [
        (timedelta(), False),
        (timedelta(minutes=1), False),
        (timedelta(minutes=1, microseconds=1), True),
        (timedelta(days=1), True),
    ],
)
def test_a_boot_time_moves_a_minute_without_a_restart(
    moved: timedelta, *, is_restart: bool
) -> None:
    assert restarted(BOOT, BOOT + moved) is is_restart
    assert restarted(BOOT + moved, BOOT) is is_restart


def test_only_a_settled_attempt_is_final() -> None:
    attempt = Attempt("token", "run", "fe1", 1, Action.INSTALL)
    assert [replace(attempt, state=state).settled for state in S] == [
        state is S.SETTLED for state in S
    ]
