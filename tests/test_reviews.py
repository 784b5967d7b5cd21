"""Reviews: who looked at which statement or rule, what outdates that, and what a conclusion says of it."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rdflib import Dataset, URIRef
from rdflib.term import Node

import b12
from authoring import Command
from citelog import home
from citelog.advice.review import review
from citelog.approval.record import Said, agent, chosen, record
from citelog.assess import Assessment, assess
from citelog.checker import certify
from citelog.diagnostics import KnowledgeError
from citelog.knowledge import states
from citelog.knowledge.base import Knowledge, Review
from citelog.knowledge.files import Text
from citelog.knowledge.load import Opened, load
from citelog.knowledge.reviews import Digests
from citelog.knowledge.triples import Triples, read_rdf
from citelog.layout.files import lay_out
from citelog.layout.files import write as put
from citelog.render import fhir, page, prov, text
from citelog.rules.syntax import parse
from citelog.rules.written import named
from citelog.values import Iri
from citelog.vocab import CL

ROOT = Path(__file__).parent.parent
SHORT_NIGHTS = ROOT / "examples" / "short-nights"
SPACE = "https://example.org/short-nights#"
DAY = datetime.date(2026, 3, 15)
AGENTS = """
ex:reader a prov:Agent ;
    rdfs:label            "Example Reader (fictitious)" .

ex:head a prov:Agent ;
    rdfs:label            "Example Head (fictitious)" .
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the knowledge base about short nights, which nobody has reviewed, with two who could."""
    made = tmp_path / "short-nights"
    shutil.copytree(SHORT_NIGHTS, made)
    (made / "reviews.ttl").unlink(missing_ok=True)
    edit(made / "about.ttl", "@prefix rdfs:", "@prefix prov:    <http://www.w3.org/ns/prov#> .\n@prefix rdfs:")
    with (made / "about.ttl").open("a", encoding="utf-8") as file:
        file.write(AGENTS)
    return made


def edit(path: Path, old: str, new: str) -> None:
    found = path.read_text(encoding="utf-8")
    assert old in found, old
    path.write_text(found.replace(old, new, 1), encoding="utf-8")


def opened(folder: Path) -> Opened:
    return load(folder, home.ontology())


def knowledge(folder: Path) -> Knowledge:
    found = opened(folder).knowledge
    assert found is not None
    return found


def reviewed(folder: Path, *names: str, state: str = "reviewed", by: str = "reader", on: datetime.date = DAY) -> None:
    """Somebody reviews; of no names, everything."""
    found = opened(folder)
    assert found.knowledge is not None
    things = chosen(found.knowledge, names) if names else list(states.of(found.knowledge))
    put([record(folder, found, things, Said(state, agent(found.triples, by), on, ""))])


def state_of(folder: Path, name: str) -> states.Reviewed:
    return next(one for one in states.of(knowledge(folder)) if one.name == name)


def assessed(folder: Path) -> Assessment:
    return assess(knowledge(folder), folder / "cases" / "tired-and-short.yaml", "2026-03-09")


def said_by(found: Assessment) -> dict[str, str]:
    return {c.id: c.review for c in found.conclusions}


# nobody has looked


def test_what_nobody_has_reviewed_is_a_draft_and_so_is_every_conclusion(folder: Path) -> None:
    assert {one.state for one in states.of(knowledge(folder))} == {"draft"}
    found = assessed(folder)
    assert set(said_by(found).values()) == {"draft"}
    lines = [line.text for line in text.assessment(found)]
    assert "! Nobody has reviewed the encoding that these conclusions rest on: all of them are drafts." in lines


def test_the_shipped_knowledge_base_claims_no_review() -> None:
    """A state of review is a claim about a person; there is none to make."""
    counts = states.counted(states.of(b12.knowledge()))
    assert all(count["reviewed"] == count["approved"] == 0 for count in counts.values())
    assert counts["statement"]["draft"] == 57 and counts["rule"]["draft"] > 300


# a review, and what outdates it

TRIG, ADVICE = "statements.trig", "rules/30-advice.rls"
PREMISE, CITES = "?minutes) .\n\n%%% @cites S14 S15", '%%% @cites S14\n#[name("nap")]'
EDITS = {
    "a letter of the quote": (
        "S13",
        TRIG,
        "Cola in the afternoon may keep a pupil",
        "cola in the afternoon may keep a pupil",
    ),
    "the modality": ("S13", TRIG, 'cl:modality "may"', 'cl:modality "asserted"'),
    "the digits of a number": ("S14", TRIG, "ex:minutes 20", "ex:minutes 20.0"),
    "a line more in its graph": ("S10", TRIG, "ex:earlierBy 1 .", "ex:earlierBy 1 . ex:NAP ex:earlierBy 1 ."),
    "what another file says of it": ("S10", "terms.ttl", "ex:score a", 'ex:S10 rdfs:comment "sic" .\nex:score a'),
    "a premise of a rule": ("nap", ADVICE, PREMISE, PREMISE.replace(" .", ", patient(?p) .")),
    "a tag of a rule": ("nap", ADVICE, CITES, f"%%% @mute\n{CITES}"),
    "a word of its sentence": ("nap", ADVICE, "usually helps; the", "helps; the"),
    "what a prefix stands for": ("nap", ADVICE, "short-nights#>", "long-nights#>"),
}
"""What is reviewed, the file that is edited, what stands there and what is written instead."""


@pytest.mark.parametrize("edited", EDITS)
def test_an_edit_makes_what_was_reviewed_a_draft_again(edited: str, folder: Path) -> None:
    name, file, old, new = EDITS[edited]
    edit(
        folder / "terms.ttl", "@prefix skos:", "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n@prefix skos:"
    )
    reviewed(folder, "S10", "S13", "S14", "nap")
    edit(folder / file, old, new)
    found = opened(folder)
    digests = Digests(found.triples, SPACE, found.files)
    outdated = [
        one for one in found.triples.instances(CL + "Review") if _seen(found, one) != digests.of(_thing(found, one))
    ]
    assert [_thing(found, one).local for one in outdated] == [name]


def _thing(found: Opened, review: str) -> Iri:
    thing = found.triples.one(review, CL + "reviews")
    assert isinstance(thing, Iri)
    return thing


def _seen(found: Opened, review: str) -> str:
    return found.triples.text(review, CL + "reviewedAs")


def test_check_says_that_a_review_is_outdated_at_the_place_of_the_edit(folder: Path) -> None:
    reviewed(folder, "S13", "cola")
    edit(folder / "statements.trig", 'cl:modality "may"', 'cl:modality "asserted"')
    place = (folder / "statements.trig").read_text(encoding="utf-8").split("\n").index("ex:S13 a cl:Statement ;") + 1
    [found] = [one for one in review(folder) if one.code == "review-outdated"]
    assert str(found.span) == f"short-nights/statements.trig:{place}" and found.severity == "advice"
    assert "S13 was changed since Example Reader (fictitious) called it reviewed on 2026-03-15" in found.message
    assert (state_of(folder, "S13").state, state_of(folder, "S13").stale) == ("draft", True)
    assert state_of(folder, "cola").state == "reviewed"


def test_layout_comments_and_moved_quotes_outdate_nothing(folder: Path) -> None:
    reviewed(folder)
    source = folder / "source" / "leaflet.txt"
    text_ = "\n\n" + source.read_text(encoding="utf-8")
    source.write_text(text_, encoding="utf-8")
    about = (folder / "about.ttl").read_text(encoding="utf-8")
    old = "c2947629cb2794381336eef27c9880f887bca9529eb61f3ae1317478205d691d"
    (folder / "about.ttl").write_text(about.replace(old, hashlib.sha256(text_.encode()).hexdigest()), encoding="utf-8")
    statements = (folder / "statements.trig").read_text(encoding="utf-8")
    (folder / "statements.trig").write_text(statements.replace(" ;\n    ", "  ;  # here\n "), encoding="utf-8")
    for file in folder.glob("rules/*.rls"):
        told = file.read_text(encoding="utf-8").replace("), ", ") ,\n% a comment\n  ")
        file.write_text(told.replace("%%% @cites", "%%%\n%%%   @cites"), encoding="utf-8")
    put(lay_out(folder))
    assert "cl:line 17" in (folder / "statements.trig").read_text(encoding="utf-8")
    assert not [one.name for one in states.of(knowledge(folder)) if one.stale or one.state != "reviewed"]


def test_every_letter_of_a_statement_and_of_a_rule_is_part_of_what_is_reviewed(folder: Path) -> None:
    """Each is put in the place of another: then the file cannot be read, or the hash is another one."""
    found, told = opened(folder), 0
    trig = (folder / "statements.trig").read_text(encoding="utf-8")
    begins = trig.index("ex:S13 a cl:Statement")
    ends = trig.index("}", begins)
    now = Digests(found.triples, SPACE, ()).of(Iri(SPACE + "S13"))
    for at in [i for i in range(begins, ends) if trig[i].isalnum() and "cl:start" not in _line(trig, i)]:
        edited = f"{trig[:at]}{'x' if trig[at] != 'x' else 'y'}{trig[at + 1 :]}"
        triples = Triples(files={"statements.trig": Text("statements.trig", edited)})
        try:
            for quad in read_rdf(edited, True):
                triples.add(*quad)
        except SyntaxError:
            continue
        told += 1
        assert Digests(triples, SPACE, ()).of(Iri(SPACE + "S13")) != now, edited[at - 20 : at + 20]
    rules = (folder / "rules" / "30-advice.rls").read_text(encoding="utf-8")
    text_ = named(parse(rules, "a.rls"))["cola"]
    begins = rules.index("%%% @cites S13")
    for at in [i for i in range(begins, len(rules)) if rules[i].isalnum()]:
        edited = f"{rules[:at]}{'x' if rules[at] != 'x' else 'y'}{rules[at + 1 :]}"
        read = parse(edited, "a.rls")
        told += not read.diagnostics
        assert read.diagnostics or named(read).get("cola") != text_, edited[at - 20 : at + 20]
    assert told > 200


def _line(text_: str, at: int) -> str:
    return text_[text_.rfind("\n", 0, at) + 1 : text_.find("\n", at)]


def test_the_hash_of_a_statement_is_that_of_its_triples_as_another_library_reads_them(folder: Path) -> None:
    """What is said of it but its place, then what its graph says: N-Triples, sorted."""
    reviewed(folder, "S12")
    whole = Dataset()
    whole.parse(folder / "statements.trig", format="trig")
    thing, place = URIRef(SPACE + "S12"), {URIRef(CL + name) for name in ("line", "start", "end")}
    said = sorted(_nt(*t) for t in whole.default_graph.triples((thing, None, None)) if t[1] not in place)
    stated = sorted(_nt(*t) for t in whole.graph(thing))
    text_ = "".join(f"{line}\n" for line in [*said, "{", *stated, "}"])
    [last] = state_of(folder, "S12").reviews
    assert last.digest == hashlib.sha256(text_.encode()).hexdigest() and len(stated) == 4


def _nt(subject: Node, predicate: Node, value: Node) -> str:
    return " ".join(node.n3() for node in (subject, predicate, value)) + " ."  # type: ignore[attr-defined]


# of several reviews the last counts


def test_of_several_reviews_the_last_counts_and_all_are_kept(folder: Path) -> None:
    reviewed(folder, "S13")
    reviewed(folder, "S13", state="approved", by="head")
    assert state_of(folder, "S13").state == "approved"
    reviewed(folder, "S13", state="draft")
    found = state_of(folder, "S13")
    assert (found.state, found.stale) == ("draft", False)
    assert [one.state for one in found.reviews] == ["reviewed", "approved", "draft"]


def test_a_review_of_what_was_changed_makes_it_reviewed_again(folder: Path) -> None:
    reviewed(folder, "S13", state="approved")
    edit(folder / "statements.trig", 'cl:modality "may"', 'cl:modality "asserted"')
    reviewed(folder, "S13")
    assert state_of(folder, "S13").state == "reviewed"


# what can be wrong with one

WRONG = {
    "a statement that there is not": ("cl:reviews  ex:S13", "cl:reviews  ex:S33", "unknown-reference"),
    "nobody who is declared": ("ex:reader ;", "ex:raeder ;", "unknown-reference"),
    "no day": ('dcterms:date  "2026-03-15"^^xsd:date', 'dcterms:date  "in March"', "incomplete"),
    "a state of another vocabulary": ("cl:reviewState  cl:reviewed", "cl:reviewState  cl:present", "incomplete"),
    "a hash that is none": ('cl:reviewedAs  "', 'cl:reviewedAs  "0', "shape"),
    "two people": ("ex:reader ;", "ex:reader , ex:head ;", "shape"),
}


@pytest.mark.parametrize("what", WRONG)
def test_check_refuses_a_review_that_names(what: str, folder: Path) -> None:
    old, new, code = WRONG[what]
    reviewed(folder, "S13")
    path = folder / "reviews.ttl"
    path.write_text(re.sub(r"(?<=\S)  +", "  ", path.read_text(encoding="utf-8")), encoding="utf-8")
    edit(path, old, new)
    found = [one for one in review(folder) if one.severity == "error"]
    assert code in {one.code for one in found}
    assert all(one.span.file == "short-nights/reviews.ttl" and one.span.line and one.hint for one in found), found


# what a conclusion says


def test_a_conclusion_is_reviewed_no_further_than_the_weakest_part_of_its_proof(folder: Path) -> None:
    """The statement that a fact comes from counts, the rule, and the rules that only read the record."""
    reviewed(folder, state="approved", by="head")
    assert set(said_by(assessed(folder)).values()) == {"approved"}
    reviewed(folder, "score")
    states_ = said_by(assessed(folder))
    resting = ["advice:BED_EARLIER", "advice:NAP", "conflict:CP01", "tired:PROBABLY"]
    assert sorted(id_ for id_, state in states_.items() if state == "reviewed") == resting
    assert {state for id_, state in states_.items() if id_ not in resting} == {"approved"} and len(states_) > 5
    edit(folder / "statements.trig", 'cl:modality "may"', 'cl:modality "asserted"')
    assert said_by(assessed(folder))["caution:COLA"] == "draft"


def test_the_state_is_said_once_where_all_are_alike_and_beside_each_where_they_differ(folder: Path) -> None:
    reviewed(folder)
    alike = [line.text for line in text.assessment(assessed(folder))]
    assert "! The encoding that these conclusions rest on has been reviewed, and not all of it approved." in alike
    assert not [line for line in alike if line.endswith("· reviewed")]
    reviewed(folder, "cola", state="draft")
    lines = [line.text for line in text.assessment(assessed(folder))]
    assert "! The encoding has been reviewed in part. Conclusions: 5 reviewed, 1 draft." in lines
    assert "    from f3 · cites S13 · draft" in lines and "    from f2, f7 · cites S09 · reviewed" in lines


def test_every_form_of_an_assessment_gives_the_state(folder: Path) -> None:
    reviewed(folder)
    reviewed(folder, "cola", state="draft")
    found = assessed(folder)
    assert {c["id"]: c["review"] for c in json.loads(found.to_json())["conclusions"]} == said_by(found)
    html = page.page(found)
    assert html.count('<span class="tag draft">draft</span>') == 1 and html.count(">reviewed</span>") == 5
    graph = prov.graph(found)
    drafts = set(graph.subjects(URIRef(CL + "reviewState"), URIRef(CL + "draft")))
    assert {str(graph.value(one, URIRef(CL + "conclusionValue"))) for one in drafts} == {"COLA"}
    bundle = fhir.bundle(found)
    told = {
        by["conclusion"]: by["review"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Provenance"
        and (by := {e["url"].rsplit("/", 1)[-1]: e["valueString"] for e in entry["resource"].get("extension", ())})
    }
    assert told == said_by(found)
    assert "Review of the encoding behind it: draft." in json.dumps(bundle)


def test_a_checker_of_its_own_accepts_the_states_and_no_others(folder: Path) -> None:
    reviewed(folder)
    reviewed(folder, "cola", state="draft")
    found = assessed(folder)
    document = json.loads(found.to_json())
    proofs = [found.why(id_).to_dict() for id_ in found.by_id]
    assert certify(document, proofs, found.knowledge, found.case, found.at) == ()
    for conclusion in document["conclusions"]:
        true = conclusion["review"]
        for other in {"draft", "reviewed", "approved"} - {true}:
            conclusion["review"] = other
            [fault] = certify(document, proofs, found.knowledge, found.case, found.at)
            assert fault.step == conclusion["id"] and "'review'" in fault.what
        conclusion["review"] = true


def test_every_part_of_a_proof_counts_alone_and_nothing_else_does() -> None:
    """Each part in turn is the only one that is not approved: the rules and statements of all ways, and of the fields.

    What a conclusion rests on is read from the documents that are printed of it.
    """
    known, patient = b12.knowledge(), ROOT / "examples" / "patient.yaml"
    first = assess(known, patient, "2026-03-15")
    rests = {id_: set(_parts([first.by_id[id_].to_dict(), first.why(id_).to_dict()["steps"]])) for id_ in first.by_id}
    by = Iri(SPACE + "reader")
    approved, short = (
        (Review(state, by, "Example Reader", DAY, "", "", outdated=False),) for state in ("approved", "reviewed")
    )
    things = {one.name: one.iri for one in states.of(known)}
    everything = dict.fromkeys(things.values(), approved)
    parts = sorted(set[str]().union(*rests.values()))
    unused = sorted(things.keys() - set(parts))[::20]
    assert len(parts) > 50 and len(unused) > 10
    for name in (*parts, *unused):
        found = assess(replace(known, reviews=everything | {things[name]: short}), patient, "2026-03-15")
        assert {id_ for id_, state in said_by(found).items() if state == "reviewed"} == {
            id_ for id_, on in rests.items() if name in on
        }, name


def _parts(document: object) -> Iterator[str]:
    """The rules and statements that a document names, however deep, but for what held beside it, which it shows too."""
    if isinstance(document, dict):
        yield from (document[key] for key in ("rule", "inherited_from") if document.get(key))
        yield from (one for key in ("rules", "statements") for one in document.get(key, ()))
        document = [below for key, below in document.items() if key != "also"]
    for below in document if isinstance(document, list) else ():
        yield from _parts(below)


# the command


def test_a_review_is_written_as_the_house_writes_and_loses_no_comment(folder: Path, citelog: Command) -> None:
    written = citelog(
        "review", "S13", "cola", "--state", "reviewed", "--by", "reader", "--on", "2026-03-15", "--kb", folder
    )
    assert (written.status, written.out) == (
        0, "short-nights/reviews.ttl: S13 is reviewed\nshort-nights/reviews.ttl: cola is reviewed\n"
    )  # fmt: skip
    edit(folder / "reviews.ttl", "ex:review_S13_1", "# by hand\nex:review_S13_1")
    note = ("--note", 'reads "may"\tas printed')
    more = citelog(
        "review",
        "S13",
        "--state",
        "approved",
        "--by",
        "Example Head (fictitious)",
        "--on",
        "2026-03-16",
        *note,
        "--kb",
        folder,
    )
    assert more.status == 0, more.err
    kept = (folder / "reviews.ttl").read_text(encoding="utf-8")
    assert "# by hand\nex:review_S13_1" in kept and 'rdfs:comment          "reads \\"may\\" as printed"' in kept
    assert citelog("fmt", "--check", "--kb", folder).status == citelog("check", "--strict", "--kb", folder).status == 0


def test_the_list_says_who_looked_and_counts_first(folder: Path, citelog: Command) -> None:
    reviewed(folder, "S13")
    listed = citelog("review", "--kb", folder)
    lines = listed.out.splitlines()
    assert lines[1:3] == ["  15 statements: 14 draft, 1 reviewed", "  23 rules: 23 draft"]
    assert [line.split()[:2] for line in lines if "Example Reader (fictitious), 2026-03-15" in line] == [
        ["S13", "reviewed"]
    ]
    document = json.loads(citelog("review", "S13", "cola", "--format", "json", "--kb", folder).out)
    assert [(one["name"], one["state"], one["by"], one["stale"]) for one in document["reviews"]] == [
        ("S13", "reviewed", "Example Reader (fictitious)", False), ("cola", "draft", None, False)
    ]  # fmt: skip


def test_how_a_reviewer_is_declared_is_told_by_the_prefixes_that_the_files_have(citelog: Command) -> None:
    ended = citelog("review", "G01", "--state", "reviewed", "--by", "zed", "--on", "2026-03-15")
    declared = 'b12:somebody a prov:Agent ; rdfs:label "Some Body" .'
    assert (ended.status, ended.out) == (2, "") and ended.err.endswith(f"in about.ttl or reviews.ttl: {declared}\n")


WHO_AND_WHEN = ("--by", "reader", "--on", "2026-03-15")
REFUSED = {
    "a name that there is not": (("colla", "--state", "reviewed", *WHO_AND_WHEN), "did you mean cola?"),
    "somebody unknown": (
        ("S13", "--state", "reviewed", "--by", "raeder", "--on", "2026-03-15"),
        "did you mean reader?",
    ),
    "a month for a day": (("S13", "--state", "reviewed", "--by", "reader", "--on", "2026-03"), "2026-03-15"),
    "a day that is none": (("S13", "--state", "reviewed", "--by", "reader", "--on", "2026-02-30"), "2026-03-15"),
    "nobody": (("S13", "--state", "reviewed", "--on", "2026-03-15"), "--by AGENT"),
    "no thing": (("--state", "reviewed", *WHO_AND_WHEN), "name the statements"),
    "a note without a review": (("S13", "--note", "well"), "--state"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_and_writes_nothing(what: str, folder: Path, citelog: Command) -> None:
    arguments, hint = REFUSED[what]
    ended = citelog("review", *arguments, "--kb", folder)
    assert (ended.status, ended.out) == (2, "") and hint in ended.err
    assert not (folder / "reviews.ttl").exists()


def test_nothing_is_reviewed_while_check_finds_an_error(folder: Path, citelog: Command) -> None:
    """Of a quote that is not in the document nobody can say that it is right."""
    edit(folder / "segments.ttl", 'cl:text        "Sleep well!"', 'cl:text        "Sleep!"')
    found = opened(folder)
    assert found.knowledge is not None, "an answer does not rest on segments"
    with pytest.raises(KnowledgeError, match="segment-"):
        record(folder, found, chosen(found.knowledge, ["S13"]), Said("reviewed", Iri(SPACE + "reader"), DAY, ""))
    edit(folder / "statements.trig", "Cola in the afternoon may", "Cola in the morning may")
    ended = citelog("review", "S01", "--state", "reviewed", "--by", "reader", "--on", "2026-03-15", "--kb", folder)
    assert ended.status == 2 and "quote-not-found" in ended.err and not (folder / "reviews.ttl").exists()


# who wrote it


def git(folder: Path, who: str, day: str, *arguments: str) -> None:
    moment = f"{day}T23:30:00-05:00"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": who, f"GIT_{role}_EMAIL": "a@example.org", f"GIT_{role}_DATE": moment}
    subprocess.run(["git", "-C", str(folder), *arguments], env=environment, check=True, capture_output=True)


def changes(citelog: Command, folder: Path, *names: str) -> list[str]:
    document = json.loads(citelog("review", *names, "--format", "json", "--kb", folder).out)
    return [
        f"{one['changed_by']}, {one['changed_on']}{', and not committed' if one['uncommitted'] else ''}"
        for one in document["reviews"]
    ]


def test_who_wrote_a_statement_or_a_rule_last_is_asked_of_git(folder: Path, citelog: Command) -> None:
    """By the day where they were; a line of a statement's graph is one of its own, a rule's tags are the rule's."""
    git(folder, "Ada", "2026-01-05", "init", "-q")
    assert changes(citelog, folder, "S13") == ["None, None, and not committed"]
    git(folder, "Ada", "2026-01-05", "add", ".")
    git(folder, "Ada", "2026-01-05", "commit", "-qm", "begun")
    edit(folder / "statements.trig", "ex:earlierBy 1 .", "ex:earlierBy 1 . ex:NAP ex:earlierBy 1 .")
    edit(
        folder / "rules" / "30-advice.rls",
        '%%% @cites S13\n#[name("cola")]',
        '%%% By day.\n%%% @cites S13\n#[name("cola")]',
    )
    git(folder, "Ben", "2026-02-07", "commit", "-qam", "more")
    edit(folder / "statements.trig", 'cl:modality "usually"', 'cl:modality "may"')
    assert changes(citelog, folder, "S10", "S13", "S14", "cola", "nap") == [
        "Ben, 2026-02-07", "Ada, 2026-01-05", "Ada, 2026-01-05, and not committed", "Ben, 2026-02-07", "Ada, 2026-01-05"
    ]  # fmt: skip


def test_outside_of_a_repository_it_is_said_that_git_knows_nothing(folder: Path, citelog: Command) -> None:
    listed = citelog("review", "S13", "--kb", folder)
    assert "  git knows nothing of who changed what: not a git repository\n" in listed.out
    assert changes(citelog, folder, "S13") == ["None, None"]
