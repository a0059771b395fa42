"""Candidates and plans of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.domain.hotfix import Hotfix
from orchestrator.domain.planning import (
    Candidate,
    Plan,
    PlanPolicy,
    make_plan,
)
from orchestrator.domain.server import Pool, Role
from orchestrator.domain.verdict import Judgement, judge
from tests.unit.domain.case_words import case_of
from tests.unit.domain.values import HOTFIX, package, server

AFFECTED = PlanPolicy()


def judgement(name: str, words: str = "") -> Judgement:
    return replace(judge(case_of(words)), server=name)


def candidate(
    name: str,
    words: str = "",
    *,
    site: str = "oslo",
    role: Role = Role.FRONT_END,
    pool: str | None = None,
    leak: float = 0.0,
) -> Candidate:
    own = replace(server(name), site=site, role=role, pool=pool)
    return Candidate(own, judgement(name, words), package(), leak)


def plan(
    candidates: Sequence[Candidate],
    policy: PlanPolicy = AFFECTED,
    *,
    hotfix: Hotfix = HOTFIX,
    limit: int = 1,
) -> Plan:
    pools = {name: Pool(name, "oslo", limit) for name in ("p", "q")}
    return make_plan(hotfix, candidates, pools, policy)
