"""The vocabulary: every term explained, aligned to the standards it builds on, without contradiction, on a page."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import owlrl
import pyoxigraph
import pytest
from rdflib import OWL, PROV, RDF, RDFS, SH, SKOS, TIME, XSD, Graph, URIRef
from rdflib.namespace import DCTERMS

import b12
from citelog.export import forms
from citelog.export.subject import Subject
from citelog.render import prov
from citelog.vocab import CL

ROOT = Path(__file__).parent.parent
ERROR = URIRef("http://www.daml.org/2002/03/agents/agent-ont#ErrorMessage")
LONG = "pernicious-anaemia-with-involvement-has-two-ways-to-begin"

STANDARDS = {
    "biro": "http://purl.org/spar/biro/",
    "c4o": "http://purl.org/spar/c4o/",
    "dcterms": str(DCTERMS),
    "doco": "http://purl.org/spar/doco/",
    "oa": "http://www.w3.org/ns/oa#",
    "prov": str(PROV),
    "sh": str(SH),
    "skos": str(SKOS),
    "spdx": "http://spdx.org/rdf/terms#",
    "time": str(TIME),
}
"""The vocabularies that ours is aligned to: SPAR (BiRO, C4O, DoCO), DCMI terms, Web Annotation, PROV-O, SHACL, …"""

UNDER = {
    "c4o:InTextReferencePointer": "Marker",
    "biro:BibliographicReference": "Reference",
    "doco:Section": "Section",
    "prov:Activity": "Firing",
    "prov:Agent": "Body",
    "prov:Collection": "Assessment",
    "prov:Entity": "Absence Case Comparison Computation Entry Fact KnowledgeBase Review SourceDocument Statement",
    "prov:Plan": "Rule",
    "skos:Concept": "Action Analyte Choice Code Condition ContextKey Course Drug Finding Flag Goal MedicationStatus"
    " Resolution ReviewState Route Sex Sign State Subject TimeUnit Topic Unit Urgency Voice",
    "c4o:denotes": "denotes",
    "dcterms:isPartOf": "partOf",
    "prov:wasDerivedFrom": "cites",
    "skos:editorialNote": "codeRemark",
}
"""What of ours is declared under a term of a standard: whatever is true of that, is true of ours."""

NEAR = {
    "dcterms:audience": "audience",
    "dcterms:isPartOf": "section subsection",
    "dcterms:publisher": "issuedBy",
    "dcterms:source": "document",
    "dcterms:subject": "concerns",
    "dcterms:type": "kind",
    "doco:TextChunk": "Segment",
    "oa:SpecificResource": "Statement",
    "oa:end": "end",
    "oa:exact": "quote",
    "oa:start": "start",
    "prov:wasAttributedTo": "advisedBy attributedTo",
    "prov:wasDerivedFrom": "inheritedFrom",
    "sh:Rule": "Rule",
    "skos:broadMatch": "broaderCode",
    "skos:editorialNote": "remark",
    "skos:narrowMatch": "narrowerCode",
    "skos:notation": "ucum",
    "spdx:checksumValue": "reviewedAs sha256",
    "time:TemporalUnit": "TimeUnit",
}
"""What of ours is close to a term of a standard, and not under it."""

AXIOMS = """
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
prov:Entity owl:disjointWith prov:Activity .
prov:Activity a owl:Class . prov:Entity a owl:Class .
prov:Collection rdfs:subClassOf prov:Entity . prov:Plan rdfs:subClassOf prov:Entity .
prov:SoftwareAgent rdfs:subClassOf prov:Agent .
prov:used rdfs:domain prov:Activity ; rdfs:range prov:Entity .
prov:wasGeneratedBy rdfs:domain prov:Entity ; rdfs:range prov:Activity .
prov:wasDerivedFrom rdfs:domain prov:Entity ; rdfs:range prov:Entity .
prov:hadPrimarySource rdfs:subPropertyOf prov:wasDerivedFrom .
prov:wasAssociatedWith rdfs:domain prov:Activity ; rdfs:range prov:Agent .
prov:wasAttributedTo rdfs:domain prov:Entity ; rdfs:range prov:Agent .
prov:hadMember rdfs:domain prov:Collection ; rdfs:range prov:Entity .
prov:specializationOf rdfs:domain prov:Entity ; rdfs:range prov:Entity .
skos:Concept owl:disjointWith skos:Collection , skos:ConceptScheme .
"""
"""The axioms of PROV-O and SKOS that our alignments could break."""


@cache
def ontology() -> Graph:
    return Graph().parse(ROOT / "ontology.ttl")


def own() -> list[URIRef]:
    """Every term of ours."""
    return sorted({s for s in ontology().subjects() if isinstance(s, URIRef) and s.startswith(CL)})


def explained(term: URIRef) -> dict[str, bool]:
    graph = ontology()
    return {
        "label": any((term, p, None) in graph for p in (RDFS.label, SKOS.prefLabel)),
        "definition": any((term, p, None) in graph for p in (RDFS.comment, SKOS.definition)),
        "example": (term, SKOS.example, None) in graph,
    }


@cache
def dataset() -> Graph:
    """The ontology, the knowledge base, and an assessment with its proofs, as one graph."""
    found = b12.assessed(LONG)
    [file] = forms.export("nquads", Subject(b12.knowledge(), b12.FOLDER, found))
    store = pyoxigraph.Store()
    store.load(file.text.encode(), format=pyoxigraph.RdfFormat.N_QUADS)
    triples = "".join(f"{q.subject} {q.predicate} {q.object} .\n" for q in store)
    return Graph().parse(data=triples, format="nt")


def small() -> Graph:
    """The ontology and the proofs of a case, without what the knowledge base says."""
    return Graph().parse(ROOT / "ontology.ttl") + prov.graph(b12.assessed(LONG), ["neuro:present"])


# every term is explained


def test_there_is_no_term_without_label_definition_and_example() -> None:
    missing = {str(term): [k for k, there in explained(term).items() if not there] for term in own()}
    assert not {term: what for term, what in missing.items() if what}
    assert len(missing) > 280


def test_every_name_in_an_example_exists() -> None:
    """Names with the prefix ex: are made up; what stands behind a # or … is shortened."""
    known = {str(t) for triple in dataset() for t in triple if isinstance(t, URIRef)}
    namespaces = {"cl": CL, "b12": b12.knowledge().namespace}
    unknown = {
        f"{prefix}:{name}": str(term)
        for term, example in ontology().subject_objects(SKOS.example)
        for prefix, name in re.findall(r"(?<![\w#/])(cl|b12):([A-Za-z][\w-]*)", re.sub(r'"[^"]*"', "", str(example)))
        if namespaces[prefix] + name not in known
    }
    assert not unknown


def test_every_derived_predicate_says_how_it_reads_and_how_its_absence_does() -> None:
    declared = Graph().parse(b12.FOLDER / "predicates.ttl")
    found = set(declared.subjects(RDF.type, URIRef(CL + "DerivedPredicate")))
    assert len(found) > 80
    for name in ("signature", "sentence", "absence"):
        assert not {p for p in found if not str(declared.value(p, URIRef(CL + name)) or "").strip()}


def test_a_sentence_reads_of_one_as_of_many() -> None:
    """What all knowledge bases share does not know the number that a place will hold: no counted noun follows one."""
    numbers, checked = ("number", "integer"), 0
    for term, sentence in ontology().subject_objects(URIRef(CL + "sentence")):
        signature = str(ontology().value(term, URIRef(CL + "signature")) or "")
        counted = [place for place, of in re.findall(r"(\w+): (\w+)", signature) if of in numbers]
        if ontology().value(term, RDFS.range) in (XSD.decimal, XSD.integer):
            counted.append("object")
        checked += len(counted)
        assert not re.search(rf"\{{(?:{'|'.join(counted) or '-'})\}} [a-z]+s\b", str(sentence)), sentence
    assert checked > 8


def test_every_term_of_ours_that_is_written_is_declared() -> None:
    used = {t for triple in dataset() for t in triple if isinstance(t, URIRef) and t.startswith(CL)}
    for subject in (Subject(b12.knowledge(), b12.FOLDER), Subject(b12.knowledge(), b12.FOLDER, b12.assessed(LONG))):
        for file in forms.export("nanopub", subject):
            used |= {URIRef(CL + name) for name in re.findall(r"(?m)(?<![\w:])cl:(\w+)(?= )", file.text)}
    assert not sorted(used - set(own()))
    assert len(used) > 100


# aligned


def aligned(*properties: URIRef) -> dict[str, set[str]]:
    """What of ours is aligned to each term of a standard."""
    found: dict[str, set[str]] = {}
    for p in properties:
        for term, theirs in ontology().subject_objects(p):
            if not theirs.startswith(CL):
                [prefix] = [k for k, namespace in STANDARDS.items() if theirs.startswith(namespace)]
                name = f"{prefix}:{theirs.removeprefix(STANDARDS[prefix])}"
                found.setdefault(name, set()).add(term.removeprefix(CL))
    return found


def test_the_alignments_are_these() -> None:
    assert aligned(RDFS.subClassOf, RDFS.subPropertyOf) == {k: set(v.split()) for k, v in UNDER.items()}
    assert aligned(SKOS.closeMatch) == {k: set(v.split()) for k, v in NEAR.items()}
    assert not aligned(SKOS.exactMatch, OWL.equivalentClass, OWL.equivalentProperty)


def test_what_is_aligned_to_exists() -> None:
    """As far as rdflib knows the vocabulary: PROV-O, SKOS, DCMI terms, SHACL, OWL-Time."""
    known = {"prov": PROV, "skos": SKOS, "dcterms": DCTERMS, "sh": SH, "time": TIME}
    names = [n for n in [*UNDER, *NEAR] if n.partition(":")[0] in known]
    assert len(names) > 15
    for prefix, _, local in (name.partition(":") for name in names):
        assert local in known[prefix], f"{prefix}:{local}"


# without contradiction


def contradictions(graph: Graph) -> Iterator[str]:
    """What an OWL RL reasoner finds impossible."""
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    for error in graph.subjects(RDF.type, ERROR):
        yield from map(str, graph.objects(error))
    yield from (f"{s} is of the empty class" for s in graph.subjects(RDF.type, OWL.Nothing))


@cache
def sound() -> bool:
    """Whether what the damages below are made to has no contradiction."""
    return not list(contradictions(small() + Graph().parse(data=AXIOMS, format="turtle")))


@pytest.mark.long
def test_ontology_knowledge_and_proofs_do_not_contradict_each_other() -> None:
    assert not list(contradictions(dataset() + Graph().parse(data=AXIOMS, format="turtle")))


@pytest.mark.parametrize(
    "damage",
    [
        "cl:Firing rdfs:subClassOf prov:Entity .",
        pytest.param("cl:Statement rdfs:subClassOf prov:Activity .", marks=pytest.mark.long),
        "cl:cites rdfs:range prov:Activity .",
        pytest.param("cl:Route rdfs:subClassOf skos:ConceptScheme .", marks=pytest.mark.long),
    ],
)
def test_a_contradiction_would_be_found(damage: str) -> None:
    prefixes = f"@prefix cl: <{CL}> . @prefix b12: <{b12.knowledge().namespace}> ."
    more = Graph().parse(data=f"{prefixes}\n{AXIOMS}\n{damage}", format="turtle")
    assert sound()
    assert list(contradictions(small() + more))


# on a page


def test_the_page_shows_every_term_with_its_words(tmp_path: Path) -> None:
    text, again = (_page(tmp_path / name) for name in ("one.html", "two.html"))
    assert text == again
    assert not re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css)"', text)
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    graph = ontology()
    for term in own():
        assert str(term) in shown
        for words in (o for p in (RDFS.label, SKOS.prefLabel, RDFS.comment, SKOS.definition, SKOS.example)
                      for o in graph.objects(term, p)):  # fmt: skip
            assert " ".join(str(words).split()) in shown, term


def _page(path: Path) -> str:
    """The page, made as a reader makes it."""
    script = str(ROOT / "docs" / "ontology_page.py")
    subprocess.run([sys.executable, script, str(path)], check=True, capture_output=True)
    return path.read_text(encoding="utf-8")
