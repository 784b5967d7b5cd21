"""Assessments and proofs as PROV-O: one graph in two notations, the same for everyone, and nothing of a proof lost."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph
import pyshacl
import pytest
import rdflib
from rdflib import RDF, Literal, URIRef
from rdflib.namespace import DCTERMS, PROV, RDFS, SH, XSD

import b12
from citelog.answer import Answer, NotConcludedError
from citelog.assess import assess
from citelog.render import prov
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
CL = rdflib.Namespace(prov.CL)
OA = rdflib.Namespace("http://www.w3.org/ns/oa#")
SHAPES = rdflib.Graph().parse(Path(__file__).parent / "prov.shapes.ttl")
SAMPLE = sorted(b12.library())[::18]
"""A tenth and more of the library's cases, for checks that take a while."""

FOREIGN = 'd3_50000 "quoted" \\ <b> 2–3 µg −5 שלום עולם 👩‍⚕️'


@cache
def example() -> Answer:
    return assess(b12.knowledge(), ROOT / "examples" / "patient.yaml")


@cache
def whole(name: str) -> rdflib.Graph:
    return prov.graph(b12.assessed(name))


def canonical(text: str, format_: pyoxigraph.RdfFormat) -> set[str]:
    """The triples of a document as pyoxigraph reads and canonicalizes them."""
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, format=format_))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    return set(map(str, dataset))


def violations(graph: rdflib.Graph) -> set[str]:
    """The shapes that a graph breaks, by name, with what is reported on a shape within another under the outer one."""
    _, report, _ = pyshacl.validate(graph, shacl_graph=SHAPES)
    assert isinstance(report, rdflib.Graph)
    named = set()
    for shape in report.objects(None, SH.sourceShape):
        outer = next(SHAPES.subjects(SH.property, shape), None) or next(SHAPES.subjects(SH.sparql, shape), shape)
        named.add(str(outer).rsplit("#", 1)[-1])
    return named


# one graph


@pytest.mark.parametrize("name", at_each_commit(SAMPLE))
def test_turtle_and_json_ld_are_one_graph_to_two_parsers(name: str) -> None:
    found = b12.assessed(name)
    turtle, jsonld = prov.turtle(found), prov.jsonld(found)
    assert canonical(turtle, pyoxigraph.RdfFormat.TURTLE) == canonical(jsonld, pyoxigraph.RdfFormat.JSON_LD)
    assert set(rdflib.Graph().parse(data=turtle, format="turtle")) == set(whole(name))
    assert set(rdflib.Graph().parse(data=jsonld, format="json-ld")) == set(whole(name))


def test_a_graph_has_no_blank_node_and_every_subject_says_what_it_is() -> None:
    for name in SAMPLE:
        graph = whole(name)
        assert not [t for triple in graph for t in triple if isinstance(t, rdflib.BNode)]
        assert all((subject, RDF.type, None) in graph for subject in graph.subjects())


def test_everything_that_our_terms_name_is_in_the_graph() -> None:
    """No link of ours leads to a node that the graph does not describe, but for the terms of the knowledge base."""
    for name in SAMPLE:
        graph = whole(name)
        values = {RDF.value, RDF.type, CL.left, CL.right, CL.reviewState}
        links = {o for _, p, o in graph if isinstance(o, URIRef) and p not in values}
        assert links <= set(graph.subjects())


def test_the_same_case_gives_the_same_bytes_whatever_the_seed_of_hashes() -> None:
    script = (
        "import sys, hashlib, citelog; from citelog.render import prov;"
        "a = citelog.open('b12').assess(sys.argv[1]);"
        "print(hashlib.sha256((prov.turtle(a) + prov.jsonld(a)).encode()).hexdigest())"
    )
    case = str(ROOT / "examples" / "patient.yaml")
    told = set()
    for seed in ("1", "2"):
        own = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "engine")}
        run = subprocess.run([sys.executable, "-c", script, case], env=own, capture_output=True, text=True, check=True)
        told.add(run.stdout.strip())
    found = example()
    assert told == {hashlib.sha256((prov.turtle(found) + prov.jsonld(found)).encode()).hexdigest()}


def test_it_does_not_matter_which_proof_was_asked_for_first() -> None:
    asked = assess(b12.knowledge(), ROOT / "examples" / "patient.yaml")
    for conclusion in reversed(asked.conclusions):
        asked.why(conclusion.id)
    assert prov.turtle(asked) == prov.turtle(example())


def test_the_proof_of_one_conclusion_is_a_part_of_the_whole() -> None:
    found = example()
    all_ = set(prov.graph(found))
    union: set[Any] = set()
    for conclusion in found.conclusions:
        part = set(prov.graph(found, [conclusion.id]))
        assert part < all_
        assert [str(o) for s, p, o in part if p == CL.sentence] == [conclusion.sentence]
        union |= part
    assert union == all_


def test_another_day_is_another_assessment() -> None:
    path = ROOT / "examples" / "patient.yaml"
    days = [None, "2026-03-15", datetime.date(2026, 3, 16)]
    graphs = [prov.graph(assess(b12.knowledge(), path, at)) for at in days]
    assert len({str(graph.identifier) for graph in graphs}) == len(days)
    assert [str(o) for g in graphs for o in g.objects(None, CL.onDay)] == ["2026-03-15", "2026-03-16"]


def test_a_conclusion_that_was_not_reached_has_no_graph() -> None:
    with pytest.raises(NotConcludedError, match="treat:no_basis was not concluded"):
        prov.turtle(example(), ["treat:no_basis"])


# all of the proof


@pytest.mark.parametrize("name", SAMPLE)
def test_every_step_of_every_proof_is_a_node_with_all_that_it_uses(name: str) -> None:
    found, graph = b12.assessed(name), whole(name)
    for conclusion in found.conclusions:
        proof = found.why(conclusion.id)
        for id_ in proof.order:
            step = proof.node(id_)
            iri = URIRef(prov.step_iri(found, step))
            assert Literal(step.text) in set(graph.objects(iri, RDFS.label))
            used = PROV.used if step.kind == "firing" else PROV.wasGeneratedBy
            expected = {URIRef(prov.step_iri(found, other)) for other in proof.used_by(id_)}
            assert set(graph.objects(iri, used)) == expected


def test_two_steps_never_share_an_iri() -> None:
    for name in sorted(b12.library()):
        found = b12.assessed(name)
        meant: dict[str, str] = {}
        for conclusion in found.conclusions:
            proof = found.why(conclusion.id)
            for step in map(proof.node, proof.order):
                assert meant.setdefault(prov.step_iri(found, step), step.id) == step.id


def test_a_path_query_finds_what_a_conclusion_rests_on() -> None:
    """Entries, statements and assumptions are those that the assessment lists, found by one path."""
    query = """
        PREFIX cl: <https://w3id.org/citelog#> PREFIX prov: <http://www.w3.org/ns/prov#>
        PREFIX dcterms: <http://purl.org/dc/terms/>
        SELECT DISTINCT ?id ?entry ?label WHERE {
          ?c a cl:Conclusion ; dcterms:identifier ?id ; (prov:wasGeneratedBy/prov:used)+ ?step .
          { ?step a cl:RecordedFact ; prov:wasDerivedFrom/dcterms:identifier ?entry }
          UNION { ?step a cl:Absence ; cl:assumed true ; rdfs:label ?label } }
    """
    for name in [*SAMPLE[:3], "an-empty-record-is-answered-with-questions"]:
        found = b12.assessed(name)
        store = pyoxigraph.Store()
        store.load(prov.turtle(found).encode(), format=pyoxigraph.RdfFormat.TURTLE)
        entries: set[tuple[str, str]] = set()
        assumed: set[tuple[str, str]] = set()
        for row in store.query("PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>" + query):  # type: ignore[union-attr]
            (entries if row["entry"] else assumed).add((row["id"].value, (row["entry"] or row["label"]).value))
        assert entries == {(c.id, fact) for c in found.conclusions for fact in c.facts}
        assert assumed == {(c.id, f"{a[:1].upper()}{a[1:]}.") for c in found.conclusions for a in c.assumes}


def test_conclusions_cite_what_the_assessment_says_that_they_cite() -> None:
    found = example()
    graph = prov.graph(found)
    for conclusion in found.conclusions:
        [iri] = graph.subjects(DCTERMS.identifier, Literal(conclusion.id))
        cited = {str(s) for s in graph.objects(iri, CL.cites)}
        assert cited >= {found.knowledge.statements[s].iri.value for s in conclusion.statements}
        assert [str(o) for o in graph.objects(iri, CL.role)] == [
            v for k, v in conclusion.details.items() if k == "role"
        ]


def test_a_statement_is_quoted_at_its_place_in_the_document() -> None:
    for name in SAMPLE:
        graph = whole(name)
        for statement in graph.subjects(RDF.type, CL.Statement):
            [target] = graph.objects(statement, OA.hasTarget)
            selectors = list(graph.objects(target, OA.hasSelector))
            [start] = [int(str(o)) for s in selectors for o in graph.objects(s, OA.start)]
            [end] = [int(str(o)) for s in selectors for o in graph.objects(s, OA.end)]
            [exact] = [str(o) for s in selectors for o in graph.objects(s, OA.exact)]
            assert b12.source()[start:end] == exact == str(graph.value(statement, CL.quote))


def test_statements_say_of_themselves_what_the_knowledge_base_says() -> None:
    """Loaded beside statements.trig, the graph adds no second quote, offset or marker."""
    known = rdflib.Dataset()
    known.parse(b12.FOLDER / "statements.trig", format="trig")
    graph = whole(SAMPLE[0])
    for statement in graph.subjects(RDF.type, CL.Statement):
        for name in ("quote", "line", "start", "end", "markers", "inherited"):
            mine = set(graph.objects(statement, CL[name]))
            assert mine == {o for _, _, o, _ in known.quads((statement, CL[name], None, None))}


def test_every_term_of_ours_is_defined_in_the_ontology() -> None:
    ontology = rdflib.Graph().parse(ROOT / "ontology.ttl")
    for name in SAMPLE:
        classes = {o for _, p, o in whole(name) if p == RDF.type and str(o).startswith(prov.CL)}
        properties = {p for _, p, _ in whole(name) if str(p).startswith(prov.CL)}
        assert not [c for c in classes if (c, RDF.type, RDFS.Class) not in ontology]
        assert not [p for p in properties if (p, RDF.type, RDF.Property) not in ontology]
        for s, p, _ in whole(name):
            domain = ontology.value(p, RDFS.domain)
            if str(p).startswith(prov.CL) and domain is not None:
                assert (s, RDF.type, domain) in whole(name), f"{p} is said of {s}, which is no {domain}"


# literals


def test_values_keep_their_type_and_their_digits() -> None:
    record = {"labs": [{"analyte": "serum vitamin B12", "value": "0.0999", "unit": "nmol/L", "when": "2026-03-02"}]}
    found = assess(b12.knowledge(), record, "2026-03-15")
    for text, format_ in ((prov.turtle(found), "turtle"), (prov.jsonld(found), "json-ld")):
        graph = rdflib.Graph().parse(data=text, format=format_)
        values = {(str(o), o.datatype) for o in graph.objects(None, RDF.value) if isinstance(o, Literal)}
        assert {("0.0999", XSD.decimal), ("1000.0", XSD.decimal), ("99.9", XSD.decimal)} <= values
        assert {o.toPython() for o in graph.objects(None, CL.assumed)} == {True, False}
        left = {o.toPython() for o in graph.objects(None, CL.left) if isinstance(o, Literal)}
        assert Decimal("99.9") in left


def test_the_dates_of_a_record_and_the_day_of_the_assessment_are_dates() -> None:
    graph = whole("a-start-in-some-month-is-enough-when-the-whole-month-is-long-past")
    dates = {str(o) for o in graph.objects(None, RDF.value) if isinstance(o, Literal) and o.datatype == XSD.date}
    assert {"2026-01-01", "2026-01-31", "2026-03-15"} <= dates


@pytest.mark.parametrize("foreign", [FOREIGN, "a\u200fb", "x" * 5000, "2026-01-01", "true", "1.0"])
def test_words_of_a_record_come_back_as_they_were_written(foreign: str) -> None:
    found = assess(b12.knowledge(), {"id": "p", "findings": [{"name": foreign, "state": "present"}]})
    [entry] = found.case.entries
    assert foreign in entry.sentence or foreign[1:] in entry.sentence
    for text, format_ in ((prov.turtle(found), "turtle"), (prov.jsonld(found), "json-ld")):
        graph = rdflib.Graph().parse(data=text, format=format_)
        [node] = graph.subjects(RDF.type, CL.Entry)
        assert graph.value(node, RDFS.label) == Literal(entry.sentence)
    assert canonical(prov.turtle(found), pyoxigraph.RdfFormat.TURTLE) == canonical(
        prov.jsonld(found), pyoxigraph.RdfFormat.JSON_LD
    )


def test_json_ld_holds_no_binary_float() -> None:
    def numbers(value: Any) -> Iterator[Any]:
        if isinstance(value, dict | list):
            for below in value.values() if isinstance(value, dict) else value:
                yield from numbers(below)
        elif isinstance(value, int | float):
            yield value

    assert not list(numbers(json.loads(prov.jsonld(example()))))


# shapes


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE[::3])
def test_the_graph_of_a_case_has_the_shape_of_prov(name: str) -> None:
    assert violations(whole(name)) == set()


DAMAGES: dict[str, tuple[str, str]] = {
    "association": ("?a prov:hadPlan ?x", ""),
    "firing": ("?f prov:qualifiedAssociation ?x", ""),
    "premises": ("?f prov:used ?x", ""),
    "rule": ("?r cl:line ?x", ""),
    "derived": ("?d prov:wasGeneratedBy ?x", ""),
    "leaf": ("", "?c prov:wasGeneratedBy ?f . ?c a cl:Comparison . ?f a cl:Firing"),
    "recorded": ("?r prov:wasDerivedFrom ?x . ?r a cl:RecordedFact", ""),
    "entry": ("?e cl:readFrom ?x", ""),
    "stated": ("?s cl:cites ?x . ?s a cl:StatedFact", ""),
    "cites": ("?r prov:wasDerivedFrom ?x . ?r a cl:Rule", ""),
    "absence": ("?a cl:assumed ?x", ""),
    "comparison": ("?c cl:operator ?x", ""),
    "computation": ("?c rdf:value ?x . ?c a cl:Computation", ""),
    "argument": ("?a cl:order ?x . ?a a cl:Argument", ""),
    "binding": ("?b cl:name ?x . ?b a cl:Binding", ""),
    "statement": ("?s cl:quote ?x", ""),
    "position": ("?p oa:end ?x", ""),
    "conclusion": ("?c cl:sentence ?x", ""),
    "assessment": ("?a prov:hadMember ?x", ""),
    "agent": ("?a pav:version ?x . ?a a prov:SoftwareAgent", ""),
}
"""For each shape, what is taken out of a good graph (the first pattern), or put in (the first of the second)."""


def damaged(graph: rdflib.Graph, out: str, into: str) -> rdflib.Graph:
    copy = rdflib.Graph()
    copy += graph
    prefixes = "".join(f"PREFIX {p}: <{iri}>\n" for p, iri in prov.PREFIXES.items())
    if out:
        copy.update(f"{prefixes} DELETE {{ {out.partition(' . ')[0]} }} WHERE {{ {out} }}")
    else:
        added, _, where = into.partition(" . ")
        copy.update(f"{prefixes} INSERT {{ {added} }} WHERE {{ {where} }}")
    assert len(copy) != len(graph), "the damage changed nothing"
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("shape", DAMAGES)
def test_a_damaged_graph_breaks_the_shape(shape: str) -> None:
    sound = prov.graph(example(), ["status:below_all_cutoffs"])
    assert shape in violations(damaged(sound, *DAMAGES[shape]))


def test_every_shape_has_its_damage() -> None:
    shapes = {str(s).rsplit("#", 1)[-1] for s in SHAPES.subjects(RDF.type, SH.NodeShape)}
    assert shapes == set(DAMAGES)


def test_offsets_out_of_order_break_their_shape() -> None:
    graph = prov.graph(example(), ["neuro:absent"])
    statement = next(iter(graph.subjects(RDF.type, CL.Statement)))
    graph.set((statement, CL.start, Literal(10**6)))
    assert violations(graph) == {"statement"}


def test_two_patients_are_two_and_not_one_that_contradicts_itself() -> None:
    """A derivation sees one patient and calls everyone the same; in a graph of many each case has its own."""
    found = [b12.assessed(name) for name in sorted(b12.library())[:2]]
    patients = [{str(o) for o in prov.graph(one).objects() if "#patient-" in str(o)} for one in found]
    assert [len(own) for own in patients] == [1, 1] and patients[0] != patients[1]
    assert not [o for one in found for o in prov.graph(one).objects() if str(o).startswith(prov._OWN)]
