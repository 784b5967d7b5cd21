"""Things that can be written at a place, and which of them go on from what is written there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from citelog.edit.desk import Reading
from citelog.edit.mentions import Thing
from citelog.knowledge.triples import RDFS, TYPE
from citelog.rules.program import Argument, Constant, Predicate, Present
from citelog.values import Iri
from citelog.vocab import CL


@dataclass(frozen=True, slots=True)
class Item:
    """Something to write in the stead of a stretch: what the list shows, and what is written.

    `kind` is `predicate`, `term`, `statement`, `variable`, `tag`, `text` or `skeleton`. In a `snippet`, `${1:x}` are
    places to fill in one after the other. `rank` orders the list, `thing` is what it names.
    """

    label: str
    kind: str
    start: int
    end: int
    insert: str
    detail: str = ""
    snippet: bool = False
    rank: int = 1
    thing: Thing | None = None


def begins(item: Item, written: str) -> bool:
    """Whether an item could go on from what is written: its label holds these letters in this order, ignoring case.

    >>> begins(Item("medication_route", "predicate", 0, 0, ""), "medro")
    True
    """
    label = iter(item.label.casefold())
    return item.kind == "skeleton" or all(letter in label for letter in written.casefold())


def narrowed(items: Iterable[Item], text: str, offset: int) -> list[Item]:
    """The items that go on from what is written before the offset, those that begin as it does first."""

    def near(item: Item) -> tuple[bool, bool]:
        label, written = item.label.casefold(), text[item.start : offset].casefold()
        return not label.startswith(written), written not in label

    return sorted((item for item in items if begins(item, text[item.start : offset])), key=near)


def short(iri: str, known: Mapping[str, str], in_rules: bool) -> str | None:
    """A name as a file with these prefixes writes it; None where a predicate or term has no prefix there.

    >>> short("https://example.org/#iron-low", {"ex": "https://example.org/#"}, in_rules=True)
    '<https://example.org/#iron-low>'
    """
    if ":" not in iri:
        return iri
    local = Iri(iri).local
    namespace = iri[: len(iri) - len(local)]
    prefix = next((p for p, n in known.items() if n == namespace), None)
    if prefix is None:
        return None
    return f"<{iri}>" if in_rules and "-" in local else f"{prefix}:{local}"


def fitting(reading: Reading, predicate: Predicate, place: Argument) -> set[str]:
    """The terms that stand in a place of a predicate: in rules, in statements, or by their class."""
    triples, position = reading.triples, predicate.arguments.index(place)
    written = [
        given
        for rule in reading.rules
        for name, given in (
            (rule.predicate, rule.args),
            *((x.predicate, x.args) for x in rule.body if isinstance(x, Present)),
        )
        if name == predicate.name
    ]
    found = {
        argument.value.value
        for given in written
        if isinstance(argument := given[position], Constant) and isinstance(argument.value, Iri)
    }
    if predicate.layer == "knowledge":
        for subject, name, value in triples.graphs:
            if (name if name != TYPE else str(value)) == predicate.name:
                found.add(subject if position == 0 else str(value))
        ends = triples.all(predicate.name, RDFS + ("domain" if position == 0 else "range"))
        for class_ in map(str, ends):
            found |= set(triples.instances(class_))
    found |= {iri for c in (place.name, place.name.rstrip("s")) for iri in triples.instances(CL + c.capitalize())}
    return found


def labelled(reading: Reading) -> Iterator[tuple[str, str]]:
    """The terms that a rule may name, with their labels."""
    for iri, properties in reading.triples.subjects.items():
        if iri.startswith((reading.namespace, CL)) and iri not in reading.predicates and TYPE in properties:
            yield iri, reading.triples.label(iri)
