"""What changed on a server since it was planned, as far as the plan rests on it."""

from __future__ import annotations

from orchestrator.domain.planning import Basis, PlannedServer


def drift(planned: PlannedServer, now: Basis) -> str | None:
    """What changed since the plan that matters to it; ``None`` if nothing did."""
    then = planned.basis
    pairs = (
        ("verdict", then.verdict.value, now.verdict.value),
        ("platform", then.platform, now.platform),
        ("service pack", then.service_pack, now.service_pack),
        ("language", then.language, now.language),
        ("package", then.package_sha256, now.package_sha256),
    )
    for what, planned_value, found in pairs:
        if planned_value != found:
            return f"{what} was {planned_value} in the plan, found {found}"
    for path in sorted({*then.files, *now.files}):
        old, new = then.files.get(path), now.files.get(path)
        if old != new:
            return f"{path} was {old} in the plan, found {new}"
    return None
