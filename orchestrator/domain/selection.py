"""``SELECTION``: which servers a command is about.

Names, globs, ``pool:NAME``, ``site:NAME``, ``role:NAME`` and ``verdict:NAME``,
combined with commas (or) and ``+`` (and, which binds tighter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.domain.server import Role, Server
from orchestrator.domain.verdict import Verdict

_PREFIXES = ("pool", "site", "role", "verdict")


class SelectionError(ValueError):
    """A selection that cannot be read, or that names nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a selection: ``kind`` is ``name`` or a prefix."""

    kind: str
    pattern: str

    def matches(self, server: Server, verdict: Verdict | None) -> bool:
        """Whether a server is meant, without regard to case."""
        found = {
            "name": server.name,
            "pool": server.pool or "",
            "site": server.site,
            "role": server.role.value,
            "verdict": verdict.value if verdict else "",
        }[self.kind]
        return fnmatchcase(found.lower(), self.pattern.lower())


@dataclass(frozen=True, slots=True)
class Selection:
    """Alternatives, each a set of terms that must all hold; empty means all."""

    text: str = ""
    alternatives: tuple[tuple[Term, ...], ...] = ()

    @property
    def needs_verdicts(self) -> bool:
        """Whether a verdict must be known to apply it."""
        return any(
            term.kind == "verdict" for terms in self.alternatives for term in terms
        )

    def matches(self, server: Server, verdict: Verdict | None = None) -> bool:
        """Whether a server is selected."""
        if not self.alternatives:
            return True
        return any(
            all(term.matches(server, verdict) for term in terms)
            for terms in self.alternatives
        )

    def choose(
        self,
        servers: tuple[Server, ...],
        verdicts: Mapping[str, Verdict] | None = None,
    ) -> tuple[Server, ...]:
        """The selected servers.

        Raises:
            SelectionError: a selection was given and nothing matches it.
        """
        known = verdicts or {}
        chosen = tuple(
            server for server in servers if self.matches(server, known.get(server.name))
        )
        if self.alternatives and not chosen:
            raise SelectionError(
                f"found no server for {self.text!r}; see orchestrator inventory list"
            )
        return chosen


def parse_selection(text: str | None) -> Selection:
    """Read a selection; empty or ``None`` selects all.

    Raises:
        SelectionError: a word is empty, or names a role or verdict that is none.
    """
    if text is None or not text.strip():
        return Selection()
    return Selection(
        text,
        tuple(
            tuple(_term(word) for word in alternative.split("+"))
            for alternative in text.split(",")
        ),
    )


def _term(word: str) -> Term:
    stripped = word.strip()
    if not stripped:
        raise SelectionError("found an empty word, expected a name or pool:NAME")
    prefix, colon, rest = stripped.partition(":")
    if not colon:
        return Term("name", stripped)
    if prefix not in _PREFIXES or not rest:
        expected = ", ".join(f"{known}:NAME" for known in _PREFIXES)
        raise SelectionError(f"found {stripped!r}, expected a name or {expected}")
    _check_word(prefix, rest)
    return Term(prefix, rest)


def _check_word(prefix: str, word: str) -> None:
    closed = {"role": [*Role], "verdict": [*Verdict]}.get(prefix)
    if closed is None or any(fnmatchcase(known.value, word) for known in closed):
        return
    expected = ", ".join(known.value for known in closed)
    raise SelectionError(f"found {prefix}:{word}, expected one of {expected}")
