"""An article's statements laid over a definition of the same number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from orchestrator.application.ports.files import (
    ArticleDraft,
    CompleteDefinition,
    Difference,
    IncompleteDefinition,
    Lack,
)
from orchestrator.domain.hotfix import Hotfix

_NEVER_IN_ARTICLES = (
    Lack(
        "exposure", "an article gives no rule", "always, or mtls-to-syn-protected-peer"
    ),
    Lack(
        "services", "an article names none", "the services that must run the new code"
    ),
    Lack("prerequisites.free_bytes", "an article names none", "in bytes"),
)
#: Fields that a definition may leave empty; any other lack must be filled.
_OPTIONAL = frozenset({"languages", "platforms", "file_table"})


def complete(
    draft: ArticleDraft, base: Hotfix | None
) -> CompleteDefinition | IncompleteDefinition:
    """The definition with what the article adds to it.

    Where both speak and disagree, the definition stands and the difference is told:
    only a person can say which is right.
    """
    if base is None:
        missing = [lack for lack in draft.lacks if lack.field not in _OPTIONAL]
        hint = (
            f"write {draft.article}.yml with these fields and what the article states, "
            "then: orchestrator catalog import"
        )
        return IncompleteDefinition(draft, (*missing, *_NEVER_IN_ARTICLES), hint)
    added: dict[str, Any] = {
        name: getattr(draft, name)
        for name in ("products", "platforms", "file_table")
        if getattr(draft, name) and not getattr(base, name)
    }
    origins = {name: draft.provenance[name] for name in added if name != "file_table"}
    hotfix = replace(base, **added, provenance={**base.provenance, **origins})
    empty = {name for name in _OPTIONAL if not getattr(hotfix, name)}
    lacks = tuple(lack for lack in draft.lacks if lack.field in empty)
    return CompleteDefinition(hotfix, lacks, tuple(_differences(draft, base)))


def _differences(draft: ArticleDraft, base: Hotfix) -> Iterator[Difference]:
    """Fields on which both speak; titles and symptoms are in our own words."""
    required = base.prerequisites
    pairs: tuple[tuple[str, object, object], ...] = (
        ("products", draft.products or None, tuple(sorted(base.products))),
        ("prerequisites", draft.windows_version, required.windows_version),
        ("prerequisites", draft.service_pack, required.service_pack),
        ("restart_required", draft.restart_required, base.restart_required),
        ("replaces", draft.replaces, tuple(sorted(base.replaces))),
        ("platforms", draft.platforms or None, base.platforms or draft.platforms),
    )
    for name, article, definition in pairs:
        if article is not None and article != definition:
            yield Difference(name, _told(article), _told(definition))


def _told(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
