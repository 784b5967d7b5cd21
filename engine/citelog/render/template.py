"""The templates of this layer, filled in: every value is escaped, and a name that was not handed in is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(name: str, **values: object) -> str:
    """A template of the folder `templates` with its values in place.

    Raises jinja2.UndefinedError where the template asks for what was not handed in.
    """
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only where something is drawn or set

    loader = PackageLoader("citelog.render")
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
