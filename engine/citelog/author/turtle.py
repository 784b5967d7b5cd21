"""The templates of this layer, filled in: every text from outside is written as a literal that it cannot get out of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from citelog.diagnostics import unseen

if TYPE_CHECKING:
    from jinja2 import Environment

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


def literal(text: str) -> str:
    """A text as Turtle and TriG write it; what cannot be seen is written as an escape.

    >>> print(literal('say "5\\u00a0mg" \\\\ or\\nless'))
    "say \\"5\\u00A0mg\\" \\\\ or\\nless"
    """
    return f'"{"".join(_ESCAPES.get(character) or _shown(character) for character in text)}"'


def _shown(character: str) -> str:
    if unseen(character) is None:
        return character
    return f"\\u{ord(character):04X}" if ord(character) < 0x10000 else f"\\U{ord(character):08X}"


def fill(template: str, /, **values: object) -> str:
    """A template of the folder `templates` with its values in place.

    Raises jinja2.UndefinedError where the template asks for what was not handed in.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only where something is written

    made = Environment(
        loader=PackageLoader("citelog.author"),
        autoescape=False,  # Turtle, not HTML: its escaping is the filter `literal`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["literal"] = literal
    return made
