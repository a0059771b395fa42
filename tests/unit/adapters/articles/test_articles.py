"""Articles' text and definition files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.articles.article_text import read_article
from orchestrator.adapters.articles.definition_file import read_definition
from orchestrator.adapters.articles.reader import Articles
from orchestrator.application.ports.files import (
    ArticleDraft,
    BadInputError,
    CompleteDefinition,
    Difference,
    IncompleteDefinition,
)
from orchestrator.domain.hotfix import ExposureRule, Hotfix, Platform
from orchestrator.domain.version import Branch, FileVersion

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture
def joined() -> ArticleDraft:
    draft = Articles().read(DATA / "joined-headings.txt")
    assert isinstance(draft, ArticleDraft)
    return draft


@pytest.fixture
def tabled() -> ArticleDraft:
    draft = Articles().read(DATA / "with-table.txt")
    assert isinstance(draft, ArticleDraft)
    return draft


@pytest.fixture
def shipped() -> Hotfix:
    hotfix = Articles().shipped("KB903927")
    assert hotfix is not None
    return hotfix


def test_headings_glued_to_their_text_are_found(joined: ArticleDraft) -> None:
    assert joined.article == "KB700123"
    assert joined.revision == "1.4"
    assert joined.title.startswith("Calls drop on a gateway")
    assert joined.title.endswith("Service Pack 2")
    assert (joined.windows_version, joined.service_pack) == ("5.2.3790", 2)
    assert joined.restart_required is True
    assert joined.replaces == ("KB700007", "KB700099")
    assert joined.symptom.startswith("A gateway with")
    assert joined.symptom.endswith("many calls show it.")


def test_what_the_text_lost_is_told_with_what_to_do(joined: ArticleDraft) -> None:
    lacks = {lack.field: lack for lack in joined.lacks}
    assert set(lacks) == {"products", "platforms", "languages", "file_table"}
    assert "applies to' is missing or empty" in lacks["products"].reason
    assert "lost" in lacks["file_table"].reason
    assert "catalog table" in lacks["file_table"].hint


def test_each_stated_field_names_article_and_revision(joined: ArticleDraft) -> None:
    origin = joined.provenance["restart_required"]
    assert origin.source == "KB700123 revision 1.4, read from joined-headings.txt"
    assert "products" not in joined.provenance


def test_a_whole_article_gives_products_platforms_and_table(
    tabled: ArticleDraft,
) -> None:
    assert tabled.products == ("lcs-2003", "lcs-2005", "lcs-2005-sp1")
    assert tabled.restart_required is False
    assert tabled.replaces == ()
    assert tabled.platforms == (Platform.X86, Platform.X64)
    assert tabled.file_table is not None
    x86, x64 = tabled.file_table.rows
    assert (x86.file, x86.version) == ("lookup.dll", FileVersion(5, 2, 3790, 2650))
    assert (x86.branch, x86.service_pack, x86.size) == (Branch.QFE, 1, 144_384)
    assert (x64.platform, x64.size) == (Platform.X64, 253_952)
    assert [lack.field for lack in tabled.lacks] == ["languages"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("You do not have to restart the computer.", False),
        ("You don't have to restart.", False),
        ("A restart is not required. No restart of services.", False),
        ("You must restart the computer.", True),
        ("This hotfix requires a restart.", True),
        ("You may have to restart the computer.", None),
        ("Ask your administrator.", None),
    ],
)
def test_a_restart_is_taken_from_plain_words_only(
    sentence: str, expected: bool | None
) -> None:
    text = f"Article ID: 700300\nX\n\nRestart requirement\n{sentence}\nSTATUS\nKnown."
    assert read_article(text, "a.txt").restart_required is expected


def test_several_systems_as_prerequisite_settle_nothing() -> None:
    text = "Article ID: 700300\nPrerequisites\nWindows XP SP1 or Windows 2000 SP4."
    draft = read_article(text, "a.txt")
    assert (draft.windows_version, draft.service_pack) == (None, None)
    assert "prerequisites" in {lack.field for lack in draft.lacks}


def test_words_of_a_heading_inside_a_sentence_are_no_heading() -> None:
    text = (
        "Article ID: 700300\nT\n\nRestart requirement\nRead the STATUS of the file "
        "information first BECAUSE Prerequisites differ. You must restart."
    )
    assert read_article(text, "a.txt").restart_required is True


@pytest.mark.parametrize(
    ("text", "found"),
    [("no article", "no 'Article ID: nnnnnn'"), ("<HTML><p>Article", "a web page")],
)
def test_a_text_that_is_no_article_is_refused(text: str, found: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_article(text, "a.txt")
    assert caught.value.problems[0].found == found


@settings(deadline=None)
@given(st.text())
def test_any_text_is_an_article_or_bad_input(text: str) -> None:
    with suppress(BadInputError):
        read_article(text, "a.txt")


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "PREREQUISITES",
                "SYMPTOMS",
                "Restart requirement",
                "A",
                " ",
                "\n",
                ".",
                "SP1",
                "not have",
                "File information",
                "a.dll 1.2.3.4 5 1-Jan-2001 1:1",
            ]
        )
    )
)
def test_any_order_of_headings_is_an_article(parts: list[str]) -> None:
    draft = read_article(f"Article ID: 700300\n{''.join(parts)}", "a.txt")
    assert draft.article == "KB700300"


def test_the_shipped_definition_states_the_article_without_a_table(
    shipped: Hotfix,
) -> None:
    assert shipped.products == ("lcs-2003", "lcs-2005", "lcs-2005-sp1")
    assert shipped.prerequisites.windows_version == "5.2.3790"
    assert shipped.prerequisites.service_pack == 1
    assert shipped.restart_required is False
    assert shipped.replaces == ()
    assert shipped.exposure is ExposureRule.MTLS_TO_SYN_PROTECTED_PEER
    assert shipped.services == ("RTCSRV",)
    assert shipped.evidence_processes == ("lsass.exe",)
    assert shipped.file_table is None
    assert "revision 2.3" in shipped.provenance["prerequisites"].source


def test_an_article_that_nobody_shipped_has_no_definition() -> None:
    assert Articles().shipped("KB700123") is None
    assert Articles().shipped("../KB903927") is None


def test_a_second_definition_works_by_data_alone() -> None:
    hotfix = Articles().read(DATA / "KB700555.yml")
    assert isinstance(hotfix, Hotfix)
    assert hotfix.article == "KB700555"
    assert hotfix.restart_required is True
    assert hotfix.file_table is not None
    lookup, engine = hotfix.file_table.rows
    assert lookup.size == 144_380
    assert lookup.path == r"%systemroot%\system32\lookup.dll"
    assert engine.path == r"%programfiles%\mail\engine.exe"
    assert hotfix.file_table.provenance.supplied_by == "a colleague"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("article: 700555", "article: X1"),
            "line 2, article: found 'X1', expected an article number such as KB903927",
        ),
        (
            ("service_pack: 2", "service_pack: two"),
            "line 5, prerequisites.service_pack: found 'two', expected a valid integer",
        ),
        (
            ("exposure: always", "exposure: never"),
            (
                "line 11, exposure: found 'never', expected "
                "'mtls-to-syn-protected-peer' or 'always'"
            ),
        ),
        (
            ("services: [MAILSRV]", "services: ['a b']"),
            "line 12, services[0]: found 'a b', expected the short name of a service",
        ),
        (
            ("symptom: Answers", "symptoms: Answers"),
            (
                "line 10, symptoms: found 'symptoms', expected a known field; did you "
                "mean 'symptom'?"
            ),
        ),
        (
            (
                "version: 5.2.3790.4100, platform: x86, branch: SP2QFE, size",
                "version: 5.2, platform: x86, branch: SP2QFE, size",
            ),
            (
                "line 17, file_table.rows[0].version: found '5.2', expected four "
                "numbers of at most 65535 such as 5.2.3790.2490"
            ),
        ),
        (
            ("  services: {supplied_by: us, source: test}\n", ""),
            "found a mapping of 13, expected provenance for every field; add services",
        ),
    ],
)
def test_a_mistake_in_a_definition_is_named_by_line_and_field(
    change: tuple[str, str], problem: str
) -> None:
    text = (DATA / "KB700555.yml").read_text()
    assert change[0] in text
    with pytest.raises(BadInputError) as caught:
        read_definition(text.replace(*change), "d.yml")
    assert problem in [str(found) for found in caught.value.problems]


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_definition_or_bad_input(text: str) -> None:
    with pytest.raises(BadInputError):
        read_definition(text, "d.yml")


def test_an_article_without_a_definition_says_what_must_be_added(
    joined: ArticleDraft,
) -> None:
    result = Articles().complete(joined, None)
    assert isinstance(result, IncompleteDefinition)
    assert [lack.field for lack in result.missing] == [
        "products",
        "exposure",
        "services",
        "prerequisites.free_bytes",
    ]
    assert "KB700123.yml" in result.hint


def test_an_article_that_agrees_changes_nothing(
    tabled: ArticleDraft, shipped: Hotfix
) -> None:
    table = tabled.file_table
    base = replace(shipped, file_table=table, platforms=tabled.platforms)
    result = Articles().complete(tabled, base)
    assert isinstance(result, CompleteDefinition)
    assert result.hotfix == base
    assert result.differences == ()
    assert [lack.field for lack in result.lacks] == ["languages"]


def test_an_article_fills_what_a_definition_leaves_empty(
    tabled: ArticleDraft, shipped: Hotfix
) -> None:
    result = Articles().complete(tabled, shipped)
    assert isinstance(result, CompleteDefinition)
    assert result.hotfix.file_table == tabled.file_table
    assert result.hotfix.platforms == (Platform.X86, Platform.X64)
    assert "KB700200" in result.hotfix.provenance["platforms"].source


def test_where_article_and_definition_disagree_both_are_told(
    joined: ArticleDraft, shipped: Hotfix
) -> None:
    result = Articles().complete(joined, shipped)
    assert isinstance(result, CompleteDefinition)
    assert result.differences == (
        Difference("prerequisites", "2", "1"),
        Difference("restart_required", "yes", "no"),
        Difference("replaces", "KB700007, KB700099", "none"),
    )
    assert result.hotfix == shipped
