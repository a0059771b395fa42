"""Text for people: inert, plain in a pipe, within a narrow terminal."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from orchestrator.application.audit import AuditedServer, AuditReport, WaiverLine
from orchestrator.application.explain import Explanation
from orchestrator.application.plans import (
    BlastRadius,
    ExcludedLine,
    PlanDifference,
    PlanLine,
    PlanReport,
    PlanWave,
)
from orchestrator.cli.kinds import KINDS
from orchestrator.cli.render.parts import age
from orchestrator.cli.text import as_text, clean
from orchestrator.domain.budgets import Budget, FailureClass
from orchestrator.domain.compliance import compliance_of
from orchestrator.domain.planning import PlanPolicy
from orchestrator.domain.remediation import Action
from orchestrator.domain.verdict import Proof, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_TIME = compliance_of((), NOW)


def audited(name: str, reason: str = "too old") -> AuditedServer:
    return AuditedServer(
        server=name,
        site="site-1",
        pool=None,
        role="standard",
        product="lcs-2005",
        edition="",
        verdict=Verdict.NEEDED,
        reason=reason,
        observed=NOW,
        age_seconds=7300,
        evidence=(),
        waiver=WaiverLine("A. Manager", NOW + timedelta(days=9), "soon replaced"),
    )


def report(*lines: AuditedServer, lab: bool = False) -> AuditReport:
    total = {"needed": len(lines)}
    return AuditReport("KB700001", NOW, total, {}, {}, {}, {}, lines, NO_TIME, lab)


def drawn(kind: str, data: object, width: int | None = None) -> str:
    return as_text(KINDS[kind].draw(data), width=width, colour=False)


@given(st.text())
def test_no_control_or_direction_character_survives(text: str) -> None:
    assert not any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        for character in clean(text)
    )


def test_what_is_made_inert_can_still_be_seen() -> None:
    assert clean("a\x1b[31m\u202eb\n") == "a\\u001b[31m\\u202eb "


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "[/]", ":warning:", "[link=x]y"])
def test_markup_in_a_name_is_shown_as_it_is(name: str) -> None:
    assert name in drawn("audit", report(audited(name)))


def test_a_piped_table_is_plain_and_keeps_a_server_on_its_line() -> None:
    text = drawn("audit", report(audited("fe1", "because " * 60)))

    assert "\x1b" not in text
    assert len([line for line in text.splitlines() if "because" in line]) == 1
    assert not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_keeps_to_the_width_of_its_terminal(width: int) -> None:
    text = drawn(
        "audit", report(audited("a-very-long-name.example", "why " * 30)), width
    )

    assert max(map(len, text.splitlines())) <= width


def test_an_audit_shows_verdict_reason_age_waiver_and_a_summary() -> None:
    text = drawn("audit", report(audited("fe1"), audited("fe2")))

    for part in ("needed", "too old", "2 h ago", "A. Manager until 2026-03-10"):
        assert part in text
    assert text.splitlines()[-1] == "2 servers: 2 needed"


def test_what_is_the_labs_is_marked() -> None:
    assert "LAB" in drawn("audit", report(audited("fe1"), lab=True))
    assert "LAB" not in drawn("audit", report(audited("fe1")))


def test_a_plan_shows_waves_exclusions_reach_and_difference() -> None:
    plan = PlanReport(
        plan="0123456789ab",
        digest="0123456789ab" * 5,
        article="KB700001",
        made=NOW,
        policy=PlanPolicy(),
        waves=(
            PlanWave(1, (PlanLine("fe1", Action.INSTALL, "pool-1", "site-1", "old"),)),
        ),
        excluded=(ExcludedLine("fe9", Verdict.BLOCKED, "free space is 12 bytes"),),
        radius=BlastRadius(1, ("pool-1",), ("site-1",), 1200),
        difference=PlanDifference("ba9876543210", ("fe1",), ("fe7",)),
    )

    text = drawn("plan", plan)

    for part in (
        "install",
        "free space is 12 bytes",
        "1 servers, 1200 users",
        "waves of 1, 5%, 25% and the rest",
        "added fe1; removed fe7",
    ):
        assert part in text


def test_a_plan_shows_its_gates_and_budgets_to_whoever_approves_it() -> None:
    policy = PlanPolicy(
        budgets={
            FailureClass.INSTALL: Budget(count=0),
            FailureClass.VERIFY: Budget(percent=12.5),
        },
        success_percent=80,
        soak_minutes=7,
        manual_gates=True,
        symptom_gate=True,
    )
    report = PlanReport(
        plan="0123456789ab",
        digest="0123456789ab" * 5,
        article="KB700001",
        made=NOW,
        policy=policy,
        waves=(),
        excluded=(),
        radius=BlastRadius(0, (), (), None),
    )

    text = drawn("plan", report)

    for part in (
        "80% of a wave, soak 7 min",
        "measured not to leak, a person's word after each wave",
        "install 0, verify 12.5%",
    ):
        assert part in text


def test_explain_fits_one_screen_and_ends_with_the_next_command() -> None:
    proof = tuple(Proof(f"file {n}", "old", "new", holds=n > 3) for n in range(40))
    found = Explanation(
        server="fe1",
        article="KB700001",
        verdict=Verdict.NEEDED,
        reason="too old",
        proof=proof,
        exposure="exposed: fe1 to dir1",
        processes=(),
        to_enable=(),
        last_contact=NOW,
        contact_fault="",
        unreadable=(),
        endpoint="",
        last_outcome="",
        waiver=None,
        next_command="orchestrator plan KB700001 fe1",
        as_of=NOW,
    )

    lines = drawn("explanation", found, 120).splitlines()

    assert len(lines) <= 24
    assert lines[-1] == "next: orchestrator plan KB700001 fe1"
    assert "26 more" in lines[-2]
    assert [line.split()[0] for line in lines[6:10]] == ["no"] * 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "never"), (0, "0 s"), (119, "1 min"), (7300, "2 h"), (90000, "1 d")],
)
def test_an_age_is_given_in_its_largest_unit(seconds: int | None, words: str) -> None:
    assert age(seconds) == words


def test_colour_comes_only_where_it_is_allowed() -> None:
    block = [Text("x", "red")]

    assert "\x1b" in as_text(block, width=80, colour=True)
    assert "\x1b" not in as_text(block, width=80, colour=False)
