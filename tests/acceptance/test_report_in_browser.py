"""The HTML report in a real browser: Debian's Chromium, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.reports.inert import inert
from orchestrator.adapters.reports.writer import write_report
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import ReportFormat
from tests.fakes.reports import (
    HOSTILE,
    audited,
    estate_of,
    hostile_report,
    report_of,
    surroundings_of,
)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not there")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not there"
)

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; Debian has it"),
]


class Shown:
    """A report in a tab, with what the browser complained of or asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self.requests.append(asked.url))
        page.goto(path.as_uri())
        self.address = path.as_uri()

    def names(self) -> list[str]:
        """The servers that the table shows, in its order."""
        found = self.page.locator("#table tbody a:visible").all_inner_texts()
        return list(found)

    def assert_quiet(self) -> None:
        """No error, no warning, and no request but for the file itself."""
        assert self.complaints == []
        assert self.requests == [self.address]


Show = Callable[..., Shown]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Show]:
    contexts = []

    def shown(
        report: AuditReport, names: tuple[str, ...] = (), **options: Any
    ) -> Shown:
        path = tmp_path / "report.html"
        with path.open("w", encoding="utf-8", newline="") as stream:
            around = surroundings_of(report, names)
            write_report(report, around, ReportFormat.HTML, stream)
        context = browser.new_context(**options)
        contexts.append(context)
        return Shown(context.new_page(), path)

    yield shown
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, PHONE, {"java_script_enabled": False}],
    ids=["light", "dark", "phone", "without-scripts"],
)
def test_it_renders_without_an_error_and_asks_for_nothing(
    show: Show, options: dict[str, Any]
) -> None:
    shown = show(estate_of(24, lab=True), **options)
    assert len(shown.names()) == 24
    assert shown.page.locator("svg:visible").count() == 5
    assert shown.page.get_by_text("LAB DATA").first.is_visible()
    shown.assert_quiet()


def test_no_page_is_wider_than_a_phone(show: Show) -> None:
    page = show(estate_of(24), **PHONE).page
    wider = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate("innerWidth") == 390
    assert page.evaluate(wider) <= 0
    page.click("#table a")
    assert page.evaluate(wider) <= 0


@pytest.mark.parametrize("name", ["", "front-end-of-the-western-region-"])
def test_a_phone_shows_every_picture_whole_with_letters_that_can_be_read(
    show: Show, name: str
) -> None:
    servers = [audited(number, name and f"{name}{number}") for number in range(24)]
    page = show(report_of(*servers), (name,) if name else (), **PHONE).page
    boxes = page.locator("svg").evaluate_all(
        """all => all.map(svg => {
          const whole = svg.getBoundingClientRect();
          const letters = [...svg.querySelectorAll("text")]
            .map(text => text.getBoundingClientRect());
          return {
            left: Math.min(whole.left, ...letters.map(one => one.left)),
            right: Math.max(whole.right, ...letters.map(one => one.right)),
            smallest: Math.min(...letters.map(one => one.height)),
          };
        })"""
    )
    assert len(boxes) == 5
    for box in boxes:
        assert box["left"] >= 0
        assert box["right"] <= 390
        assert box["smallest"] >= 9.5  # pixels


def test_words_and_a_verdict_filter_the_table(show: Show) -> None:
    shown = show(estate_of(24))
    shown.page.fill("#words", "POOL-002 access-proxy")
    assert shown.names() == ["lcs00008", "lcs00012"]
    assert shown.page.inner_text("#found") == "2 of 24 servers"
    shown.page.select_option("#verdict", "contradicted")
    assert shown.names() == ["lcs00008"]
    shown.page.fill("#words", "")
    shown.page.select_option("#verdict", "")
    assert len(shown.names()) == 24


def test_the_keyboard_alone_sorts_and_the_reader_is_told(show: Show) -> None:
    shown = show(estate_of(24))
    heading = shown.page.locator("#table thead th").nth(7)
    heading.locator("button").focus()
    shown.page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    # Ages are sorted as numbers; those never read come first.
    assert shown.names()[:3] == ["lcs00006", "lcs00018", "lcs00000"]
    shown.page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert shown.names()[0] == "lcs00023"


def test_a_filter_holds_while_the_table_is_sorted(show: Show) -> None:
    shown = show(estate_of(24))
    shown.page.select_option("#verdict", "needed")
    shown.page.click("#table thead th:first-child button")
    shown.page.click("#table thead th:first-child button")
    assert shown.names() == ["lcs00023", "lcs00013", "lcs00011", "lcs00001"]


def test_a_name_leads_to_the_page_of_its_server_and_back(show: Show) -> None:
    shown = show(estate_of(24))
    page = shown.page
    page.click("#table a:text-is('lcs00003')")
    assert page.locator("h2:visible").all_inner_texts() == ["lcs00003"]
    assert page.evaluate("document.activeElement.tagName") == "H2"
    assert "retires in spring" in page.inner_text("#pages")
    lines = page.locator(".proof tbody tr")
    assert lines.count() == 11
    assert lines.nth(2).locator("th,td").all_inner_texts() == [
        r"file c:\windows\system32\schannel.dll",
        "yes",
        "5.2.3790.2600 QFE",
        "5.2.3790.2600 or later",
        "49 min",
        "CIM_DataFile",
    ]
    page.click("text=Back to all servers")
    assert len(shown.names()) == 24
    shown.assert_quiet()


def test_a_printed_report_ends_with_a_page_for_each_server_that_is_listed(
    show: Show,
) -> None:
    shown = show(estate_of(24))
    shown.page.select_option("#verdict", "needed")
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert shown.page.locator(".page h2").all_inner_texts() == [
        "lcs00001",
        "lcs00011",
        "lcs00013",
        "lcs00023",
    ]
    shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.page.locator(".page").count() == 0


def test_paper_has_what_is_folded_on_the_screen(show: Show) -> None:
    page = show(estate_of(24)).page
    page.click("summary:text-is('By site')")
    folded = page.locator("details:not([open])")
    before = folded.count()
    assert before > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert folded.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count() == before


def test_hostile_names_are_shown_as_text(show: Show) -> None:
    shown = show(hostile_report(), HOSTILE)
    page = shown.page
    title = page.title()
    assert title.startswith("KB903927")
    for number, name in enumerate(HOSTILE):
        page.evaluate(f"location.hash = '#server-{number}'")
        expected = f"{inert(name)} {number}"
        page.wait_for_function(
            "shown => document.title === shown", arg=f"{expected}: {title}"
        )
        assert page.inner_text("#pages h2") == expected
        cells = page.locator(".proof tbody tr").locator("th,td").all_inner_texts()
        assert cells == [
            inert(name),
            "no",
            inert(name),
            inert(name),
            "0 s",
            inert(name),
        ]
    assert page.locator("#pages img, #pages script").count() == 0
    shown.assert_quiet()


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE])
@pytest.mark.parametrize("address", ["", "#server-1"], ids=["report", "server"])
def test_axe_finds_no_serious_issue(
    show: Show, options: dict[str, Any], address: str
) -> None:
    page = show(estate_of(24, lab=True), **options).page
    page.evaluate(
        "where => { for (const one of document.querySelectorAll('details'))"
        " one.open = true; location.hash = where }",
        address,
    )
    page.wait_for_function(
        "shown => document.getElementById('report').hidden === shown", arg=bool(address)
    )
    found = axe.Axe().run(page).response["violations"]
    assert [(one["id"], one["impact"]) for one in found] == []


#: For ten thousand servers: seconds until it is loaded, by the clock; then seconds of
#: processor time. Several times what was measured (docs/testing.md): a machine is busy.
LOADED, SORTED, TYPED = 15.0, 1.0, 0.5


class Spent:
    """Processor time of a tab's main thread, which scripts and layout share."""

    def __init__(self, page: Any) -> None:
        self._tab = page.context.new_cdp_session(page)
        self._tab.send("Performance.enable")
        self._page = page

    def so_far(self) -> float:
        """Seconds since the count began, what is drawn next included."""
        self._page.evaluate(
            "() => new Promise(end => requestAnimationFrame(() => setTimeout(end)))"
        )
        found = self._tab.send("Performance.getMetrics")["metrics"]
        return float({one["name"]: one["value"] for one in found}["ThreadTime"])

    def on(self, work: Callable[[], object]) -> float:
        """Seconds that something took until it was drawn."""
        before = self.so_far()
        work()
        return self.so_far() - before


def test_ten_thousand_servers_are_filtered_sorted_and_shown_by_and_by(
    show: Show,
) -> None:
    shown = show(estate_of(10_000))
    page, spent = shown.page, Spent(shown.page)
    page.set_default_timeout(30_000)
    loaded = page.evaluate(
        "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"
    )
    seconds = {"loaded": loaded, "typed": 0.0}
    assert len(shown.names()) == 250
    page.focus("#words")
    for letter in "lcs09999":
        took = spent.on(partial(page.keyboard.press, letter))
        seconds["typed"] = max(took, seconds["typed"])
    assert shown.names() == ["lcs09999"]
    page.fill("#words", "")
    seconds["sorted"] = spent.on(
        lambda: page.click("#table thead th:nth-child(8) button")
    )
    assert shown.names()[0] == "lcs00006"
    page.click("#more")
    assert len(shown.names()) == 500
    shown.assert_quiet()
    assert seconds["loaded"] < LOADED, seconds
    assert seconds["sorted"] < SORTED, seconds
    assert seconds["typed"] < TYPED, seconds
