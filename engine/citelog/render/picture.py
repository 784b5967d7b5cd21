"""One proof as a picture that needs no other program: an SVG, for light and dark pages and for screen readers.

It is a tree read from top to bottom; what is met again says so. Each line leads from what is used to what uses it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citelog.proof.graph import Proof
from citelog.render.boxes import LOOKS, Box, description, legible, title
from citelog.render.outline import Outline, outline

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

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
    """A proof as an SVG picture; `every` and `sentence` as for a diagram.

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
    ElementTree.SubElement(root, "title", id=f"{mark}-title").text = legible(title(opened))
    ElementTree.SubElement(root, "desc", id=f"{mark}-desc").text = legible(description(opened, sentence))
    ElementTree.SubElement(root, "style").text = _style()
    ElementTree.SubElement(root, "rect", {"class": "paper", "width": str(width), "height": str(height), "rx": "8"})
    for p in placed[1:]:
        over = placed[p.under]
        ElementTree.SubElement(root, "path", {"class": "line", "d": _line(over, p)})
    for i in sorted({p.under for p in placed[1:]}):
        x, y = placed[i].x + _INDENT // 2, placed[i].y + placed[i].height
        ElementTree.SubElement(root, "path", {"class": "tip", "d": f"M{x} {y}l-4 7h8z"})
    for p in placed:
        _draw(ElementTree.SubElement(root, "g", {"class": p.box.look.name}), p)
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
            listed.append((Box.of(step), depth, under))
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
    sign = {"class": "sign", "d": SIGNS[p.box.sort], "transform": f"translate({p.x + _PAD} {middle - 7})"}
    ElementTree.SubElement(group, "path", sign)
    for i, (style, line) in enumerate(p.lines):
        at = {"class": style, "x": str(p.x + 2 * _PAD + 14), "y": str(p.y + _PAD // 2 + (i + 1) * _LINE - 5)}
        ElementTree.SubElement(group, "text", at).text = line


SIGNS: Mapping[str, str] = {
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
        f".proof .{look.name} .face{{stroke-{'dasharray:4 3' if 'dashed' in look.style else 'width:2.5'}}}"
        for sort, look in LOOKS.items()
        if "dashed" in look.style or sort in ("conclusion", "assumed")
    )
    return f"{plain}{shapes}{pages[0]}@media (prefers-color-scheme:dark){{{pages[1]}}}"


def _colours(page: int, paper: str, ink: str, quiet: str) -> str:
    sorts = "".join(
        f".proof .{look.name}{{--face:{look.face[page]};--edge:{look.edge[page]}}}" for look in LOOKS.values()
    )
    return f".proof{{--paper:{paper};--ink:{ink};--quiet:{quiet}}}{sorts}"
