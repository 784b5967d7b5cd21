"""Nanopublications: each statement, or each conclusion of a case, as a small publication of its own.

A nanopublication is four named graphs: what is asserted, where that comes from, what is said of the publication, and
the head that holds them together. Its IRI is a trusty one (trusty.py). Nothing is signed and nothing is sent: whoever
wants to publish signs it with a key of their own.

A statement asserts what its named graph says; its provenance is its sentence in the document. A conclusion asserts what
was concluded for the case; its provenance is its proof, with those entries of the record that the proof rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citelog.answer import Answer
from citelog.conclusions import Conclusion
from citelog.export.subject import LICENCE, File, Subject, heading, plain
from citelog.export.trusty import CODE, Quad, Text, code, filled
from citelog.graph.dataset import dataset
from citelog.home import VERSION
from citelog.render import prov
from citelog.vocab import CL

if TYPE_CHECKING:
    from pyoxigraph import Quad as Written
    from pyoxigraph import Store

LARGEST = 1200
"""The triples that a nanopublication may have: what the servers of the network take."""

NP = "http://www.nanopub.org/nschema#"
XSD = prov.PREFIXES["xsd"]
PREFIXES: Mapping[str, str] = {**prov.PREFIXES, "np": NP}
ENGINE = f"urn:citelog:engine:{VERSION}"

Triple = tuple[str, str, str | Text]


@dataclass(frozen=True, slots=True)
class _Publication:
    """What one nanopublication holds, before it has its name."""

    label: str
    asserted: tuple[Triple, ...]
    provenance: tuple[Triple, ...]


def nanopubs(subject: Subject) -> tuple[File, ...]:
    """Each statement as a nanopublication; with a case, each of its conclusions instead. A TriG file for each."""
    store = dataset(subject.folder, subject.knowledge).store
    publisher = _publisher(subject, store)
    if subject.assessment:
        found = subject.assessment
        made = {c.id: _conclusion(found, c) for c in found.conclusions}
    else:
        made = {id_: _statement(subject, store, id_) for id_ in subject.knowledge.statements}
    names: dict[str, str] = {}
    for id_ in made:
        name = f"{subject.stem}-{plain(id_)}"
        while name in names.values():
            name += "-"
        names[id_] = name
    return tuple(File(f"{names[id_]}.trig", _trig(subject, publisher, one)) for id_, one in made.items())


def _statement(subject: Subject, store: Store, id_: str) -> _Publication:
    """What a statement says, from where: its words, their place, and the document that prints them."""
    from pyoxigraph import DefaultGraph, NamedNode

    statement = subject.knowledge.statements[id_]
    iri = statement.iri.value
    asserted = [_triple(q) for q in store.quads_for_pattern(None, None, None, NamedNode(iri))]
    _, document = _document(store)
    described = [
        _triple(quad)
        for about in (iri, document)
        for quad in store.quads_for_pattern(NamedNode(about), None, None, DefaultGraph())
    ]
    target, words, place = f"{iri}-target", f"{iri}-quote", f"{iri}-position"
    located: list[Triple] = [
        (iri, "oa:hasTarget", target),
        (target, "rdf:type", _iri("oa:SpecificResource")),
        (target, "oa:hasSource", document),
        (target, "oa:hasSelector", words),
        (target, "oa:hasSelector", place),
        (words, "rdf:type", _iri("oa:TextQuoteSelector")),
        (words, "oa:exact", Text(statement.quote)),
        (place, "rdf:type", _iri("oa:TextPositionSelector")),
        (place, "oa:start", Text(str(statement.start), XSD + "nonNegativeInteger")),
        (place, "oa:end", Text(str(statement.end), XSD + "nonNegativeInteger")),
        (_own("assertion"), "prov:wasDerivedFrom", iri),
        (_own("assertion"), "prov:wasQuotedFrom", document),
        (_own("assertion"), "prov:hadPrimarySource", document),
    ]
    return _Publication(
        f"{id_}: {statement.quote}", tuple(asserted), tuple(described + [(s, _iri(p), o) for s, p, o in located])
    )


def _conclusion(found: Answer, conclusion: Conclusion) -> _Publication:
    """What was concluded, and its proof; the shortest way only, where all of them are too much for one publication."""
    whole = _proof(found, conclusion, shortest=False)
    if len(whole.asserted) + len(whole.provenance) + 30 <= LARGEST:
        return whole
    return _proof(found, conclusion, shortest=True)


def _proof(found: Answer, conclusion: Conclusion, shortest: bool) -> _Publication:
    """A proof, as far as it can be reached from the conclusion; its bindings are said in the words of its steps."""
    from rdflib import PROV, RDF, Literal, URIRef

    proof = found.why(conclusion.id)
    graph = prov.graph(found, [conclusion.id])
    root = URIRef(prov.step_iri(found, proof.node(proof.root)))
    apart = {URIRef(CL + "Argument"), URIRef(CL + "Binding"), PROV.Association}
    left_out = {s for s, _, o in graph.triples((None, RDF.type, None)) if o in apart}
    left_out -= set(graph.objects(root, URIRef(CL + "argument")))
    if shortest:
        shown = proof.shortest()
        left_out |= {URIRef(prov.step_iri(found, proof.node(id_))) for id_ in set(proof.order) - set(shown.order)}
    links = {_iri(p) for p in ("prov:wasGeneratedBy", "prov:wasDerivedFrom", "cl:cites", "sh:sourceRule")}
    asserted: list[Triple] = [(str(root), CL + "forCase", f"urn:citelog:case:{found.case.sha256}")]
    provenance: list[Triple] = []
    waiting, seen = [root, URIRef(f"urn:citelog:knowledge:{found.knowledge.sha256}"), URIRef(ENGINE)], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        own = node == root or (root, URIRef(CL + "argument"), node) in graph
        for s, p, o in graph.triples((node, None, None)):
            if o in left_out:
                continue
            value = Text(str(o), str(o.datatype or XSD + "string")) if isinstance(o, Literal) else str(o)
            (asserted if own and str(p) not in links else provenance).append((str(s), str(p), value))
            if isinstance(o, URIRef):
                waiting.append(o)
    about = _own("assertion")
    provenance += [(about, _iri("prov:wasDerivedFrom"), str(root)), (about, _iri("prov:wasAttributedTo"), ENGINE)]
    if shortest:
        told = "The conclusion has more ways to it than a nanopublication can hold; this is the one with fewest steps."
        provenance.append((about, _iri("rdfs:comment"), Text(told)))
    return _Publication(f"{conclusion.id}: {conclusion.sentence}", tuple(asserted), tuple(provenance))


def _publisher(subject: Subject, store: Store) -> tuple[Triple, ...]:
    """What is said of every nanopublication: of which knowledge, by whom, made with what, and what to beware of."""
    from pyoxigraph import DefaultGraph, NamedNode

    kb, this = subject.knowledge, _own("")
    base, _ = _document(store)
    told: list[Triple] = [
        (this, "dcterms:isPartOf", f"urn:citelog:knowledge:{kb.sha256}"),
        (this, "pav:version", Text(kb.version)),
        (this, "pav:createdWith", ENGINE),
        (this, "dcterms:rights", Text(LICENCE)),
        *((this, "rdfs:comment", Text(caveat.text)) for caveat in kb.caveats),
    ]
    by = NamedNode(_iri("prov:wasAttributedTo"))
    for quad in store.quads_for_pattern(NamedNode(base), by, None, DefaultGraph()):
        told.append((this, "dcterms:creator", _triple(quad)[2]))
    if subject.at:
        told.append((this, "dcterms:created", Text(subject.at.isoformat(), XSD + "date")))
    return tuple((s, _iri(p), o) for s, p, o in told)


def _trig(subject: Subject, publisher: Iterable[Triple], publication: _Publication) -> str:
    """A nanopublication under its trusty name."""
    from pyoxigraph import Literal, NamedNode, RdfFormat, serialize
    from pyoxigraph import Quad as Written

    base = f"{subject.knowledge.namespace.rstrip('#/')}/np/"
    parts: Mapping[str, Iterable[Triple]] = {
        "Head": (
            (_own(""), _iri("rdf:type"), NP + "Nanopublication"),
            (_own(""), NP + "hasAssertion", _own("assertion")),
            (_own(""), NP + "hasProvenance", _own("provenance")),
            (_own(""), NP + "hasPublicationInfo", _own("pubinfo")),
        ),
        "assertion": publication.asserted,
        "provenance": publication.provenance,
        "pubinfo": ((_own(""), _iri("rdfs:label"), Text(publication.label)), *publisher),
    }
    quads: list[Quad] = [
        (base + _own(name), _placed(s, base), p, o if isinstance(o, Text) else _placed(o, base))
        for name, triples in parts.items()
        for s, p, o in triples
    ]
    named = code(quads)
    order = {base + _own(name).replace(CODE, named): place for place, name in enumerate(parts)}
    written = [
        Written(
            NamedNode(s), NamedNode(p),
            Literal(o.words, datatype=NamedNode(o.datatype)) if isinstance(o, Text) else NamedNode(o), NamedNode(g),
        )
        for g, s, p, o in sorted(set(filled(quads, named)), key=lambda q: (order[q[0]], q[1], q[2], str(q[3])))
    ]  # fmt: skip
    prefixes = {
        **PREFIXES, subject.knowledge.id: subject.knowledge.namespace, "this": base + named, "sub": f"{base}{named}#",
    }  # fmt: skip
    text = serialize(written, format=RdfFormat.TRIG, prefixes=dict(sorted(prefixes.items())))
    assert text is not None  # it is given back where no place to write it to is named
    comments = "".join(f"# {line}\n" for line in heading(f"Nanopublication: {publication.label}", subject))
    return f"{comments}\n{text.decode()}"


def _own(name: str) -> str:
    """A name of the nanopublication's own: itself, or one of its graphs."""
    return f"{CODE}#{name}" if name else CODE


def _iri(name: str) -> str:
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


def _placed(iri: str, base: str) -> str:
    return base + iri if iri.startswith(CODE) else iri


def _document(store: Store) -> tuple[str, str]:
    """The knowledge base and its document, as the files name them."""
    from pyoxigraph import DefaultGraph, NamedNode

    [quad] = store.quads_for_pattern(None, NamedNode(CL + "document"), None, DefaultGraph())
    base, _, document = _triple(quad)
    assert isinstance(document, str)
    return base, document


def _triple(quad: Written) -> Triple:
    """A triple of the knowledge base, which has no blank node and no triple for a term."""
    from pyoxigraph import Literal, NamedNode

    assert isinstance(quad.subject, NamedNode)
    if isinstance(quad.object, Literal):
        return quad.subject.value, quad.predicate.value, Text(quad.object.value, quad.object.datatype.value)
    assert isinstance(quad.object, NamedNode)
    return quad.subject.value, quad.predicate.value, quad.object.value
