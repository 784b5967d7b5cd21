"""Nanopublications: the network's own Python library takes each one, and finds its trusty name right."""

from __future__ import annotations

import datetime
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib.namespace import DCTERMS, PROV, RDF, XSD

import b12
from citelog.assess import assess
from citelog.export import forms, nanopub, trusty
from citelog.export.subject import File, Subject
from citelog.render import prov
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
CL = rdflib.Namespace(prov.CL)
DAY = datetime.date(2026, 3, 15)
LONG = "pernicious-anaemia-with-involvement-has-two-ways-to-begin"


@cache
def of_statements(at: datetime.date | None = None) -> tuple[File, ...]:
    return forms.export("nanopub", Subject(b12.knowledge(), b12.FOLDER, None, at))


@cache
def of_case(name: str) -> tuple[File, ...]:
    found = b12.assessed(name)
    return forms.export("nanopub", Subject(b12.knowledge(), b12.FOLDER, found, found.at))


def accepted(file: File, folder: Path) -> Any:
    """The nanopublication as the library reads it, checked by the library: its form, and its trusty name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library uses what rdflib deprecates
        from nanopub import Nanopub

        path = folder / file.name
        path.write_text(file.text, encoding="utf-8")
        read = Nanopub(rdf=path)
        assert read.is_valid
        assert read.has_valid_trusty
    assert len(read.rdf) <= nanopub.LARGEST
    assert not read.metadata.signature
    return read


def test_the_library_takes_every_statement(tmp_path: Path) -> None:
    assert len(of_statements()) == len(b12.knowledge().statements)
    for file, statement in zip(of_statements(), b12.knowledge().statements.values(), strict=True):
        read = accepted(file, tmp_path)
        quotes = set(map(str, read.provenance.objects(rdflib.URIRef(statement.iri.value), CL.quote)))
        assert quotes == {statement.quote}
        assert (
            rdflib.URIRef(read.metadata.assertion),
            PROV.wasDerivedFrom,
            rdflib.URIRef(statement.iri.value),
        ) in read.rdf


def test_a_statement_asserts_what_its_named_graph_says_and_nothing_else(tmp_path: Path) -> None:
    written = rdflib.Dataset()
    written.parse(b12.FOLDER / "statements.trig", format="trig")
    for file, statement in zip(of_statements(), b12.knowledge().statements.values(), strict=True):
        named = written.graph(rdflib.URIRef(statement.iri.value))
        assert {_plain(t) for t in accepted(file, tmp_path).assertion} == {_plain(t) for t in named}


def _plain(triple: Any) -> Any:
    """A triple whose numbers are values: 100.0 and 100 are one decimal."""
    s, p, o = triple
    return s, p, o.toPython() if isinstance(o, rdflib.Literal) else o


@pytest.mark.parametrize("name", [*at_each_commit(sorted(b12.library())[::45], every=3), LONG])
def test_the_library_takes_every_conclusion(name: str, tmp_path: Path) -> None:
    found = b12.assessed(name)
    assert len(of_case(name)) == len(found.conclusions)
    for file, conclusion in zip(of_case(name), found.conclusions, strict=True):
        read = accepted(file, tmp_path)
        [subject] = read.assertion.subjects(RDF.type, CL.Conclusion)
        assert str(read.assertion.value(subject, CL.sentence)) == conclusion.sentence
        assert set(map(str, read.provenance.objects(subject, CL.cites))) >= {
            b12.knowledge().statements[s].iri.value for s in conclusion.statements
        }
        used = {str(s).rpartition("#")[2] for s in read.provenance.subjects(RDF.type, CL.Entry)}
        assert used >= set(conclusion.facts)


def test_a_proof_holds_no_entry_that_it_does_not_rest_on(tmp_path: Path) -> None:
    found = assess(b12.knowledge(), ROOT / "examples" / "patient.yaml")
    files = forms.export("nanopub", Subject(b12.knowledge(), b12.FOLDER, found))
    shown = set()
    for file, conclusion in zip(files, found.conclusions, strict=True):
        read = accepted(file, tmp_path)
        entries = {str(s).rpartition("#")[2] for s in read.provenance.subjects(RDF.type, CL.Entry)}
        assert entries == set(conclusion.facts)
        shown |= entries
    assert shown


def test_a_proof_is_whole_every_premise_of_every_firing(tmp_path: Path) -> None:
    found = b12.assessed(LONG)
    for file, conclusion in zip(of_case(LONG), found.conclusions, strict=True):
        read = accepted(file, tmp_path)
        graph = read.provenance + read.assertion
        proof = found.why(conclusion.id)
        for id_ in proof.order:
            step = rdflib.URIRef(prov.step_iri(found, proof.node(id_)))
            assert graph.value(step, rdflib.RDFS.label) is not None
            if proof.node(id_).kind == "firing":
                used = {prov.step_iri(found, n) for n in proof.used_by(id_)}
                assert set(map(str, graph.objects(step, PROV.used))) == used


@pytest.mark.long
def test_a_proof_too_large_for_a_publication_is_cut_to_its_shortest_way_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = b12.assessed(LONG)
    subject = Subject(b12.knowledge(), b12.FOLDER, found)
    whole = {f.name: len(accepted(f, tmp_path).rdf) for f in forms.export("nanopub", subject)}
    monkeypatch.setattr(nanopub, "LARGEST", 100)
    cut = 0
    for file in forms.export("nanopub", subject):
        monkeypatch.setattr(nanopub, "LARGEST", 1200)
        read = accepted(file, tmp_path)
        assert len(read.rdf) <= whole[file.name] + 1
        cut += len(read.rdf) < whole[file.name]
        told = set(map(str, read.provenance.objects(rdflib.URIRef(read.metadata.assertion), rdflib.RDFS.comment)))
        assert any("fewest steps" in text for text in told)
    assert cut


def test_a_date_stands_only_where_one_was_given(tmp_path: Path) -> None:
    without, dated = accepted(of_statements()[0], tmp_path), accepted(of_statements(DAY)[0], tmp_path)
    assert not list(without.rdf.objects(None, DCTERMS.created))
    assert set(dated.pubinfo.objects(None, DCTERMS.created)) == {rdflib.Literal(DAY, datatype=XSD.date)}


def test_a_name_changes_with_what_it_names() -> None:
    files = (*of_statements(), *of_statements(DAY))
    names = {next(line for line in file.text.splitlines() if line.startswith("@prefix this:")) for file in files}
    assert len(names) == len(files)


def test_a_change_is_found_by_the_library(tmp_path: Path) -> None:
    from nanopub.utils import MalformedNanopubError

    file = of_statements()[0]
    changed = File(file.name, file.text.replace("requires treatment", "requires no treatment"))
    assert changed != file
    with pytest.raises(MalformedNanopubError, match="not valid"):
        accepted(changed, tmp_path)


def test_all_of_them_together_are_one_trig_document() -> None:
    whole = rdflib.Dataset()
    whole.parse(data="\n".join(file.text for file in of_statements()), format="trig")
    kind = rdflib.URIRef(nanopub.NP + "Nanopublication")
    assert len({s for s, _, _, _ in whole.quads((None, RDF.type, kind, None))}) == len(of_statements())


def test_the_hash_is_of_the_quads_in_whatever_order_and_of_every_character() -> None:
    quads: list[trusty.Quad] = [
        ("http://ex/~code~#g", "http://ex/~code~", "http://ex/p", "http://ex/~code~#part"),
        ("http://ex/~code~#g", "http://ex/~code~", "http://ex/p", trusty.Text("a\nb\\c é")),
    ]
    assert trusty.code(quads) == trusty.code(quads[::-1]) == trusty.code(quads * 2)
    assert trusty.code(quads) != trusty.code([quads[0], (*quads[1][:3], trusty.Text("a\nb\\c e"))])
    assert len(trusty.code(quads)) == 45
