"""What can be written at a place among statements and terms: a property, a value that fits it, a passage to quote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from citelog.edit import turtle
from citelog.edit.desk import Reading
from citelog.edit.items import Item, fitting, labelled, short
from citelog.edit.mentions import Thing
from citelog.knowledge.triples import RDF, RDFS, SKOS, TYPE
from citelog.layout.order import ORDER
from citelog.layout.tokens import Token
from citelog.layout.tokens import iri as full
from citelog.vocab import CL

_PARTIAL = re.compile(r"[\w:?#@~-]*\Z")
_MOST_TEXTS, _MOST_PASSAGES = 30, 8


def in_turtle(reading: Reading, text: str, offset: int) -> Iterator[Item]:
    """A property, a value that fits it, or a passage of the document."""
    known = turtle.namespaces(text)
    spaces = {name + ":": space for name, space in known.items()}
    partial = _PARTIAL.search(text, max(0, text.rfind("\n", 0, offset)), offset)
    start = offset - len(partial[0]) if partial else offset
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    if line.lstrip().startswith("#"):
        return
    if opened := re.search(r'([\w-]*:[\w-]+)\s+(?:"[^"]*"\s*,\s*)*"([^"]*)\Z', line):
        yield from _in_text(reading, full(opened[1], spaces), opened[2], offset)
        return
    before = [t for t in turtle.tokens(text[:start]) if t.part != "comment"]
    part, class_, verb = _next(before, spaces)
    if part == "verb":
        yield from _properties(reading, known, start, offset, class_)
    elif part == "object":
        yield from _objects(reading, known, verb, start, offset)
    elif part == "subject" and not line.strip(" \t").strip(partial[0] if partial else ""):
        base = next((p for p, n in known.items() if n == reading.namespace), "")
        yield _statement(base, start, offset)


def _next(before: list[Token], spaces: dict[str, str]) -> tuple[str, str, str]:
    """The part of a triple that comes next, the class of the subject, and the verb."""
    class_ = verb = ""
    for i, token in enumerate(before):
        if token.part == "subject" and not token.depth:
            class_ = ""
        elif token.part == "verb":
            verb = full(token.text, spaces)
            if token.text == "a" and not token.depth and i + 1 < len(before):
                class_ = full(before[i + 1].text, spaces)
    last = before[-1] if before else None
    if last is None or last.part in (".", "{", "}", "directive"):
        return "subject", class_, verb
    following = {"subject": "verb", ";": "verb", "[": "verb", "verb": "object", ",": "object"}
    return following.get(last.part, "sign"), class_, verb


def _properties(reading: Reading, known: Mapping[str, str], start: int, end: int, class_: str) -> Iterator[Item]:
    """Properties, those that other things of the same class have first."""
    triples = reading.triples
    usual = Counter(p for s in triples.instances(class_) for p in triples.subjects[s]) if class_ else Counter[str]()
    own = {CL + name for name in ORDER} if class_ == CL + "Statement" else set()
    yield Item("a", "text", start, end, "a ", "is of the class", rank=2)
    for iri in triples.instances(RDF + "Property"):
        if name := short(iri, known, in_rules=False):
            rank = 0 if iri in usual or iri in own else 3
            yield Item(
                name, "predicate", start, end, f"{name} ", _definition(reading, iri), rank=rank, thing=Thing("iri", iri)
            )


def _definition(reading: Reading, iri: str) -> str:
    return reading.triples.text(iri, SKOS + "definition") or reading.triples.text(iri, RDFS + "comment")


def _objects(reading: Reading, known: Mapping[str, str], verb: str, start: int, end: int) -> Iterator[Item]:
    """Classes after `a`, else the things that fit a property, or the texts that it has elsewhere."""
    triples = reading.triples
    if verb in ("a", TYPE):
        for iri in triples.instances(RDFS + "Class"):
            if name := short(iri, known, in_rules=False):
                yield Item(name, "term", start, end, name, _definition(reading, iri), thing=Thing("iri", iri))
        return
    used = Counter(v for properties in triples.subjects.values() for v in properties.get(verb, ()))
    texts = [v for v, _ in used.most_common() if isinstance(v, str)]
    for rank, value in enumerate(texts[:_MOST_TEXTS]):
        if "\n" not in value and '"' not in value:
            yield Item(f'"{value}"', "text", start, end, f'"{value}"', "said elsewhere", rank=rank)
    predicate = reading.predicates.get(verb)
    if predicate and predicate.arguments[-1].type == "term":
        fits = fitting(reading, predicate, predicate.arguments[-1])
        for iri, label in labelled(reading):
            if name := short(iri, known, in_rules=False):
                rank = 1 if iri in fits else 4
                yield Item(name, "term", start, end, name, label, rank=rank, thing=Thing("iri", iri))


def _in_text(reading: Reading, verb: str, written: str, offset: int) -> Iterator[Item]:
    """Within quotation marks: a passage of the document, ids of statements, or the name of a predicate."""
    start = offset - len(written)
    if verb == CL + "quote" and reading.source is not None and written.strip():
        yield from _passages(reading.source.text, written, start, offset)
    elif verb in turtle.NAMING_STATEMENTS:
        last = offset - len(written.rpartition(" ")[2])
        for id_, iri in reading.ids.items():
            quote = reading.triples.text(iri, CL + "quote")
            yield Item(id_, "statement", last, offset, id_, quote, thing=Thing("iri", iri))
    elif verb in turtle.NAMING_PREDICATES:
        for name in reading.predicates:
            if ":" not in name:
                yield Item(name, "predicate", start, offset, name, thing=Thing("predicate", name))


def _passages(source: str, written: str, start: int, end: int) -> Iterator[Item]:
    """The passages of the document that begin as what is written, each to the end of its sentence."""
    found: dict[str, int] = {}
    for match in re.finditer(re.escape(written) + r"[^\n]*?(?=[.;](?:\s|$)|\n|$)", source):
        found.setdefault(match[0], source.count("\n", 0, match.start()) + 1)
    for passage, line in list(found.items())[:_MOST_PASSAGES]:
        if '"' not in passage:
            yield Item(passage, "text", start, end, passage, f"line {line} of the document", rank=line)


def _statement(prefix: str, start: int, end: int) -> Item:
    insert = (
        f"{prefix}:${{1:S01}} a cl:Statement ;\n"
        '    cl:kind         "${2:recommendation}" ;\n    cl:quote        "${3:the words of the document}" ;\n'
        '    cl:modality     "${4:asserted}" ;\n    cl:population   "${5:not stated}" ;\n'
        f"    cl:voice        ${{6:{prefix}:voice_document}} .\n\n{prefix}:$1 {{\n    $0\n}}\n"
    )
    return Item("statement", "skeleton", start, end, insert, "a statement, and what it says", True, 0)
