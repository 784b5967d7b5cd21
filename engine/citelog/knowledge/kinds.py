"""The kinds of conclusions and of notes that a knowledge base declares, each by the predicate that derives it.

And the fields that conclusions of a kind show: what the triples of a value say, and which statements say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from citelog.diagnostics import Diagnostic, did_you_mean, meant
from citelog.knowledge.base import Field, Kind
from citelog.knowledge.triples import RDF, RDFS, SKOS, Triples
from citelog.rules.program import Predicate
from citelog.values import Iri
from citelog.vocab import CL


def read_kinds(triples: Triples, predicates: Mapping[str, Predicate], found: list[Diagnostic]) -> tuple[Kind, ...]:
    """The kinds of conclusions, in the order of the answer."""
    kinds = []
    for iri in triples.instances(CL + "ConclusionKind"):
        found += _unnamed(triples, iri)
        found += _no_fields(triples, iri)
        drawn, candidates = triples.text(iri, CL + "derivedBy"), triples.text(iri, CL + "candidates")
        if drawn not in predicates:
            found += _unknown(triples, iri, "derivedBy", predicates)
        elif [argument.name for argument in predicates[drawn].arguments[:2]] != ["patient", "value"]:
            message = f"the arguments of {drawn} do not begin with patient and value, so it draws no conclusion"
            hint = f'declare it as "{drawn}(patient: patient, value: term, …)"'
            found.append(triples.finding("incomplete", (iri, CL + "derivedBy", drawn), message, hint))
        if candidates not in predicates:
            found += _unknown(triples, iri, "candidates", predicates)
        elif predicates[candidates].arguments[0].type != "patient":
            message = f"the arguments of {candidates} do not begin with a patient, so nobody is decided by it"
            hint = f'declare it as "{candidates}(patient: patient, …)"'
            found.append(triples.finding("incomplete", (iri, CL + "candidates", candidates), message, hint))
        name = triples.text(iri, SKOS + "notation")
        kinds.append(
            Kind(
                name=name,
                title=triples.text(iri, SKOS + "prefLabel") or name.replace("-", " ").capitalize(),
                predicate=drawn,
                order=triples.whole(iri, CL + "order"),
                exactly_one=triples.one(iri, CL + "exactlyOne") is True,
                value_as_label=triples.one(iri, CL + "valueAsLabel") is True,
                sided=triples.one(iri, CL + "sided") is True,
                about_record=triples.one(iri, CL + "aboutRecord") is True,
                candidates=candidates,
                fields=tuple(triples.text(iri, CL + "fields").split()),
                indicator=triples.text(iri, CL + "indicator"),
            )
        )
    return tuple(sorted(kinds, key=lambda kind: (kind.order, kind.name)))


def read_notes(triples: Triples, predicates: Mapping[str, Predicate], found: list[Diagnostic]) -> tuple[str, ...]:
    """The predicates whose facts are notes about an entry of a record."""
    notes = []
    for iri in triples.instances(CL + "NoteKind"):
        predicate = triples.text(iri, CL + "derivedBy")
        if predicate not in predicates:
            found += _unknown(triples, iri, "derivedBy", predicates)
        elif all(argument.type != "record" for argument in predicates[predicate].arguments):
            message = f"{predicate} has no argument that is a record, so it puts a note to none"
            hint = f'declare it as "{predicate}(patient: patient, record: record, …)"'
            found.append(triples.finding("incomplete", (iri, CL + "derivedBy", predicate), message, hint))
        notes.append(predicate)
    return tuple(notes)


def _unnamed(triples: Triples, iri: str) -> Iterator[Diagnostic]:
    """A kind without a name, or with that of another: its conclusions would be taken for those of the other."""
    name = triples.text(iri, SKOS + "notation")
    if not name:
        hint = 'write skos:notation "…": what its conclusions are called before the colon'
        yield triples.finding("incomplete", (iri, SKOS + "notation"), "the kind of conclusion has no name", hint)
    for other in triples.instances(CL + "ConclusionKind"):
        if name and other < iri and triples.text(other, SKOS + "notation") == name:
            message = f"the kind of conclusion {name} is declared already, by {triples.written(other)}"
            yield triples.finding("ambiguous-name", (iri, SKOS + "notation"), message, "choose another name for it")


def _no_fields(triples: Triples, iri: str) -> Iterator[Diagnostic]:
    """Names among those that conclusions of a kind show, of which no property has fields for its values."""
    properties = (Iri(one) for one in triples.instances(RDF + "Property") if one.startswith(CL))
    known = [one.local for one in properties if triples.one(one.value, RDFS + "range") == Iri(CL + "Field")]
    said = triples.text(iri, CL + "fields")
    for name in (name for name in said.split() if name not in known):
        hint = did_you_mean(name, known) or f"name some of {', '.join(known)}, with blanks between"
        yield triples.finding("unknown-reference", (iri, CL + "fields", said), f"cl:{name} is no field", hint)


def _unknown(triples: Triples, iri: str, key: str, predicates: Mapping[str, Predicate]) -> Iterator[Diagnostic]:
    predicate = triples.text(iri, CL + key)
    if predicate:
        hint = meant(predicate, predicates) or "declare the predicate"
        about = (iri, CL + key, predicate)
        yield triples.finding("undefined-predicate", about, f"there is no predicate {predicate}", hint)
    elif key == "derivedBy":
        hint = 'write cl:derivedBy "…" with the name of one'
        yield triples.finding("incomplete", (iri, CL + key), "no predicate is named that derives it", hint)


def read_fields(triples: Triples, kinds: Iterable[Kind], known: frozenset[str]) -> dict[Iri, dict[str, Field]]:
    """The fields that kinds of conclusions name, by the value that a conclusion has; `known` are the statements."""
    wanted = sorted({name for kind in kinds for name in kind.fields})
    fields: dict[Iri, dict[str, Field]] = {}
    for subject in sorted(triples.subjects):
        for name in wanted:
            node = triples.one(subject, CL + name)
            if node is None or triples.one(str(node), CL + "text") is None:
                continue
            single, low, high = (triples.one(str(node), CL + key) for key in ("value", "low", "high"))
            value = (str(low), str(high)) if low is not None else None if single is None else str(single)
            inherited = triples.one(str(node), CL + "inheritedFrom")
            stating = {
                Iri(graph).local
                for at, key in (
                    (subject, CL + name),
                    *((str(node), CL + key) for key in ("text", "value", "low", "high", "unit")),
                )
                for value in triples.all(at, key)
                for graph in triples.graphs[at, key, value]
            }
            fields.setdefault(Iri(subject), {})[name] = Field(
                triples.text(str(node), CL + "text"),
                value,
                triples.text(str(node), CL + "unit") or None,
                inherited.local if isinstance(inherited, Iri) else None,
                tuple(sorted(stating & known)),
            )
    return fields
