"""The pages of a knowledge base, set: what is said of each thing, with a link to everything that is named.

They decide nothing: what they say, `browse` says, and what `citelog show`, `audit` and `coverage` print is made of the
same values.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote

from citelog.browse import document, sayings
from citelog.browse.aloud import aloud
from citelog.browse.searched import searched
from citelog.browse.shelf import Shelf
from citelog.browse.vocabulary import words
from citelog.explain.catalogue import catalogue
from citelog.knowledge import states
from citelog.knowledge.base import STATES
from citelog.knowledge.lookup import USES, Found
from citelog.proof.words import called
from citelog.render.page import anchors_of
from citelog.render.phrases import UNRESOLVED, counted, markers
from citelog.render.template import source as template
from citelog.rules.program import Predicate, Rule
from citelog.serve.pages.addresses import KNOWLEDGE, PATHS, address
from citelog.serve.pages.shell import Shell
from citelog.values import Iri

if TYPE_CHECKING:
    from citelog.audit.model import Item
    from citelog.audit.trace import Node
    from citelog.browse.counts import Counts
    from citelog.trial.coverage import Point

LEAVES: Mapping[str, str] = {
    "": "Overview",
    "document": "Document",
    "statements": "Statements",
    "rules": "Rules",
    "conflicts": "Conflicts",
    "terms": "Terms",
    "predicates": "Predicates",
    "conclusions": "Conclusions",
    "cases": "Cases",
    "coverage": "Coverage",
    "audit": "Audit",
    "trace": "Trace",
}
"""The pages about the knowledge base as a whole, by the last part of their address, as they are called."""


@cache
def audit_style() -> tuple[bytes, str]:
    """How the pages of an audit look beside what all pages look like, and a name for it that changes with it."""
    sheet = f"{template('audit.css')}body{{max-width:96rem}}\n".encode()  # as wide as the pages beside it
    return sheet, hashlib.sha256(sheet).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Step:
    """The way to the thing before or after one, in the order in which things of its kind are read."""

    id: str
    address: str


@dataclass(frozen=True)
class Book:
    """The pages of a knowledge base with what is counted until now; `trouble` is why nothing will be."""

    shell: Shell
    shelf: Shelf
    counts: Counts | None
    trouble: str

    def leaf(self, name: str) -> str:
        """A page about the knowledge base as a whole, by its name in LEAVES."""
        return {
            "": self._overview,
            "document": self._document,
            "statements": self._statements,
            "rules": self._rules,
            "conflicts": self._conflicts,
            "terms": self._terms,
            "predicates": self._predicates,
            "conclusions": self._conclusions,
            "cases": self._cases,
            "coverage": self._coverage,
            "audit": self._audit,
            "trace": self._trace,
        }[name]()

    def thing(self, kind: str, id_: str, found: Sequence[Found]) -> str:
        """The page of one thing; of several, where terms share an id."""
        known = self.shelf.knowledge
        ids = list(self.shelf.ids(kind))
        at = ids.index(id_)
        iris = self.shelf.iris(kind, id_)
        said = sayings.of_statement(self.shelf, id_) if kind == "statement" else ()
        if kind in ("conflict", "term"):
            said = tuple(one for iri in iris for one in sayings.of_thing(self.shelf, iri))
        return self._page(
            "thing.html",
            PATHS[kind],
            kind=kind,
            id=id_,
            found=found,
            iris=iris,
            around=document.around(self.shelf, id_) if kind == "statement" else (),
            said=said,
            aloud=aloud(self.shelf, self.shelf.rules[id_]) if kind == "rule" else None,
            point=self._point(kind, id_),
            points=self.counts.of_rule(id_) if self.counts and kind == "rule" else (),
            reviews=tuple(one for iri, reviews in known.reviews.items() if iri.value in iris for one in reviews),
            before=Step(ids[at - 1], address(kind, ids[at - 1])) if at else None,
            after=Step(ids[at + 1], address(kind, ids[at + 1])) if at + 1 < len(ids) else None,
            uses=USES,
        )

    def search(self, words_: str) -> str:
        """What holds some words."""
        hits = searched(self.shelf, words_)
        by_kind = [(kind, [hit for hit in hits if hit.kind == kind]) for kind in PATHS]
        return self._page("search.html", "search", asked=words_, hits=hits, by_kind=by_kind)

    # the knowledge base as a whole

    def _overview(self) -> str:
        from citelog.audit.model import WEIGHTS, total
        from citelog.reports.covered import share

        known, counts = self.shelf.knowledge, self.counts
        reviewed = states.counted(states.of(known))
        return self._page(
            "overview.html",
            "",
            counted_as=reviewed,
            states=STATES,
            sections=_sections(self.shelf),
            totals={kind: len(self.shelf.ids(kind)) for kind in PATHS} | {"rule": len(known.program.rules)},
            conclusions=len(catalogue(known)),
            segments=document.segments(self.shelf),
            weights=WEIGHTS,
            totals_of={weight: total(counts.audit.figures, weight) for weight in WEIGHTS} if counts else {},
            share=share(counts.coverage.percent) if counts else "",
        )

    def _document(self) -> str:
        return self._page("document.html", "document", lines=document.lines(self.shelf), sections=_sections(self.shelf))

    def _statements(self) -> str:
        listed = [self.shelf.knowledge.statements[id_] for id_ in self.shelf.ids("statement")]
        sections = [(name, list(group)) for name, group in groupby(listed, key=lambda one: one.section or "")]
        return self._page("statements.html", "statements", sections=sections, cited=self._cited())

    def _rules(self) -> str:
        files = groupby(self.shelf.rules.values(), key=lambda rule: rule.span.file)
        answering = {rule.span.file for rule in self.shelf.knowledge.program.rules}
        listed = [(name, name in answering, list(rules)) for name, rules in files]

        def said(rule: Rule) -> str:
            """What it says, in its author's words; read aloud where these wait for a patient's, or there are none."""
            told = rule.display or rule.doc
            return aloud(self.shelf, rule).concludes if not told or "{" in told else told

        return self._page("rules.html", "rules", files=listed, said=said)

    def _conflicts(self) -> str:
        conflicts = [self.shelf.knowledge.conflicts[id_] for id_ in self.shelf.ids("conflict")]
        return self._page("conflicts.html", "conflicts", conflicts=conflicts)

    def _terms(self) -> str:
        return self._page("terms.html", "terms", words=words(self.shelf))

    def _predicates(self) -> str:
        layers: dict[str, list[tuple[str, Predicate]]] = defaultdict(list)
        for name, one in sorted(self.shelf.knowledge.program.predicates.items(), key=lambda pair: Iri(pair[0]).local):
            layers[one.layer].append((Iri(name).local, one))
        return self._page("predicates.html", "predicates", layers=layers)

    def _conclusions(self) -> str:
        goals = catalogue(self.shelf.knowledge)
        kinds = [(kind, [goal for goal in goals.values() if goal.kind == kind]) for kind in self.shelf.knowledge.kinds]
        traced = {node.id: node for node in self.counts.trace.of("conclusion")} if self.counts else {}
        return self._page(
            "conclusions.html", "conclusions", kinds=kinds, traced=traced, anchors=self._anchors(), called=called
        )

    def _cases(self) -> str:
        failing: dict[str, list[Item]] = defaultdict(list)
        for item in self.counts.audit.figure("case-failing").items if self.counts else ():
            failing[item.about].append(item)
        return self._page("cases.html", "cases", failing=failing, anchors=self._anchors())

    def _coverage(self) -> str:
        from citelog.reports.covered import COUNTED, NEVER, share

        return self._page("coverage.html", "coverage", told=COUNTED, never=NEVER, share=share, anchors=self._anchors())

    def _audit(self) -> str:
        return self._page("audited.html", "audit", **self._parts(), whole=True)

    def _trace(self) -> str:
        return self._page("traced.html", "trace", **self._parts(), whole=False)

    def _parts(self) -> dict[str, object]:
        """What the page of an audit is made of, as the one that stands alone is; its links lead to our pages."""
        from citelog.reports.audit_page import anchors, parts

        if self.counts is None:
            return {}
        found, trace = self.counts.audit, self.counts.trace
        places = anchors(trace)
        conclusions = self._anchors()

        def href(node: Node) -> str:
            if node.level in PATHS and node.id in self.shelf.ids(node.level):
                return address(node.level, node.id)
            match node.level:
                case "conclusion" if node.id in conclusions:
                    return f"{KNOWLEDGE}/conclusions#{conclusions[node.id]}"
                case "case":
                    return f"{KNOWLEDGE}/cases#{quote(node.id)}"
            return f"{KNOWLEDGE}/trace#{places[node.key]}" if node.key in places else ""

        def whose(about: str) -> str:
            for level in ("statement", "rule", "conflict"):
                if about in self.shelf.ids(level):
                    return address(level, about)
            named = (trace.by_key.get((level, about)) for level in ("sentence", "conclusion", "case", "property"))
            return next((href(node) for node in named if node), "")

        made = parts(found, self.counts.failed, trace, self.shelf.knowledge, places)
        return {**made, "href": href, "whose": whose}

    # what pages share

    def _page(self, name: str, leaf: str, **values: object) -> str:
        shared = {
            "shelf": self.shelf,
            "knowledge": self.shelf.knowledge,
            "counts": self.counts,
            "trouble": self.trouble,
            "leaf": leaf,
            "leaves": LEAVES,
            "paths": PATHS,
            "address": address,
            "counted": counted,
            "markers": markers,
            "unresolved": UNRESOLVED if self.shelf.knowledge.unresolved else "",
            "audit_style": f"/knowledge/audit.css?{audit_style()[1]}",
        }
        return self.shell.page(f"knowledge/{name}", KNOWLEDGE, **{**shared, **values})

    def _anchors(self) -> Mapping[str, str]:
        """Where each conclusion stands on the page of the conclusions."""
        return anchors_of(catalogue(self.shelf.knowledge))

    def _point(self, kind: str, id_: str) -> Point | None:
        return self.counts.point(kind, id_) if self.counts else None

    def _cited(self) -> Mapping[str, int]:
        """How many rules cite each statement."""
        rules = self.shelf.knowledge.program.rules
        return {id_: sum(id_ in rule.cites for rule in rules) for id_ in self.shelf.ids("statement")}


def _sections(shelf: Shelf) -> list[tuple[int, str]]:
    """The sections of the document, each with the line that it begins on."""
    return [(line.number, line.heading) for line in document.lines(shelf) if line.heading]
