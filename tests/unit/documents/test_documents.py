"""YAML and CSV as plain data that knows its lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from orchestrator.application.ports.files import MAX_PROBLEMS, BadInputError, Problem
from orchestrator.documents.csv_text import load_csv
from orchestrator.documents.document import MAX_SHOWN, Document, read_text, shown
from orchestrator.documents.validation import validate
from orchestrator.documents.yaml_text import MAX_DEPTH, load_yaml


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    port: int = 0


class Whole(BaseModel):
    parts: list[Part]


def told(read: Callable[[], object]) -> str:
    try:
        read()
    except BadInputError as error:
        return str(error)
    return ""


def refusal(text: str) -> Problem:
    with pytest.raises(BadInputError) as caught:
        load_yaml(text, "f.yml")
    return caught.value.problems[0]


@pytest.mark.parametrize(
    "typed", ["on", "off", "0123", "20:27", "144.380", "NO", "1_0"]
)
def test_yaml_scalars_stay_as_typed(typed: str) -> None:
    assert load_yaml(f"a: {typed}", "f.yml").data == {"a": typed}


def test_yaml_plain_null_is_none_but_a_quoted_one_is_text() -> None:
    data = load_yaml("a:\nb: ~\nc: null\nd: '~'\ne: ''", "f.yml").data
    assert data == {"a": None, "b": None, "c": None, "d": "~", "e": ""}


def test_yaml_places_are_found_by_line_and_field() -> None:
    document = load_yaml("top:\n  - x: 1\n    y:\n      - 2\n  - x: 3\n", "f.yml")
    assert document.data == {"top": [{"x": "1", "y": ["2"]}, {"x": "3"}]}
    assert document.where(("top", 1, "x")) == "line 5, top[1].x"
    assert document.where(("top", 0, "y", 0)) == "line 4, top[0].y[0]"
    assert document.where(("top", 1, "absent")) == "line 5, top[1].absent"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3", "'a' twice"),
        ("x\n---\ny", "a second document"),
        ("a: &x 1\nb: *x", "a YAML alias"),
        ("? [a]\n: b", "a list or mapping as a key"),
        ("[" * (MAX_DEPTH + 1), "deeper nesting"),
        ("[" * 100_000, "deeper nesting"),
    ],
)
def test_yaml_that_hides_a_mistake_or_an_attack_is_refused(
    text: str, found: str
) -> None:
    assert refusal(text).found == found


def test_broken_yaml_names_its_line() -> None:
    assert refusal("a: 1\nb: [1,\nc: }").where == "line 3"


def test_secret_yaml_is_never_repeated() -> None:
    for text in (
        "a: [canary",
        "canary: 1\ncanary: 2",
        "a: *canary",
        "a: !<canary",
        "%canary",
    ):
        with pytest.raises(BadInputError) as caught:
            load_yaml(text, "f.yml", secret=True)
        assert "canary" not in str(caught.value)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_yaml_or_bad_input(text: str) -> None:
    assert told(lambda: load_yaml(text, "f.yml")).isprintable()


def test_csv_rows_know_their_lines_past_comments_and_quoted_line_breaks() -> None:
    text = '# lab\nName;B\n\nx;1\n# between\n"two\nlines";\ny;2\n'
    document = load_csv(text, "f.csv", section="rows")
    assert document.data["rows"] == [
        {"name": "x", "b": "1"},
        {"name": "two\nlines"},
        {"name": "y", "b": "2"},
    ]
    assert document.where(("rows", 2, "b")) == "line 8, rows[2].b"
    assert document.comments == ("lab",)


@pytest.mark.parametrize("text", ["", "# only\n", "a,a\n", "a,b\n1,2,3\n", 'a\n"x'])
def test_csv_without_sense_is_bad_input(text: str) -> None:
    with pytest.raises(BadInputError):
        load_csv(text, "f.csv", section="rows")


@settings(deadline=None)
@given(st.text())
def test_any_text_is_csv_or_bad_input(text: str) -> None:
    assert told(lambda: load_csv(text, "f.csv", section="rows")).isprintable()


def test_all_problems_of_a_document_are_told_in_the_order_of_lines() -> None:
    text = "parts:\n  - {name: a, prot: 5}\n  - {port: many}\n  - {name: c, port: x}\n"
    with pytest.raises(BadInputError) as caught:
        validate(Whole, load_yaml(text, "f.yml"))
    assert [str(problem) for problem in caught.value.problems] == [
        (
            "line 2, parts[0].prot: found 'prot', expected a known field; "
            "did you mean 'port'?"
        ),
        "line 3, parts[1]: found nothing, expected a value for 'name'",
        "line 3, parts[1].port: found 'many', expected a valid integer",
        "line 4, parts[2].port: found 'x', expected a valid integer",
    ]


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    document = Document("f.yml", {"parts": [{}] * 50})
    with pytest.raises(BadInputError, match="and 30 more") as caught:
        validate(Whole, document)
    assert len(caught.value.problems) == MAX_PROBLEMS


def test_shown_values_are_short_and_printable() -> None:
    assert shown("\x1b[31m" + "x" * 500).isprintable()
    assert len(shown("x" * 500)) == MAX_SHOWN + 1


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xef\xbb\xbfgr\xc3\xbcn\r\n", "grün\n"),
        ("grün".encode("utf-16"), "grün"),
        ("grün".encode("cp1252"), "grün"),
    ],
)
def test_text_is_read_in_the_encodings_of_windows_editors(
    tmp_path: Path, raw: bytes, text: str
) -> None:
    (tmp_path / "f").write_bytes(raw)
    assert read_text(tmp_path / "f") == text


def test_what_is_no_text_or_too_large_or_absent_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"MZ\0\x81")
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(BadInputError, match="bytes that are not text"):
        read_text(tmp_path / "binary")
    with pytest.raises(BadInputError, match="more than 10 bytes"):
        read_text(tmp_path / "large", limit=10)
    with pytest.raises(BadInputError, match="No such file"):
        read_text(tmp_path / "absent")
    with pytest.raises(BadInputError, match="directory"):
        read_text(tmp_path)
