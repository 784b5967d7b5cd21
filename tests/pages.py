"""What the tests of pages share: somebody at a browser, a critic of what they see, and a look at it.

    from pages import at, violations                            # `browser` comes from conftest.py, one a module
    pytestmark = pages.NEEDED                                   # slow, and skipped where there is no Chromium

    with at(browser, f"{server.address}sparql") as page:        # at(…, width=390, color_scheme="dark") and so on
        page.get_by_role("button", name="Ask").click()          # Playwright's own page
        assert not violations(page)                             # axe-core: what shuts people out
    # on leaving: nothing was complained of (the policy of the page included), nothing came from elsewhere

Debian's Chromium is driven by Playwright. axe-core is npm's: `npm install --prefix build/axe axe-core`, or the folder
that AXE_HOME names; where it is absent, `violations` skips the test, so ask for it last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
AXE = Path(os.environ.get("AXE_HOME", ROOT / "build" / "axe")) / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 20_000  # milliseconds, on a busy machine

NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser that shows nothing on a screen."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@contextmanager
def at(browser: Browser, address: str, width: int = 1280, expected: str = "", **context: object) -> Iterator[Page]:
    """Somebody who opens a page, for whom nothing goes wrong while they are there.

    `context` is Playwright's: color_scheme, java_script_enabled. A complaint with `expected` in it is no fault.
    """
    with browser.new_context(viewport={"width": width, "height": 800}, **context) as opened:
        opened.set_default_timeout(PATIENCE)
        page, complaints, asked = opened.new_page(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        yield page
        wrong = [text for text in complaints if not (expected and expected in text)]
        assert not wrong, wrong
        here = urlsplit(address).netloc
        elsewhere = [one for one in asked if urlsplit(one).scheme != "data" and urlsplit(one).netloc != here]
        assert not elsewhere, elsewhere


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong on a page as it stands: the name of each rule, and the elements that break it."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --prefix build/axe axe-core (or $AXE_HOME)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document).then(({violations}) => violations)")
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def is_cut_off(page: Page) -> bool:
    """Whether something reaches beyond the width of the window, so that one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def broken_words(page: Page) -> list[str]:
    """The words that begin on one line and end on the next, where a column has become too narrow for them.

    Names that are set like code are none: they are long, and break where they have to.
    """
    return list(page.evaluate(_BROKEN))


_BROKEN = r"""() => {
  const found = new Set(), range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode()); ) {
    const over = text.parentElement;
    if (!over.checkVisibility() || over.closest("svg, textarea, thead, .unseen, .skip")) continue;
    if (getComputedStyle(over).fontFamily.includes("monospace")) continue;
    for (const word of text.data.matchAll(/[\p{L}\p{N}]{2,}/gu)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = [...range.getClientRects()].filter((one) => one.width > 0);
      if (lines.some((one) => one.top >= lines[0].bottom - 2)) found.add(word[0]);
    }
  }
  return [...found];
}"""
