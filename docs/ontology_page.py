"""The vocabulary as one page for people: `python docs/ontology_page.py ontology.html` (test extras installed).

ontology.ttl is the only source, and pyLODE writes the page. Here it is only told, in the OWL that it looks for, what is
a class, a property or a term, and where the definition stands. The page is not kept in the repository: it would say
yesterday's words. tests/test_ontology.py makes it, and finds every term in it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pylode import OntPub
from pylode.rdf_elements import CLASS_PROPS
from pylode.utils import section_html
from rdflib import OWL, RDF, RDFS, SKOS, XSD, Graph

ROOT = Path(__file__).resolve().parent.parent


class Page(OntPub):
    """pyLODE's page, with a section more: the terms themselves, and the predicates of a record."""

    def _make_main_sections(self) -> None:
        super()._make_main_sections()
        with self.content:
            section_html(
                "Terms and Predicates", self.ont, self.back_onts, self.ns, OWL.NamedIndividual,
                [*CLASS_PROPS, RDF.type], self.toc, "terms", self.fids, self.props_labeled,
            ).render()  # fmt: skip


def prepared(ontology: Path) -> Graph:
    """The ontology in the words that pyLODE looks for."""
    graph = Graph().parse(ontology)
    classes = set(graph.subjects(RDF.type, RDFS.Class))
    for term in classes:
        graph.add((term, RDF.type, OWL.Class))
        for instance in set(graph.subjects(RDF.type, term)):
            graph.add((instance, RDF.type, OWL.NamedIndividual))
    for term in set(graph.subjects(RDF.type, RDF.Property)):
        literal = str(graph.value(term, RDFS.range) or "").startswith(str(XSD))
        graph.add((term, RDF.type, OWL.DatatypeProperty if literal else OWL.ObjectProperty))
        graph.remove((term, RDF.type, RDF.Property))
    for ours, theirs in ((SKOS.prefLabel, RDFS.label), (RDFS.comment, SKOS.definition)):
        for term, _, words in list(graph.triples((None, ours, None))):
            graph.remove((term, ours, words))
            graph.add((term, theirs, words))
    return graph


def page(ontology: Path = ROOT / "ontology.ttl") -> str:
    """The page as HTML, whole in itself."""
    return str(Page(ontology=prepared(ontology), sort_subjects=True).make_html())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/ontology_page.py ontology.html")
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
