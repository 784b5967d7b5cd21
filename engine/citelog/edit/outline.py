"""What stands in a file, and where in a knowledge base something is declared: its outline, and its index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citelog.edit import rules, turtle
from citelog.edit.desk import Desk
from citelog.knowledge.triples import TYPE
from citelog.layout.tokens import iri
from citelog.values import Iri
from citelog.vocab import CL


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a file declares: its kind and name, what it is, all of it, and its name's own place.

    `kind` is `rule`, `statement`, `conflict`, `predicate`, `property`, `class` or `term`.
    """

    kind: str
    name: str
    detail: str
    start: int
    end: int
    at: tuple[int, int]


def outline(desk: Desk, path: Path) -> list[Entry]:
    """What a file declares, in its order."""
    text = desk.texts.get(path, "")
    if path.suffix == ".rls":
        return list(_rules(text))
    if path.suffix in (".ttl", ".trig"):
        return list(_blocks(desk, text))
    return []


def index(desk: Desk, query: str) -> Iterator[tuple[Path, Entry]]:
    """Everything that the author's files declare whose name or detail holds the words of a query, ignoring case."""
    words = query.casefold().split()
    for path in desk.texts:
        if desk.owned(path):
            for entry in outline(desk, path):
                if all(word in f"{entry.name} {entry.detail}".casefold() for word in words):
                    yield path, entry


def _rules(text: str) -> Iterator[Entry]:
    for rule in rules.rules(text):
        if rule.head is None:
            continue
        named = rule.name
        name = named.text.strip('"') if named else f"{rule.head.text}, without a name"
        word = named or rule.head
        yield Entry("rule", name or "?", rule.head.text, rule.start, rule.end, (word.start, word.end))


def _blocks(desk: Desk, text: str) -> Iterator[Entry]:
    triples, file = desk.reading.triples, turtle.tokens(text)
    spaces = {name + ":": space for name, space in turtle.namespaces(text).items()}
    tops = [i for i, t in enumerate(file) if t.part == "subject" and not t.depth and not t.graph]
    for i, following in zip(tops, [*tops[1:], len(file)], strict=False):
        token = file[i]
        block = [t for t in file[i:following] if t.part != "comment"]
        name = iri(token.text, spaces)
        classes = [Iri(str(c)).local for c in triples.all(name, TYPE)] if name in triples.subjects else []
        kind = next((k for c, k in _KINDS.items() if c in classes), "term")
        states = len(block) > 1 and block[1].text == "{"
        signature = triples.text(name, CL + "signature") if kind == "predicate" else ""
        detail = "what it says" if states else signature or _detail(desk, name, classes)
        yield Entry(kind, token.text, detail, token.start, block[-1].end, (token.start, token.end))


_KINDS = {
    "Statement": "statement",
    "Conflict": "conflict",
    "DerivedPredicate": "predicate",
    "PatientPredicate": "predicate",
    "Property": "property",
    "Class": "class",
}


def _detail(desk: Desk, name: str, classes: list[str]) -> str:
    triples = desk.reading.triples
    label = triples.text(name, CL + "quote") or triples.label(name) if name in triples.subjects else ""
    return label if label != Iri(name).local else ", ".join(classes)
