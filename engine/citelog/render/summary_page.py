"""A population summed up as one HTML page that stands alone: tables with bars, and how pictures are shared as a curve.

The page needs no network and no script. Each picture is drawn by a template, beside or above the numbers that it shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.home import VERSION
from citelog.population.counts.summary import Summary
from citelog.render.summed import covering, number, people, percent, shown
from citelog.render.template import fill

Asked = Mapping[str, Any]
"""Of which patients: `has` (conclusions) and `rule`."""

LEFT, RIGHT, TOP, BOTTOM = 52, 628, 12, 192
"""The field of the curve, in the units of its picture."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the curve, and the words below it."""

    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the curve."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """How many patients the most frequent pictures hold together, to be drawn."""

    points: tuple[Point, ...]
    levels: tuple[Level, ...]


def summary_page(found: Summary) -> str:
    """A summary as HTML. The same summary gives the same bytes."""
    return fill("summary.html", version=VERSION, **values(found, lambda asked: "", lambda kind, id_: ""))


def values(found: Summary, address: Callable[[Asked], str], thing: Callable[[str, str], str]) -> dict[str, Any]:
    """What the parts of the page need.

    `address` is where the patients are listed that something is said of, `thing` where a rule, a statement or a
    conflict has its page; empty where there is none.
    """
    return {
        "found": found,
        "words": found.words,
        "whole": number(found.patients),
        "curve": curve(found),
        "address": address,
        "thing": thing,
        "shown": shown,
        "people": people,
        "percent": percent,
        "covering": covering,
    }


def curve(found: Summary) -> Curve:
    """The curve of a summary; without points where there are too few for one."""
    points, whole = found.sharing.curve, number(found.patients)
    if len(points) < 2 or not whole:
        return Curve((), ())
    last = math.log10(points[-1].pictures)
    placed = [LEFT + (RIGHT - LEFT) * math.log10(one.pictures) / last for one in points]
    close = len(placed) > 2 and placed[-1] - placed[-2] < 60  # two numbers that would be printed over each other
    made = tuple(
        Point(
            round(x, 1),
            _height(one.patients / whole),
            "" if close and i == len(placed) - 2 else shown(one.pictures),
            "start" if i == 0 else "end" if i == len(placed) - 1 else "middle",
        )
        for i, (x, one) in enumerate(zip(placed, points, strict=True))
    )
    return Curve(made, tuple(Level(_height(part / 4), f"{part * 25} %") for part in range(5)))


def _height(part: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * part, 1)
