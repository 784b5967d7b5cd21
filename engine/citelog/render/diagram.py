"""One proof as a diagram for programs that place the boxes themselves: Mermaid and Graphviz.

A step that is met twice is one box with two arrows. An arrow points from what is used to what uses it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from citelog.proof.graph import Proof
from citelog.render.boxes import LOOKS, Box, description, legible, title
from citelog.render.outline import Outline, Step, outline

if TYPE_CHECKING:
    pass

LETTERS = 46
"""Letters in a line of a box where another program places the boxes."""


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
        f"  accTitle: {_mermaid(title(opened))}",
        f"  accDescr: {_mermaid(description(opened, sentence))}",
    ]
    for name, box in chart.boxes.items():
        opening, closing = box.look.brackets
        lines.append(f'  {name}{opening}"{"<br/>".join(_mermaid(part) for part in _parts(box))}"{closing}')
    lines += [f"  {used} --> {by}" for used, by in chart.arrows]
    for sort in sorted({box.sort for box in chart.boxes.values()}):
        look = LOOKS[sort]
        dashes = ",stroke-dasharray:4 3" if "dashed" in look.style else ""
        width = "3px" if "bold" in look.style else "1px"
        fill, stroke = look.face[0], look.edge[0]
        lines.append(f"  classDef {look.name} fill:{fill},stroke:{stroke},stroke-width:{width},color:#1d2126{dashes}")
        lines.append(f"  class {','.join(n for n, box in chart.boxes.items() if box.sort == sort)} {look.name}")
    return "\n".join(lines) + "\n"


def dot(proof: Proof, every: bool = False, sentence: str = "") -> str:
    """A proof as a Graphviz digraph; `every` and `sentence` as for `mermaid`."""
    opened = outline(proof, every)
    chart = _chart(opened, sentence)
    lines = [
        "digraph proof {",
        "  graph [rankdir=RL, bgcolor=white, ordering=in, nodesep=0.15, ranksep=0.45, tooltip="
        + _dot([title(opened)])
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
            chart.boxes[known[key]] = Box.of(step)
            giving.setdefault(step.of or step.id, []).append(known[key])
            open_ += [(below, known[key]) for below in reversed(step.below)]
        chart.arrows[known[key], by] = None
    for step, by in again:
        for name in giving.get(step.of) or [f"s{len(chart.boxes) + 1}"]:
            chart.boxes.setdefault(name, Box.of(step))
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
