"""An assessment as one HTML page that stands alone: conclusions, proofs, the record, and the document with each quote.

The page needs no network and no script. It decides nothing: whatever it says, an assessment or a proof has said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from citelog.assess import Assessment, Conclusion
from citelog.home import VERSION
from citelog.knowledge.base import Citation, Conflict, Kind
from citelog.patient.case import Entry
from citelog.render.phrases import UNRESOLVED, alike, counted, markers, noted, reviewed, unmatched
from citelog.render.quoted import Quote, cut
from citelog.render.template import fill
from citelog.render.timeline import timeline
from citelog.render.tree import Grove, Tree
from citelog.run.datalog import reasoner


@dataclass(frozen=True, slots=True)
class Card:
    """One conclusion as it is set: its anchor, and what belongs to it, looked up.

    `fields` are those of a regimen step, None for what is not stated; `also` the other candidates, each with how it
    was found; `quotes` its citations; `sides` the citations of a conflict, side by side.
    """

    conclusion: Conclusion
    anchor: str
    tags: tuple[str, ...]
    fields: tuple[tuple[str, Mapping[str, Any] | None], ...]
    also: tuple[tuple[str, str, tuple[str, ...]], ...]
    facts: tuple[Entry, ...]
    quotes: tuple[Citation, ...]
    conflict: Conflict | None
    sides: tuple[tuple[Citation, ...], ...]
    tree: Tree


@dataclass(frozen=True, slots=True)
class Section:
    """The conclusions of one kind, under one heading; `picture` is drawn above them."""

    name: str
    title: str
    cards: tuple[Card, ...]
    picture: Markup


@dataclass(frozen=True, slots=True)
class Linked:
    """A conclusion that a page leads to, whether it shows it itself or another page does."""

    conclusion: Conclusion
    anchor: str


@dataclass(frozen=True, slots=True)
class Rests:
    """A quote, and what rests on it: conclusions that cite it, and conclusions that use it within their proofs."""

    citation: Citation
    cited_by: tuple[Card, ...]
    used_by: tuple[Card, ...]
    caveat: bool


def page(found: Assessment) -> str:
    """An assessment as HTML, with the document that its citations quote.

    The same assessment gives the same bytes. Raises ValueError where a quote does not stand in it.
    """
    cards = cards_of(found)
    return fill(
        "page.html",
        **values(found, cards),
        sections=sections(found, cards),
        engine=f"citelog {VERSION}, {reasoner()}",
        reviewed=reviewed(found),
    )


def values(found: Assessment, cards: tuple[Card, ...]) -> dict[str, Any]:
    """What the parts of a page need (`parts.html`) that shows some conclusions: the record, and the document.

    Raises ValueError where a quote does not stand in the document.
    """
    source = found.knowledge.source
    rests = _rests(found, cards)
    for statement, quote in rests.items():
        given = quote.citation
        if source.text[given.start : given.end] != given.quote:
            raise ValueError(f"{source.file} is not the document that was quoted: {statement} does not stand in it")
    spans = [Quote(r.citation.statement, r.citation.start, r.citation.end) for r in rests.values()]
    return {
        "knowledge": found.knowledge,
        "case": found.case,
        "notes": found.notes,
        "noted_of": noted(found),
        "unmatched": unmatched(found),
        "uses": _uses(found),
        "source": source,
        "lines": cut(source.text, spans),
        "rests": rests,
        "anchors": anchors_of(found.knowledge.statements),
        "citations": {s: r.citation for s, r in rests.items()},
        "counted": counted,
        "markers": markers,
        "unresolved": UNRESOLVED if found.knowledge.unresolved else "",
    }


def anchors_of(names: Iterable[str]) -> dict[str, str]:
    """An id of an element for each name: without blanks, or anything else that a link or a style sheet misreads.

    >>> list(anchors_of(["regimen:ORAL-HIGH", "data-issue:unit #1", "data-issue:unit-1"]).values())
    ['regimen:ORAL-HIGH', 'data-issue:unit-1', 'data-issue:unit-1-']
    """
    anchors: dict[str, str] = {}
    for name in names:
        anchor = re.sub(r"[^\w:.-]+", "-", name)
        while anchor in anchors.values():  # two names may differ only in what an anchor cannot hold
            anchor += "-"
        anchors[name] = anchor
    return anchors


def cards_of(found: Assessment, only: Collection[str] | None = None) -> tuple[Card, ...]:
    """The conclusions as cards, or those of some ids only. A proof leads to the cards of other conclusions."""
    anchors = anchors_of(c.id for c in found.conclusions)
    proofs = {c.id: found.why(c.id) for c in found.conclusions}
    grove = Grove({proof.root: anchors[id_] for id_, proof in proofs.items()})
    kinds = {kind.name: kind for kind in found.knowledge.kinds}
    entries = {entry.id: entry for entry in found.case.entries}
    return tuple(
        _card(found, c, kinds[c.kind], anchors[c.id], entries, grove.tree(proofs[c.id], c.statements))
        for c in found.conclusions
        if only is None or c.id in only
    )


def _card(
    found: Assessment, conclusion: Conclusion, kind: Kind, anchor: str, entries: Mapping[str, Entry], tree: Tree
) -> Card:
    details = conclusion.details
    by_statement = {c.statement: c for c in conclusion.citations}
    return Card(
        conclusion=conclusion,
        anchor=anchor,
        tags=(*conclusion.tags.values(), *(() if alike(found) else (conclusion.review,))),
        fields=tuple((name, details[name]) for name in kind.fields),
        also=found.others(conclusion),
        facts=tuple(entries[fact] for fact in conclusion.facts),
        quotes=conclusion.citations,
        conflict=found.knowledge.conflicts.get(conclusion.value) if kind.sided else None,
        sides=tuple(tuple(by_statement[s] for s in side) for side in details.get("sides", ())),
        tree=tree,
    )


def sections(found: Assessment, cards: tuple[Card, ...], styled: bool = True) -> tuple[Section, ...]:
    """A section for each kind of which there are conclusions, in the order that the knowledge base gives the kinds.

    A picture brings its style along where it is to be `styled`.
    """
    made = []
    for kind in found.knowledge.kinds:
        own = tuple(card for card in cards if card.conclusion.kind == kind.name)
        if own:
            picture = Markup(timeline(found, styled)) if kind.fields else Markup()
            made.append(Section(kind.name, kind.title, own, picture))
    return tuple(made)


def _rests(found: Assessment, cards: tuple[Card, ...]) -> dict[str, Rests]:
    """Every statement that the page names, in the order of the document, with what rests on it."""
    cited: dict[str, list[Card]] = {}
    used: dict[str, list[Card]] = {}
    for card in cards:
        own = [c.statement for c in card.quotes]
        inherited = [f["inherited_from"] for _, f in card.fields if f is not None and f["inherited_from"]]
        beside = [s for _, _, statements in card.also for s in statements]
        for statement in own:
            cited.setdefault(statement, []).append(card)
        for statement in dict.fromkeys((*inherited, *beside, *card.tree.statements)):
            if statement not in own:
                used.setdefault(statement, []).append(card)
    warned = {s for caveat in found.knowledge.caveats for s in caveat.statements}
    all_ = [Citation.of(found.knowledge.statements[s]) for s in {*cited, *used, *warned}]
    return {
        c.statement: Rests(
            c, tuple(cited.get(c.statement, ())), tuple(used.get(c.statement, ())), c.statement in warned
        )
        for c in sorted(all_, key=lambda c: (c.start, c.end, c.statement))
    }


def _uses(found: Assessment) -> dict[str, tuple[Linked, ...]]:
    """The conclusions that rest on each entry of the record: all of them, whichever the page shows."""
    anchors = anchors_of(c.id for c in found.conclusions)
    linked = tuple(Linked(c, anchors[c.id]) for c in found.conclusions)
    return {e.id: tuple(one for one in linked if e.id in one.conclusion.facts) for e in found.case.entries}
