"""What all pages have in common: the places that they lead to, what stands around them, and how they look.

A page is a template that extends `shell.html` and fills its block `main`; `Shell.page` sets it. Nothing comes from
elsewhere, every value is escaped, and no page has a script or a style of its own in it: the policy of `guard` would
refuse both. The looks are Pico CSS, beneath the style sheet that documents bring along which stand alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.render.page import anchors_of
from citelog.render.template import environment as escaping
from citelog.render.template import source as template
from citelog.render.template import stylesheet

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
_ADDRESS = re.compile(r"(?<!\S)(/(?!/)(?:[\w.:%/-]*[\w/])?)(?=[,;.]?(?:\s|$))", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation and the first page lead to: for whom it is, and what can be done there."""

    address: str
    title: str
    audience: str
    about: str


AUDIENCES = {
    "clinician": ("For clinicians", "What does the document say about this patient, and why?"),
    "author": ("For authors", "What is made of the document, and what follows if it is written otherwise?"),
    "auditor": ("For auditors", "Does every conclusion reach a sentence of the document?"),
}
"""Whom the pages are for: the title of the door, and the question behind it."""

PATIENT = Place(
    "/patient", "A patient", "clinician", "Enter or drop a record, and see what the document says about it."
)
EXAMPLES = Place(
    "/examples", "Examples", "clinician", "Invented patients: open one, and look at its answer and proofs."
)
POPULATION = Place(
    "/population",
    "Population",
    "clinician",
    "Many patients summed up and listed; each opens with its proof.",
)
SPARQL = Place("/sparql", "Query", "auditor", "Ask the knowledge, its sources and the cases, in SPARQL.")
PLAYGROUND = Place("/playground", "Playground", "author", "Change rules and a case, and watch what follows.")
KNOWLEDGE = Place(
    "/knowledge", "Knowledge", "author", "Read the document, and what is made of it: statements, rules, conflicts."
)
AUDIT = Place(
    "/knowledge/audit", "Audit", "auditor", "What is broken, open or disclosed, counted, each thing with its place."
)
"""A page of the knowledge that has a door of its own; the navigation leads to it by way of KNOWLEDGE."""
LOG = Place("/log", "Log", "auditor", "The log of assessments, and its signed checkpoint.")
PLACES = (PATIENT, EXAMPLES, POPULATION, KNOWLEDGE, PLAYGROUND, SPARQL, LOG)
"""Every place, in the order of the navigation."""


@dataclass(frozen=True, slots=True)
class Door:
    """An audience, on the first page: what it asks, and the places for it."""

    title: str
    about: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around each page: the knowledge base that is served, if any, and the places that there are."""

    knowledge: Knowledge | None = None
    places: Sequence[Place] = (SPARQL,)

    version = VERSION

    @property
    def style(self) -> str:
        """The address of the style sheet, which changes with what is in it."""
        return f"/style.css?{_style()[1]}"

    @property
    def marks(self) -> str:
        """The address of the style sheet that marks a quote of the document where a link has led to it."""
        return f"/marks.css?{self.knowledge.sha256[:12]}" if self.knowledge else ""

    @property
    def doors(self) -> tuple[Door, ...]:
        """The audiences, each with its places."""
        places = [AUDIT, *self.places] if KNOWLEDGE in self.places else self.places
        found = {name: tuple(p for p in places if p.audience == name) for name in AUDIENCES}
        return tuple(Door(*AUDIENCES[name], places) for name, places in found.items() if places)

    def page(self, name: str, here: str = "", **values: object) -> str:
        """A template, filled in; `here` is the place in the navigation that it belongs to.

        Raises jinja2.UndefinedError where the template asks for what was not handed in.
        """
        return environment().get_template(name).render(shell=self, here=here, **values)


def style() -> bytes:
    """The style sheet of all pages: Pico CSS lowest, then what of it is taken back, then our own."""
    return _style()[0]


def linked(text: str) -> Markup:
    """What to try, as HTML in which the addresses of this server are links, the first page by what it is.

    >>> print(linked("see /examples, or <start> at /; //elsewhere is none"))
    see <a href="/examples">/examples</a>, or &lt;start&gt; at <a href="/">the first page</a>; //elsewhere is none
    """
    from markupsafe import Markup, escape

    parts = _ADDRESS.split(text)  # every second one is an address
    link = Markup('<a href="{}">{}</a>')
    called = {"/": "the first page"}
    return Markup("").join(
        link.format(part, called.get(part, part)) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def marks(knowledge: Knowledge) -> bytes:
    """A quote may be in several marks, and only a name tells them: so there is a line for each statement."""
    line = '.document:has([id="quote-{0}"]:target) mark[data-quotes~="{0}"]'
    lines = ",\n".join(line.format(anchor) for anchor in anchors_of(knowledge.statements).values())
    return f"{lines}{{background:var(--target);box-shadow:0 0 0 3px var(--target)}}\n".encode() if lines else b""


@cache
def _style() -> tuple[bytes, str]:
    def text(name: str) -> str:
        return (STATIC / name).read_text(encoding="utf-8").removeprefix('@charset "UTF-8";')

    layers = f"@layer pico{{{text('pico.css')}}}\n@layer settled{{{text('settled.css')}}}\n"
    own = stylesheet() + template("timeline.css") + template("summary.css") + text("shell.css") + text("knowledge.css")
    sheet = (layers + own).encode()
    return sheet, hashlib.sha256(sheet).hexdigest()[:12]


@cache
def environment() -> Environment:
    """The templates of the pages; those of `render`, for parts that documents share, are there by their names too."""
    from jinja2 import ChoiceLoader, PackageLoader

    templates = ChoiceLoader([PackageLoader("citelog.serve.pages"), PackageLoader("citelog.render")])
    made = escaping(templates, auto_reload=False)  # a worker can open no file: an upgrade shows at the next start
    made.filters["linked"] = linked
    return made
