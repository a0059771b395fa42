"""The HTML report as text; how a browser takes it is tested in a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from orchestrator.adapters.reports import view
from orchestrator.adapters.reports.writer import write_report
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import ReportFormat, Surroundings
from orchestrator.domain.compliance import Judged, compliance_of
from orchestrator.domain.remediation import AttemptState, Outcome
from orchestrator.domain.verdict import Verdict
from tests.fakes.reports import (
    HOSTILE,
    NOW,
    estate_of,
    hostile_report,
    report_of,
    run_of,
    surroundings_of,
)

MEGABYTE = 1_000_000


def written(report: AuditReport, around: Surroundings | None = None) -> str:
    stream = io.StringIO(newline="")
    shown = surroundings_of(report) if around is None else around
    write_report(report, shown, ReportFormat.HTML, stream)
    return stream.getvalue()


class Page(HTMLParser):
    """The elements of a page, and what its attributes hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]


def between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def test_only_its_own_style_and_script_may_count() -> None:
    text = written(estate_of(4))
    policy = between(text, 'Content-Security-Policy" content="', '"').replace(
        "&#39;", "'"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind, content in (
        ("style", between(text, "<style>", "</style>")),
        ("script", text.rsplit("<script>", 1)[1].split("</script>", 1)[0]),
    ):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_nothing_in_it_points_outside() -> None:
    page = Page(written(estate_of(24)))
    for name, value in page.attributes:
        assert name not in {"style", "src", "srcset", "action"}
        assert not name.startswith("on")
        if name.endswith("href"):
            assert value.startswith("#")
    assert not {"link", "iframe", "object", "base", "img"} & page.tags.keys()


def test_ids_are_unique_over_all_pictures() -> None:
    page = Page(written(estate_of(24)))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_same_audit_is_the_same_file() -> None:
    assert written(estate_of(24)) == written(estate_of(24))


def test_hostile_names_add_no_element_and_no_attribute() -> None:
    hostile = hostile_report()
    plain = report_of(
        *(
            replace(
                one,
                server=f"lcs{number}",
                site=f"s{number:02}",
                pool=f"p{number:02}",
                role=f"r{number:02}",
                edition=f"e{number:02}",
            )
            for number, one in enumerate(hostile.servers)
        )
    )
    names = tuple(f"name{number:02}" for number in range(len(HOSTILE)))
    bad = Page(written(hostile, surroundings_of(hostile, HOSTILE)))
    good = Page(written(plain, surroundings_of(plain, names)))
    del bad.tags["title"], good.tags["title"]  # long names have theirs in pictures
    assert bad.tags == good.tags
    assert {name for name, _ in bad.attributes} == {name for name, _ in good.attributes}


def test_no_character_of_it_steers_whatever_shows_it() -> None:
    report = hostile_report()
    text = written(report, surroundings_of(report, HOSTILE))
    assert all(one.isprintable() or one == "\n" for one in text)
    assert "abc⟨U+202E⟩gnp.exe" in text


def test_the_block_of_proofs_cannot_end_early_and_holds_every_line() -> None:
    report = hostile_report()
    block = between(written(report), 'id="details">', "</script>")
    assert not set("<>&") & set(block)
    found = json.loads(block)
    flat = found["servers"][0][3]
    assert [found["texts"][flat[at]] for at in (0, 1, 2, 4)] == [HOSTILE[0]] * 4


@pytest.mark.parametrize("lab", [True, False])
def test_lab_data_is_marked_where_nobody_can_miss_it(lab: bool) -> None:
    text = written(estate_of(2, lab=lab))
    assert ("<strong>LAB DATA</strong>" in text) is lab
    assert ("<title>LAB DATA" in text) is lab


def test_what_there_is_nothing_to_show_of_has_no_section() -> None:
    never = replace(estate_of(2), compliance=compliance_of((), NOW))
    text = written(never, Surroundings())
    for section in ("waves", "time", "leaks", "exposure"):
        assert f'id="{section}"' not in text
    assert 'id="verdicts"' in text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seconds", [1, 230, 17_900, 420_000, 13_000_000, 150_000_000])
def test_a_burn_down_of_any_length_is_drawn_without_a_warning(seconds: int) -> None:
    looks = [NOW - timedelta(seconds=seconds), NOW]
    time = compliance_of([Judged(looks[0], "fe1", Verdict.NEEDED)], NOW, looks)
    report = replace(estate_of(1), compliance=time)
    assert 'id="time"' in written(report, Surroundings())


def test_an_audit_of_nobody_is_a_page_too() -> None:
    assert "0 servers" in written(report_of(), Surroundings())


def test_every_server_is_open_undecided_or_settled() -> None:
    report = estate_of(100)
    opened, undecided, settled, _ = view.tiles(report)
    assert opened.count + undecided.count + settled.count == 100
    assert undecided.count == (
        report.summary[Verdict.UNKNOWN] + report.summary[Verdict.INDETERMINATE]
    )


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_place_in_the_picture_of_waves(outcome: Outcome) -> None:
    [line] = run_of(["fe1"], "").outcomes
    settled = replace(line, outcome=outcome, state=AttemptState.SETTLED)
    assert view.end_of(settled) in view.ENDS


def test_what_was_not_begun_waits_and_what_was_begun_is_unsettled() -> None:
    [line] = run_of(["fe1"], "").outcomes
    ready = replace(line, outcome=None, state=AttemptState.READY)
    assert view.end_of(ready) == "waiting"
    launched = replace(line, outcome=None, state=AttemptState.LAUNCHED)
    assert view.end_of(launched) == "unsettled"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "never read"),
        (0, "0 s"),
        (119, "119 s"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
        (-5, "0 s"),
    ],
)
def test_an_age_is_told_in_the_unit_that_fits(seconds: int | None, told: str) -> None:
    assert view.age(seconds) == told


def test_pictures_take_their_colours_from_the_style_sheet_alone() -> None:
    pictures = re.findall(r"<svg.*?</svg>", written(estate_of(24)), re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        assert not re.search(r"#0[ab]0[ab]", picture)
        assert "<style" not in picture
    assert "var(--k-needed)" in "".join(pictures)


@pytest.mark.slow
def test_ten_thousand_servers_stay_under_twenty_megabytes() -> None:
    report = estate_of(10_000)
    assert len(written(report).encode()) < 20 * MEGABYTE
