"""What the text of a KB article states, and what it plainly lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from orchestrator.adapters.articles.file_table import TableFile, build_table
from orchestrator.adapters.articles.sections import ArticleText, Heading, split_article
from orchestrator.application.ports.files import ArticleDraft, BadInputError, Lack
from orchestrator.documents.document import Document
from orchestrator.documents.validation import validate
from orchestrator.domain.hotfix import FileTable, Platform, Provenance

#: Names of systems, as articles write them, with the version that they report.
_WINDOWS = {
    "Windows Server 2003": "5.2.3790",
    "Windows XP": "5.1.2600",
    "Windows 2000": "5.0.2195",
}
_SERVICE_PACK = re.compile(r"\b(?:SP|Service Pack )(\d)\b", re.IGNORECASE)
_LCS = re.compile(r"Live Communications Server (20\d\d)(?P<rest>[^\n]*)", re.IGNORECASE)
_NO_RESTART = re.compile(
    r"\b(?:not (?:have|need|required?)|no need|don't have)\b[^.]{0,200}\brestart"
    r"|\bno restart\b",
    re.IGNORECASE,
)
_RESTART = re.compile(
    r"\b(?:must|(?<!may )have to|need to|requires? (?:a |you to )?)\s*restart"
    r"|\brestart is required",
    re.IGNORECASE,
)
_NO_REPLACEMENT = re.compile(r"\bnot replace\b", re.IGNORECASE)
_ARTICLE_NUMBER = re.compile(r"\b(?:KB)?(\d{6,7})\b")
_PLATFORM_NAMES = (
    (
        Platform.X86,
        re.compile(r"\bx86-based|\b32-bit (?:versions|editions)", re.IGNORECASE),
    ),
    (Platform.X64, re.compile(r"\bx64-based|\bx64 edition", re.IGNORECASE)),
    (Platform.IA64, re.compile(r"\bitanium|\bia-?64\b", re.IGNORECASE)),
)
_ROW = re.compile(
    r"^[ \t|]*(?P<file>[\w$~-][\w.$~-]{0,127}\.[a-z0-9]{1,4})[ \t|]+"
    r"(?P<version>\d{1,5}(?:\.\d{1,5}){3})[ \t|]+"
    r"(?P<size>\d[\d.,]{0,15})[ \t|]+"
    r"(?P<date>\d{1,2}-[A-Z][a-z]{2}-\d{4})[ \t|]+(?P<time>\d{1,2}[:.]\d{2})"
    r"(?:[ \t|]+(?P<platform>x86|x64|amd64|ia-?64))?"
    r"(?:[ \t|]+(?:SP\d[ \t|]+)?(?P<branch>(?:SP\d|RTM)?(?:GDR|QFE|LDR)(?:\\wow)?))?"
    r"[ \t|]*$",
    re.IGNORECASE | re.MULTILINE,
)
_DATE_FIRST = re.compile(
    r"(?P<date>\d{1,2}-[A-Z][a-z]{2}-\d{4})[ \t|]+(?P<time>\d{1,2}[:.]\d{2})[ \t|]+"
    r"(?P<size>\d[\d.,]{0,15})(?=[ \t|]|$)",
    re.IGNORECASE | re.MULTILINE,
)


def read_article(text: str, file: str) -> ArticleDraft:
    """Read an article's text.

    Raises:
        BadInputError: it is not an article.
    """
    article = split_article(text, file)
    version, pack = _prerequisites(article)
    draft = ArticleDraft(
        article=article.number,
        title=article.title,
        revision=article.revision,
        products=_products(article),
        windows_version=version,
        service_pack=pack,
        restart_required=_restart(article),
        replaces=_replaces(article),
        platforms=_platforms(article),
        symptom=_first_sentences(article.flat(Heading.SYMPTOMS)),
        file_table=_table(article),
    )
    lacks = tuple(_lacks(draft, article))
    missing = {lack.field for lack in lacks}
    origin = Provenance("Microsoft", _source(article, file))
    stated = ("title", "products", "prerequisites", "restart_required", "replaces")
    found = [name for name in (*stated, "platforms", "symptom") if name not in missing]
    return replace(draft, lacks=lacks, provenance=dict.fromkeys(found, origin))


def _source(article: ArticleText, file: str) -> str:
    revision = f" revision {article.revision}" if article.revision else ""
    return f"{article.number}{revision}, read from {file}"


def _prerequisites(article: ArticleText) -> tuple[str | None, int | None]:
    """The system and service pack; neither where the section names several."""
    section = article.flat(Heading.PREREQUISITES)
    systems = {version for name, version in _WINDOWS.items() if name in section}
    packs = {int(pack) for pack in _SERVICE_PACK.findall(section)}
    return (
        systems.pop() if len(systems) == 1 else None,
        packs.pop() if len(packs) == 1 else None,
    )


def _products(article: ArticleText) -> tuple[str, ...]:
    """The products of the applies-to list that have a name here."""
    listed = article.sections.get(Heading.APPLIES_TO, "")
    names = [
        f"lcs-{year}-sp{pack[1]}"
        if (pack := _SERVICE_PACK.search(rest))
        else f"lcs-{year}"
        for year, rest in _LCS.findall(listed)
    ]
    return tuple(sorted(set(names)))


def _restart(article: ArticleText) -> bool | None:
    section = article.flat(Heading.RESTART)
    if _NO_RESTART.search(section):
        return False
    return True if _RESTART.search(section) else None


def _replaces(article: ArticleText) -> tuple[str, ...] | None:
    section = article.flat(Heading.REPLACEMENT)
    if _NO_REPLACEMENT.search(section):
        return ()
    numbers = {f"KB{number}" for number in _ARTICLE_NUMBER.findall(section)}
    return tuple(sorted(numbers - {article.number})) or None


def _platforms(article: ArticleText) -> tuple[Platform, ...]:
    section = article.flat(Heading.FILES)
    return tuple(kind for kind, name in _PLATFORM_NAMES if name.search(section))


def _first_sentences(text: str, limit: int = 400) -> str:
    """As many whole sentences as fit in ``limit`` characters."""
    if len(text) <= limit:
        return text
    end = text.rfind(". ", 0, limit)
    return text[: end + 1] if end > 0 else text[:limit]


def _table(article: ArticleText) -> FileTable | None:
    """The file table, if its rows give everything that a table needs."""
    section = _DATE_FIRST.sub(
        r"\g<size> \g<date> \g<time>", article.sections.get(Heading.FILES, "")
    )
    rows = [match.groupdict() for match in _ROW.finditer(section)]
    if not rows:
        return None
    source = f"{article.number}, file information"
    data = {"rows": rows, "supplied_by": "Microsoft", "source": source}
    document = Document(article.number, data)
    try:
        return build_table(validate(TableFile, document), document, ())
    except BadInputError:
        # Older articles leave platform or branch to the reader: the operator's table
        # must say it, and the draft counts the file table as lacking.
        return None


def _lacks(draft: ArticleDraft, article: ArticleText) -> Iterator[Lack]:
    """Each field that the text does not settle, and why."""
    checks = (
        ("title", draft.title, Heading.OTHER, ""),
        ("products", draft.products, Heading.APPLIES_TO, "list the products"),
        (
            "prerequisites",
            draft.windows_version and draft.service_pack is not None,
            Heading.PREREQUISITES,
            "name one Windows version and service pack",
        ),
        (
            "restart_required",
            draft.restart_required is not None,
            Heading.RESTART,
            "true or false",
        ),
        ("replaces", draft.replaces is not None, Heading.REPLACEMENT, ""),
        ("platforms", draft.platforms, Heading.FILES, "packages tell the platform"),
        ("symptom", draft.symptom, Heading.SYMPTOMS, ""),
    )
    for name, known, heading, hint in checks:
        if not known:
            yield Lack(name, _reason(article, heading), hint)
    yield Lack("languages", "articles list none", "packages tell the language")
    if draft.file_table is None:
        reason = _reason(article, Heading.FILES, "its table is lost or incomplete")
        yield Lack("file_table", reason, "supply it with: catalog table")


def _reason(article: ArticleText, heading: Heading, why: str = "") -> str:
    if heading is Heading.OTHER:
        return "not found at the head of the text"
    if not article.flat(heading):
        return f"the section '{heading}' is missing or empty"
    return f"the section '{heading}' is there; {why or 'it does not settle this'}"
