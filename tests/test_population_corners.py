"""Many patients at once: what few knowledge bases and few records have, each as a case that one alone is held to."""

from __future__ import annotations

import datetime
import errno
import gc
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

import populations
import random_knowledge
from citelog import home
from citelog.conclusions import DerivationError
from citelog.diagnostics import CaseError, CitelogError
from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.load import load
from citelog.patient.facts import PATIENT
from citelog.population import edited
from citelog.population.counts.summing import summary
from citelog.population.opened import Opened, opened
from citelog.population.pictures import Wordings
from citelog.population.program.queries import RefusedError
from citelog.population.run import Options, run
from citelog.proof.support import Supports
from citelog.proof.words import sentence
from commits import at_each_commit
from test_fhir import condition
from test_population_inputs import ferritin, ndjson, someone
from test_reviews import SHORT_NIGHTS

DAY = random_knowledge.DAY
LOW = {"labs": [{"analyte": "fe", "value": "7.5", "unit": "ug"}, {"analyte": "fe", "value": "1", "unit": "ug"}]}
HIGH = {"labs": [{"analyte": "fe", "value": "400", "unit": "mg"}]}
CHAINED, APART = (
    {"labs": [{"analyte": a, "value": v, "unit": "ug"} for a, v in labs]}
    for labs in ((("fe", "1"), ("hb", "1"), ("hb", "30")), (("fe", "2"), ("hb", "30")))
)
TIRED = {"findings": [{"name": "tired", "state": "present"}, {"name": "pale", "state": "absent"}]}


def rules(*written: str) -> Knowledge:
    """Knowledge of some rules, by which every value that they derive is a conclusion."""
    made, wrong = random_knowledge.knowledge(written)
    assert made is not None, wrong
    return random_knowledge.answering(made)


RULES: Mapping[str, tuple[str, ...]] = {
    "values are added up": ("m1(?p, #sum(?v, ?r)) :- result_value(?p, ?r, ?v)",),
    "the least of some values": (
        "m1(?p, #min(?v)) :- result_value(?p, _, ?v)",
        "m2(?p, ?v) :- m1(?p, ?v), ex:low(ex:fe, ?l), ?v < ?l",
    ),
    "what a rule itself computes": (
        "m1(?p, ?v) :- patient(?p), ?x = 1.0, ?y = ?x + 1.0, ?v = ?y",
        "c1(?p, ?v) :- patient(?p), ?x = 1, ?v = ?x + 1, ?v > ?x",
    ),
    "what can never hold": (
        "m1(?p, ?v) :- result_value(?p, _, ?v), ?x = 1, ?x < 0",
        "m2(?p, ?v) :- result_value(?p, _, ?v), ?x = 1.0 / 0.0, ?x > 0",
    ),
    "a quotient that some values have": ("m1(?p, ?w) :- result_value(?p, _, ?v), ?w = 1.0 / (?v - 1.0)",),
    "values that no record has": (
        'm1(?p, ?v) :- result_value(?p, _, ?v), ?x = "a", ?x != "b", ?y = true, ?y != false',
    ),
    "a value that a rule has named": (
        "t1(?p, ?u) :- entry(?p, _, ex:tired, cl:present), ?t = ex:tired, ex:next(?t, ?u)",
        "m1(?p, ?v) :- result_value(?p, _, ?v), ?x = 1.0, ?v = ?x",
        "m2(?p, ?v) :- result_value(?p, _, ?v), ?x = 1.0, ?v > ?x",
    ),
    "a value that only has another name": (
        "m1(?p, ?v) :- result_value(?p, _, ?w), ?v = ?w",
        "t2(?p, ?t) :- entry(?p, _, ?t, cl:unknown)",
        "t1(?p, ?u) :- patient(?p), ?t = ex:tired, ~t2(?p, ?t), ?u = ?t",
    ),
    "one thing follows from the next": (
        "t2(?p, ?t) :- entry(?p, _, ?t, cl:present)",
        "t2(?p, ?u) :- t2(?p, ?t), ex:next(?t, ?u)",
        "t1(?p, ?t) :- t2(?p, ?t)",
    ),
    "one entry leads to the next": (
        "e1(?p, ?r) :- result(?p, ?r, ex:fe)",
        "e1(?p, ?s) :- e1(?p, ?r), result_value(?p, ?r, ?v), result_value(?p, ?s, ?v)",
        "e1(?p, ?s) :- e2(?p, ?s)",
        "e2(?p, ?s) :- e1(?p, ?r), result(?p, ?r, ?t), result(?p, ?s, ?t)",
        "m1(?p, ?v) :- e1(?p, ?r), result_value(?p, ?r, ?v), ex:low(ex:hb, ?l), ?v > ?l",
    ),
    "what nothing derives": ("m1(?p, ?v) :- result_value(?p, _, ?v), ~a1(?p)", "m2(?p, ?v) :- m1(?p, ?v), a2(?p)"),
    "what leads to nothing": (
        "ev(?p, ?r, ?v) :- result_value(?p, ?r, ?v)",
        "ev(?p, ?s, ?w) :- ev(?p, ?r, ?v), result_value(?p, ?s, ?w), ?w < ?v",
        "m1(?p, ?v) :- result_value(?p, _, ?v)",
    ),
}
"""Rules by what is odd about them."""


@pytest.mark.parametrize("name", RULES)
def test_rules_give_many_what_they_give_one(name: str, tmp_path: Path) -> None:
    records = {"low": LOW, "high": HIGH, "tired": TIRED, "chained": CHAINED, "apart": APART, "nothing": {}}
    compared = populations.compare(rules(*RULES[name]), records, tmp_path, DAY)
    assert compared.differences == []
    assert (compared.conclusions > 0) != (name == "what can never hold")


def test_where_nothing_can_be_concluded_everyone_is_without(tmp_path: Path) -> None:
    made = rules(*RULES["what can never hold"])
    answered(made, {"low": LOW, "nothing": {}}, tmp_path)
    found = summary(opened(tmp_path / "out"), made)
    assert (found.patients, found.without, found.groups, found.answers) == (2, 2, (), ())


def answered(knowledge: Knowledge, records: Mapping[str, Any], folder: Path) -> None:
    populations.write(folder / "data", records)
    run(knowledge, folder / "data", folder / "out", Options(DAY))


def test_of_a_kind_that_everyone_has_once_somebody_with_two_is_named(tmp_path: Path) -> None:
    made, _ = random_knowledge.knowledge(["t1(?p, ?t) :- entry(?p, _, ?t, _)"])
    assert made is not None and [kind.exactly_one for kind in made.kinds] == [True]
    with pytest.raises(DerivationError, match=r"2 conclusions of the kind t, not one, to tired: \w+; \w+\n   = let"):
        answered(made, {"tired": TIRED}, tmp_path)


def test_of_a_kind_that_everyone_has_once_somebody_is_named_where_no_rule_gives_it(tmp_path: Path) -> None:
    """By a table that was not there: without a rule, a predicate is about nobody."""
    made, _ = random_knowledge.knowledge(["t1(?p, ?t) :- entry(?p, _, ?t, _)"])
    assert made is not None
    without = replace(rules("a1(?p) :- patient(?p)"), kinds=made.kinds)
    with pytest.raises(DerivationError, match="0 conclusions of the kind t, not one, to tired: it has no rules"):
        answered(without, {"tired": TIRED}, tmp_path)


def test_a_kind_whose_value_is_an_entry_is_refused(tmp_path: Path) -> None:
    made = rules("e1(?p, ?r) :- entry(?p, ?r, ex:tired, cl:present)")
    kind = Kind("e1", "e1", "e1", 0, False, False, False, False, "", ())
    with pytest.raises(RefusedError, match="the kind e1 has an entry as its value, which has no name among many"):
        answered(replace(made, kinds=(kind,), notes=()), {"tired": TIRED}, tmp_path)


def test_a_rule_that_is_nested_too_deep_for_many_is_refused(tmp_path: Path) -> None:
    made = rules(f"m1(?p, ?v) :- result_value(?p, _, ?v){', ?v > 0' * 60}")
    with pytest.raises(RefusedError, match="the rule r0 is nested too deep to be run on many patients"):
        answered(made, {"low": LOW}, tmp_path)


def test_answers_go_into_a_folder_that_holds_nothing_else(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED})
    file = tmp_path / "data" / "findings.csv"
    for folder, what in (
        (file, "this is a file"),
        (tmp_path / "data", "this folder holds other things"),
        (file / "out", "it cannot be written to: Not a directory"),
    ):
        with pytest.raises(CaseError, match=what):
            run(made, tmp_path / "data", folder, Options(DAY))
    assert not (tmp_path / "data" / "scratch").exists()


def test_a_folder_into_which_a_run_writes_is_refused_to_another(tmp_path: Path) -> None:
    """The second took the scratch folder from under the first, and both wrote their answers into one folder."""
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED})
    refused: list[str] = []

    def told(*_: object) -> None:
        with pytest.raises(CaseError, match="another run is writing its answers here") as error:
            run(made, tmp_path / "data", tmp_path / "out", Options(DAY))
        refused.append(str(error.value))

    assert run(made, tmp_path / "data", tmp_path / "out", Options(DAY), told).counts["conclusions"] == 1
    assert len(refused) > 3 and "\n   = wait for its end" in refused[0]
    assert not (tmp_path / "out" / "scratch").exists()


def test_a_folder_that_cannot_be_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(
        CaseError, match=r"out: it cannot be locked: No locks available\n   = name a folder on a disk of"
    ):
        run(rules(), tmp_path, tmp_path / "out", Options())


def test_where_the_folder_is_taken_away_meanwhile_the_disk_is_named(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED})

    def told(what: str, *_: int) -> None:
        if what == "writing":
            shutil.rmtree(tmp_path / "out" / "store")

    with pytest.raises(CaseError, match=r"the disk failed: .*store.*\n   = see to the disk"):
        run(made, tmp_path / "data", tmp_path / "out", Options(DAY), told)


CHANGES = {
    "replaced": lambda file, other: other.replace(file),
    "grown": lambda file, other: file.write_bytes(file.read_bytes() + b"more\n"),
    "shrunk": lambda file, other: os.truncate(file, 40),
    "gone": lambda file, other: file.unlink(),
    "written in its place": lambda file, other: file.write_bytes(other.read_bytes()),
}


WHENEVER = ["bringing records together", "looking at the data", "writing", "running the rules"]


@pytest.mark.parametrize("when", at_each_commit(WHENEVER))
@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("ending", ["csv", pytest.param("parquet", marks=pytest.mark.long)])
def test_data_that_change_while_they_are_read_give_no_answers_and_are_named(
    ending: str, how: str, when: str, tmp_path: Path
) -> None:
    """Half of the one and half of the other were: a result that was there before and after was none on record."""
    made = rules("m1(?p, #sum(?v, ?r)) :- result_value(?p, ?r, ?v)")
    for name, record in (("data", LOW), ("other", HIGH)):
        populations.write(tmp_path / name, {"somebody": record})
        if ending == "parquet":
            table, path = tmp_path / name / "labs.csv", tmp_path / name / "labs.parquet"
            duckdb.execute(f"COPY (FROM read_csv('{table}', all_varchar = true)) TO '{path}'")
            table.unlink()
    file, other = (tmp_path / name / f"labs.{ending}" for name in ("data", "other"))
    seen: list[str] = []

    def told(what: str, *_: int) -> None:
        if what == when and not seen:
            CHANGES[how](file, other)
        if what == when:
            seen.append(what)

    told_so = "it was changed while it was being read\n   = run it again when nobody writes to it"
    with pytest.raises(CaseError, match=rf"data/labs\.{ending}: {told_so}"):
        run(made, tmp_path / "data", tmp_path / "out", Options(DAY), told)
    assert seen and not (tmp_path / "out").exists()


def test_answers_that_are_written_anew_while_one_is_opened_are_no_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the one run, and the days and conclusions of the other: the two roads were told to disagree."""
    made = rules("m1(?p, #sum(?v, ?r)) :- result_value(?p, ?r, ?v)")
    for name, record in (("data", LOW), ("other", HIGH)):
        populations.write(tmp_path / name, {"somebody": record})
    run(made, tmp_path / "data", tmp_path / "out", Options(DAY))
    look = Opened.look

    def late(self: Opened, name: str, *asked: Any) -> list[Any]:
        if name.startswith("store/wordings") and self.document == before.document:
            monkeypatch.setattr(Opened, "look", look)
            run(made, tmp_path / "other", tmp_path / "out", Options(DAY))
        return look(self, name, *asked)

    before = opened(tmp_path / "out")
    monkeypatch.setattr(Opened, "look", late)
    with pytest.raises(CaseError, match=r"out: its answers were written anew while they were read\n   = ask again"):
        before.assessment("somebody", made)
    assert opened(tmp_path / "out").assessment("somebody", made)


def test_a_run_leaves_the_collector_of_python_as_it_was(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED})
    gc.disable()
    try:
        run(made, tmp_path / "data", tmp_path / "out", Options(DAY))
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert run(made, tmp_path / "data", tmp_path / "out", Options(DAY)) and gc.isenabled()


def test_spark_is_given_no_folder_whose_path_it_reads_as_something_else(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    with pytest.raises(CaseError, match=r"Spark reads '\*' in a path as something else\n   = name another folder"):
        run(made, tmp_path, tmp_path / "answers*", Options(DAY, master="local[1]"))
    assert list(tmp_path.iterdir()) == []


# a run that was stopped


class Stopped(Exception):
    """Somebody pulled the plug."""


def stopped(made: Knowledge, folder: Path, when: str) -> None:
    """A run in shares that ends as the second share is about to be done."""

    def told(what: str, done: int, _: int) -> None:
        if (what, done) == (when, 1):
            raise Stopped

    with pytest.raises(Stopped):
        run(made, folder / "data", folder / "out", Options(DAY, share_rows=2), told)


@pytest.mark.parametrize("when", ["bringing records together", "writing notes"])
def test_a_run_goes_on_where_it_was_stopped(when: str, tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)", "e1(?p, ?r) :- result(?p, ?r, ex:fe)")
    records = {f"{name}{i}": record for i in range(3) for name, record in (("tired", TIRED), ("chained", CHAINED))}
    populations.write(tmp_path / "data", records)
    stopped(made, tmp_path, when)
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*-000.parquet")}
    run(made, tmp_path / "data", tmp_path / "out", Options(DAY, share_rows=2))
    assert left and all(path.stat().st_mtime_ns == at for path, at in left.items() if path.exists())
    assert populations.written(tmp_path / "out") == populations.alone(made, records, DAY)


def test_what_a_run_had_finished_is_nothing_to_another_and_stays_where_that_is_refused(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED, "again": TIRED})
    stopped(made, tmp_path, "bringing records together")
    findings = tmp_path / "data" / "findings.csv"
    whole = findings.read_bytes()
    findings.write_bytes(b"patient,name\ntired,\xff\n")
    with pytest.raises(CaseError, match="this is not UTF-8 text"):
        run(made, tmp_path / "data", tmp_path / "out", Options(DAY))
    assert (tmp_path / "out" / "scratch" / "work.db").exists()
    findings.write_bytes(whole.replace(b"present", b"absent", 1))
    said = populations.together(made, tmp_path / "data", tmp_path / "out", DAY, share_rows=2)
    assert {row[0] for row in said["conclusions"]} == {"again"}


# since an earlier run


EDITS: Mapping[str, tuple[str, str, str]] = {
    "a rule over what an entry says and what another rule says": (
        "m1(?p, ?v) :- e1(?p, _), result_value(?p, _, ?v)",
        "m1(?p, ?v) :- e1(?p, ?r), result_value(?p, _, ?v), t2(?p, ?t), entry(?p, ?r, ?t, _)",
        """e1(?p, ?r) :- entry(?p, ?r, ex:tired, cl:present)
           e1(?p, ?r) :- entry(?p, ?r, ?t, _), t2(?p, ?t)
           t2(?p, ?t) :- entry(?p, _, ?t, cl:absent), entry(?p, _, _, cl:present)""",
    ),
    "a rule that does not tell entries apart any more": (
        "m1(?p, ?v) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v), result(?p, ?q, ex:hb), result_value(?p, ?q, _)",
        "m1(?p, ?v) :- result_value(?p, ?r, ?v), result_value(?p, ?q, ?v), ?r != ?q",
        "m2(?p, ?v) :- result_value(?p, _, ?v), patient(?p)",
    ),
    "a rule over values that no record has": (
        'm1(?p, ?v) :- result_value(?p, _, ?v), ?x = "a", ?x != "b", ?y = true',
        'm1(?p, ?v) :- result_value(?p, _, ?v), ?x = "a", ?x != "b", ?y = true, ?y != false',
        "t1(?p, ?t) :- entry(?p, _, ?t, _)",
    ),
}
"""A rule as it was and as it is, and the others beside it."""
PEOPLE = {
    "low": LOW,
    "tired": TIRED,
    "chained": CHAINED,
    "both": {**LOW, **TIRED},
    "nothing": {},
    "alone": {"findings": [{"name": "pale", "state": "absent", "when": f"2024-01-02{blank}"} for blank in ("", " ")]},
}


def since(before: Knowledge, now: Knowledge, folder: Path) -> None:
    """A run since another gives what a new run gives."""
    for name, made, earlier in (("before", before, None), ("whole", now, None), ("since", now, folder / "before")):
        run(made, folder / "data", folder / name, Options(DAY, is_sorted=True, since=earlier))
    assert populations.everything(folder / "since") == populations.everything(folder / "whole")


@pytest.mark.parametrize("edit", EDITS)
def test_after_an_edit_a_run_since_another_gives_what_a_new_run_gives(
    edit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited, "MOST", 1)
    was, now, others = EDITS[edit]
    populations.write(tmp_path / "data", PEOPLE)
    since(rules(was, *others.splitlines()), rules(now, *others.splitlines()), tmp_path)
    assert json.loads((tmp_path / "since" / "run.json").read_text())["counts"]["alone"] == 1


def test_after_an_edit_of_how_something_is_told_it_is_told_so(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    named = tuple(replace(kind, name=f"sign {kind.name}") for kind in made.kinds)
    populations.write(tmp_path / "data", PEOPLE)
    since(made, replace(made, kinds=named), tmp_path)
    assert {row[1] for row in populations.written(tmp_path / "since")["conclusions"]} == {"sign t1"}


def test_since_a_run_over_files_that_are_not_there_any_more_all_is_read(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", PEOPLE)
    run(made, tmp_path / "data", tmp_path / "before", Options(DAY))
    (tmp_path / "data" / "labs.csv").unlink()
    run(made, tmp_path / "data", tmp_path / "out", Options(DAY, since=tmp_path / "before"))
    with pytest.raises(CitelogError, match="--since names the folder for the answers itself\n   = name another"):
        run(made, tmp_path / "data", tmp_path / "out", Options(DAY, since=tmp_path / "out"))
    counts = [json.loads((tmp_path / name / "run.json").read_text())["counts"]["rows"] for name in ("before", "out")]
    assert counts[0] == counts[1] + sum(len(record.get("labs", ())) for record in PEOPLE.values())


def test_on_a_disk_without_links_what_stays_the_same_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlinked: list[str] = []

    def no_links(path: Path, target: Path) -> None:
        unlinked.append(path.name)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {name: record for name, record in PEOPLE.items() if name != "alone"})
    since(made, made, tmp_path)
    assert {"conclusions.parquet", "notes.parquet", "firings.parquet"} <= set(unlinked)


def test_two_wordings_of_one_hash_are_refused_and_never_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wordings, "hash", property(lambda self: "7::UBIGINT"))
    populations.write(tmp_path / "data", {"tired": TIRED})
    with pytest.raises(CitelogError, match=r"two wordings of the data have one hash.*\n   = split the population"):
        run(rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)"), tmp_path / "data", tmp_path / "out", Options(DAY))


def test_a_note_that_is_about_no_entry_is_told_of_none(tmp_path: Path) -> None:
    made = replace(rules("t2(?p, ?t) :- entry(?p, _, ?t, cl:present)"), kinds=(), notes=("t2",))
    assert populations.compare(made, PEOPLE, tmp_path, DAY).differences == []


def test_patients_need_no_table_of_their_own(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    populations.write(tmp_path / "data", {"tired": TIRED})
    (tmp_path / "data" / "patients.csv").unlink()
    said = populations.together(made, tmp_path / "data", tmp_path / "out", DAY)
    assert list(said["conclusions"]) == [("tired", "t1", "tired", None)]


GAPS = (
    "t2(?p, ?t) :- entry(?p, _, ?t, cl:unknown)",
    "t1(?p, ?t) :- entry(?p, _, ?t, cl:present), ~t2(?p, ?t)",
    "m2(?p, ?v) :- result_bound(?p, _, _, ?v)",
    "m1(?p, ?v) :- result_value(?p, _, ?v), ~m2(?p, ?v)",
    "d2(?p, ?t, ?d) :- result(?p, ?r, ?t), recorded_when(?p, ?r, ?d, _)",
    "d1(?p, ?d) :- entry(?p, ?r, _, _), recorded_when(?p, ?r, ?d, _), ~d2(?p, ex:fe, ?d)",
    "c2(?p, ?t, ?n) :- entry(?p, _, ?t, cl:present), ex:points(?t, ?n)",
    "c1(?p, ?n) :- c2(?p, ?t, ?n), ~c2(?p, ex:dizzy, ?n)",
    "e1(?p, ?r) :- result(?p, ?r, _), entry(?p, _, ex:pale, cl:present), ~result_value(?p, ?r, _)",
)


def test_what_answers_rest_on_that_is_not_on_record_is_counted_by_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each value that a rule found absent is a gap of its own: a term, a number, a day, a count; an entry is any."""
    plain = random_knowledge.written
    monkeypatch.setattr(random_knowledge, "written", lambda some: plain(some).replace("@unless", "@assumes"))
    made = rules(*GAPS)
    dated = {"findings": [{"name": "pale", "state": "present", "when": "2024-01-02"}], "labs": [{"analyte": "hb"}]}
    records = {"low": LOW, "tired": TIRED, "again": TIRED, "dated": dated, "both": {**LOW, **dated}}
    answered(made, records, tmp_path)
    gaps: Counter[str] = Counter()
    for one in populations.assessments(made, records.values(), DAY):
        supports = Supports(one.run, one.words)
        firings = [firing for name in one.run.facts for atom in one.run.atoms(name) for firing in one.run.firings(atom)]
        texts = {sentence(text) + "." for firing in firings for text, _ in supports.assumptions(firing)}
        gaps.update(map(_nameless, texts))
    found = summary(opened(tmp_path / "out"), made).gaps
    assert {_nameless(gap.text): gap.patients for gap in found} == gaps


def _nameless(text: str) -> str:
    """What stands for whoever it is, and for an entry, in the words of one patient and of many."""
    return re.sub(rf"{PATIENT.value}|Hb: no value recorded|an entry|any \w+", "any", text)


NIGHTS = """
ex:kind_plan a cl:ConclusionKind ; cl:order 6 ; skos:notation "plan" ; cl:derivedBy "plan" .
ex:predicate_plan a cl:DerivedPredicate ; cl:signature "plan(patient: patient, value: term, role: number)" ;
    cl:sentence "of {value}, {role}" ; cl:absence "not of {value}, {role}" .
ex:note_doubled a cl:NoteKind ; cl:derivedBy "doubled" .
ex:predicate_doubled a cl:DerivedPredicate ; cl:signature "doubled(patient: patient, one: record, other: record)" ;
    cl:sentence "{one} and {other} are the same" ; cl:absence "{one} and {other} are not the same" .
"""
DOUBLED = """
%! Nights of one length.

@prefix ex: <https://example.org/short-nights#> .

%%% @cites S05
#[name("doubled")]
doubled(?p, ?one, ?other) :- slept(?p, ?one, ?minutes), slept(?p, ?other, ?minutes), ?one != ?other .

%%% @cites S14
#[name("plan")]
plan(?p, ex:NAP, ?minutes) :- slept(?p, _, ?minutes) .
"""


@pytest.fixture
def nights(tmp_path: Path) -> Knowledge:
    """Short nights, where a conclusion has a number beside its value, and a note is about two entries."""
    folder = Path(shutil.copytree(SHORT_NIGHTS, tmp_path / "short-nights"))
    (folder / "rules" / "60-doubled.rls").write_text(DOUBLED.lstrip(), encoding="utf-8")
    with (folder / "predicates.ttl").open("a", encoding="utf-8") as file:
        file.write(NIGHTS)
    found = load(folder, home.ontology())
    assert found.knowledge is not None, found.diagnostics
    return found.knowledge


def test_a_note_about_two_entries_and_a_number_beside_a_value(nights: Knowledge, tmp_path: Path) -> None:
    def night(*hours: str) -> dict[str, Any]:
        days = (datetime.date(2024, 6, i) for i in range(1, 9))
        entry = {"analyte": "night", "unit": "hours"}
        return {"labs": [{**entry, "value": each, "when": f"{day}"} for each, day in zip(hours, days, strict=False)]}

    records = {"one": night("8.5"), "twice": night("8.5", "8.5"), "two": night("8.5", "9"), "none": {}}
    assert populations.compare(nights, records, tmp_path, DAY).differences == []
    written = populations.written(tmp_path / "out")
    assert {row[3] for row in written["conclusions"] if row[1] == "plan"} == {"510", "540"}
    assert {row[0] for row in written["notes"] if "are the same" in row[1]} == {"twice"}


def test_a_patient_of_an_export_is_opened_with_the_codes_that_it_has(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.ndjson").write_text(ndjson(someone(), ferritin(), condition()), encoding="utf-8")
    run(made, tmp_path / "data", tmp_path / "out", Options(DAY))
    case = opened(tmp_path / "out").assessment("p1", made).case
    assert [item.codes for item in case.gathered.items if item.list == "labs"] == [("loinc:2276-4",)]
    assert case.original is None


def test_how_far_the_files_of_an_export_are_read_is_told(tmp_path: Path) -> None:
    made = rules("t1(?p, ?t) :- entry(?p, _, ?t, cl:present)")
    (tmp_path / "data").mkdir()
    for name, lines in (("a", ndjson(someone())), ("b", ndjson(ferritin()))):
        (tmp_path / "data" / f"{name}.ndjson").write_text(lines, encoding="utf-8")
    told: list[tuple[str, int, int]] = []
    run(made, tmp_path / "data", tmp_path / "out", Options(DAY), lambda *step: told.append(step))
    assert [step[1:] for step in told if step[0] == "reading the export"] == [(0, 2), (1, 2), (2, 2)]
