"""The vitamin B12 knowledge against its document: every quote in its place, every character accounted for.

These tests read the files of knowledge/b12 with rdflib and pyoxigraph directly, not through the engine's
loader, so that neither can hide a fault of the other.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph
import pyshacl
import pytest
import rdflib
from rdflib import RDF, SKOS, XSD, URIRef
from rdflib.namespace import DCTERMS

from citelog.codes import code_error

# rdflib's own TriG reader calls what rdflib has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:(Dataset\\.|ConjunctiveGraph is):DeprecationWarning")

KNOWLEDGE = Path(__file__).resolve().parent.parent / "knowledge"
FOLDER = KNOWLEDGE / "b12"
FILES = ("about.ttl", "statements.trig", "segments.ttl", "conflicts.ttl", "terms.ttl")
CL = rdflib.Namespace("https://w3id.org/citelog#")
B12 = rdflib.Namespace("https://w3id.org/citelog/b12#")

IDS = (
    [f"M{n:02}" for n in range(1, 7)]
    + [f"G{n:02}" for n in range(1, 19)]
    + [f"F{n:02}" for n in range(1, 13)]
    + [f"R{n:02}" for n in range(1, 16)]
    + [f"D{n:02}" for n in range(1, 7)]
)

# value: text, number or range, unit, the statement it is taken over from
FIELDS: dict[str, dict[str, tuple[str, object, str | None, str | None]]] = {
    "HYD-NEURO-LOAD": {
        "agent": ("hydroxocobalamin", None, None, None),
        "dose": ("1 mg", 1, "mg", None),
        "route": ("intramuscular", None, None, None),
        "frequency": ("alternate days", None, None, None),
        "duration": ("until there is no further improvement", None, None, None),
    },
    "HYD-NEURO-MAINT": {
        "agent": ("hydroxocobalamin", None, None, "G04"),
        "dose": ("1 mg", 1, "mg", "G04"),
        "route": ("intramuscular", None, None, "G04"),
        "frequency": ("every 2 months", 2, "month", None),
    },
    "HYD-STD-LOAD": {
        "agent": ("hydroxocobalamin", None, None, None),
        "dose": ("1 mg", 1, "mg", None),
        "route": ("intramuscular", None, None, None),
        "frequency": ("three times a week", 3, "per week", None),
        "duration": ("2 weeks", 2, "week", None),
    },
    "HYD-STD-MAINT": {
        "agent": ("hydroxocobalamin", None, None, "G06"),
        "dose": ("1 mg", 1, "mg", None),
        "route": ("intramuscular", None, None, None),
        "frequency": ("every 2\u20133 months", (2, 3), "month", None),
        "duration": ("for life", None, None, None),
    },
    "HYD-GEN-MAINT": {
        "dose": ("1 mg", 1, "mg", None),
        "route": ("intramuscular", None, None, None),
        "frequency": ("every 2\u20133 months", (2, 3), "month", None),
        "duration": ("for life", None, None, None),
    },
    "LABEL-1": {
        "dose": ("100 mcg", 100, "mcg", None),
        "route": ("intramuscular or deep subcutaneous", None, None, None),
        "frequency": ("daily", None, None, None),
        "duration": ("6 or 7 days", (6, 7), "day", None),
    },
    "LABEL-2": {
        "dose": ("100 mcg", 100, "mcg", None),
        "frequency": ("alternate days", None, None, None),
        "duration": ("seven doses", 7, "dose", None),
    },
    "LABEL-3": {
        "dose": ("100 mcg", 100, "mcg", "F09"),
        "frequency": ("every 3 to 4 days", (3, 4), "day", None),
        "duration": ("another 2 to 3 weeks", (2, 3), "week", None),
    },
    "LABEL-4": {
        "dose": ("100 mcg", 100, "mcg", None),
        "frequency": ("monthly", None, None, None),
        "duration": ("for life", None, None, None),
    },
    "LABEL-NORMABS-INIT": {
        "dose": ("similar to that for patients with pernicious anemia", None, None, None),
    },
    "ORAL-HIGH": {
        "agent": ("vitamin B12", None, None, None),
        "dose": ("1 to 2 mg", (1, 2), "mg", None),
        "route": ("oral", None, None, None),
        "frequency": ("daily", None, None, None),
    },
    "BNF-MALABS-MAINT": {
        "agent": ("hydroxocobalamin", None, None, None),
        "dose": ("1000 \u00b5g", 1000, "\u00b5g", None),
        "route": ("intramuscular", None, None, None),
        "frequency": ("once every two months", 2, "month", None),
    },
}
STATED_IN = {
    "HYD-NEURO-LOAD": ["G04"],
    "HYD-NEURO-MAINT": ["G05"],
    "HYD-STD-LOAD": ["G06"],
    "HYD-STD-MAINT": ["G07"],
    "HYD-GEN-MAINT": ["G12"],
    "LABEL-1": ["F01", "F08"],
    "LABEL-2": ["F09"],
    "LABEL-3": ["F10"],
    "LABEL-4": ["F11"],
    "LABEL-NORMABS-INIT": ["F02"],
    "ORAL-HIGH": ["R10"],
    "BNF-MALABS-MAINT": ["R13"],
}


def dataset_of(texts: dict[str, str]) -> rdflib.Dataset:
    dataset = rdflib.Dataset()
    for name, text in texts.items():
        dataset.parse(data=text, format="trig" if name.endswith(".trig") else "turtle")
    return dataset


def all_graphs(dataset: rdflib.Dataset) -> rdflib.Graph:
    graph = rdflib.Graph()
    for s, p, o, _ in dataset.quads():
        graph.add((s, p, o))
    return graph


@cache
def texts() -> dict[str, str]:
    return {name: (FOLDER / name).read_bytes().decode("utf-8") for name in FILES}


@cache
def dataset() -> rdflib.Dataset:
    return dataset_of(texts())


@cache
def stated() -> rdflib.Graph:
    """The default graph: where the document says things."""
    graph = rdflib.Graph()
    for s, p, o, name in dataset().quads():
        if name is None or name == rdflib.graph.DATASET_DEFAULT_GRAPH_ID:
            graph.add((s, p, o))
    return graph


@cache
def source() -> str:
    file = stated().value(B12.article, CL.file)
    return (FOLDER / str(file)).read_bytes().decode("utf-8")


def value(subject: URIRef, predicate: URIRef) -> Any:
    found = list(stated().objects(subject, predicate))
    assert len(found) <= 1, (subject, predicate, found)
    if not found:
        return None
    return found[0].toPython() if isinstance(found[0], rdflib.Literal) else found[0]


def local(term: object) -> str:
    return str(term).rsplit("#", 1)[-1]


def contents(statement: str) -> rdflib.Graph:
    return dataset().graph(B12[statement])


@cache
def segments() -> list[tuple[int, int, set[str]]]:
    """Start and end of each segment, found by walking through the document, and its statements."""
    places, at = [], 0
    for segment in sorted(stated().subjects(RDF.type, CL.Segment), key=lambda s: value(s, CL.order)):
        text = str(value(segment, CL.text))
        start = source().index(text, at)
        at = start + len(text)
        assert source().count("\n", 0, start) + 1 == value(segment, CL.line), text
        places.append((start, at, {local(s) for s in stated().objects(segment, CL.encodedAs)}))
    return places


# ---- the files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_two_parsers_read_the_same_and_find_no_blank_node_and_no_binary_float(name: str) -> None:
    syntax = pyoxigraph.RdfFormat.TRIG if name.endswith(".trig") else pyoxigraph.RdfFormat.TURTLE
    quads = list(pyoxigraph.parse(texts()[name], format=syntax))
    one = dataset_of({name: texts()[name]})
    assert len(set(map(str, quads))) == len(list(one.quads()))
    for quad in quads:
        for term in (quad.subject, quad.object, quad.graph_name):
            assert not isinstance(term, pyoxigraph.BlankNode), quad
        if isinstance(quad.object, pyoxigraph.Literal):
            datatype = quad.object.datatype.value
            assert datatype not in (str(XSD.double), str(XSD.float)), quad
            if datatype == str(XSD.decimal):
                assert re.fullmatch(r"[0-9]+\.[0-9]+", quad.object.value), quad
            if datatype == str(XSD.integer):
                assert URIRef(quad.predicate.value) in (CL.line, CL.start, CL.end, CL.order), quad


def test_the_document_is_the_one_that_was_encoded() -> None:
    assert hashlib.sha256(source().encode("utf-8")).hexdigest() == value(B12.article, CL.sha256)
    assert len(source()) == 6244
    assert value(B12.article, CL.reviewStatus) == "pending human review"
    assert local(value(B12.article, CL.reviewStatusFrom)) == "M03"
    assert value(B12.article, DCTERMS.modified).isoformat() == "2025-04-07"
    assert {local(d) for d in stated().objects(B12.article, CL.disclaimer)} == {"D01", "D02", "D03", "D04", "D05"}
    caveats = sorted(stated().objects(B12.kb, CL.caveat), key=lambda c: value(c, CL.order))
    assert [local(value(c, CL.cites)) for c in caveats] == ["M03", "D02", "D04"]


def test_the_shipped_default_and_the_notice() -> None:
    assert (KNOWLEDGE / "DEFAULT").read_text() == "b12\n"
    assert "Apache-2.0" in (FOLDER / "source" / "NOTICE.md").read_text()
    version = value(B12.kb, URIRef("http://purl.org/pav/version"))
    assert f"## {version}" in (FOLDER / "CHANGELOG.md").read_text()


# ---- statements -------------------------------------------------------------------------------------------------


def test_the_statements_are_exactly_these() -> None:
    assert len(IDS) == 57
    assert {local(s) for s in stated().subjects(RDF.type, CL.Statement)} == set(IDS)
    order = re.findall(r"(?m)^b12:([A-Z][0-9]{2}) a cl:Statement", texts()["statements.trig"])
    assert order == IDS, "in the order of the document"


@pytest.mark.parametrize("name", IDS)
def test_a_statement_stands_where_it_says(name: str) -> None:
    here = B12[name]
    quote, start, end = value(here, CL.quote), value(here, CL.start), value(here, CL.end)
    assert source()[start:end] == quote
    assert source().count("\n", 0, start) + 1 == value(here, CL.line)
    mine = [(s, e) for s, e, statements in segments() if name in statements]
    outside = "".join(source()[i] for i in range(start, end) if not any(s <= i < e for s, e in mine))
    assert not outside.strip(), f"outside of its segments: {outside!r}"
    sentence = source()[min(s for s, _ in mine) : max(e for _, e in mine)]
    printed = re.search(r" ([0-9]+(?:, [0-9]+)*)\.$", sentence)
    assert value(here, CL.markers) == (printed[1] if printed else None)
    assert value(here, CL.inherited) == ("1" if name in ("G10", "G11", "G12", "G13") else None)
    modality = str(value(here, CL.modality))
    assert modality == "asserted" or modality in sentence
    assert value(here, CL.voice) in set(stated().subjects(RDF.type, CL.Voice))
    assert (value(here, CL.population) is None) == (name[0] in "MD")


@pytest.mark.parametrize("name", IDS)
def test_a_statement_says_something(name: str) -> None:
    assert len(contents(name)) > 0


def test_only_statements_and_the_encoder_say_anything() -> None:
    graphs = {local(name) for *_, name in dataset().quads() if name != rdflib.graph.DATASET_DEFAULT_GRAPH_ID and name}
    assert graphs == {*IDS, "encoding"}


def test_sections_stand_on_their_lines() -> None:
    lines = source().split("\n")
    for section in stated().subjects(RDF.type, CL.Section):
        assert lines[value(section, CL.line) - 1] == str(value(section, rdflib.RDFS.label))
    for name in IDS:
        section = value(B12[name], CL.section)
        if name[0] == "M" or name == "D06":
            assert section is None
            continue
        assert value(section, CL.partOf) == B12.article
        subsection = value(B12[name], CL.subsection)
        assert (subsection is not None) == (name[0] == "R")
        for heading in filter(None, (section, subsection)):
            later = [
                value(s, CL.line)
                for s in stated().subjects(RDF.type, CL.Section)
                if value(s, CL.partOf) == value(heading, CL.partOf) and value(s, CL.line) > value(heading, CL.line)
            ]
            assert value(heading, CL.line) < value(B12[name], CL.line) < min(later, default=10**6)


def test_every_printed_number_is_an_unresolved_reference() -> None:
    printed = {n for name in IDS for n in str(value(B12[name], CL.markers) or "").split(", ") if n}
    markers = {value(m, CL.number): m for m in stated().subjects(RDF.type, CL.Marker)}
    assert set(markers) == printed == {"1", "2", "3", "4", "5", "6", "7"}
    for marker in markers.values():
        assert value(value(marker, CL.denotes), CL.resolution) == CL.unresolved


def test_what_restates_repeats_and_nothing_else_is_said_twice() -> None:
    twice: dict[tuple[Any, ...], set[str]] = {}
    for s, p, o, name in dataset().quads():
        if name and name != rdflib.graph.DATASET_DEFAULT_GRAPH_ID:
            twice.setdefault((s, p, o), set()).add(local(name))
    together = {frozenset(names) for names in twice.values() if len(names) > 1}
    assert together == {frozenset(("G01", "G10")), frozenset(("F01", "F08")), frozenset(("R04", "R14"))}
    assert set(contents("G10")) == set(contents("G01"))
    assert set(contents("R04")) < set(contents("R14"))


# ---- what they say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", sorted(FIELDS))
@pytest.mark.parametrize("field", ["agent", "dose", "route", "frequency", "duration"])
def test_a_regimen_step_has_the_fields_that_the_document_states(step: str, field: str) -> None:
    found = []
    for name in STATED_IN[step]:
        for node in contents(name).objects(B12[step], CL[field]):
            assert local(node) == f"{step}-{field}"
            read = {local(p): o.toPython() for p, o in contents(name).predicate_objects(node)}
            number = read.get("value")
            if "low" in read:
                number = (read["low"], read["high"])
            inherited = local(read["inheritedFrom"]) if "inheritedFrom" in read else None
            found.append((read["text"], number, read.get("unit"), inherited))
    assert sorted(set(found), key=str) == ([FIELDS[step][field]] if field in FIELDS[step] else [])


def test_the_regimen_steps_are_exactly_these_and_each_stands_in_its_statements() -> None:
    where: dict[str, list[str]] = {}
    for name in IDS:
        for step in contents(name).subjects(RDF.type, CL.RegimenStep):
            where.setdefault(local(step), []).append(name)
    assert where == STATED_IN


@pytest.mark.parametrize("name", ["R04", "R14"])
def test_the_cutoffs_are_two_ranges_of_strict_bounds(name: str) -> None:
    graph = contents(name)
    read = {
        local(c): tuple(graph.value(c, CL[p]) for p in ("analyte", "comparator", "lowEnd", "highEnd", "comparedIn"))
        for c in graph.subjects(RDF.type, CL.CutoffRange)
    }
    bounds = {k: (v[0], v[1], v[2].toPython(), v[3].toPython(), v[4]) for k, v in read.items()}
    assert bounds == {
        "cutoffs_molar": (B12["serum_b12"], CL["less_than"], Decimal(100), Decimal(300), B12["pmol_per_L"]),
        "cutoffs_mass": (B12["serum_b12"], CL["less_than"], Decimal(135), Decimal(406), B12["pg_per_mL"]),
    }


def test_the_label_never_names_an_agent() -> None:
    for name in IDS:
        if name[0] == "F":
            assert not [o for _, _, o in contents(name) if "cobalamin" in str(o)]
    assert not [q for q in dataset().quads() if q[0] != B12.cyanocobalamin and q[2] == B12.cyanocobalamin]


def test_the_referral_is_to_both_specialties() -> None:
    referral = set(contents("G13").objects(B12["RF-NEURO-HAEM-URGENT"], CL.adviceFrom))
    assert referral == {B12.neurologist, B12.haematologist}


def test_every_number_in_a_statement_is_in_its_sentence() -> None:
    words = {"two": 2, "three": 3, "seven": 7}
    for name in IDS:
        graph, quote = contents(name), str(value(B12[name], CL.quote))
        allowed = {Decimal(n) for n in re.findall(r"[0-9]+", quote)}
        allowed |= {Decimal(number) for word, number in words.items() if word in quote}
        for node, _, number in graph:
            if isinstance(number, rdflib.Literal) and number.datatype == XSD.decimal:
                inherited = graph.value(node, CL.inheritedFrom)
                assert inherited is not None or number.toPython() in allowed, (name, node, number)


def test_every_node_that_is_pointed_to_is_described() -> None:
    described = {q[0] for q in dataset().quads()}
    pointed = {o for *_, o, _ in dataset().quads() if str(o).startswith(str(B12))}
    assert {local(o) for o in pointed - described} == set()


# ---- segments, conflicts, terms ---------------------------------------------------------------------------------


def test_the_segments_leave_nothing_of_the_document_out() -> None:
    assert len(segments()) == 64
    assert sum(1 for *_, statements in segments() if statements) == 45
    left = list(source())
    for start, end, _ in segments():
        left[start:end] = " " * (end - start)
    assert set("".join(left)) <= set(" \n\u2022")
    assert set().union(*(statements for *_, statements in segments())) == set(IDS)


def test_the_conflicts_are_nineteen_and_their_sides_exist() -> None:
    conflicts = {local(c): c for c in stated().subjects(RDF.type, CL.Conflict)}
    assert set(conflicts) == {f"CP{n:02}" for n in range(1, 20)}
    for conflict in conflicts.values():
        for side in (CL.sideA, CL.sideB):
            assert set(str(value(conflict, side)).split(" ")) <= set(IDS)
    agreements = {str(value(a, CL.between)) for a in stated().subjects(RDF.type, CL.Agreement)}
    assert agreements == {"G01 G10", "F01 F08", "G07 G12", "G05 R13", "R04 R14"}
    for conflict in conflicts.values():
        a, b = (set(str(value(conflict, side)).split(" ")) for side in (CL.sideA, CL.sideB))
        for agreement in ("G01 G10", "F01 F08", "R04 R14"):
            one, other = agreement.split(" ")
            assert not (one in a and other in b) and not (other in a and one in b)


CODE_PROPERTIES = (SKOS.notation, CL.broaderCode, CL.narrowerCode, CL.doubtfulCode, CL.excludedCode)


def test_every_code_passes_the_check_of_its_system() -> None:
    checked = [str(code) for p in CODE_PROPERTIES for code in stated().objects(None, p)]
    assert len(checked) > 40
    assert {code: code_error(code) for code in checked if code_error(code)} == {}


def test_codes_that_matter() -> None:
    def notations(term: str) -> set[str]:
        return {str(code) for code in stated().objects(B12[term], SKOS.notation)}

    assert notations("serum_b12") == {"loinc:2132-9", "loinc:14685-2"}
    assert {"rxnorm:11248", "rxnorm:2001499", "atc:B03BA01"} <= notations("cyanocobalamin")
    assert "atc:V03AB33" not in notations("hydroxocobalamin")
    assert not {"icd10:E53.8", "icd10cm:E53.8"} & notations("diagnosed_deficiency")


def test_no_two_terms_of_a_kind_share_a_name() -> None:
    kinds = {CL.Analyte: "analyte", CL.Finding: "finding", CL.Condition: "finding", CL.Drug: "drug", CL.Unit: "unit"}
    names: dict[tuple[str, str], str] = {}
    for cls, kind in kinds.items():
        for term in stated().subjects(RDF.type, cls):
            for p in (SKOS.prefLabel, SKOS.altLabel, SKOS.notation):
                for name in stated().objects(term, p):
                    key = (kind, str(name).casefold())
                    assert names.setdefault(key, local(term)) == local(term), key
    wanted = [
        ("analyte", "serum vitamin b12"), ("analyte", "holotranscobalamin (active b12)"),
        ("analyte", "serum methylmalonic acid"), ("analyte", "plasma homocysteine"), ("analyte", "serum folate"),
        ("finding", "symptoms attributed to vitamin b12 deficiency"), ("finding", "neurological involvement"),
        ("finding", "possible neurological involvement"), ("finding", "severe neurological symptoms"),
        ("finding", "severe deficiency (clinician-assessed)"), ("finding", "fatigue"),
        ("finding", "clinically significant deficiency (clinician-assessed)"),
        ("finding", "further neurological improvement on treatment"), ("finding", "pernicious anaemia"),
        ("finding", "malabsorption"), ("finding", "normal intestinal absorption"), ("finding", "folate deficiency"),
        ("finding", "bariatric surgery (past)"), ("finding", "low dietary vitamin b12 intake (recorded cause)"),
        ("finding", "vitamin b12 deficiency (clinician diagnosis)"), ("drug", "hydroxocobalamin"),
        ("drug", "cyanocobalamin"), ("drug", "folic acid"), ("drug", "metformin"),
    ]  # fmt: skip
    assert [name for name in wanted if name not in names] == []


def test_units_are_powers_of_ten_and_never_cross_between_moles_and_grams() -> None:
    read = {
        str(value(u, SKOS.prefLabel)): (value(u, CL.factor), local(value(u, CL.comparedIn)))
        for u in stated().subjects(RDF.type, CL.Unit)
    }
    assert read == {
        "pmol/L": (Decimal(1), "pmol_per_L"),
        "nmol/L": (Decimal(1000), "pmol_per_L"),
        "pg/mL": (Decimal(1), "pg_per_mL"),
        "ng/L": (Decimal(1), "pg_per_mL"),
        "ng/dL": (Decimal(10), "pg_per_mL"),
        "\u00b5g/L": (Decimal(1000), "pg_per_mL"),
        "ng/mL": (Decimal(1000), "pg_per_mL"),
    }


# ---- shapes -----------------------------------------------------------------------------------------------------


@cache
def shapes() -> rdflib.Graph:
    return rdflib.Graph().parse(KNOWLEDGE / "shapes.ttl")


def test_the_shapes_accept_the_knowledge() -> None:
    conforms, _, report = pyshacl.validate(all_graphs(dataset()), shacl_graph=shapes(), meta_shacl=True)
    assert conforms, report


DAMAGE = [
    ("statements.trig", 'cl:quote        "to prevent further', 'cl:quotation    "to prevent further', "one cl:quote"),
    ("statements.trig", "cl:start 0 ;  cl:end 56", "cl:start 56 ;  cl:end 56", "before its cl:end"),
    ("statements.trig", 'cl:markers      "6, 5"', 'cl:markers      "[6, 5]"', "printed order"),
    ("statements.trig", "b12:voice_publisher_marketing .", "b12:voice_publisher_advertising .", "who speaks"),
    ("statements.trig", "cl:low 2.0 ;  cl:high 3.0", "cl:low 3.0 ;  cl:high 2.0", "less than cl:high"),
    ("statements.trig", "cl:low 2.0 ;  cl:high 3.0", "cl:low 2.0e0 ;  cl:high 3.0", "never as doubles"),
    ("statements.trig", 'cl:value 7.0 ;    cl:unit "dose" .', "cl:value 7.0 .", "with a unit"),
    ("statements.trig", "cl:lowEnd          100.0", "cl:lowEnd          100", "one decimal cl:lowEnd"),
    ("statements.trig", "cl:less_than ;\n        cl:lowEnd", "cl:below ;\n        cl:lowEnd", "one cl:comparator"),
    ("statements.trig", "cl:course           cl:loading", "cl:course           cl:load", "cl:loading or"),
    ("segments.ttl", 'cl:outOfScope  "UI prompt', 'cl:encodedAs b12:G01 ; cl:outOfScope  "UI prompt', "either encoded"),
    ("segments.ttl", "cl:order       7 ;", "cl:order       6 ;", "same cl:order"),
    ("segments.ttl", "cl:encodedAs   b12:G18", "cl:encodedAs   b12:G81", "names a statement"),
    ("conflicts.ttl", 'cl:aspectA       "100-300 pmol/L" ;', "", "Both sides of a conflict are the same"),
    ("conflicts.ttl", 'cl:level         "patient"', 'cl:level         "ward"', "cl:level is"),
    ("terms.ttl", '"atc:B03BA01"', '"B03BA01"', "system:code"),
    ("terms.ttl", '"rxnorm:4511"', '"rxnorm:11248"', "of two terms"),
    ("terms.ttl", 'skos:notation     "atc:B03BA03"', 'skos:notation     "atc:V03AB33"', "no skos:notation"),
    ("terms.ttl", "cl:factor 10.0", "cl:factor 0.0", "decimal cl:factor"),
    ("about.ttl", 'cl:sha256             "a6', 'cl:sha256             "A6', "cl:sha256"),
    ("about.ttl", 'cl:reviewStatus       "pending', 'cl:reviewStatus       "not pending', "one cl:reviewStatus"),
    ("about.ttl", "cl:cites  b12:D04", "cl:cites  b12:D44", "cites the statement"),
    ("about.ttl", "cl:resolution cl:unresolved", "cl:resolution cl:smith_2024", "could be looked up"),
    ("about.ttl", "cl:denotes b12:reference_7", "cl:denotes [ a cl:Reference ]", "blank node"),
]  # fmt: skip


@cache
def report_on_a_damaged_copy() -> str:
    """One validation of a copy that is damaged everywhere at once: the shapes report all problems in one run."""
    damaged = dict(texts())
    for file, old, new, _ in DAMAGE:
        assert old in damaged[file], old
        damaged[file] = damaged[file].replace(old, new, 1)
    conforms, _, report = pyshacl.validate(all_graphs(dataset_of(damaged)), shacl_graph=shapes())
    assert not conforms
    return str(report)


@pytest.mark.parametrize("says", [says for *_, says in DAMAGE])
def test_the_shapes_report_every_damage(says: str) -> None:
    assert says in report_on_a_damaged_copy()


def test_the_shapes_refuse_a_single_damage() -> None:
    file, old, new, says = DAMAGE[0]
    damaged = dataset_of({**texts(), file: texts()[file].replace(old, new, 1)})
    conforms, _, report = pyshacl.validate(all_graphs(damaged), shacl_graph=shapes())
    assert not conforms
    assert says in report
    assert "Results (1)" in report
