"""Everything that citelog knows and derives is one RDF dataset: whole, the same for everyone, and nothing invented."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse

import b12
from citelog import home
from citelog.assess import Assessment, assess
from citelog.diagnostics import CitelogError
from citelog.graph.dataset import Dataset, dataset
from citelog.knowledge.load import load
from citelog.render import prov
from citelog.rules.program import Absent, Present
from citelog.vocab import CL

ROOT = Path(__file__).parent.parent
EXAMPLES = [ROOT / "examples" / "patient.yaml", ROOT / "examples" / "other-patient.yaml"]
RDF, DCTERMS = prov.PREFIXES["rdf"], prov.PREFIXES["dcterms"]


@cache
def examples() -> tuple[Assessment, ...]:
    return tuple(assess(b12.knowledge(), path) for path in EXAMPLES)


@cache
def whole() -> Dataset:
    return dataset(b12.FOLDER, b12.knowledge(), examples())


def objects(subject: str, predicate: str) -> set[str]:
    """What is said of a resource in the default graph."""
    found = whole().store.quads_for_pattern(NamedNode(subject), NamedNode(predicate), None, None)
    return {quad.object.value for quad in found}


def subjects(predicate: str, value: str) -> list[str]:
    found = whole().store.quads_for_pattern(None, NamedNode(predicate), NamedNode(value), None)
    return sorted(quad.subject.value for quad in found)


# one dataset, the same for everyone


def test_the_order_of_the_cases_does_not_matter() -> None:
    turned = dataset(b12.FOLDER, b12.knowledge(), reversed(examples()))
    assert turned.digest() == whole().digest()


def test_the_same_case_gives_the_same_dataset_whatever_the_seed_of_hashes() -> None:
    script = (
        "import sys, citelog; from citelog import home; from citelog.graph.dataset import dataset;"
        "kb = citelog.open('b12');"
        "print(dataset(home.knowledge('b12'), kb.knowledge, [kb.assess(one) for one in sys.argv[1:]]).digest())"
    )
    told = set()
    for seed in ("1", "2"):
        own = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "engine")}
        command = [sys.executable, "-c", script, *map(str, EXAMPLES)]
        told.add(subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout.strip())
    assert told == {whole().digest()}


def test_another_fact_is_another_dataset() -> None:
    found = assess(b12.knowledge(), {"id": "example-1", "labs": []})
    assert dataset(b12.FOLDER, b12.knowledge(), [found]).digest() != dataset(b12.FOLDER, b12.knowledge()).digest()


def test_a_dataset_of_several_cases_holds_that_of_each_and_nothing_more() -> None:
    apart = [set(dataset(b12.FOLDER, b12.knowledge(), [one]).store) for one in examples()]
    assert set(whole().store) == set.union(*apart)
    steps = [{q.subject.value for q in one if q.subject.value.startswith("urn:citelog:assessment:")} for one in apart]
    assert not set.intersection(*steps)


def test_blank_nodes_of_a_file_have_names_of_their_own(tmp_path: Path) -> None:
    """Two files that call a node by one name mean two nodes, and both have the same names each time."""
    folder = tmp_path / "leaflet"
    shutil.copytree(ROOT / "tests" / "language" / "leaflet", folder)
    for name in ("about.ttl", "terms.ttl"):
        with (folder / name).open("a") as file:
            file.write(f'\n_:x <http://purl.org/dc/terms/title> "{name}" ; <http://purl.org/dc/terms/relation> [] .\n')
    known = load(folder, home.ontology()).knowledge
    assert known is not None
    first, second = dataset(folder, known), dataset(folder, known)
    assert set(first.store) == set(second.store)
    title = NamedNode(DCTERMS + "title")
    named = {q.object.value: q.subject for q in first.store.quads_for_pattern(None, title, None, None)}
    assert isinstance(named["about.ttl"], BlankNode) and named["about.ttl"] != named["terms.ttl"]


def test_what_was_loaded_is_not_mixed_with_what_was_changed_since(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(b12.FOLDER, folder, ignore=shutil.ignore_patterns("cases"))
    known = load(folder, home.ontology()).knowledge
    assert known is not None
    assert len(dataset(folder, known).store) > 4000
    terms = folder / "terms.ttl"
    terms.write_text(terms.read_text() + "\n# a word more\n")
    with pytest.raises(CitelogError, match="was changed while it was read"):
        dataset(folder, known)


# the knowledge base


def test_every_triple_of_every_file_is_there_in_its_graph() -> None:
    for path in [home.ontology(), *b12.FOLDER.glob("*.ttl"), *b12.FOLDER.glob("*.trig")]:
        format_ = RdfFormat.TRIG if path.suffix == ".trig" else RdfFormat.TURTLE
        assert all(quad in whole().store for quad in parse(path.read_text(), format=format_)), path.name


def test_a_named_graph_is_what_one_statement_says() -> None:
    graphs = {graph.value for graph in whole().store.named_graphs()}
    encoding = b12.knowledge().namespace + "encoding"
    assert graphs - {encoding} == {statement.iri.value for statement in b12.knowledge().statements.values()}


def test_the_text_of_the_document_is_there_and_quotes_stand_in_it_where_they_say() -> None:
    [source] = subjects(prov.PREFIXES["prov"] + "specializationOf", b12.knowledge().namespace + "article")
    [text] = objects(source, CL + "text")
    assert text == b12.source()
    for statement in b12.knowledge().statements.values():
        [start], [end] = objects(statement.iri.value, CL + "start"), objects(statement.iri.value, CL + "end")
        assert {text[int(start) : int(end)]} == objects(statement.iri.value, CL + "quote")


def test_markers_and_sides_are_those_of_the_knowledge_base() -> None:
    known = b12.knowledge()
    for statement in known.statements.values():
        for name, numbers in (("marker", statement.markers), ("inheritedMarker", statement.inherited)):
            printed = {
                number
                for marker in objects(statement.iri.value, CL + name)
                for number in objects(marker, CL + "number")
            }
            assert printed == set(numbers)
    for conflict in known.conflicts.values():
        for name, side in zip(("statementA", "statementB"), conflict.sides, strict=True):
            assert objects(known.namespace + conflict.id, CL + name) == {known.statements[s].iri.value for s in side}


def test_every_rule_says_what_it_reads_writes_and_cites() -> None:
    known = b12.knowledge()
    signatures = whole().store.quads_for_pattern(None, NamedNode(CL + "signature"), None, None)
    named = {quad.subject.value: quad.object.value.partition("(")[0] for quad in signatures}
    for rule in known.program.rules:
        iri = known.rule(rule.name).value
        assert objects(iri, CL + "ruleText") == {rule.text}
        assert objects(iri, CL + "cites") == {known.statements[s].iri.value for s in rule.cites}
        assert {named.get(p, p) for p in objects(iri, CL + "writes")} == {rule.predicate}
        read = {x.predicate for x in rule.body if isinstance(x, Present | Absent)}
        absent = {x.predicate for x in rule.body if isinstance(x, Absent)}
        assert {named.get(p, p) for p in objects(iri, CL + "reads")} == read
        assert {named.get(p, p) for p in objects(iri, CL + "assumes") | objects(iri, CL + "unless")} == absent
    assert len(subjects(RDF + "type", CL + "Rule")) == len(known.program.rules)


# cases


def test_every_step_of_every_proof_of_every_case_is_there() -> None:
    for found in examples():
        for conclusion in found.conclusions:
            proof = found.why(conclusion.id)
            for step in map(proof.node, proof.order):
                iri = prov.step_iri(found, step)
                assert step.text in objects(iri, prov.PREFIXES["rdfs"] + "label")
                link = prov.PREFIXES["prov"] + ("used" if step.kind == "firing" else "wasGeneratedBy")
                assert objects(iri, link) == {prov.step_iri(found, below) for below in proof.used_by(step.id)}


def test_a_conclusion_says_whose_it_is_and_what_it_concludes() -> None:
    for found in examples():
        case = f"urn:citelog:case:{found.case.sha256}"
        told = {id_ for iri in subjects(CL + "forCase", case) for id_ in objects(iri, DCTERMS + "identifier")}
        assert told == set(found.by_id)
        for conclusion in found.conclusions:
            proof = found.why(conclusion.id)
            root = prov.step_iri(found, proof.node(proof.root))
            assert objects(root, RDF + "value") == {str(conclusion.atom.args[1])}


def test_every_entry_is_there_key_by_key_and_every_note() -> None:
    for found in examples():
        case = f"urn:citelog:case:{found.case.sha256}"
        for entry in found.case.entries:
            iri = f"{case}#{entry.id}"
            assert objects(iri, CL + "readFrom") == {entry.read_from} and objects(iri, CL + "list") == {entry.list}
            keys = {(*objects(key, CL + "name"), *objects(key, RDF + "value")) for key in objects(iri, CL + "key")}
            assert keys == {(key, str(value)) for key, value in entry.keys.items()}
        notes = [objects(note, CL + "text") for note in objects(prov.assessment_iri(found), CL + "note")]
        assert sorted(map(sorted, notes)) == sorted([note.text] for note in found.notes)


def test_the_rules_that_fired_are_all_that_gave_some_fact() -> None:
    for found in examples():
        predicates = {rule.predicate for rule in b12.knowledge().program.rules}
        fired = {f.rule.name for p in predicates for atom in found.run.atoms(p) for f in found.run.firings(atom)}
        told = objects(prov.assessment_iri(found), CL + "fired")
        assert told == {b12.knowledge().rule(name).value for name in fired}


def test_every_term_of_ours_is_defined_in_the_ontology() -> None:
    known = set(parse(home.ontology().read_text(), format=RdfFormat.TURTLE))
    declared = {quad.subject.value for quad in known} | {
        quad.subject.value
        for path in b12.FOLDER.glob("*.ttl")
        for quad in parse(path.read_text(), format=RdfFormat.TURTLE)
    }
    used = {quad.predicate.value for quad in whole().store}
    used |= {q.object.value for q in whole().store.quads_for_pattern(None, NamedNode(RDF + "type"), None, None)}
    assert not sorted(name for name in used if name.startswith(CL) and name not in declared)


def test_values_are_typed() -> None:
    """A number of the document is an exact decimal, a count an integer, a word of the record a text."""
    case = f"urn:citelog:case:{examples()[0].case.sha256}"
    value = Quad(NamedNode(f"{case}#f1.value"), NamedNode(RDF + "value"), Literal("80"))
    assert value in whole().store
    line = whole().store.quads_for_pattern(
        NamedNode(b12.knowledge().rule("class-below").value), NamedNode(CL + "line"), None, None
    )
    assert [quad.object.datatype.value for quad in line] == ["http://www.w3.org/2001/XMLSchema#integer"]
