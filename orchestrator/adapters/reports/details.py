"""The proofs as one block of JSON, each text in it once.

Ten thousand proofs as markup would be tens of megabytes; the page's script draws one
server's page when it is asked for, and one for each when the report is printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from orchestrator.adapters.reports.inert import inert
from orchestrator.application.audit import AuditReport
from orchestrator.domain.verdict import Proof

_NOT_READ: Final = -1

#: JSON may spell any character by number, so nothing in it can end the block.
_ESCAPES: Final = {
    ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"
}


class _Texts:
    """Hands out a number for each text."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.known.setdefault(inert(text), len(self.known))


def details(report: AuditReport, hours: Mapping[str, float]) -> Markup:
    """Per server: hours open, contact, waiver's reason, then its proof flattened.

    A line of proof is six numbers: fact, found, expected, whether it holds, source,
    and age in seconds (-1 where it has none).
    """
    texts = _Texts()
    servers = [
        [
            round(hours[line.server], 1) if line.server in hours else None,
            texts.number(line.contact),
            texts.number(line.waiver.reason if line.waiver else ""),
            [
                number
                for proof in line.evidence
                for number in _flat(proof, report, texts)
            ],
        ]
        for line in report.servers
    ]
    block = json.dumps(
        {"texts": list(texts.known), "servers": servers},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return Markup(block.translate(_ESCAPES))  # noqa: S704 - escaped just now


def _flat(proof: Proof, report: AuditReport, texts: _Texts) -> tuple[int, ...]:
    seen = proof.at
    return (
        texts.number(proof.fact),
        texts.number(proof.found),
        texts.number(proof.expected),
        int(proof.holds),
        texts.number(proof.source),
        int((report.as_of - seen).total_seconds()) if seen else _NOT_READ,
    )
