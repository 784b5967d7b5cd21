"""What a knowledge base may speak of: its predicates, its terms and their names, and the kinds of its values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from citelog.diagnostics import Diagnostic, Hint, meant
from citelog.knowledge.triples import RDF, RDFS, SKOS, TYPE, XSD, Triples, named
from citelog.rules.program import Argument, Predicate
from citelog.values import Iri, type_of
from citelog.vocab import CL, Terms, folded, folded_unit

NAME_KINDS = {
    "Analyte": ("analyte",),
    "Finding": ("finding",),
    "Condition": ("finding",),
    "Drug": ("drug",),
    "Unit": ("unit",),
    "Route": ("route", "choice"),
    "Topic": ("topic",),
    "Choice": ("choice",),
    "Sex": ("sex",),
    "ContextKey": ("context",),
}
RANGES = {
    XSD + "decimal": "number",
    XSD + "integer": "integer",
    XSD + "string": "text",
    XSD + "boolean": "boolean",
    XSD + "date": "date",
}
SIGNATURE = re.compile(r"^(?P<name>[a-z_][a-z0-9_]*)\((?P<args>[^()]*)\)$")
TYPES = ("patient", "record", "term", "text", "number", "integer", "boolean", "date")


def read_predicates(triples: Triples, found: list[Diagnostic]) -> dict[str, Predicate]:
    """Every predicate that rules may use: declared ones by their names, properties and classes by their IRIs."""
    predicates: dict[str, Predicate] = {}
    declared: dict[str, str] = {}
    for class_, layer in ((CL + "PatientPredicate", "patient"), (CL + "DerivedPredicate", "derived")):
        for iri in triples.instances(class_):
            predicate = _signature(triples, iri, layer, found)
            if predicate is not None and predicate.name in predicates:
                span, shown = triples.span(iri, "cl:signature")
                other = triples.written(declared[predicate.name])
                message = f"the predicate {predicate.name} is declared already, by {other}"
                found.append(Diagnostic("ambiguous-name", span, message, "choose another name for it", shown))
            elif predicate is not None:
                predicates[predicate.name] = predicate
                declared[predicate.name] = iri
    for iri in triples.instances(RDF + "Property"):
        arguments = (Argument("subject", "term"), Argument("object", _range(triples, iri)))
        predicates[iri] = Predicate(iri, arguments, "knowledge", triples.text(iri, CL + "sentence"))
    for iri in triples.instances(RDFS + "Class"):
        predicates[iri] = Predicate(
            iri, (Argument("subject", "term"),), "knowledge", triples.text(iri, CL + "sentence")
        )
    return predicates


def _range(triples: Triples, iri: str) -> str:
    """The type of a property's values: a term where nothing is said, a text where it is some other datatype."""
    range_ = triples.text(iri, RDFS + "range")
    return RANGES.get(range_, "text" if range_.startswith(XSD) else "term")


def _signature(triples: Triples, iri: str, layer: str, found: list[Diagnostic]) -> Predicate | None:
    text = triples.text(iri, CL + "signature")
    match = SIGNATURE.match(text.strip())
    hint = 'write cl:signature "name(patient: patient, value: term)"'

    def wrong(message: str, hint: Hint, words: str = "cl:signature", said: str = text) -> None:
        about = (iri, CL + "signature", said.partition("(")[0].strip())
        found.append(triples.finding("bad-signature", about, message, hint, words))

    if not text:
        misspelt = (  # under a misspelt property, which is reported as such
            (Iri(key).local, str(value))
            for key, values in triples.subjects[iri].items()
            for value in values
            if SIGNATURE.match(str(value).strip())
        )
        words, said = next(misspelt, ("cl:signature", ""))
        wrong(f"predicate {Iri(iri).local} has no cl:signature", hint, words, said)
        return None
    if match is None:
        wrong(f"the signature {text} cannot be read", hint)
        return None
    arguments = []
    for part in filter(None, (p.strip() for p in match["args"].split(","))):
        name, _, type_ = (p.strip() for p in part.partition(":"))
        if type_ not in TYPES:
            more = meant(type_, TYPES) or f"types are {', '.join(TYPES)}"
            wrong(f"{part} names no type", more)
            return None
        arguments.append(Argument(name, type_))
    if not arguments:
        message = f"{match['name']} has no argument, and so is about nobody"
        wrong(message, f"write {match['name']}(patient: patient)")
        return None
    sentence, absence = triples.text(iri, CL + "sentence"), triples.text(iri, CL + "absence")
    known = {a.name for a in arguments}
    for template in (sentence, absence):
        for name in re.findall(r"\{([^{}]*)\}", template):
            if name not in known:
                more = meant(name, known) or f"it has {', '.join(a.name for a in arguments)}"
                message = f"the sentence names {{{name}}}, which is no argument of {match['name']}"
                wrong(message, more, f"{{{name}}}")
    return Predicate(match["name"], tuple(arguments), layer, sentence, absence)


def check_declared(triples: Triples, predicates: Mapping[str, Predicate], found: list[Diagnostic]) -> None:
    """Properties and classes in our own namespaces are declared, so that a misspelt one is not silently empty."""
    own = (CL, *(base[: len(base) - len(Iri(base).local)] for base in triples.instances(CL + "KnowledgeBase")))
    declared = set(predicates) | {RDF + "Property", RDFS + "Class"}
    for name, uses in sorted(_undeclared(triples, declared, own).items()):
        places = (triples.place(subject, property_, name, value) for subject, property_, value in uses)
        span, shown = min(places, key=lambda place: (place[0].file, place[0].line))
        is_class = any(str(value) == name for _, _, value in uses)
        # one of our own is not likely meant for a word of the engine's, nor a class for a property
        base = name.removesuffix(Iri(name).local)
        kind = set(triples.instances(RDFS + "Class" if is_class else RDF + "Property"))
        near = meant(Iri(name).local, (Iri(one).local for one in kind if one.startswith(base)))
        hint = near or f"declare it in predicates.ttl, as an {'rdfs:Class' if is_class else 'rdf:Property'}"
        found.append(Diagnostic("undefined-property", span, f"nothing declares {Iri(name).local}", hint, shown))


def _undeclared(triples: Triples, declared: set[str], own: tuple[str, ...]) -> dict[str, list[tuple[str, str, Any]]]:
    """The properties and classes in our own namespaces that nothing declares, with the triples that use them."""
    found: dict[str, list[tuple[str, str, Any]]] = defaultdict(list)
    for subject, properties in triples.subjects.items():
        for property_, values in properties.items():
            for value in values:
                for name in (property_, str(value)) if property_ == TYPE else (property_,):
                    if name not in declared and name.startswith(own):
                        found[name].append((subject, property_, value))
    return found


def check_values(triples: Triples, found: list[Diagnostic]) -> None:
    """Every value is of the kind that its property is declared for, so that no rule compares a word with a number."""
    kinds = {iri: _range(triples, iri) for iri in triples.instances(RDF + "Property")}
    for subject, properties in list(triples.subjects.items()):
        for name in sorted(properties.keys() & kinds.keys()):
            wanted = kinds[name]
            for value in properties[name]:
                given = type_of(value)
                if given != wanted and not (wanted == "number" and given == "integer"):
                    span, shown = triples.place(subject, name, name, value)
                    message = f"{Iri(name).local} asks for {_WANTED[wanted]}, and {str(value)[:60]} is none"
                    hint, about = f"write {_EXAMPLES[wanted]}", named(subject, name)
                    found.append(Diagnostic("wrong-value", span, message, hint, shown, about=about))


_WANTED = {
    "number": "a number",
    "integer": "a whole number",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date",
    "term": "a term",
}
_EXAMPLES = {
    "number": "it with a point and without quotation marks or an exponent, as 100.0",
    "integer": "it without a point or quotation marks, as 3",
    "text": "it between quotation marks",
    "boolean": "true or false, without quotation marks",
    "date": 'it as "2026-03-01"^^xsd:date',
    "term": "it with its prefix and without quotation marks",
}


def read_terms(triples: Triples, found: list[Diagnostic]) -> Terms:
    """The dictionary of labels, alternative labels and codes; one name for two terms is a finding."""
    names: dict[str, dict[str, Iri]] = defaultdict(dict)
    labels: dict[Iri, str] = {}
    written: dict[str, str] = {}
    for subject, properties in list(triples.subjects.items()):
        term = Iri(subject)
        if SKOS + "prefLabel" in properties or RDFS + "label" in properties:
            labels[term] = triples.label(subject)
        for class_ in properties.get(TYPE, ()):
            local = str(class_).removeprefix(CL)
            for kind in NAME_KINDS.get(local, ()):
                fold = folded_unit if kind == "unit" else folded
                for key in ("prefLabel", "altLabel", "notation"):
                    for name in properties.get(SKOS + key, ()):
                        _name(triples, names[kind], fold(str(name)), term, found)
                        if str(name) != fold(str(name)):
                            written.setdefault(fold(str(name)), str(name))
                for name in properties.get(CL + "ucum", ()):
                    _name(triples, names[kind], fold(str(name)), term, found)
    return Terms(
        {kind: dict(sorted(known.items())) for kind, known in names.items()}, labels, dict(sorted(written.items()))
    )


def _name(triples: Triples, known: dict[str, Iri], name: str, term: Iri, found: list[Diagnostic]) -> None:
    other = known.setdefault(name, term)
    if other != term:
        span, shown = triples.span(term.value, name)
        message = f'the name "{name}" means both {other.local} and {term.local}'
        found.append(Diagnostic("ambiguous-name", span, message, "give it to one of them", shown))
