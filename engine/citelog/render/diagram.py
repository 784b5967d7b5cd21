"""One proof as a diagram: for Mermaid, for Graphviz, and as a picture that needs no other program.

All three draw the same outline (render.outline). Mermaid and Graphviz place the boxes themselves, so a step that is
met twice is one box with two arrows. The picture is a tree read from top to bottom; what is met again says so.
An arrow points from what is used to what uses it. What sort of step a box is, a word says, and its shape and colour.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from citelog.proof.graph import Proof
from citelog.render.outline import Outline, Step, outline

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LETTERS = 46
"""Letters in a line of a box where another program places the boxes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a sort of step is drawn: its word; its brackets in Mermaid; its shape and style in Graphviz; its colours.

    `face` and `edge` are the colours of a box and of its border, on a light page and on a dark one.
    """

    word: str
    brackets: tuple[str, str]
    shape: str
    style: str
    face: tuple[str, str]
    edge: tuple[str, str]


_RULE = ("#e9f2f4", "#20343b"), ("#0b5a70", "#84c6d8")
_QUOTE = ("#f8f1df", "#3a3120"), ("#7d5708", "#e3bf74")
_RECORD = ("#e6f3e8", "#1f3624"), ("#22662f", "#8fd09c")
_SUM = ("#efeaf7", "#302941"), ("#5b3b93", "#c3abee")
_ABSENT = ("#fdecea", "#432420"), ("#a02818", "#f2a297")
_QUIET = ("#f1f0ed", "#2a2d31"), ("#565b62", "#a9adb4")

LOOKS: Mapping[str, Look] = {
    "conclusion": Look("conclusion", ("([", "])"), "box", "filled,rounded,bold", *_RULE),
    "rule": Look("rule", ("[", "]"), "box", "filled", *_RULE),
    "quote": Look("the document", ("[[", "]]"), "note", "filled", *_QUOTE),
    "stated": Look("stated", ("[[", "]]"), "note", "filled", *_QUOTE),
    "encoder": Look("convention", ("[[", "]]"), "component", "filled", *_QUIET),
    "record": Look("record", ("[(", ")]"), "folder", "filled", *_RECORD),
    "given": Look("given", ("[(", ")]"), "folder", "filled", *_RECORD),
    "holds": Look("holds", ("{{", "}}"), "octagon", "filled", *_SUM),
    "computed": Look("computed", ("{{", "}}"), "octagon", "filled", *_SUM),
    "absent": Look("not found", ("(", ")"), "box", "filled,rounded,dashed", *_ABSENT),
    "assumed": Look("gap", ("[/", "\\]"), "tab", "filled,bold", *_ABSENT),
    "above": Look("shown above", ("[", "]"), "box", "filled,dashed", *_QUIET),
    "…": Look("not opened", ("[", "]"), "box", "filled,dashed", *_QUIET),
    "note": Look("left out", ("[", "]"), "box", "filled,dashed", *_QUIET),
}
"""The looks of the sorts of steps, and of the conclusion and the note of what was left out."""


@dataclass(frozen=True, slots=True)
class Box:
    """What is written in one box: the word for its sort and what the step is called, its text, and its place."""

    sort: str
    head: str
    text: str
    place: str = ""

    @property
    def look(self) -> Look:
        """How the box is drawn."""
        return LOOKS[self.sort]


@dataclass(slots=True)
class Chart:
    """The boxes of a diagram by their names (`s1`, `s2` …), and its arrows, each from what is used to what uses it."""

    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: dict[tuple[str, str], None] = field(default_factory=dict)


def mermaid(proof: Proof, every: bool = False, sentence: str = "") -> str:
    """A proof as a Mermaid flowchart.

    `every` draws every step; without it, what only reads the record is folded, and counted in a note. `sentence`
    is the conclusion's own, where the root's is not to be shown.
    """
    opened = outline(proof, every)
    chart = _chart(opened, sentence)
    lines = [
        '%%{init: {"flowchart": {"wrappingWidth": 320}}}%%',
        "flowchart RL",
        f"  accTitle: {_mermaid(_title(opened))}",
        f"  accDescr: {_mermaid(_description(opened, sentence))}",
    ]
    for name, box in chart.boxes.items():
        opening, closing = box.look.brackets
        lines.append(f'  {name}{opening}"{"<br/>".join(_mermaid(part) for part in _parts(box))}"{closing}')
    lines += [f"  {used} --> {by}" for used, by in chart.arrows]
    for sort in sorted({box.sort for box in chart.boxes.values()}):
        look = LOOKS[sort]
        dashes = ",stroke-dasharray:4 3" if "dashed" in look.style else ""
        width = "3px" if "bold" in look.style else "1px"
        name = _class(sort)
        lines.append(
            f"  classDef {name} fill:{look.face[0]},stroke:{look.edge[0]},stroke-width:{width},color:#1d2126{dashes}"
        )
        lines.append(f"  class {','.join(n for n, box in chart.boxes.items() if box.sort == sort)} {name}")
    return "\n".join(lines) + "\n"


def dot(proof: Proof, every: bool = False, sentence: str = "") -> str:
    """A proof as a Graphviz digraph; `every` and `sentence` as for `mermaid`."""
    opened = outline(proof, every)
    chart = _chart(opened, sentence)
    lines = [
        "digraph proof {",
        "  graph [rankdir=RL, bgcolor=white, ordering=in, nodesep=0.15, ranksep=0.45, tooltip="
        + _dot([_title(opened)])
        + "]",
        '  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#1d2126", margin="0.14,0.08"]',
        '  edge [color="#565b62", arrowsize=0.7]',
    ]
    for name, box in chart.boxes.items():
        look = box.look
        label = _dot(_lines(box))
        drawn = f'shape={look.shape}, style="{look.style}", fillcolor="{look.face[0]}", color="{look.edge[0]}"'
        lines.append(f"  {name} [label={label}, {drawn}, tooltip={_dot([box.head])}]")
    lines += [f"  {used} -> {by}" for used, by in chart.arrows]
    return "\n".join([*lines, "}"]) + "\n"


def _title(opened: Outline) -> str:
    return f"Proof of {opened.conclusion}"


def _description(opened: Outline, sentence: str) -> str:
    said = f"{sentence or opened.text} Each arrow points from what is used to what uses it."
    return f"{said} Left out: {opened.left_out}." if opened.left_out else said


def _class(sort: str) -> str:
    return "k_" + LOOKS[sort].word.replace(" ", "_")


def _box(step: Step) -> Box:
    """What is written in the box of a step."""
    word = LOOKS[step.sort].word
    match step.sort:
        case "rule":
            cited = [s.id or s.of for s in step.below if s.sort in ("quote", "quoted")]
            return Box("rule", word, step.text, step.place + (f" · cites {' '.join(cited)}" if cited else ""))
        case "quote":
            return Box("quote", f"{word}, {step.id}", f"“{step.text}”", step.place)
        case "stated":
            return Box("stated", f"{word} by {step.place}", step.text)
        case "…":
            return Box("…", word, "…")
        case _:
            return Box(step.sort, word, step.text, step.place)


def _chart(opened: Outline, sentence: str) -> Chart:
    """The boxes and arrows of an outline: a step that is met again is the box that it has already."""
    chart = Chart()
    chart.boxes["s1"] = Box("conclusion", f"conclusion {opened.conclusion}", sentence or opened.text)
    known: dict[tuple[str, str], str] = {}
    giving: dict[str, list[str]] = {}
    again: list[tuple[Step, str]] = []
    open_ = [(step, "s1") for step in reversed(opened.steps)]
    while open_:
        step, by = open_.pop()
        if step.sort == "above":
            again.append((step, by))
        if step.sort in ("above", "quoted"):  # that a rule cites a statement is written in its box
            continue
        key = (step.sort, step.id or by)
        if key not in known:
            known[key] = f"s{len(chart.boxes) + 1}"
            chart.boxes[known[key]] = _box(step)
            giving.setdefault(step.of or step.id, []).append(known[key])
            open_ += [(below, known[key]) for below in reversed(step.below)]
        chart.arrows[known[key], by] = None
    for step, by in again:
        for name in giving.get(step.of) or [f"s{len(chart.boxes) + 1}"]:
            chart.boxes.setdefault(name, _box(step))
            chart.arrows[name, by] = None
    if opened.left_out:
        name = f"s{len(chart.boxes) + 1}"
        chart.boxes[name] = Box("note", LOOKS["note"].word, opened.left_out)
        chart.arrows[name, "s1"] = None
    return chart


def _parts(box: Box) -> list[str]:
    """The parts of a box that stand on lines of their own; a word too long for a line is cut."""
    whole = [legible(part) for part in (box.head, box.text, box.place) if part]
    return [piece for part in whole for piece in re.sub(rf"(\S{{{LETTERS}}})(?=\S)", r"\1\n", part).split("\n")]


def _lines(box: Box) -> list[str]:
    """The parts of a box, wrapped."""
    parts = (legible(part) for part in (box.head, box.text, box.place))
    return [line for part in parts for line in textwrap.wrap(part, LETTERS, break_on_hyphens=False)]


_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def legible(text: str) -> str:
    """A text on one line, without what steers a program instead of being read.

    Control characters, halves of characters and overrides of the direction of writing become U+FFFD; line ends and
    tabs become blanks.

    >>> legible("a\\nb\\x07\\u202ec")
    'a b\\ufffd\\ufffdc'
    """
    return _STEERING.sub("\ufffd", re.sub(r"[\t\n\v\f\r\x85\u2028\u2029]+", " ", text))


_MEANT = re.compile(r"""[]"#$%&*:;<=>@[\\^_`{|}~]|^[-+]|(?<=^[0-9])[.)]|(?<=^[0-9]{2})[.)]|(?<=www)\.""", re.I)
_HELD = re.compile(r"(?<=\$)(?=\$)|(?<=ﬂ)(?=°)|(?<=¶)(?=ß)|(?<=:)(?=fa-)|(?<=\\)(?=n)", re.I)


def _mermaid(text: str) -> str:
    """A text as Mermaid shows it unchanged: what it, Markdown or HTML would read as a sign, as a numbered entity.

    Two dollar signs begin a formula, `fa:fa-` an icon and a backslash with an n a line, however they are written, and
    with ﬂ° and ¶ß Mermaid holds entities back: a blank of no width stands between.

    >>> print(_mermaid('say "no" <b> #35; d_1'), _mermaid("- 2–3 µg"))
    say #34;no#34; #60;b#62; #35;35#59; d#95;1 #45; 2–3 µg
    """
    return _MEANT.sub(lambda found: f"#{ord(found[0])};", _HELD.sub("\u200b", legible(text)))


def _dot(lines: Iterable[str]) -> str:
    """Lines as a Graphviz string, each set to the left.

    Graphviz reads HTML entities and backslashes in a label; nothing else has a meaning there.

    >>> print(_dot(['a "b"', 'c\\\\l &lt;']))
    "a \\"b\\"\\lc\\\\l &amp;lt;\\l"
    """
    escaped = (legible(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    return '"' + "".join(line + "\\l" for line in escaped) + '"'


# The picture

WIDE = 780
"""The width of a picture in its own units; a deep proof makes it wider."""

_INDENT, _MARGIN, _PAD, _GAP, _LINE, _SIZE = 26, 16, 10, 8, 18, 13
_NARROWEST = 420


@dataclass(frozen=True, slots=True)
class Placed:
    """A box of the picture with its lines (each a style and a text), its place, and the box that it stands under."""

    box: Box
    lines: tuple[tuple[str, str], ...]
    x: int
    y: int
    width: int
    height: int
    under: int


def svg(proof: Proof, every: bool = False, sentence: str = "", caption: str = "") -> str:
    """A proof as an SVG picture, for light and dark pages and for screen readers; `every` and `sentence` as above.

    `caption` stands below it: whose proof it is, for a picture that is pasted elsewhere.
    """
    from xml.etree import ElementTree

    opened = outline(proof, every)
    placed = _placed(opened, sentence)
    width = max(p.x + p.width for p in placed) + _MARGIN
    height = placed[-1].y + placed[-1].height + _MARGIN + (20 if caption else 0)
    mark = "proof-" + hashlib.sha256(legible(opened.conclusion).encode()).hexdigest()[:8]
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "class": "proof",
            "role": "graphics-document",
            "aria-labelledby": f"{mark}-title {mark}-desc",
        },
    )
    ElementTree.SubElement(root, "title", id=f"{mark}-title").text = legible(_title(opened))
    ElementTree.SubElement(root, "desc", id=f"{mark}-desc").text = legible(_description(opened, sentence))
    ElementTree.SubElement(root, "style").text = _style()
    ElementTree.SubElement(root, "rect", {"class": "paper", "width": str(width), "height": str(height), "rx": "8"})
    for p in placed[1:]:
        over = placed[p.under]
        ElementTree.SubElement(root, "path", {"class": "line", "d": _line(over, p)})
    for i in sorted({p.under for p in placed[1:]}):
        x, y = placed[i].x + _INDENT // 2, placed[i].y + placed[i].height
        ElementTree.SubElement(root, "path", {"class": "tip", "d": f"M{x} {y}l-4 7h8z"})
    for p in placed:
        _draw(ElementTree.SubElement(root, "g", {"class": _class(p.box.sort)}), p)
    if caption:
        place = {"class": "caption", "x": str(_MARGIN), "y": str(height - 10)}
        ElementTree.SubElement(root, "text", place).text = legible(caption)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _placed(opened: Outline, sentence: str) -> list[Placed]:
    """Every box in its place: each under the one that it is used by, further to the right."""
    top = Box("conclusion", f"conclusion {opened.conclusion}", sentence or opened.text)
    listed: list[tuple[Box, int, int]] = [(top, 0, 0)]
    open_ = [(step, 1, 0) for step in reversed(opened.steps)]
    while open_:
        step, depth, under = open_.pop()
        if step.sort != "quoted":
            listed.append((_box(step), depth, under))
            open_ += [(below, depth + 1, len(listed) - 1) for below in reversed(step.below)]
    if opened.left_out:
        listed.append((Box("note", LOOKS["note"].word, opened.left_out), 1, 0))
    wide = max(WIDE, max(depth for _, depth, _ in listed) * _INDENT + _NARROWEST + 2 * _MARGIN)
    placed: list[Placed] = []
    y = _MARGIN
    for box, depth, under in listed:
        x = _MARGIN + depth * _INDENT
        width = wide - _MARGIN - x
        lines = tuple(_written(box, width - 3 * _PAD - 14))
        placed.append(Placed(box, lines, x, y, width, len(lines) * _LINE + _PAD, under))
        y += placed[-1].height + _GAP
    return placed


def _written(box: Box, room: int) -> Iterator[tuple[str, str]]:
    for style, part in (("head", box.head), ("said", box.text), ("place", box.place)):
        for line in _fitted(legible(part), room * 0.88 if style == "head" else room):  # a head is bold
            yield style, line


def _fitted(text: str, room: float) -> Iterator[str]:
    """A text in lines that fit; the width of a letter is estimated, and rather too wide than too narrow."""
    line, used = "", 0.0
    for word in re.findall(r"\S+ *", text):
        wide = _extent(word.rstrip())
        if line and used + wide > room:
            yield line.rstrip()
            line, used = "", 0.0
        if wide <= room:
            line, used = line + word, used + _extent(word)
            continue
        for letter in word:  # one word wider than the box is cut
            if line and used + _extent(letter) > room:
                yield line
                line, used = "", 0.0
            line, used = line + letter, used + _extent(letter)
    if line:
        yield line.rstrip()


def _extent(text: str) -> float:
    """About how wide a text is, in the units of the picture."""
    return sum(map(_letter, text)) * _SIZE * 1.06


def _letter(letter: str) -> float:
    if letter in " ,.:;'|!ijlIft()[]":
        return 0.36
    if unicodedata.combining(letter):
        return 0.0
    if letter in "mwMW@%<>=+&#" or unicodedata.east_asian_width(letter) in "WF":
        return 1.05 if ord(letter) > 0x7F else 0.92
    return 0.72 if letter.isupper() else 0.6


def _line(over: Placed, box: Placed) -> str:
    x, y = over.x + _INDENT // 2, over.y + over.height + 6
    return f"M{x} {y}V{box.y + _LINE // 2 + _PAD // 2}H{box.x}"


def _draw(group: Element, p: Placed) -> None:
    from xml.etree import ElementTree

    radius = "9" if "rounded" in p.box.look.style else "2"
    place = {"x": str(p.x), "y": str(p.y), "width": str(p.width), "height": str(p.height)}
    ElementTree.SubElement(group, "rect", {"class": "face", "rx": radius, **place})
    middle = p.y + _PAD // 2 + _LINE // 2
    sign = {"class": "sign", "d": _SIGNS[p.box.sort], "transform": f"translate({p.x + _PAD} {middle - 7})"}
    ElementTree.SubElement(group, "path", sign)
    for i, (style, line) in enumerate(p.lines):
        at = {"class": style, "x": str(p.x + 2 * _PAD + 14), "y": str(p.y + _PAD // 2 + (i + 1) * _LINE - 5)}
        ElementTree.SubElement(group, "text", at).text = line


_SIGNS: Mapping[str, str] = {
    "conclusion": "M7 0a7 7 0 1 0 .01 0zM7 4a3 3 0 1 1-.01 0z",
    "rule": "M1 1l12 6l-12 6z",
    "quote": "M1 2h5v5q0 5-5 5v-2q2 0 2-3h-2zM8 2h5v5q0 5-5 5v-2q2 0 2-3h-2z",
    "stated": "M1 1h12v12h-12zM3 4v1.5h8v-1.5zM3 8v1.5h8v-1.5z",
    "encoder": "M1 1h12v12h-12zM3 3v8h8v-8z",
    "record": "M2 0h7l4 4v10h-11zM4 6v1.5h6v-1.5zM4 9v1.5h6v-1.5z",
    "given": "M2 0h7l4 4v10h-11zM4 5v7h7v-7z",
    "holds": "M7 0l7 7l-7 7l-7-7z",
    "computed": "M4 1h6l4 6l-4 6h-6l-4-6z",
    "absent": "M7 0a7 7 0 1 0 .01 0zM7 2a5 5 0 1 1-.01 0zM3 6.2h8v1.6h-8z",
    "assumed": "M7 0l7 13h-14zM6.2 4v5h1.6v-5zM6.2 10v1.6h1.6v-1.6z",
    "above": "M7 1l6 6h-4v6h-4v-6h-4z",
    "…": "M0 6h3v3h-3zM5.5 6h3v3h-3zM11 6h3v3h-3z",
    "note": "M0 6h3v3h-3zM5.5 6h3v3h-3zM11 6h3v3h-3z",
}  # fmt: skip
"""The sign of each sort of step, 14 units wide and high."""


def _style() -> str:
    """The style sheet: every colour twice, for a light page and for a dark one."""
    plain = (
        '.proof{font:13px/1.3 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color-scheme:light dark}'
        ".proof .paper{fill:var(--paper)}.proof text{fill:var(--ink)}.proof .head{fill:var(--edge);font-weight:600}"
        ".proof .place{fill:var(--quiet)}.proof .face{fill:var(--face);stroke:var(--edge)}"
        ".proof .sign{fill:var(--edge);fill-rule:evenodd}.proof .line{fill:none;stroke:var(--quiet)}"
        ".proof .tip,.proof .caption{fill:var(--quiet)}"
    )
    pages = [_colours(0, "#fffefb", "#1d2126", "#565b62"), _colours(1, "#1b1e23", "#e6e3dc", "#a9adb4")]
    shapes = "".join(
        f".proof .{_class(sort)} .face{{stroke-{'dasharray:4 3' if 'dashed' in look.style else 'width:2.5'}}}"
        for sort, look in LOOKS.items()
        if "dashed" in look.style or sort in ("conclusion", "assumed")
    )
    return f"{plain}{shapes}{pages[0]}@media (prefers-color-scheme:dark){{{pages[1]}}}"


def _colours(page: int, paper: str, ink: str, quiet: str) -> str:
    sorts = "".join(
        f".proof .{_class(sort)}{{--face:{look.face[page]};--edge:{look.edge[page]}}}" for sort, look in LOOKS.items()
    )
    return f".proof{{--paper:{paper};--ink:{ink};--quiet:{quiet}}}{sorts}"
