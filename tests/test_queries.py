"""The query library: each file says its question and runs as its example says, and each answer is what Python finds."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import pyoxigraph
import pytest
import rdflib
from pyoxigraph import NamedNode, QueryBoolean, QuerySolutions, QueryTriples
from rdflib.query import ResultRow

import b12
import faults
import literate
from citelog import home
from citelog.assess import Assessment, assess
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.graph.asked import asked, tokens, unknown
from citelog.graph.dataset import PARAMETER, Dataset, dataset
from citelog.graph.library import AUDIENCES, TYPES, Example, Query, find, library, parse
from citelog.graph.parameters import Known, bind
from citelog.knowledge.base import Statement
from citelog.proof.graph import Node
from citelog.render import prov
from citelog.rules.program import Absent, Present
from citelog.vocab import CL

ROOT = Path(__file__).parent.parent
LIBRARY = {query.name: query for query in library()}
PATIENT = ROOT / "examples" / "patient.yaml"
SEVERAL = sorted({*sorted(b12.library())[::12], "metformin-is-no-recorded-cause"})
"""Some cases of the library, for queries over many."""


@cache
def patient() -> Assessment:
    return assess(b12.knowledge(), PATIENT)


@cache
def over(*names: str) -> Dataset:
    """The dataset of some cases of the library; of none, that of the example patient."""
    found = [b12.assessed(name) for name in names] or [patient()]
    return dataset(b12.FOLDER, b12.knowledge(), found)


def rows(name: str, *cases: str, **given: str) -> list[dict[str, str]]:
    """The rows of a query of the library, each term as text, an IRI by its local name."""
    answers = tuple(b12.assessed(one) for one in cases) or (patient(),)
    return told(over(*cases), LIBRARY[name], given, answers)


def told(
    data: Dataset, query: Query, given: Mapping[str, str], answers: tuple[Assessment, ...] = ()
) -> list[dict[str, str]]:
    bound = bind(query, given, Known(b12.knowledge(), answers, data.prefixes))
    with asked(data, query.name, query.text, bound) as found:
        assert isinstance(found, QuerySolutions)
        names = [variable.value for variable in found.variables]
        return [{n: _local(term) for n, term in zip(names, row, strict=True) if term is not None} for row in found]


def _local(term: pyoxigraph.NamedNode | pyoxigraph.Literal) -> str:
    return term.value.rsplit("#", 1)[-1] if isinstance(term, NamedNode) else term.value


def rests_on(found: Assessment, conclusion: str) -> set[str]:
    """Every statement in a proof: those that rules cite, and those that state a premise."""
    proof = found.why(conclusion)
    steps: list[Node] = [proof.node(id_) for id_ in proof.order]
    return {statement for step in steps for statement in step.details.get("statements", ())}


def known() -> Mapping[str, Statement]:
    return b12.knowledge().statements


# what a file says of itself


@pytest.mark.parametrize("query", LIBRARY.values(), ids=lambda query: query.name)
def test_a_query_opens_with_its_question_for_whom_it_is_and_an_example(query: Query) -> None:
    assert query.question.endswith("?") and query.audience in AUDIENCES
    assert query.examples and all(example.gives for example in query.examples)
    for example in query.examples:
        words = shlex.split(example.command)
        assert words[:3] == ["citelog", "query", query.name]
        given = {word.partition("=")[0] for before, word in pairwise(words) if before == "--param"}
        assert given >= {parameter.name for parameter in query.parameters if parameter.default is None}
        assert ("--case" in words) >= query.needs_case


@pytest.mark.parametrize("query", LIBRARY.values(), ids=lambda query: query.name)
def test_a_query_reads_every_parameter_that_it_declares(query: Query) -> None:
    names = {t.written.removeprefix("param:") for t in tokens(query.text) if t.written.startswith("param:")} - {""}
    assert names == {parameter.name for parameter in query.parameters}
    assert not names or f"PREFIX param: <{PARAMETER}>" in query.text


@pytest.mark.parametrize("query", LIBRARY.values(), ids=lambda query: query.name)
def test_an_example_gives_what_the_file_says(query: Query) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    for example in query.examples:
        command = [sys.executable, "-c", "from citelog.cli.app import main; main()", *shlex.split(example.command)[1:]]
        ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        assert not [text for text in example.gives if text not in ended.stdout]


@pytest.mark.long
def test_every_query_answers_alike_wherever_the_names_of_a_knowledge_base_live(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hash_ = Path(shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "hash" / "short-nights"))
    slash = Path(shutil.copytree(hash_, tmp_path / "slash" / "short-nights"))
    for file in (one for one in slash.rglob("*") if one.suffix in (".ttl", ".trig", ".rls")):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("example.org/short-nights#", "example.org/short-nights/"), encoding="utf-8")
    case = "short-nights/cases/tired-and-short.yaml"
    given = {
        "statement": "S14",
        "body": "teachers",
        "marker": "1",
        "conclusion": "advice:NAP",
        "start": "0",
        "end": "900",
    }
    answers = []
    for folder in (hash_.parent, slash.parent):
        with pytest.MonkeyPatch.context() as here:
            here.chdir(folder)
            for query in LIBRARY.values():
                told = [word for p in query.parameters for word in ("--param", f"{p.name}={given[p.name]}")]
                words = ["query", query.name, "--kb", "short-nights", "--at", "2026-03-09", "--case", case, *told]
                with pytest.raises(SystemExit):
                    main(words)
            answers.append(capfd.readouterr().out)
    assert "S03 S05" in answers[0]
    one, other = (re.sub(r"[.#][0-9a-f]{16}|[0-9a-f]{64}|(?<=short-nights)[#/]", "", text) for text in answers)
    assert sorted(one.splitlines()) == sorted(other.splitlines())


def test_there_are_queries_for_every_audience() -> None:
    for audience in AUDIENCES:
        assert len([query for query in LIBRARY.values() if query.audience == audience]) >= 5


def test_a_header_is_read_into_a_query() -> None:
    query = parse(
        "dose",
        "# What is given?\n#\n# In two\n# lines.\n#\n# @audience asker\n# @needs case\n"
        "# @param n: integer = 2 — how many\n# @example citelog query dose\n# @gives 1 mg\nASK {}",
    )
    assert (query.question, query.about, query.audience) == ("What is given?", "In two\nlines.", "asker")
    assert query.needs_case and query.examples == (Example("citelog query dose", ("1 mg",)),)
    [parameter] = query.parameters
    assert (parameter.name, parameter.type, parameter.default, parameter.meaning) == ("n", "integer", "2", "how many")


WRONG_HEADERS = {
    "# @audience auther\n": "x:1: auther is no audience\n   = did you mean author?",
    "# Who?\n# @param a: intger — n\n": "x:2: intger is no type\n   = did you mean integer?",
    "# @param a integer\n": "x:1: the parameter cannot be read: a integer",
    "# @param a: iri — m\n# @param a: iri — m\n": "x:2: a is declared twice",
    "# @gives something\n": "x:1: @gives follows an @example",
    "# @exampel citelog query x\n": "x:1: exampel is no tag\n   = did you mean example?",
    "# @needs patience\n": "x:1: patience is no need",
}


@pytest.mark.parametrize("header", WRONG_HEADERS)
def test_a_wrong_header_is_told_with_its_line(header: str) -> None:
    with pytest.raises(CitelogError) as error:
        parse("x", header + "ASK {}")
    assert WRONG_HEADERS[header] in str(error.value)


# what queries/README.md says


def between(name: str) -> str:
    page = (ROOT / "queries" / "README.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"<!-- {name}: begin -->\n")
    told_, end, _ = rest.partition(f"<!-- {name}: end -->")
    assert end
    return told_


def test_the_page_lists_every_query_with_its_question_and_its_parameters() -> None:
    parts = []
    for audience, meaning in AUDIENCES.items():
        parts.append(f"**For the {audience}**, {meaning}:\n\n| query | asks |\n|---|---|\n")
        for query in (query for query in LIBRARY.values() if query.audience == audience):
            names = "".join(f" `{parameter.name}`" for parameter in query.parameters)
            parts[-1] += f"| [`{query.name}`]({query.name}.rq){names} | {query.question} |\n"
    assert between("library") == "\n".join(parts)


def test_the_page_lists_every_type_of_a_parameter() -> None:
    lines = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in TYPES.items())
    assert between("types") == f"| type | given as |\n|---|---|\n{lines}"


def test_the_queries_of_the_page_can_be_asked() -> None:
    page = (ROOT / "queries" / "README.md").read_text(encoding="utf-8")
    section, ends, lines = (parse("page.rq", block.text) for block in literate.blocks(page) if block.kind == "sparql")
    assert {(row["low"], known()["R04"].quote == row["quote"]) for row in told(over(), ends, {})} >= {("100", True)}
    assert "G06" in {row["statement"] for row in told(over(), lines, {})}
    assert {row["statement"] for row in told(over(), lines, {"line": "1"})} == {"M01"}
    cites = {one.id: {citation.section for citation in one.citations} for one in patient().conclusions}
    researched = {id_ for id_, sections in cites.items() if "From the Research" in sections}
    assert {row["conclusion"] for row in told(over(), section, {})} == researched < set(cites)


def test_the_page_names_every_term_of_the_dataset_right() -> None:
    page = (ROOT / "queries" / "README.md").read_text(encoding="utf-8")
    store = over(*SEVERAL).store
    used = {quad.predicate.value for quad in store}
    used |= {quad.object.value for quad in store.quads_for_pattern(None, NamedNode(str(rdflib.RDF.type)), None, None)}
    for prefix, local in re.findall(r"`?\b(cl|prov|dcterms):(\w+)", page):
        assert prov.PREFIXES[prefix] + local in used


# what the answers are


def test_every_dose_comes_with_its_words() -> None:
    found = rows("doses")
    [loading] = [row for row in found if row["step"] == "HYD-STD-LOAD"]
    assert (loading["dose"], loading["frequency"], loading["statement"]) == ("1 mg", "three times a week", "G06")
    assert "agent" not in next(row for row in found if row["step"] == "LABEL-2")
    fields = {(iri.local, f["dose"].text) for iri, f in b12.knowledge().fields.items() if "dose" in f}
    assert {(row["step"], row["dose"]) for row in found} == fields
    assert all(known()[row["statement"]].quote == row["quote"] for row in found)


def test_whatever_a_sentence_does_not_say_of_its_dose_is_said_to_be_taken_over() -> None:
    taken = {
        (iri.local, key): field.inherited_from for iri, f in b12.knowledge().fields.items() for key, field in f.items()
    }
    for row in rows("doses"):
        for key in ("dose", "agent", "route", "frequency", "duration"):
            assert row.get(f"{key}From") == (taken[row["step"], key] if key in row else None), (row["step"], key)


def test_nineteen_segments_are_out_of_scope_each_with_its_reason() -> None:
    found = rows("not-encoded")
    assert len(found) == 19 and all(row["reason"] for row in found)


def test_nineteen_conflicts_have_both_their_sides() -> None:
    found = {row["conflict"]: (row["sideA"], row["sideB"]) for row in rows("conflicts")}
    assert len(found) == 19 and found["CP06"] == ("G05", "G12")


def test_the_conclusions_of_several_patients_are_those_of_their_assessments() -> None:
    found = {(row["case"], row["conclusion"]): row for row in rows("conclusions", *SEVERAL)}
    expected = {(a.case.id, c.id): c for a in map(b12.assessed, SEVERAL) for c in a.conclusions}
    assert set(found) == set(expected)
    for key, conclusion in expected.items():
        assert found[key]["sentence"] == conclusion.sentence
        assert set(found[key].get("cites", "").split()) >= set(conclusion.statements)
        assert found[key].get("role") == conclusion.details.get("role")


@pytest.mark.parametrize("conclusion", ["regimen:HYD-STD-LOAD", "status:below_all_cutoffs", "conflict:CP09"])
def test_one_query_gives_the_whole_proof_with_every_quote_and_marker(conclusion: str) -> None:
    found = rows("proof", conclusion=conclusion)
    proof = patient().why(conclusion)
    firings = [proof.node(id_) for id_ in proof.order if proof.node(id_).kind == "firing"]
    premises = {(firing.details["rule"], used.text) for firing in firings for used in proof.used_by(firing.id)}
    assert {(row["rule"], row["because"]) for row in found if "because" in row} == premises
    cited = {(firing.details["rule"], s) for firing in firings for s in firing.details["statements"]}
    assert {(row["rule"], row["statement"]) for row in found if row["how"] == "the rule encodes"} == cited
    assert {row["statement"] for row in found if "statement" in row} == rests_on(patient(), conclusion)
    for row in found:
        if "statement" in row:
            statement = known()[row["statement"]]
            assert (row["quote"], row["line"]) == (statement.quote, str(statement.line))
            assert row.get("markers", "") == ", ".join(statement.markers)
            assert row.get("inherited", "") == ", ".join(statement.inherited)


def test_a_proof_reads_from_the_conclusion_down() -> None:
    """What a row says is concluded was a premise of a row above it, but for the conclusion itself."""
    found = rows("proof", conclusion="regimen:HYD-STD-LOAD")
    seen = {found[0]["concluded"]}
    for row in found:
        assert row["concluded"] in seen
        seen.add(row.get("because", ""))


def test_the_proof_as_a_graph_is_all_of_it_and_nothing_of_another() -> None:
    query, data = LIBRARY["proof-graph"], over()
    bound = bind(query, {"conclusion": "treat:immediate"}, Known(b12.knowledge(), (patient(),)))
    with asked(data, query.name, query.text, bound) as found:
        assert isinstance(found, QueryTriples)
        subjects = {str(triple.subject.value) for triple in found}
    proof = patient().why("treat:immediate")
    steps = {prov.step_iri(patient(), proof.node(id_)) for id_ in proof.order}
    home_ = prov.assessment_iri(patient())
    told = {s for s in subjects if s.startswith(home_) and ".row-" not in s and ".argument-" not in s}
    assert {s for s in told if not s.endswith(".association")} == steps


def test_conclusions_on_statements_without_a_marker_are_found() -> None:
    found = {row["conclusion"]: row for row in rows("weak-support")}
    for conclusion in patient().conclusions:
        statements = rests_on(patient(), conclusion.id)
        bare = {s for s in statements if not known()[s].markers}
        assert int(found[conclusion.id]["statements"]) == len(statements)
        assert set(found[conclusion.id].get("uncited", "").split()) == bare
        assert found[conclusion.id]["review"] == b12.knowledge().review_status


def test_the_conflicts_of_a_patient_have_the_sides_that_the_assessment_shows() -> None:
    sides: dict[tuple[str, str], set[str]] = {}
    for row in rows("patient-conflicts"):
        sides.setdefault((row["conflict"], row["side"]), set()).add(row["statement"])
        assert row["quote"] == known()[row["statement"]].quote
    for conclusion in patient().conclusions:
        if conclusion.kind == "conflict":
            for name, side in zip("AB", conclusion.details["sides"], strict=True):
                assert sides.pop((conclusion.value, name)) == set(side)
    assert not sides


def test_the_assumptions_are_those_of_the_conclusions() -> None:
    name = "an-empty-record-is-answered-with-questions"
    found = {(row["conclusion"], row["assumption"]) for row in rows("assumptions", name)}
    assert found == {(c.id, text) for c in b12.assessed(name).conclusions for text in c.assumes}
    assert found


def test_facts_that_no_conclusion_rests_on_are_found_with_what_was_noted() -> None:
    found = {(row["case"], row["readFrom"]) for row in rows("unused-facts", *SEVERAL)}
    for answer in map(b12.assessed, SEVERAL):
        used = {fact for conclusion in answer.conclusions for fact in conclusion.facts}
        idle = {(answer.case.id, entry.read_from) for entry in answer.case.entries if entry.id not in used}
        assert {one for one in found if one[0] == answer.case.id} == idle
    assert found


@pytest.mark.parametrize("number", ["1", "4", "7"])
def test_everything_that_rests_on_a_marker_is_found(number: str) -> None:
    found = {row["statement"]: row for row in rows("marker", marker=number)}
    assert set(found) == {s.id for s in known().values() if number in (*s.markers, *s.inherited)}
    for name, row in found.items():
        assert row["how"] == ("printed" if number in known()[name].markers else "inherited")
        citing = {rule.name for rule in b12.knowledge().program.rules if name in rule.cites}
        assert set(row.get("rules", "").split()) == citing
        resting = {f"example-1 {c.id}" for c in patient().conclusions if name in rests_on(patient(), c.id)}
        assert set(filter(None, row.get("conclusions", "").split(", "))) == resting


def test_the_uses_of_a_statement_are_its_rules_its_conflicts_and_its_conclusions() -> None:
    found = {(row["use"], row["name"]) for row in rows("statement-uses", statement="G10")}
    rules = {rule.name for rule in b12.knowledge().program.rules if "G10" in rule.cites}
    assert {name for use, name in found if use == "cited by the rule"} == rules
    conflicts = {c.title for c in b12.knowledge().conflicts.values() if any("G10" in side for side in c.sides)}
    assert {name for use, name in found if use == "one side of the conflict"} == conflicts
    resting = {c.id for c in patient().conclusions if "G10" in rests_on(patient(), c.id)}
    assert {name for use, name in found if use == "in the proof of"} == resting
    assert {row["use"] for row in rows("statement-uses", statement="M03")} == {
        "shown as a caveat", "one side of the conflict",
    }  # fmt: skip


def test_statements_that_no_rule_uses_are_neither_cited_nor_read() -> None:
    cited = {s for rule in b12.knowledge().program.rules for s in rule.cites}
    read = {s for by in b12.knowledge().stated.values() for s in by}
    assert {row["statement"] for row in rows("unused-statements")} == set(known()) - cited - read


def test_rules_that_no_case_fires_are_those_that_gave_no_fact() -> None:
    fired = set()
    for answer in map(b12.assessed, SEVERAL):
        for predicate in {rule.predicate for rule in b12.knowledge().program.rules}:
            fired |= {f.rule.name for atom in answer.run.atoms(predicate) for f in answer.run.firings(atom)}
    every = {rule.name for rule in b12.knowledge().program.rules}
    assert {row["rule"] for row in rows("unfired-rules", *SEVERAL)} == every - fired != set()


def test_every_rule_that_reads_a_result_is_listed_with_its_analyte() -> None:
    found = rows("lab-rules")
    predicates = b12.knowledge().program.predicates.values()
    results = {p.name for p in predicates if p.layer == "patient" and p.name.startswith("result")}
    reading = {
        (rule.name, literal.predicate)
        for rule in b12.knowledge().program.rules
        for literal in rule.body
        if isinstance(literal, Present | Absent) and literal.predicate in results
    }
    assert {(row["rule"], row["reads"]) for row in found} == reading
    assert next(row for row in found if row["rule"] == "level-value")["analyte"] == "serum vitamin B12"
    assert all("analyte" not in row for row in found if row["rule"] == "issue-other-analyte")


@pytest.mark.parametrize(("body", "how"), [("BOMSS", "attributed to it"), ("NICE CKS", "names it")])
def test_what_one_body_says_is_found_by_name_and_by_label(body: str, how: str) -> None:
    found = {row["statement"]: row for row in rows("without-body", body=body)}
    assert found["G15"]["how"] == how
    if body == "BOMSS":
        rules = b12.knowledge().program.rules
        alone = {rule.name for rule in rules if "G16" in rule.cites and set(rule.cites) <= {"G15", "G16", "G17"}}
        assert set(found["G16"]["alone"].split()) == alone


def test_a_range_of_the_text_leads_to_the_conclusions_that_it_supports() -> None:
    quote = known()["G06"]
    [row] = rows("text-range", start=str(quote.start), end=str(quote.end))
    assert row["statement"] == "G06" and "example-1 regimen:HYD-STD-LOAD" in row["conclusions"].split(", ")
    assert not rows("text-range", start=str(quote.end), end=str(quote.end + 1))
    both = rows("text-range", start=str(quote.end - 1), end=str(quote.end + 3))
    assert [row["statement"] for row in both] == ["G06", "G07"]


def test_that_every_conclusion_is_cited_is_denied_where_one_is_not() -> None:
    query = LIBRARY["all-cited"]
    data = dataset(b12.FOLDER, b12.knowledge(), [patient()])
    for expected in (True, False):
        with asked(data, query.name, query.text, {}) as found:
            assert isinstance(found, QueryBoolean) and bool(found) is expected
        cited = NamedNode(known()["G03"].iri.value)
        for quad in list(data.store.quads_for_pattern(None, NamedNode(CL + "cites"), cited, None)):
            data.store.remove(quad)


def by_rdflib(data: Dataset, query: Query, bound: Mapping[str, NamedNode | pyoxigraph.Literal]) -> list[dict[str, str]]:
    """The rows that rdflib's own SPARQL finds in the same quads."""
    other = rdflib.Dataset()
    text = pyoxigraph.serialize(data.store, format=pyoxigraph.RdfFormat.N_QUADS) or b""
    for key, term in bound.items():
        text += f"<{PARAMETER}{key}> <{rdflib.RDF.value}> {term} .\n".encode()
    other.parse(data=text.decode(), format="nquads")
    found = [row for row in other.query(query.text) if isinstance(row, ResultRow)]
    return [
        {k: str(v).rsplit("#", 1)[-1] if isinstance(v, rdflib.URIRef) else str(v) for k, v in row.asdict().items()}
        for row in found
    ]


ALONE: Mapping[str, Mapping[str, str]] = {
    "doses": {},
    "not-encoded": {},
    "conflicts": {},
    "unused-statements": {},
    "marker": {"marker": "4"},
    "text-range": {"start": "933", "end": "1071"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_another_engine_gives_the_same_rows(name: str) -> None:
    """Nothing in the library leans on one engine: what is about the knowledge alone is asked of rdflib too."""
    data = dataset(b12.FOLDER, b12.knowledge())
    bound = bind(LIBRARY[name], ALONE[name], Known(b12.knowledge()))
    mine = told(data, LIBRARY[name], ALONE[name])
    assert mine
    assert sorted(sorted(row.items()) for row in mine) == sorted(
        sorted(row.items()) for row in by_rdflib(data, LIBRARY[name], bound)
    )


# what a query may not do

REFUSED = {
    "SELECT * { SERVICE <http://example.org/> { ?s ?p ?o } }": "line 1: SERVICE would ask another server",
    "SELECT *\n{ service SILENT ?x { ?s ?p ?o } }": "line 2: SERVICE would ask",
    "SELECT * { ?s ?p 1SERVICE <http://example.org/> {} }": "SERVICE would ask",
    "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }": "FROM <file:///etc/passwd> is no graph of the dataset",
    "PREFIX e: <http://e/> SELECT * FROM NAMED e:x { ?s ?p ?o }": "FROM e:x is no graph of the dataset",
    "LOAD <file:///etc/passwd>": "LOAD is an update, and queries only read",
    "PREFIX e: <http://e/> INSERT DATA { e:a e:b e:c }": "INSERT is an update",
    "BASE <http://e/> delete where { ?s ?p ?o }": "delete is an update",
    "PREFIX param: <urn:citelog:parameter:> ASK { param:x ?p ?o }": "reads the parameter x, which is not declared",
    "ASK { <urn:citelog:parameter:x> ?p ?o }": "reads the parameter x",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_reaches_out_of_the_dataset_is_refused(text: str) -> None:
    with pytest.raises(CitelogError) as error, asked(over(), "mine.rq", text, {}):
        pass
    assert REFUSED[text] in str(error.value) and str(error.value).startswith("mine.rq: line ")


ALLOWED = [
    "ASK { ?s ?p 'SERVICE' } # SERVICE",
    'ASK { ?s ?p """a "service" <x>""" }',
    "PREFIX e: <http://SERVICE/> ASK { e:service e:load ?service . FILTER(?service < 3 && ?service > 1) }",
    "ASK { <http://e/#SERVICE> ?from ?named }",
    "PREFIX : <http://e/> ASK { ?s :load ?o }",
    "SELECT * FROM <https://w3id.org/citelog/b12#G06> FROM NAMED <https://w3id.org/citelog/b12#G07> { ?s ?p ?o }",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_a_word_in_a_text_a_name_or_a_comment_is_no_keyword(text: str) -> None:
    with asked(over(), "mine.rq", text, {}) as found:
        assert found is not None


def test_a_graph_of_the_dataset_may_be_named_in_from() -> None:
    text = f"SELECT ?s FROM <{known()['G06'].iri.value}> {{ ?s a <{CL}RegimenStep> }}"
    assert [row["s"] for row in told(over(), parse("mine.rq", text), {})] == ["HYD-STD-LOAD"]


def test_a_parameter_is_gone_when_the_answer_was_read() -> None:
    before = len(over().store)
    assert rows("marker", marker="4") and rows("marker", marker="7")
    assert len(over().store) == before


def test_a_query_is_found_by_its_name_and_a_file_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.rq"
    path.write_text("ASK {}")
    assert find("doses") == LIBRARY["doses"] and find(str(path)).text == "ASK {}"
    assert find(str(home.queries() / "doses.rq")).name == "doses"
    with pytest.raises(CitelogError, match="did you mean doses"):
        find("dosis")
    with pytest.raises(CitelogError, match="is the file there"):
        find(str(tmp_path / "none.rq"))


def test_no_query_of_the_library_names_what_there_is_not_with_a_case_or_without() -> None:
    alone = dataset(b12.FOLDER, b12.knowledge())
    assert [slip for data in (alone, over()) for query in library() for slip in unknown(data, query.text)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="root has to do without its rights, by a call of Linux")
def test_a_library_that_may_not_be_looked_into_is_refused_and_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had no queries, and said so."""
    folder = Path(shutil.copytree(home.queries(), tmp_path / "queries"))
    monkeypatch.setattr(home, "queries", lambda: folder)
    with ThreadPoolExecutor(1, initializer=faults.unprivileged) as somebody:
        folder.chmod(0)
        for asked_for in (library, partial(find, "proof")):
            with pytest.raises(CitelogError, match=r"queries: Permission denied\n   = let it be read"):
                somebody.submit(asked_for).result()
        folder.chmod(0o755)
    os.mkfifo(folder / "pipe.rq")
    with pytest.raises(CitelogError, match=r"pipe\.rq: this is a pipe or a device, and no file\n   = take it away"):
        library()
