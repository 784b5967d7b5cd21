"""The templates of this layer, filled in: every value is escaped, and a name that was not handed in is an error."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment
    from markupsafe import Markup

_FROM_RIGHT = {"R", "AL", "AN"}
_STEERS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""What Unicode calls the characters of scripts that run from the right, and those that only steer the direction."""


def fill(name: str, **values: object) -> str:
    """A template of the folder `templates` with its values in place.

    Raises jinja2.UndefinedError where the template asks for what was not handed in.
    """
    return _environment().get_template(name).render(values)


def source(name: str) -> str:
    """The text of a template, as its author wrote it."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


def stylesheet() -> str:
    """How the page of an assessment looks, for pages that show parts of it."""
    return fill("page.css")


@cache
def _environment() -> Environment:
    from jinja2 import PackageLoader  # only where something is drawn or set

    return environment(PackageLoader("citelog.render"), keep_trailing_newline=True)


def environment(templates: BaseLoader, *, keep_trailing_newline: bool = False, auto_reload: bool = True) -> Environment:
    """What fills templates: every value is escaped, and a name that was not handed in is an error."""
    from jinja2 import Environment, StrictUndefined

    made = Environment(
        loader=templates,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_trailing_newline,
        auto_reload=auto_reload,
    )
    made.filters["isolated"] = isolated
    return made


def isolated(text: str) -> Markup:
    """A sentence as HTML in which nothing taken from a record can turn the words around it.

    Each stretch that runs from the right, and each character that steers the direction, is isolated (`<bdi>`);
    the text itself stays as it is.

    >>> print(isolated("The depth < 80"), isolated("שלום עולם: 5 mg"), ascii(isolated("a\u202eb")))
    The depth &lt; 80 <bdi>שלום עולם</bdi>: 5 mg Markup('a<bdi>\u202e</bdi>b')
    """
    from markupsafe import Markup, escape

    if text.isascii():
        return escape(text)
    parts = []
    for sort, group in groupby(_sorted(text), key=lambda pair: pair[1]):
        part = escape("".join(character for character, _ in group))
        parts.append(part if sort == "left" else Markup("<bdi>{}</bdi>").format(part))
    return Markup("").join(parts)


def _sorted(text: str) -> list[tuple[str, str]]:
    """Each character with how it is to be set: `left`, `right` or `steers`; blanks between two `right` are `right`."""
    sorts = []
    for character in text:
        direction = unicodedata.bidirectional(character)
        sorts.append("steers" if direction in _STEERS else "right" if direction in _FROM_RIGHT else "left")
    last = -1
    for i, sort in enumerate(sorts):
        if sort == "right":
            if last >= 0 and text[last + 1 : i].isspace():
                sorts[last + 1 : i] = ["right"] * (i - last - 1)
            last = i
    return list(zip(text, sorts, strict=True))
