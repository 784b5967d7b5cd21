"""The page of an audit in a browser: it can be read by everybody, nothing is cut off, and it prints as a document.

Debian's Chromium is driven by Playwright; without either, these tests skip.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from citelog.audit.gates import failed
from citelog.audit.report import audited
from citelog.audit.subject import subject
from citelog.audit.tracing import trace
from citelog.reports.audit_page import audit_page

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    of = subject((ROOT / "examples" / "short-nights").resolve())
    found = audited(of)
    path = tmp_path_factory.mktemp("audit") / "audit.html"
    path.write_text(audit_page(found, failed(found), trace(of), of.knowledge), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "dark"),
        pytest.param(1280, "light", marks=pytest.mark.long),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
def test_it_can_be_read_by_everybody(browser: playwright.Browser, page_file: Path, width: int, scheme: str) -> None:
    """axe-core finds nothing wrong, and nothing is cut off."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --prefix build/axe axe-core")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    wrong = page.evaluate("axe.run(document).then(({violations}) => violations)")
    page.close()
    assert not [(w["id"], [node["html"][:200] for node in w["nodes"]]) for w in wrong]


def test_it_prints_as_a_document_of_several_pages(browser: playwright.Browser, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 5
    assert b"/MediaBox [0 0 594.95996 841.91998]" in printed or b"/MediaBox [0 0 595" in printed, (
        "A4, as its @page says"
    )


def test_what_is_folded_on_the_screen_is_open_on_paper(browser: playwright.Browser, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    folded = page.locator("#rules details:not(.screen) > .names").first
    counted = page.locator("#conclusions .paper").first
    assert not folded.is_visible() and not counted.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible() and counted.is_visible()
    page.close()
