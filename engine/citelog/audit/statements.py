"""Figures about statements: that each is quoted and stands where it says, and that nothing is said outside one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject, Triple
from citelog.audit.tracing import trace
from citelog.evidence.sources import on_one_line
from citelog.values import Iri
from citelog.vocab import CL

PARTS = frozenset(
    CL + name
    for name in (
        "Body",
        "Caveat",
        "Conflict",
        "KnowledgeBase",
        "Marker",
        "Reference",
        "Section",
        "Segment",
        "SourceDocument",
        "Statement",
        "Unit",
        "Voice",
    )
)
"""What the files of a knowledge base describe beside what is said: the parts of the document, and units."""


def _unverified(subject: Subject) -> Iterator[Item]:
    verified = {one.iri.value for one in subject.verified.values()}
    told = {item.about: item for item in subject.told("quote-not-found", "quote-ambiguous", "incomplete")}
    for iri in subject.said:
        if iri not in verified:
            id_ = Iri(iri).local
            yield told.get(id_) or Item(id_, "its quote is not found in the document", subject.place(iri))


def _unwritten(subject: Subject) -> Iterator[Item]:
    for one in subject.verified.values():
        missing = [key for key in ("line", "start", "end") if subject.triples.one(one.iri.value, CL + key) is None]
        if missing:
            keys = " and ".join(f"cl:{key}" for key in missing)
            text = f"its place is not written down: {keys} (`citelog fmt` does it)"
            yield Item(one.id, text, subject.place(one.iri.value))


def outside(subject: Subject) -> Iterator[Triple]:
    """The triples that say what only a statement may say, and stand in none, nor in the graph of who vouches for them.

    A triple says so if statements use its property or class, and it neither names something nor describes a part of
    the document or a unit; and whatever it says, if it stands in a graph of which nobody says whose it is.
    """
    statements = frozenset(subject.said)
    stated = {(one.subject, one.predicate, one.value) for one in subject.own if one.graph in statements}
    used = {one.says for one in subject.own if one.graph in statements and not _names(one)}
    of = {one.subject for one in subject.own if one.graph in statements}
    parts = {one.subject for one in subject.own if not one.graph and one.says in PARTS}
    for one in subject.own:
        if one.graph:
            if one.graph not in statements and not subject.vouches(one.graph):
                yield one
        elif one.says in used and not _names(one) and (one.subject, one.predicate, one.value) not in stated:
            describes_part = one.subject in parts and (one.subject not in of or one.says in PARTS)
            if not describes_part:
                yield one


def _names(triple: Triple) -> bool:
    """Whether a triple only names its subject, remarks on it, or says its title."""
    return Iri(triple.predicate).local in ("label", "comment", "title", "prefLabel", "altLabel", "notation", "remark")


def _outside(subject: Subject) -> Iterator[Item]:
    for one in outside(subject):
        whose = f"in the graph {subject.triples.written(one.graph)}, which is nobody's" if one.graph else "in no graph"
        yield Item(Iri(one.subject).local, f"{subject.written(one)} stands {whose}", subject.where(one))


def _count_own(subject: Subject) -> int:
    return len({(one.subject, one.predicate, one.value) for one in subject.own})


def _in_statements(subject: Subject) -> list[Triple]:
    statements = frozenset(subject.said)
    return [one for one in subject.own if one.graph in statements]


def _unread(subject: Subject) -> Iterator[Item]:
    traced = trace(subject)
    used = {key for key, _ in traced.links if key[0] == "triple"}
    used &= {one for one, other in traced.links if other[0] in ("rule", "conclusion")}
    for one in _in_statements(subject):
        written = subject.written(one)
        if ("triple", written) not in used:
            yield Item(Iri(one.graph).local, written, subject.where(one))


def _without_rule(subject: Subject, *, accepted: bool) -> Iterator[Item]:
    for item in subject.told("statement-without-rule", accepted=accepted):
        quote = on_one_line(subject.usable.statements[item.about].quote)
        yield Item(item.about, f"“{quote}”", item.span, item.reason)


_measure = partial(
    Measure, topic="statements", weight="broken", of_what="statements", among=lambda subject: subject.said
)

MEASURES = (
    _measure(
        "quote-unverified",
        title="statements whose quote is not verified",
        meaning="The words that a statement quotes are not found in the document, letter for letter.",
        counted=_unverified,
    ),
    _measure(
        "place-wrong",
        title="statements whose recorded place is not where the quote stands",
        meaning="The line or the offsets that are written down are not those that are computed from the words.",
        counted=lambda subject: subject.told("offset-wrong"),
    ),
    _measure(
        "place-unwritten",
        weight="open",
        title="statements whose place is not written down",
        meaning="The place is computed each time; without a record of it nobody can see that it moved.",
        counted=_unwritten,
    ),
    _measure(
        "statement-outside-segments",
        title="statements whose quote lies in no segment that names them",
        meaning="The way from the sentence to what is encoded of it does not lead there.",
        counted=lambda subject: subject.told("statement-outside-segments"),
    ),
    _measure(
        "statement-empty",
        title="statements that say nothing",
        meaning="A quote without a triple in its graph: it is cited, and nothing of it is encoded.",
        counted=lambda subject: subject.told("empty-statement"),
    ),
    _measure(
        "value-not-in-quote",
        title="numbers and texts that are not in the quote of their statement",
        meaning="A statement says a number or a text that its sentence does not print.",
        of_what="triples in statements",
        among=_in_statements,
        counted=lambda subject: subject.told("value-not-in-quote"),
    ),
    _measure(
        "triple-outside-statement",
        title="triples that say what only a statement may say, and stand in none",
        meaning="What is said of the subject has no sentence of the document behind it, and nobody who vouches for it.",
        of_what="triples",
        among=_count_own,
        counted=_outside,
    ),
    _measure(
        "triple-unread",
        weight="disclosed",
        title="triples of statements that no rule reads and no conclusion shows",
        meaning="It is encoded, and can be asked for, but changes no answer: only a reader would see a mistake in it.",
        of_what="triples in statements",
        among=_in_statements,
        counted=_unread,
        needs_rules=True,
    ),
    _measure(
        "statement-without-rule",
        weight="open",
        title="statements that nothing rests on, without a reason",
        meaning="No rule and no caveat cites the statement, and nobody says why.",
        counted=partial(_without_rule, accepted=False),
        needs_rules=True,
    ),
    _measure(
        "statement-set-aside",
        weight="disclosed",
        title="statements that nothing rests on, with a reason",
        meaning="No rule and no caveat cites the statement, for the reason that is given with it.",
        counted=partial(_without_rule, accepted=True),
        needs_rules=True,
    ),
)
