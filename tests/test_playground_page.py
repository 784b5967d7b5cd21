"""The playground through a browser: what an author types, sees and saves. Nothing may break the page's own policy.

Debian's Chromium is driven by Playwright; without either, these tests skip.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from endpoint import Server, serving
from pages import NEEDED, PATIENCE, violations

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

ROOT = Path(__file__).parent.parent
LEAFLET = ROOT / "examples" / "short-nights"
EDITOR = ROOT / "engine" / "editor"
NIGHT, CASE = "rules/10-night.rls", "long-enough-at-eleven.yaml"

pytestmark = NEEDED


@dataclass
class Author:
    """Somebody at the page: `page` is Playwright's, `complaints` what the browser's console said."""

    page: playwright.Page
    complaints: list[str] = field(default_factory=list)

    def read(self, selector: str) -> str:
        """What can be read there, once it is there."""
        return str(self.page.locator(selector).inner_text())

    def sees(self, selector: str, text: str = "") -> None:
        """Wait until it is there, with a text in it."""
        self.page.locator(selector, has_text=text).first.wait_for()

    def replaces(self, editor: str, old: str, new: str) -> None:
        """Search in an editor for some words, and type others over the first of them."""
        self.page.locator(f"#{editor} .cm-content").click()
        self.page.keyboard.press("Control+f")
        self.page.keyboard.type(old)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Escape")
        self.page.keyboard.insert_text(new)

    def settled(self) -> None:
        """Wait until all cases have been tried."""
        self.page.locator("#every:not(.stale):not([hidden])").wait_for()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that saves nothing."""
    folder = shutil.copytree(LEAFLET, tmp_path_factory.mktemp("kb") / "short-nights")
    with serving("--kb", str(folder)) as server:
        yield server


@contextmanager
def at(
    browser: playwright.Browser, server: Server, query: str = f"?file={NIGHT}&case={CASE}", **context: object
) -> Iterator[Author]:
    """Somebody who opens the page, and whom nothing may have gone wrong for."""
    with browser.new_context(viewport={"width": 1280, "height": 800}, **context) as opened:
        opened.set_default_timeout(PATIENCE)
        author = Author(opened.new_page())
        author.page.on("console", lambda message: author.complaints.append(message.text))
        author.page.on("pageerror", lambda error: author.complaints.append(str(error)))
        author.page.goto(f"{server.address}playground{query}")
        author.settled()
        yield author
        assert not [text for text in author.complaints if "status of 409" not in text]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_an_error_is_shown_at_its_line_and_goes_when_it_is_put_right(
    browser: playwright.Browser, reading: Server
) -> None:
    with at(browser, reading) as author:
        assert author.read("#status") == "1 conclusion; nothing differs from the saved version."
        author.replaces("knowledge", "@cites S05", "@cites S99")
        author.sees("#findings", "there is no statement S99")
        assert author.read("#findings button.place") == f"{NIGHT}:13"
        assert author.read("#status") == "1 error: nothing can be concluded until it is put right."
        assert author.page.locator("#knowledge .cm-lintRange-error").inner_text() == "S99"
        assert author.page.locator("#knowledge .cm-lint-marker-error").count() == 1
        author.sees("#stale")
        author.page.keyboard.press("Control+z")
        author.settled()
        assert author.page.locator("#findings").is_hidden()
        assert author.read("#status") == "1 conclusion; nothing differs from the saved version."


def test_a_comparison_is_shifted_and_the_difference_is_there_with_its_proof(
    browser: playwright.Browser, reading: Server
) -> None:
    with at(browser, reading) as author:
        author.replaces("knowledge", "?minutes < ?hours", "?minutes <= ?hours")
        author.sees(".difference .gained", "The night was short: less than 9 hours, under 12 years.")
        author.sees(".difference .lost", "The night was long enough")
        author.settled()
        assert author.read("#every summary") == "Of 8 cases, 1 differs, 1 fails"
        author.page.locator(".card summary").first.click()
        author.sees(".card .basis q", "For pupils under 12 years, a night of less than 9 hours is short")
        author.sees(".card .proof", "540 <= 9 × 60")
        author.page.locator(".card .proof button.place").first.click()
        assert author.page.evaluate("document.activeElement.id") == "knowledge"
        author.page.locator("#back").click()
        author.sees("#status", "nothing differs")
        assert author.page.locator(".card[open]").count() == 0 or author.read(".card[open] summary")


def test_a_statement_leads_to_where_it_is_written(browser: playwright.Browser, reading: Server) -> None:
    with at(browser, reading) as author:
        author.page.locator(".card summary").first.click()
        author.page.locator(".card .basis a.statement", has_text="S03").first.click()
        author.sees("#knowledge .cm-activeLine", "ex:S03 a cl:Statement")
        assert author.page.locator("#file").input_value() == "statements.trig"
        assert "file=statements.trig" in author.page.url


def test_the_case_is_edited_and_another_is_chosen(browser: playwright.Browser, reading: Server) -> None:
    with at(browser, reading) as author:
        author.replaces("record", "9.0", "8.9")
        author.sees("#status", "1 gained, 1 lost")
        author.sees(".failing", "night:LONG_ENOUGH is expected, and is not concluded")
        author.settled()
        author.page.locator("#every summary").click()
        author.sees("#every button", "long-enough-at-eleven")
        author.replaces("record", "8.9", "8.9, colour: >blue")
        author.sees("#findings .place", f"cases/{CASE}:4")
        author.page.locator("#case").select_option("cases/tired-and-short.yaml")
        author.sees(".conclusions", "Cola in the afternoon")
        assert "case=tired-and-short.yaml" in author.page.url


def test_drafts_survive_a_reload_and_end_with_the_way_back(browser: playwright.Browser, reading: Server) -> None:
    with at(browser, reading) as author:
        author.replaces("knowledge", "?minutes < ?hours", "?minutes <= ?hours")
        author.sees("#status", "1 gained, 1 lost")
        author.page.reload()
        author.sees("#status", "1 gained, 1 lost")
        assert author.page.locator("#file option:checked").inner_text() == f"● {NIGHT}"
        author.page.locator("#back").click()
        author.sees("#status", "nothing differs")
        assert author.page.locator("#back").is_disabled()


def test_drafts_are_taken_along_as_a_patch(browser: playwright.Browser, reading: Server, tmp_path: Path) -> None:
    with at(browser, reading) as author:
        author.replaces("knowledge", "?minutes < ?hours", "?minutes <= ?hours")
        author.settled()
        with author.page.expect_download() as coming:
            author.page.locator("#patch").click()
        coming.value.save_as(tmp_path / "short-nights.patch")
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "copy"))
    if shutil.which("patch"):
        subprocess.run(["patch", "-p1", "-i", tmp_path / "short-nights.patch"], cwd=folder, check=True)
        assert (folder / NIGHT).read_text() == (LEAFLET / NIGHT).read_text().replace(
            "?minutes < ?h", "?minutes <= ?h", 1
        )


def test_without_edit_there_is_no_way_to_save(browser: playwright.Browser, reading: Server) -> None:
    with at(browser, reading) as author:
        assert author.page.locator("#save").count() == 0
        author.sees("footer", "Nothing here is written to a disk")


def test_drafts_are_saved_but_not_over_what_somebody_else_has_saved(
    browser: playwright.Browser, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "short-nights"))
    before = contents(folder)
    with serving("--kb", str(folder), "--edit") as server, at(browser, server) as author:
        author.replaces("knowledge", "?minutes < ?hours", "?minutes <= ?hours")
        author.sees("#status", "1 gained, 1 lost")
        assert contents(folder) == before
        author.page.locator("#save").click()
        author.sees("#status", f"Saved {NIGHT}.")
        assert contents(folder) == {**before, NIGHT: before[NIGHT].replace(b"?minutes < ?h", b"?minutes <= ?h", 1)}
        author.sees("#status", "nothing differs from the saved version")

        author.replaces("knowledge", "?minutes <= ?hours", "?minutes > ?hours")
        author.sees("#status", "lost")
        author.settled()
        (folder / NIGHT).write_bytes(before[NIGHT])  # somebody else's editor
        author.page.locator("#save").click()
        author.sees("#notice", "has been changed since this page was opened, and nothing is saved")
        assert contents(folder) == before
        author.replaces("record", "9.0", "9.5")
        author.settled()
        author.sees("#notice", f"Your drafts of {NIGHT} were begun before somebody else saved other texts")
        author.page.locator("#back").click()
        author.sees("#status", "nothing differs from the saved version")
        assert author.page.locator("#notice").is_hidden()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "dark"),
        pytest.param(1280, "light", marks=pytest.mark.long),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
def test_it_can_be_read_by_everybody(browser: playwright.Browser, reading: Server, width: int, scheme: str) -> None:
    """axe-core finds nothing wrong, with a finding, a difference and a proof on the page; and nothing is cut off."""
    with at(browser, reading, color_scheme=scheme) as author:
        author.page.set_viewport_size({"width": width, "height": 800})
        author.replaces("knowledge", "?minutes < ?hours", "?minutes <= ?hours")
        author.sees("#status", "1 gained, 1 lost")
        author.settled()
        author.page.locator("#every summary").click()
        author.page.locator(".card summary").first.click()
        assert author.page.evaluate("document.documentElement.scrollWidth") <= width
        for found in (None, "error"):
            if found:
                author.replaces("knowledge", "@cites S05", "@cites S99")
                author.sees("#findings", "S99")
            assert not violations(author.page)


def test_everything_can_be_done_with_the_keyboard(browser: playwright.Browser, reading: Server) -> None:
    with at(browser, reading) as author:
        author.page.locator("#file").focus()
        reached = []
        for _ in range(8):
            author.page.keyboard.press("Tab")
            reached.append(author.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert reached[:2] == ["knowledge", "case"]  # nothing to take back or along yet
        assert reached[2] == "record"
        assert "SUMMARY" in reached
        labels = author.page.locator(".cm-content").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
        assert labels == [f"Knowledge: {NIGHT}", f"Case: cases/{CASE}"]
        assert author.page.locator("#status").get_attribute("role") == "status"


def test_nothing_is_fetched_from_elsewhere(browser: playwright.Browser, reading: Server) -> None:
    with browser.new_context() as opened:
        page = opened.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{reading.address}playground")
        page.locator("#every:not([hidden])").wait_for(timeout=PATIENCE)
        assert asked and all(address.startswith(reading.address) for address in asked)


def test_the_editor_and_the_style_sheet_are_what_their_recipe_builds(tmp_path: Path) -> None:
    if not (EDITOR / "node_modules" / "@picocss").is_dir() or shutil.which("node") is None:
        pytest.skip("its packages are not installed: npm ci --prefix engine/editor")
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=EDITOR, check=True)
    for name in ("codemirror.js", "pico.css"):
        shipped = ROOT / "engine" / "citelog" / "serve" / "pages" / "static" / name
        assert (tmp_path / name).read_bytes() == shipped.read_bytes()
