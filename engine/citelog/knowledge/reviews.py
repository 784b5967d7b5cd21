"""Who looked at which statement or rule, on which day, and whether it is still what they looked at.

A review holds the SHA-256 of what was reviewed. Of a statement that is its quote, whatever else is said of it and its
graph, as sorted N-Triples; of a rule its canonical text. Where a quote stands, blanks, comments and the order of lines
are no part of it: `citelog fmt` and a paragraph put in above outdate no review, a changed word does. Nor is advice
about reviews that is accepted there, which else would outdate what it accepts.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from citelog.diagnostics import Diagnostic, Hint, meant
from citelog.knowledge.base import STATES, Review, rule_iri
from citelog.knowledge.triples import DCTERMS, PROV, RDFS, TYPE, Triples, rdf
from citelog.rules.syntax import RuleFile
from citelog.rules.written import named
from citelog.values import Iri
from citelog.vocab import CL

if TYPE_CHECKING:
    from pyoxigraph import Quad

PLACE = frozenset(CL + name for name in ("line", "start", "end"))
"""What of a statement is computed from the document: no part of what is reviewed."""

ABOUT = "review-"
"""How the codes of advice about reviews begin."""

CODES: Mapping[str, str] = {
    "review-order": "two reviews of one thing, of which nothing says which came later",
}
"""The code of this module, with its meaning."""


class Digests:
    """What gives the hash of a statement or a rule as it is now, by its IRI; the files are gone through once."""

    def __init__(self, triples: Triples, namespace: str, files: Iterable[RuleFile]) -> None:
        self._triples, self._namespace, self._files = triples, namespace, tuple(files)

    def of(self, thing: Iri) -> str | None:
        """The SHA-256 of what is reviewed of a thing; None where there is no such statement or rule."""
        text = self.text(thing)
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def text(self, thing: Iri) -> str | None:
        """What is reviewed: of a rule its canonical text; of a statement what is said of it, then what its graph says.

        Both of a statement are N-Triples in the order of their code points. Blank nodes, which `citelog check` refuses,
        have other names each time, so that no review of them ever holds.
        """
        if CL + "Statement" in map(str, self._triples.subjects.get(thing.value, {}).get(TYPE, ())):
            heads, graphs = self._statements
            return f"{_lines(heads.get(thing.value, ()))}{{\n{_lines(graphs.get(thing.value, ()))}}}\n"
        return self._rules.get(thing)

    @cached_property
    def _rules(self) -> Mapping[Iri, str]:
        return {
            rule_iri(self._namespace, name): re.sub(rf"(?m)^%%% @accept {ABOUT}.*\n", "", text)
            for file in self._files
            for name, text in named(file).items()
        }

    @cached_property
    def _statements(self) -> tuple[Mapping[str, list[Quad]], Mapping[str, list[Quad]]]:
        """What is said of each thing outside of all graphs, and what each graph says."""
        heads: dict[str, list[Quad]] = defaultdict(list)
        graphs: dict[str, list[Quad]] = defaultdict(list)
        for name, text in self._triples.files.items():
            for quad in rdf(text.text, name.endswith(".trig")):
                if graph := getattr(quad.graph_name, "value", None):
                    graphs[graph].append(quad)
                elif quad.predicate.value not in PLACE and not _of_review(quad):
                    heads[str(getattr(quad.subject, "value", ""))].append(quad)
        return heads, graphs


def _of_review(quad: Quad) -> bool:
    """Whether it accepts advice about a review."""
    return quad.predicate.value == CL + "accepts" and str(getattr(quad.object, "value", "")).startswith(ABOUT)


def _lines(quads: Iterable[Quad]) -> str:
    return "".join(f"{line}\n" for line in sorted({f"{q.subject} {q.predicate} {q.object} ." for q in quads}))


UNREAD = frozenset(["rdf-syntax", "not-utf-8", "syntax"])
"""Findings that keep a part of a file from being read; what is missing then is not gone."""


def read_reviews(
    triples: Triples, digests: Digests, things: Iterable[Iri], found: list[Diagnostic]
) -> dict[Iri, tuple[Review, ...]]:
    """The reviews of each statement and rule, the last at the end; a finding for each that cannot be understood."""
    read: dict[Iri, dict[int, Review]] = {}
    if any(finding.code in UNREAD for finding in found):
        return {}
    for iri in triples.instances(CL + "Review"):

        def report(code: str, key: str, message: str, hint: Hint, iri: str = iri) -> None:
            found.append(triples.finding(code, (iri, key), message, hint))

        thing, by, day = (triples.one(iri, key) for key in (CL + "reviews", PROV + "wasAttributedTo", DCTERMS + "date"))
        state, order = triples.one(iri, CL + "reviewState"), triples.one(iri, CL + "order")
        now = digests.of(thing) if isinstance(thing, Iri) else None
        name = triples.text(str(by), RDFS + "label")
        local = Iri(iri).local
        if now is None:
            given = _named(thing)
            message = (
                f"{local} is about {given}, which is no statement and no rule" if given else f"{local} reviews nothing"
            )
            hint = meant(given, map(_named, things)) or "a review of something that is gone goes too"
            report("unknown-reference", CL + "reviews", message, hint)
        elif not name or str(by) not in triples.classes.get(PROV + "Agent", ()):
            agents = [Iri(agent).local for agent in triples.instances(PROV + "Agent")]
            hint = meant(_named(by), agents) or f"declare who it is: {declaring(triples)}"
            message = f"nothing says who {_named(by) or 'made it'} is"
            report("unknown-reference", PROV + "wasAttributedTo", message, hint)
        elif not isinstance(state, Iri) or state.value not in {CL + one for one in STATES}:
            hint = f"write one of {', '.join(f'cl:{one}' for one in STATES)}"
            report("incomplete", CL + "reviewState", f"{local} gives no state", hint)
        elif not isinstance(day, datetime.date) or not isinstance(order, int):
            hint = 'write dcterms:date "2026-03-15"^^xsd:date, and cl:order, counted from 1 for each thing'
            key = CL + "order" if isinstance(day, datetime.date) else DCTERMS + "date"
            report("incomplete", key, f"{local} says no day, or not its place among the reviews", hint)
        elif order in (those := read.setdefault(thing, {})):
            message = f"{local} and another review of {_named(thing)} are both number {order}"
            report("review-order", CL + "order", message, "number them in the order in which they were made")
        else:
            seen = triples.text(iri, CL + "reviewedAs")
            note = triples.text(iri, RDFS + "comment")
            those[order] = Review(state.local, by, name, day, note, seen, outdated=seen != now)
    return {thing: tuple(those[n] for n in sorted(those)) for thing, those in sorted(read.items())}


def declaring(triples: Triples) -> str:
    """How a reviewer is declared, by the prefixes that the files of the knowledge base have."""
    base = next(iter(triples.instances(CL + "KnowledgeBase")), "")
    names = (f"{base.removesuffix(Iri(base).local)}somebody", PROV + "Agent", RDFS + "label")
    who, agent, label = (name if ":" in (name := triples.written(one)) else f"<{one}>" for one in names)
    return f'{who} a {agent} ; {label} "Some Body" .'


def _named(thing: object) -> str:
    """A statement, a rule or an agent as people call it."""
    return thing.local if isinstance(thing, Iri) else "" if thing is None else str(thing)
