"""The text of a KB article, cut into its sections.

Saved copies often have headings glued to the words around them, as in
``On This PageSYMPTOMSConsider`` or ``computer.Restart requirementYou``. So a heading
is known by its words, by what may stand before it (the start of a line, the end of a
sentence, or the glue) and by what may follow it (a capital, a bracket or the end of
the line).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.application.ports.files import BadInputError, Problem

_MAIN = (
    "SYMPTOMS?|CAUSE|RESOLUTION|WORKAROUND|STATUS|MORE INFORMATION|APPLIES TO"
    "|REFERENCES|INTRODUCTION|SUMMARY"
)
_MINOR = (
    "Prerequisites?|Restart (?:requirements?|information)"
    "|(?:Hotfix |Update )?[Rr]eplacement information"
    "|(?:Hotfix |Update )?[Ff]ile (?:information|attributes)"
    "|(?:Hotfix|Update) information|Article Translations|Back to the top|Keywords"
)
_FOLLOWED = r"(?=[A-Z]|\s*(?:[:|(\n]|\Z)|\s+[A-Z•*-])"
_HEADING = re.compile(
    rf"(?:^[ \t]*|(?<=[.!?)|:\"”])[ \t]*|(?<=[a-z]))(?P<main>{_MAIN}){_FOLLOWED}"
    r"|(?:^[ \t|]*|(?<=[.!?)|:\"”])[ \t]*|(?<=[A-Za-z]))"
    rf"(?P<minor>{_MINOR}){_FOLLOWED}",
    re.MULTILINE,
)
_HEADER = re.compile(
    r"Article ID\s{0,3}:?\s{0,3}(?:KB|Q)?(?P<number>\d{5,7})\b"
    r"(?:[^\n]{0,80}?Revision\s{0,3}:?\s{0,3}(?P<revision>\d{1,3}(?:\.\d{1,3})?))?",
    re.IGNORECASE,
)
_TITLE_END = re.compile(r"On This Page|\n[ \t]*\n")
MAX_TITLE = 400  # characters


class Heading(StrEnum):
    """The sections that matter, by one spelling each."""

    SYMPTOMS = "symptoms"
    PREREQUISITES = "prerequisites"
    RESTART = "restart requirement"
    REPLACEMENT = "replacement information"
    FILES = "file information"
    APPLIES_TO = "applies to"
    OTHER = "other"


_SPELLINGS: tuple[tuple[str, Heading], ...] = (
    ("symptom", Heading.SYMPTOMS),
    ("prerequisite", Heading.PREREQUISITES),
    ("restart", Heading.RESTART),
    ("replacement", Heading.REPLACEMENT),
    ("file ", Heading.FILES),
    ("applies to", Heading.APPLIES_TO),
)


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article's head and its sections, whose lines are kept."""

    number: str
    revision: str
    title: str
    sections: Mapping[Heading, str]

    def flat(self, heading: Heading) -> str:
        """A section on one line; empty where the article has none."""
        return " ".join(self.sections.get(heading, "").split())


def split_article(text: str, file: str) -> ArticleText:
    """Find the head and the sections of an article.

    Raises:
        BadInputError: there is no ``Article ID``.
    """
    head = _HEADER.search(text)
    if head is None:
        raise BadInputError(file, [_no_article(text)])
    found = list(_HEADING.finditer(text, head.end()))
    first = found[0].start() if found else len(text)
    ends = [*(match.start() for match in found[1:]), len(text)]
    sections: dict[Heading, str] = {}
    for match, end in zip(found, ends, strict=False):
        body = text[match.end() : end].lstrip(" \t:|")
        sections.setdefault(_kind(match), body)
    return ArticleText(
        number=f"KB{head['number']}",
        revision=head["revision"] or "",
        title=_title(text[head.end() : first]),
        sections=sections,
    )


def _kind(match: re.Match[str]) -> Heading:
    words = (match["main"] or match["minor"]).lower()
    return next((kind for part, kind in _SPELLINGS if part in words), Heading.OTHER)


def _title(text: str) -> str:
    words = " ".join(_TITLE_END.split(text.lstrip(), maxsplit=1)[0].split())
    return words[:MAX_TITLE].strip(" -|")


def _no_article(text: str) -> Problem:
    markup = "<html" in text[:4096].lower()
    return Problem(
        "",
        "a web page" if markup else "no 'Article ID: nnnnnn'",
        "the text of a Knowledge Base article",
        "copy the page's text into a .txt file, or write a definition as .yml",
    )
