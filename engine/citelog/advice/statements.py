"""Advice about statements: those that nothing rests on, and parts of the document that nobody has read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach, fits, pattern_of
from citelog.diagnostics import meant
from citelog.knowledge.triples import RDF, RDFS, SKOS, TYPE, Triples
from citelog.rules.program import Present
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "statement-without-rule": "a statement that no rule and no caveat cites, without a reason for none",
    "segment-unread": "a part of the document that is set aside as not yet read",
    "thing-unnamed": "something that a statement speaks of, and that no file declares or gives a name",
}

NOT_READ = "not yet read"
"""The reason with which `citelog new` sets aside what nobody has encoded yet."""


def without_rule(given: Given, _: Reach) -> Iterator[Advice]:
    """Statements that nothing rests on; one that says again what a cited one says is spoken for by that."""
    knowledge, triples = given.knowledge, given.triples
    cited = {id_ for rule in given.rules for id_ in rule.cites}
    cited |= {id_ for caveat in knowledge.caveats for id_ in caveat.statements}
    for statement in knowledge.statements.values():
        again = {one.local for one in triples.all(statement.iri.value, CL + "restates") if isinstance(one, Iri)}
        if statement.id not in cited and not again & cited:
            reader = next(_readers(given, statement.id), "")
            yield Advice(
                "statement-without-rule",
                (statement.id,),
                given.statement(statement.id),
                f"no rule and no caveat cites {statement.id}, though rule {reader} reads what it says"
                if reader
                else f"nothing that is concluded rests on {statement.id}: no rule and no caveat cites it",
                ("name it in the @cites of a rule that reads it" if reader else "write a rule that cites it")
                + ', or say why there is none: cl:accepts "statement-without-rule: the reason"',
            )


def _readers(given: Given, id_: str) -> Iterator[str]:
    """The names of the rules with a premise that a fact of a statement matches."""
    said = [atom for atom, stating in given.knowledge.stated.items() if id_ in stating]
    for rule in given.rules:
        patterns = [pattern_of(x, {}) for x in rule.body if isinstance(x, Present)]
        if any(
            p is not None and p.predicate == atom.predicate and fits(p, atom.args) for p in patterns for atom in said
        ):
            yield rule.name


def unnamed(given: Given, _: Reach) -> Iterator[Advice]:
    """What a statement speaks of and nothing declares: a name that is mistyped, or a label that is not written yet.

    The fields of a step have words of the document in place of a name.
    """
    triples = given.triples
    statements = {s.iri.value: s.id for s in given.knowledge.statements.values()}
    met: dict[str, str] = {}
    for (subject, _property, value), graphs in triples.graphs.items():
        for graph in statements.keys() & set(graphs):
            for one in (subject, *([value.value] if isinstance(value, Iri) else [])):
                met.setdefault(one, graph)
    named = {one for one in triples.subjects if _is_named(triples, one)}
    things = named - set(triples.instances(RDF + "Property")) - set(triples.instances(RDFS + "Class"))
    for one, graph in met.items():
        if one not in named:
            name, id_ = triples.written(one), statements[graph]
            hint = (
                meant(name, map(triples.written, things)) or "give it a skos:prefLabel, in terms.ttl or predicates.ttl"
            )
            place = triples.said(graph, one, re.compile(re.escape(name) + r"(?![\w-])")) or given.statement(id_)
            yield Advice(
                "thing-unnamed", (id_,), place, f"{id_} speaks of {name}, which nothing declares or names", hint
            )


def _is_named(triples: Triples, iri: str) -> bool:
    """Whether something has a label or words of the document, or is of a class of the ontology."""
    said = (SKOS + "prefLabel", RDFS + "label", CL + "text")
    return any(triples.one(iri, key) is not None for key in said) or any(
        str(class_).startswith(CL) for class_ in triples.all(iri, TYPE)
    )


def unread(given: Given, _: Reach) -> Iterator[Advice]:
    """Segments that are set aside because nobody has read them: one piece of advice for all."""
    left = [
        segment
        for segment in given.triples.instances(CL + "Segment")
        if given.triples.text(segment, CL + "outOfScope").strip().casefold() == NOT_READ
    ]
    if left:
        few = ", ".join(Iri(segment).local for segment in left[:3])
        yield Advice(
            "segment-unread",
            (),
            given.triples.span(left[0], NOT_READ),
            f"{len(left)} {'segment is' if len(left) == 1 else 'segments are'} not yet read: {few}"
            + (", …" if len(left) > 3 else ""),
            "encode each as statements (cl:encodedAs), or set it aside with the reason (cl:outOfScope)",
        )
