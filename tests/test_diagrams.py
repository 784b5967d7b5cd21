"""Proofs as diagrams: the programs that draw them read back what was written, and nothing that matters is left out."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import b12
from citelog.answer import Answer
from citelog.assess import assess
from citelog.proof.graph import Node, Proof
from citelog.render import diagram
from citelog.render.boxes import LOOKS
from citelog.render.outline import Outline, Step, outline
from citelog.render.phrases import CALLED
from citelog.render.picture import SIGNS, svg
from citelog.render.proofs import proof as text_proof
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
MERMAID = Path(os.environ.get("MERMAID_HOME", ROOT / "build" / "mermaid"))
"""Where Mermaid is installed: `npm install --prefix build/mermaid mermaid@11 jsdom`."""

SAMPLE = sorted(b12.library())[::36]
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = (
    'a "quoted" word; <b>bold</b> & &lt; &#60; #35; #quot; | pipes [x](y) {z} `code` **not bold** _not_ d3_50000',
    "end\\n\\l\\N %% %%{init: {}}%% :::k $$x$$ fa:fa-ban http://a.b www.a.b me@a.b ~s~ ^ @{ shape: x } -->",
    "- 2–3 µg/L −5 -5 1. one 12) twelve + plus = is ﬂ°°35¶ß ß",
    "1. a list that is none",
    "שלום 80 עולם العربية",
    "👩‍⚕️ 东亚字符" * 20,
    "x" * 1500,
    "style a:#b; classDef c fill:#fff; click s1 href accTitle: no subgraph",
    "<script>alert(1)</script> ]]> <!-- -->",
)
"""Texts that mean something to a program that draws, or that are hard to set."""


class Written:
    """A proof made by hand: steps, and what each uses. It has what the renderers ask of a `Proof`."""

    def __init__(
        self, nodes: Iterable[Node], uses: Mapping[str, tuple[str, ...]], conclusion: str = "kind:value"
    ) -> None:
        self.conclusion, self.root = conclusion, "root"
        self.nodes, self.uses = {n.id: n for n in nodes}, uses

    def node(self, id_: str) -> Node:
        return self.nodes[id_]

    def used_by(self, id_: str) -> tuple[Node, ...]:
        return tuple(map(self.node, self.uses.get(id_, ())))


def hostile(text: str) -> Proof:
    """A proof in which everything that an author or a record can write is the same hostile text."""
    cited = {"statement": "G01", "quote": text, "source": "a.txt", "section": text, "line": 1, "start": 0, "end": 9}
    rule = {
        "rule": text,
        "file": text,
        "line": 1,
        "statements": ["G01"],
        "citations": [cited | {"markers": [text], "inherited": []}],
    }
    record = {"facts": ["f1"], "read_from": [text], "entry": text}
    nodes = [
        Node("root", "conclusion", text, {}),
        Node("r", "firing", text, rule),
        Node("e", "recorded", text, record),
        Node("a", "absence", text, {"assumed": True}),
        Node("c", "comparison", text, {}),
    ]
    return Written(nodes, {"root": ("r",), "r": ("e", "a", "c")}, text)  # type: ignore[return-value]


def proofs(names: Iterable[str]) -> Iterator[tuple[Answer, Proof]]:
    for name in names:
        found = b12.assessed(name)
        yield from ((found, found.why(conclusion.id)) for conclusion in found.conclusions)


def steps(opened: Outline) -> Iterator[Step]:
    open_ = list(opened.steps)
    while open_:
        step = open_.pop()
        yield step
        open_ += step.below


def squeezed(text: str) -> str:
    """A text without blanks, also those of no width: where a line is broken is for the program that draws."""
    return re.sub(r"[\s\u200b]+", "", text)


# what is shown


def test_an_outline_shows_what_the_terminal_shows() -> None:
    """The terminal draws the same outline: with every step, line for line."""

    def spelt(step: Step) -> str:
        match step.sort:
            case "rule":
                return f"{step.text}  ← {step.place}"
            case "quote":
                return f"{step.id} “{step.text}” ({step.place})"
            case "quoted":
                return f"{step.text} (quoted above)"
            case "above":
                return f"{step.text}  (shown above)"
            case _:
                return f"{CALLED.get(step.sort, step.sort)}: {step.text}" + (f"  [{step.place}]" if step.place else "")

    for found, proof in proofs(SAMPLE[:4]):
        lines = [line.text for line in text_proof(proof, found, every=True, width=10_000)]
        shown = sorted(spelt(step) for step in steps(outline(proof, every=True)))
        assert sorted(line for line in lines if line in set(shown)) == shown


def test_what_is_assumed_is_always_shown() -> None:
    for found, proof in proofs(sorted(b12.library())):
        told = {step.text for step in steps(outline(proof)) if step.sort == "assumed"}
        assert {f"{a[:1].upper()}{a[1:]}." for a in found.by_id[proof.conclusion].assumes} == told


def test_every_entry_that_a_conclusion_rests_on_is_shown_with_its_place() -> None:
    for found, proof in proofs(SAMPLE):
        places = {entry.id: entry.read_from for entry in found.case.entries}
        shown = "\n".join(step.place for step in steps(outline(proof)) if step.sort == "record")
        for fact in found.by_id[proof.conclusion].facts:
            assert re.search(rf"\b{fact}\b", shown) and places[fact] in shown


def test_with_every_step_none_is_left_out() -> None:
    for _, proof in proofs(SAMPLE):
        opened = outline(proof, every=True)
        drawn = {step.id for step in steps(opened)}
        for step in map(proof.node, proof.order):
            assert step.kind in ("conclusion", "derived") or step.id in drawn
        assert not opened.left_out


def test_what_is_folded_is_counted() -> None:
    proof = b12.assessed("an-empty-record-is-answered-with-questions").why("treat:undetermined")
    opened = outline(proof)
    assert opened.folded and opened.exceptions
    for draw in (diagram.mermaid, diagram.dot, svg):
        assert str(opened.folded) in draw(proof) and "left out" in draw(proof)
        assert "left out" not in draw(proof, every=True).casefold()


def test_depth_limits_how_far_an_outline_is_opened() -> None:
    proof = b12.assessed("an-empty-record-is-answered-with-questions").why("treat:undetermined")
    opened = outline(proof, depth=1)
    assert opened.cut and not outline(proof).cut
    assert len(list(steps(opened))) < len(list(steps(outline(proof))))


def test_sorts_are_told_apart_by_word_and_sign_and_not_by_colour_alone() -> None:
    words = [look.word for look in LOOKS.values()]
    assert len(set(words)) == len(words)
    assert set(LOOKS) == set(SIGNS)
    for pair in (("rule", "quote"), ("record", "stated"), ("absent", "assumed"), ("holds", "record")):
        a, b = (LOOKS[sort] for sort in pair)
        assert a.brackets != b.brackets and (a.shape, a.style) != (b.shape, b.style)


def test_the_same_proof_gives_the_same_bytes_whatever_the_seed_of_hashes() -> None:
    script = (
        "import sys, hashlib, citelog; from citelog.render import diagram as d, picture;"
        "p = citelog.open('b12').assess(sys.argv[1]).why('treat:immediate');"
        "told = ''.join(f(p, e) for f in (d.mermaid, d.dot, picture.svg) for e in (False, True));"
        "print(hashlib.sha256(told.encode()).hexdigest())"
    )
    case = str(ROOT / "examples" / "patient.yaml")
    seen = set()
    for seed in ("1", "2"):
        own = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "engine")}
        run = subprocess.run([sys.executable, "-c", script, case], env=own, capture_output=True, text=True, check=True)
        seen.add(run.stdout.strip())
    proof = assess(b12.knowledge(), case).why("treat:immediate")
    told = "".join(f(proof, e) for f in (diagram.mermaid, diagram.dot, svg) for e in (False, True))
    assert seen == {hashlib.sha256(told.encode()).hexdigest()}


def test_a_character_that_steers_a_program_is_shown_as_one_that_cannot_be() -> None:
    proof = hostile("a\x00b\x1bc\u202ed\ud800e\nf")
    for draw in (diagram.mermaid, diagram.dot, svg):
        assert not set("\x00\x1b\u202e\ud800") & set(draw(proof))
        assert "a\ufffdb\ufffdc\ufffdd\ufffde f" in draw(proof)


# Mermaid


Reads = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def mermaid_reads() -> Iterator[Reads]:
    """What Mermaid's own parser makes of diagrams; to start it takes longer than to ask it."""
    node = shutil.which("node")
    if node is None or not (MERMAID / "node_modules" / "mermaid").is_dir():
        pytest.skip(f"needs node, and npm install --prefix {MERMAID} mermaid@11 jsdom (or $MERMAID_HOME)")
    command = [node, str(Path(__file__).parent / "mermaid_texts.mjs")]
    with subprocess.Popen(command, cwd=MERMAID, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        asked, answered = started.stdin, started.stdout
        assert asked and answered

        def reads(texts: list[str]) -> list[dict[str, Any]]:
            asked.write(f"{json.dumps(texts)}\n")
            asked.flush()
            answers: list[dict[str, Any]] = json.loads(answered.readline())
            return answers

        yield reads


@pytest.mark.slow
@pytest.mark.parametrize("part", at_each_commit(range(4), every=4))
def test_mermaid_reads_every_diagram_of_the_sample(part: int, mermaid_reads: Reads) -> None:
    """At both levels."""
    drawn = [diagram.mermaid(proof, every) for _, proof in proofs(SAMPLE[part::4]) for every in (False, True)]
    for text, read in zip(drawn, mermaid_reads(drawn), strict=True):
        assert "error" not in read, f"{read['error']}\n{text}"
        assert len(read["boxes"]) == text.count('"') // 2 - 2  # the two of the first line
        assert len(read["arrows"]) == text.count(" --> ")


def test_mermaid_reads_every_word_of_a_box(mermaid_reads: Reads) -> None:
    expected, texts = [], []
    for _, proof in proofs(SAMPLE[:4]):
        opened = outline(proof, every=True)
        expected.append([squeezed(step.text) for step in steps(opened) if step.sort not in ("quoted", "above")])
        texts.append(diagram.mermaid(proof, every=True))
    for sentences, read in zip(expected, mermaid_reads(texts), strict=True):
        boxes = [squeezed(box) for box in read["boxes"].values()]
        assert not [s for s in sentences if not any(s in box for box in boxes)]


def test_mermaid_shows_hostile_words_as_they_were_written(mermaid_reads: Reads) -> None:
    for text, read in zip(HOSTILE, mermaid_reads([diagram.mermaid(hostile(t)) for t in HOSTILE]), strict=True):
        assert "error" not in read, f"{read['error']}\n{text}"
        assert len(read["boxes"]) == 6
        assert [squeezed(text) in squeezed(box) for box in read["boxes"].values()] == [True] * 6
        assert squeezed(read["title"]) == squeezed(f"Proof of {text}")
        assert squeezed(text) in squeezed(read["description"])


def test_what_mermaid_would_draw_as_something_else_is_kept_apart() -> None:
    """Formulas, icons, line ends and Mermaid's own entities are read late, when it draws, from whatever is written."""
    text = diagram.mermaid(hostile("$$x$$ fa:fa-ban ﬂ°°35¶ß \\n"))
    assert "#36;\u200b#36;x#36;\u200b#36; fa#58;\u200bfa-ban ﬂ\u200b°°35¶\u200bß #92;\u200bn" in text


def test_a_long_word_is_cut_into_lines() -> None:
    [line, *_] = [part for part in diagram.mermaid(hostile("x" * 1500)).splitlines() if part.startswith("  s1")]
    assert line.count("<br/>") == 1 + 2 * (1500 // diagram.LETTERS)


def test_a_broken_diagram_is_found_by_mermaid(mermaid_reads: Reads) -> None:
    [sound] = mermaid_reads(['flowchart RL\n  s1["a"]\n'])
    [broken] = mermaid_reads(['flowchart RL\n  s1["a\n'])
    assert sound["boxes"] == {"s1": "a"} and "error" in broken


def test_no_diagram_is_too_long_for_mermaid() -> None:
    """Mermaid refuses more than 50,000 characters or 500 arrows."""
    for _, proof in proofs(sorted(b12.library())):
        text = diagram.mermaid(proof)
        assert len(text) < 50_000 and text.count(" --> ") < 500


# Graphviz


def graphviz(text: str) -> ElementTree.Element:
    """The picture that Graphviz draws, and fails to draw with so much as a warning."""
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("needs dot, of the Debian package graphviz")
    run = subprocess.run([dot, "-Tsvg"], input=text.encode(), capture_output=True, check=True)
    assert not run.stderr, run.stderr.decode()
    return ElementTree.fromstring(run.stdout)


def boxes_of(picture: ElementTree.Element) -> list[str]:
    groups = [g for g in picture.iter(f"{SVG}g") if g.get("class") == "node"]
    return [squeezed("".join(t.text or "" for t in g.iter(f"{SVG}text"))) for g in groups]


@pytest.mark.slow
def test_graphviz_draws_every_word() -> None:
    for name in SAMPLE[::3]:
        for _, proof in proofs([name]):
            picture = boxes_of(graphviz(diagram.dot(proof)))
            for step in steps(outline(proof)):
                if step.sort not in ("quoted", "above"):
                    assert any(squeezed(step.text) in box for box in picture), step.text


@pytest.mark.parametrize("text", HOSTILE)
def test_graphviz_shows_hostile_words_as_they_were_written(text: str) -> None:
    picture = boxes_of(graphviz(diagram.dot(hostile(text))))
    assert len(picture) == 6
    assert [squeezed(text) in box for box in picture] == [True] * 6


# the picture


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_picture_shows_hostile_words_as_they_were_written(text: str) -> None:
    picture = parsed(svg(hostile(text)))
    groups = ["".join(t.text or "" for t in g.iter(f"{SVG}text")) for g in picture.iter(f"{SVG}g")]
    assert [squeezed(text) in squeezed(group) for group in groups] == [True] * 6


def test_the_picture_is_named_for_who_cannot_see_it() -> None:
    for _, proof in proofs(SAMPLE[:3]):
        picture = parsed(svg(proof))
        named = {e.get("id"): e.text or "" for e in picture if e.tag in (f"{SVG}title", f"{SVG}desc")}
        assert set((picture.get("aria-labelledby") or "").split()) == set(named)
        assert f"Proof of {proof.conclusion}" in named.values()


def test_boxes_of_the_picture_stand_apart_and_within_it() -> None:
    for _, proof in proofs(SAMPLE):
        for every in (False, True):
            picture = parsed(svg(proof, every))
            width, height = int(picture.get("width", 0)), int(picture.get("height", 0))
            bottom = 0
            for face in (r for r in picture.iter(f"{SVG}rect") if r.get("class") == "face"):
                x, y, w, h = (int(face.get(k, 0)) for k in ("x", "y", "width", "height"))
                assert y >= bottom and x >= 0 and x + w <= width
                bottom = y + h
            assert bottom <= height


@pytest.mark.parametrize("page", [0, 1])
def test_writing_can_be_read_on_its_box(page: int) -> None:
    """A contrast of 4.5 or more, which WCAG asks of writing, on a light page and on a dark one."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def contrast(a: str, b: str) -> float:
        dark, bright = sorted((light(a), light(b)))
        return (bright + 0.05) / (dark + 0.05)

    quiet = ("#565b62", "#a9adb4")[page]
    for look in LOOKS.values():
        assert contrast(look.edge[page], look.face[page]) >= 4.5
        assert contrast(quiet, look.face[page]) >= 4.5


def test_a_sentence_given_stands_in_place_of_the_roots() -> None:
    proof = b12.assessed(SAMPLE[0]).why(b12.assessed(SAMPLE[0]).conclusions[0].id)
    draws: tuple[Callable[..., str], ...] = (diagram.mermaid, diagram.dot, svg)
    for draw in draws:
        assert "Said otherwise" in draw(proof, sentence="Said otherwise") and "Said otherwise" not in draw(proof)
