"""Many patients at once: the same answers that each would get alone, from files of any size and in any order."""

from __future__ import annotations

import contextlib
import datetime
import doctest
import io
import json
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import authoring
import b12
import populations
import random_knowledge
import walked
from citelog import home
from citelog.assess import assess
from citelog.diagnostics import CaseError, CitelogError
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.population import answers, edited, lonely, pictures, run, shares
from citelog.population.derivation import components
from citelog.population.derivation.state import Derivation
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine
from citelog.population.opened import DisagreementError, opened
from citelog.population.program.compiled import JOINT, Names, of_components
from citelog.population.program.plan import plan
from citelog.population.program.values import Values
from citelog.population.run import Options
from citelog.population.shares import Share
from citelog.rules import language as rules
from citelog.rules.check import check
from citelog.rules.program import Argument, Predicate, Program
from citelog.rules.syntax import parse
from citelog.run.datalog import DeadlineError, Machine
from citelog.values import Atom
from commits import at_each_commit
from oracle.random_cases import random_case
from random_programs import drawn

AT = datetime.date(2026, 3, 15)
SEEDS = (*range(7), 15)  # in the last, what is absent is asked for first
PAGE = Path(__file__).parent.parent / "docs" / "POPULATIONS.md"
EDGES: dict[str, populations.Record] = {
    "nothing": {},
    "twice": {"labs": [{"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L"}] * 2},
    "spelt in two ways": {
        "findings": [
            {"name": "neurological involvement", "state": "present"},
            {"name": "Neurological  Involvement", "state": "Present"},
        ],
        "labs": [
            {"analyte": "serum vitamin B12", "value": "haemolysed", "unit": "pmol/L"},
            {"analyte": "serum vitamin B12", "value": "Haemolysed", "unit": "pmol/L"},
        ],
    },
    "superseded": {
        "labs": [
            {"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "when": "2026-01-02T08:00:00Z"},
            {"analyte": "serum vitamin B12", "value": "400", "unit": "pmol/L", "when": "2026-02"},
        ]
    },
    "one moment written twice": {
        "labs": [
            {"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "when": "2026-01-02T08:00:00Z"},
            {"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "when": "2026-01-02t08:00:00z"},
        ]
    },
    "unread": {
        "labs": [{"analyte": "B12?", "value": "80"}, {"analyte": "serum vitamin B12", "when": "last spring"}],
        "medications": [{"name": "hydroxocobalamin", "since": "some time", "status": "entered in error"}],
        "conditions": [
            {"name": "pernicious anaemia", "state": "resolved", "certainty": "high"},
            {"name": "malabsorption", "frame": "b", "number": "7", "wording": "a", "c0": "c"},
        ],
        "context": {"age_years": "71", "hair": "grey"},
    },
}
"""Records at the edges of what is shared: the same line twice, spellings, days that are hard to read."""


@pytest.fixture(scope="module")
def records() -> dict[str, populations.Record]:
    """The library of cases, the edges, and some drawn records."""
    rng = random.Random(20)
    some = {name: case.record for name, case in b12.library().items()}
    return some | EDGES | {f"drawn {i}": {**random_case(rng), "id": None} for i in range(60)}


@pytest.fixture(scope="module")
def out(records: dict[str, populations.Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over them."""
    folder = tmp_path_factory.mktemp("population")
    populations.write(folder / "data", records)
    run.run(b12.knowledge(), folder / "data", folder / "out", Options(AT))
    return folder / "out"


def test_every_case_of_the_library_is_answered_as_it_is_alone(
    records: dict[str, populations.Record], out: Path
) -> None:
    one = populations.alone(b12.knowledge(), records, AT)
    assert populations.differences(one, populations.written(out)) == []


AROUND = (None, "last spring", "2024", "2026", "2027", "2026-02", "2026-03", "2026-04", "2026-03-14", "2026-03-15")
"""Days that lie in each way to the day of the assessment: none, unread, before, around, after, on it."""


def test_a_day_is_on_its_side_of_the_day_of_the_assessment_for_many_as_for_one(tmp_path: Path) -> None:
    days = (*AROUND, "2026-03-16")
    records: dict[str, populations.Record] = {
        f"{one} {other}": {
            "labs": [{"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "when": one}],
            "findings": [{"name": "neurological involvement", "state": "absent", "when": other}],
            "medications": [{"name": "hydroxocobalamin", "status": "current", "when": one, "since": other}],
        }
        for one in days
        for other in days
    }
    assert populations.compare(b12.knowledge(), records, tmp_path / "day", AT).differences == []
    notes = populations.written(tmp_path / "day" / "out")["notes"]
    assert sum("after the day of the assessment" in text for _, text, _ in notes) > 100
    few = {f"{day} {day}": records[f"{day} {day}"] for day in days}
    for name, at in (("without", None), ("first", datetime.date.min), ("last", datetime.date.max)):
        assert populations.compare(b12.knowledge(), few, tmp_path / name, at).differences == []


TODAY = """\
c1(?p, #count(?r)) :- recorded_when(?p, ?r, ?d, _), evaluation_day(?p, ?t), ?d < ?t
t1(?p, ?n) :- entry(?p, ?r, ?n, _), recorded_when(?p, ?r, ?d, _), evaluation_day(?p, ?t), ?d <= ?t, \
result(?p, ?q, ex:fe), recorded_when(?p, ?q, ?e, _), ?e > ?t"""
"""Rules that hold days to that of the assessment, and nothing else, but cannot be run on an entry: see of how many."""


@pytest.mark.parametrize("seen", ["", "\nd1(?p, #max(?d)) :- result(?p, ?r, ex:fe), recorded_when(?p, ?r, ?d, _)"])
def test_a_rule_of_several_entries_holds_their_days_to_that_of_the_assessment(seen: str, tmp_path: Path) -> None:
    """Whether rules see the days themselves too, or their order alone."""
    today = random_knowledge.DAY
    days = [str(today + datetime.timedelta(days=away)) for away in (-400, -1, 0, 1)]
    records: dict[str, populations.Record] = {
        f"{one} {other}": {
            "findings": [{"name": "tired", "state": "present", "when": one}, {"name": "pale", "state": "absent"}],
            "labs": [{"analyte": "fe", "value": "12", "unit": "ug", "when": other}],
        }
        for one in days
        for other in days
    }
    compared = populations.compare(ruled_by(TODAY + seen), records, tmp_path, today)
    assert compared.differences == [] and compared.conclusions > 12


@pytest.mark.parametrize(
    "dated", [(), ("recorded_when",), ("medication_since",), ("recorded_when", "medication_since")]
)
def test_that_there_is_a_day_of_the_assessment_is_known_whichever_days_are_seen(
    dated: tuple[str, ...], tmp_path: Path
) -> None:
    rules = ["t1(?p, ?n) :- evaluation_day(?p, _), entry(?p, ?r, ?n, cl:present)"]
    rules += [f"d1(?p, #max(?d)) :- {name}(?p, ?r, ?d, _)" for name in dated]
    records: dict[str, populations.Record] = {
        name: {
            "findings": [{"name": name, "state": "present", "when": when}],
            "medications": [{"name": "tablet", "since": "2024-02"}],
        }
        for name, when in (("tired", "2024-01-02"), ("pale", None))
    }
    for name, at in ("with", random_knowledge.DAY), ("without", None):
        compared = populations.compare(ruled_by("\n".join(rules)), records, tmp_path / name, at)
        assert compared.differences == []
        assert bool(compared.conclusions) == bool(at or dated)


def test_how_long_before_the_day_of_the_assessment_a_finding_is_makes_no_more_pictures(tmp_path: Path) -> None:
    """Nothing in the rules asks for it: days of entries keep their order, and their side of that day."""
    counts = []
    for name, years in (("near", (2025,)), ("far", range(1990, 2026))):
        records: dict[str, populations.Record] = {
            f"{year}": {"findings": [{"name": "neurological involvement", "state": "absent", "when": f"{year}-07-01"}]}
            for year in years
        }
        assert populations.compare(b12.knowledge(), records, tmp_path / name, AT).differences == []
        counts.append(json.loads((tmp_path / name / "out" / "run.json").read_text())["counts"]["pictures"])
    assert counts == [1, 1]


def test_the_run_says_what_it_was(records: dict[str, populations.Record], out: Path) -> None:
    document = json.loads((out / "run.json").read_text())
    assert document["format"] == "citelog-population/1"
    assert document["knowledge"]["sha256"] == b12.knowledge().sha256
    assert document["counts"]["patients"] == len(records)
    assert 0 < document["counts"]["alone"] < 10
    assert document["at"] == AT.isoformat()


def test_a_patient_is_found_again_with_the_same_record(records: dict[str, populations.Record], out: Path) -> None:
    answers = opened(out)
    for patient in (*EDGES, "drawn 7"):
        found = answers.assessment(patient, b12.knowledge())
        wanted = assess(b12.knowledge(), {**populations.plain(records[patient]), "id": patient}, AT)
        one, other = found.to_dict(), wanted.to_dict()
        assert one["case"].pop("sha256") and other["case"].pop("sha256")  # blanks that were written twice
        assert one == other


def test_an_answer_that_was_changed_is_an_incident(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = opened(out)
    more = [*answers.concluded(answers.person("superseded")), ("status", "below_all_cutoffs", None)]
    monkeypatch.setattr(type(answers), "concluded", lambda self, person: more)
    with pytest.raises(DisagreementError, match="only stored: status:below_all_cutoffs"):
        answers.assessment("superseded", b12.knowledge())


class Stopped(Exception):
    """Somebody pulled the plug."""


def test_a_run_in_shares_gives_the_same_and_goes_on_where_it_was_stopped(
    records: dict[str, populations.Record], out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, options = out.parent / "data", Options(AT, share_rows=200)
    gathered: list[int] = []
    stop_at = 2

    def gather(duck: Duck, share: Share, *rest: Any) -> None:
        if share.number == stop_at:
            raise Stopped
        if not duck.has(share.people):
            gathered.append(share.number)
        finish(duck, share, *rest)

    finish = shares.gather
    monkeypatch.setattr(shares, "gather", gather)
    with pytest.raises(Stopped):
        run.run(b12.knowledge(), data, tmp_path / "out", options)
    assert gathered == [0, 1] and not (tmp_path / "out" / "run.json").exists()
    stop_at = -1
    report = run.run(b12.knowledge(), data, tmp_path / "out", options)
    assert gathered == [*range(-(-report.counts["rows"] // 200))]
    assert populations.written(tmp_path / "out") == populations.written(out)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in out.iterdir())
    found = opened(tmp_path / "out").assessment("superseded", b12.knowledge())
    assert found.to_json() == opened(out).assessment("superseded", b12.knowledge()).to_json()


def test_a_run_whose_data_changed_meanwhile_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise Stopped

    populations.write(tmp_path / "data", {"one": EDGES["twice"]})
    with monkeypatch.context() as patch:
        patch.setattr(shares, "bring_together", stopped)
        with pytest.raises(Stopped):
            run.run(b12.knowledge(), tmp_path / "data", tmp_path / "out", Options(AT))
    changed = {"one": EDGES["superseded"]}
    assert populations.compare(b12.knowledge(), changed, tmp_path, AT).differences == []


def test_data_that_cannot_be_used_take_nothing_from_the_answers_of_a_run_before(tmp_path: Path) -> None:
    populations.write(tmp_path / "data", {"one": EDGES["twice"]})
    run.run(b12.knowledge(), tmp_path / "data", tmp_path / "out", Options(AT))
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "data" / "labs.csv").write_bytes(b"patient,analyte,value\none,serum vitamin B12,\xff\n")
    with pytest.raises(CaseError, match="this is not UTF-8 text"):
        run.run(b12.knowledge(), tmp_path / "data", tmp_path / "out", Options(AT))
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    assert not (tmp_path / "out" / "scratch").exists()


EDITS = {
    "a rule about patients": ("-SCD>) :- neuro_suspected(?p) .", "-SCD>) :- severe(?p) .", ["notes.parquet"]),
    "a rule that sees more of an entry": (":- biomarker_result(?p, ?r) .", ":- result_flag(?p, ?r, ?flag) .", []),
}


@pytest.mark.parametrize(
    "edit", [name if i == 0 else pytest.param(name, marks=pytest.mark.long) for i, name in enumerate(EDITS)]
)
def test_after_an_edit_of_a_rule_a_run_since_another_gives_what_a_new_run_gives(
    edit: str, records: dict[str, populations.Record], tmp_path: Path
) -> None:
    old, new, linked = EDITS[edit]
    folder = Path(shutil.copytree(b12.FOLDER, tmp_path / "b12"))
    path = folder / "rules" / "60-cautions.rls"
    path.write_text(path.read_text().replace(old, new, 1))
    edited = load(folder, home.ontology()).knowledge
    assert edited is not None and edited.sha256 != b12.knowledge().sha256
    data = tmp_path / "data"
    populations.write(data, {name: records[name] for name in records if name.startswith("drawn")})
    run.run(b12.knowledge(), data, tmp_path / "before", Options(AT))
    run.run(edited, data, tmp_path / "whole", Options(AT))
    run.run(edited, data, tmp_path / "since", Options(AT, since=tmp_path / "before"))
    assert populations.everything(tmp_path / "since") == populations.everything(tmp_path / "whole")
    names = ("conclusions.parquet", "notes.parquet")
    same = [name for name in names if (tmp_path / "since" / name).samefile(tmp_path / "before" / name)]
    assert same == linked
    one, other = (opened(tmp_path / name).assessment("drawn 3", edited) for name in ("since", "whole"))
    assert one.to_json() == other.to_json()


RULES = """\
t1(?p, ?n) :- entry(?p, ?r, ?n, cl:present)
t2(?p, ?m) :- t1(?p, ?n), ex:next(?n, ?m)
t2(?p, ?m) :- t2(?p, ?n), ex:next(?n, ?m)
e1(?p, ?r) :- medication(?p, ?r, ex:tablet), ~t2(?p, ex:pale)
e2(?p, ?r) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v), ex:low(ex:fe, ?l), ?v < ?l
c1(?p, #count(?n)) :- t2(?p, ?n)
c2(?p, ?m, #sum(?k, ?n)) :- t1(?p, ?n), ex:points(?n, ?k), ex:next(?n, ?m)
m1(?p, ?l) :- c2(?p, _, ?k), ?k > 1, ex:low(ex:fe, ?l)
d1(?p, #max(?d)) :- e2(?p, ?r), recorded_when(?p, ?r, ?d, _)
a1(?p) :- patient(?p), ~t1(?p, _)"""
"""Rules of an entry, of a patient and of all pictures: one rests on itself, others count, add up, or find nothing."""

PEOPLE = {
    "well": {},
    "tired": {"findings": [{"name": "tired", "state": "present"}]},
    "pale": {"findings": [{"name": "pale", "state": "present"}], "medications": [{"name": "tablet"}]},
    "low": {"labs": [{"analyte": "fe", "value": "12", "unit": "ug", "when": "2024-01-02"}]},
    "high": {"labs": [{"analyte": "fe", "value": "40", "unit": "ug", "when": "2024-01-02"}]},
    "treated": {"medications": [{"name": "tablet"}]},
}
CHANGES: dict[str, tuple[str, str, str]] = {
    "a premise that always holds": ("#count(?n)) :-", "#count(?n)) :- patient(?p),", ""),
    "a premise that holds of some": ("points(?n, ?k)", "points(?n, ?k), ?n != ex:pale", "pale"),
    "a rule under one that rests on itself": ("?m)\nt2", "?m), ?n != ex:pale\nt2", "pale tired"),
    "a rule that rests on itself": (":- t2(?p, ?n), ex:next", ":- t2(?p, ?n), ?n != ex:pale, ex:next", "pale tired"),
    "a rule that would hold itself up": ("?n, cl:present)", "?n, cl:present), t2(?p, ?n)", "pale tired"),
    "a limit": ("?k > 1", "?k > 0", "tired"),
    "a rule that sees more of an entry": ("?v < ?l", "?v != ?l", " ".join(sorted(PEOPLE))),
    "a rule that looks for more in an entry": (
        ", ~t1(?p, _)",
        ", ~t1(?p, _), ~result_value(?p, _, _)",
        " ".join(sorted(PEOPLE)),
    ),
    "a rule that is new before those of an entry": (
        "t1(?p, ?n) :-",
        "a1(?p) :- t2(?p, ex:pale)\nt1(?p, ?n) :-",
        "pale tired",
    ),
    "a rule that is gone": ("m1(?p, ?l) :- c2(?p, _, ?k), ?k > 1, ex:low(ex:fe, ?l)\n", "", "pale"),
    "a rule that is new": ("a1(?p) :-", "t1(?p, ex:fe) :- e2(?p, _)\na1(?p) :-", "low"),
    "rules at two heights": ("present)\nt2(?p, ?m)", "present), ?n != ex:pale\nt2(?p, ex:fe)", "pale tired"),
    "a statement": ("ex:points(pale, 2)", "ex:points(pale, 1)", "pale"),
    "a statement that is read twice": ("ex:low(fe, 30)", "ex:low(fe, 20)", "pale"),
    "a statement that tells for nobody": ("ex:points(dizzy, 1)", "ex:points(dizzy, 2)", ""),
}
"""What is written otherwise, and who is answered anew: nobody whom it does not concern."""


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the data about these people, and of what the rules say of them."""
    folder = tmp_path_factory.mktemp("ruled")
    populations.write(folder / "data", PEOPLE)
    run.run(ruled_by(RULES), folder / "data", folder / "before", Options(random_knowledge.DAY, is_sorted=True))
    return folder


@pytest.mark.parametrize("change", at_each_commit(CHANGES))
def test_after_an_edit_only_those_are_answered_anew_whom_it_concerns(
    change: str, ruled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, concerned = CHANGES[change]
    assert old in RULES or old in random_knowledge.STATED
    monkeypatch.setattr(random_knowledge, "STATED", random_knowledge.STATED.replace(old, new))
    monkeypatch.setattr(edited, "MOST", 1)
    derived: list[int] = []
    derive_them = answers.derive

    def watched(engine: Engine, *rest: Any) -> Derivation:
        derived.extend(picture for (picture,) in engine.rows(f"SELECT picture FROM {rest[-1]}"))
        return derive_them(engine, *rest)

    again, whole = ruled_by(RULES.replace(old, new)), Options(random_knowledge.DAY, is_sorted=True)
    run.run(again, ruled / "data", tmp_path / "whole", whole)
    monkeypatch.setattr(answers, "derive", watched)
    run.run(again, ruled / "data", tmp_path / "since", replace(whole, since=ruled / "before"))
    people = duckdb.sql(f"SELECT picture, patient FROM '{tmp_path}/since/store/people-*.parquet'").fetchall()
    assert sorted(patient for picture, patient in people if picture in derived) == concerned.split()
    assert populations.everything(tmp_path / "since") == populations.everything(tmp_path / "whole")
    one, other = (tmp_path / name / "conclusions.parquet" for name in ("since", "whole"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.long) for seed in range(40)])
def test_a_drawn_rule_goes_and_comes_back(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that hold, one is left out; then it is there again, since the run that did without."""
    monkeypatch.setattr(edited, "MOST", 1)
    rng = random.Random(seed)
    knowledge, text, records = random_knowledge.concluding(rng, 12)
    populations.write(tmp_path / "data", records)
    run.run(knowledge, tmp_path / "data", tmp_path / "whole", Options(random_knowledge.DAY))
    firings, known = (f"'{tmp_path}/whole/{name}.parquet'" for name in ("firings", "rules"))
    held = duckdb.sql(f"SELECT DISTINCT name FROM {firings} JOIN {known} USING (rule)").fetchall()
    rules = named(text)
    [gone] = rng.choice(sorted(held))
    without = {name: rule for name, rule in rules.items() if name != gone}
    fewer = ruled_by("\n".join(without.values()))
    run.run(fewer, tmp_path / "data", tmp_path / "without", Options(random_knowledge.DAY))
    for name, since, which in ("one", "whole", fewer), ("other", "one", knowledge):
        run.run(which, tmp_path / "data", tmp_path / name, Options(random_knowledge.DAY, since=tmp_path / since))
    assert populations.everything(tmp_path / "one") == populations.everything(tmp_path / "without")
    assert populations.everything(tmp_path / "other") == populations.everything(tmp_path / "whole")


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.long if seed else ()) for seed in range(60)])
def test_after_a_drawn_edit_a_run_since_another_gives_what_a_new_run_gives(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited, "MOST", 1)
    rng = random.Random(f"edited {seed}")
    knowledge, text, records = random_knowledge.concluding(rng, 8)
    while (again := edit_of(list(named(text).values()), rng, monkeypatch)) is None:
        pass
    populations.write(tmp_path / "data", records)
    for name, made, since in ("before", knowledge, None), ("whole", again, None), ("since", again, tmp_path / "before"):
        run.run(made, tmp_path / "data", tmp_path / name, Options(random_knowledge.DAY, since=since))
    assert populations.everything(tmp_path / "since") == populations.everything(tmp_path / "whole")


def edit_of(rules: list[str], rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> Knowledge | None:
    """Rules or what is stated, written otherwise in one way; None where nobody can make knowledge of it."""
    place, stated = rng.randrange(len(rules)), random_knowledge.STATED.splitlines()
    other = rng.choice(list(named(random_knowledge.drawn(rng)[1]).values()))
    match rng.choice(("gone", "new", "another", "order", "premise", "stated")):
        case "gone":
            del rules[place]
        case "new":
            rules.insert(place, other)
        case "another":
            rules[place] = other
        case "order":
            rng.shuffle(rules)
        case "premise":
            rules[place] += f", {other.partition(' :- ')[2].partition(')')[0]})"
        case _:
            line = rng.randrange(len(stated))
            stated[line] = re.sub(r"\d+", lambda number: str(int(number[0]) + rng.choice((-1, 1, 7))), stated[line])
    with monkeypatch.context() as patched:
        patched.setattr(random_knowledge, "STATED", "\n".join(stated))
        made, _ = random_knowledge.knowledge(rules)
    return random_knowledge.answering(made) if made and rules else None


def named(text: str) -> dict[str, str]:
    """The rules of a drawn text by their names."""
    return dict(re.findall(r'#\[name\("(r\d+)"\)\]\n(.*) \.\n', text))


def ruled_by(rules: str) -> Knowledge:
    made, text = random_knowledge.knowledge(rules.splitlines())
    assert made, text
    return random_knowledge.answering(made)


def test_sorted_files_have_the_same_bytes_whatever_the_machine(out: Path, tmp_path: Path) -> None:
    for threads, seed in ("1", "1"), ("3", "2"):
        arguments = (
            out.parent / "data",
            "--at",
            "2026-03-15",
            "--sorted",
            "--threads",
            threads,
            "--out",
            tmp_path / seed,
        )
        told = authoring.citelog("population", *map(str, arguments), cwd=tmp_path, env={"PYTHONHASHSEED": seed})
        assert told.status == 0, told.err
    one, other = (populations.files(tmp_path / seed) for seed in ("1", "2"))
    assert one == other and len(one) > 12
    assert populations.written(tmp_path / "1") == populations.written(out)
    rows = duckdb.sql(f"SELECT patient, kind, value, role FROM '{tmp_path}/1/conclusions.parquet'").fetchall()
    assert rows == sorted(rows, key=lambda row: tuple((cell is None, cell) for cell in row))


def test_in_whatever_order_tables_are_finished_the_same_is_found(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(5)
    for name in "one", "other":
        with monkeypatch.context() as patch:
            patch.setattr(Duck, "finished", lambda duck: _one_of(duck, rng))
            run.run(b12.knowledge(), out.parent / "data", tmp_path / name, Options(AT, is_sorted=True))
    assert populations.files(tmp_path / "one") == populations.files(tmp_path / "other")
    assert populations.written(tmp_path / "one") == populations.written(out)


SUMS = """
%%% @cites S1
#[name("of-one")]
sum_of_one(#sum(?v)) :- one(?v) .

%%% @cites S1
#[name("of-other")]
sum_of_other(#sum(?v)) :- other(?v) .
"""


def test_in_whatever_order_tables_are_finished_values_have_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {"one": "patient", "other": "patient", "sum_of_one": "derived", "sum_of_other": "derived"}
    names = {name: Predicate(name, (Argument("v", "number"),), layer) for name, layer in layers.items()}
    program, wrong = check([parse(SUMS, "sums.rls")], rules.Names(names, frozenset(), frozenset(["S1"])))
    assert not wrong
    record = [Atom(name, (Decimal(v),)) for name, values in (("one", "12"), ("other", "45")) for v in values]
    numbered = []
    for order in range(8):
        rng = random.Random(order)
        monkeypatch.setattr(Duck, "finished", lambda duck, rng=rng: _one_of(duck, rng))
        with duckdb.connect(config={"threads": 1}) as connection, contextlib.closing(Duck(connection)) as duck:
            numbered.append(derived(duck, program, {}, [record]).values.all)
    assert numbered == [(*map(Decimal, (1, 2, 4, 5, 3, 9)),)] * 8


def _one_of(duck: Duck, rng: random.Random) -> dict[str, int]:
    """A table of those that were begun, whichever comes, as if all others took longer."""
    made = rng.choice(list(duck._begun))
    return {duck._begun.pop(made): made.result()}


def test_entries_of_nobody_are_set_aside_though_all_is_read_as_if_there_were_none(tmp_path: Path) -> None:
    known = {"one": EDGES["twice"], "two": EDGES["superseded"]}
    for name, some in ("clean", known), ("data", known | {"a stranger": EDGES["unread"]}):
        populations.write(tmp_path / name, some)
        (tmp_path / name / "patients.csv").write_text("patient,age_years\none,71\ntwo,58\n", encoding="utf-8")
    clean, other = (
        run.run(b12.knowledge(), tmp_path / name, tmp_path / f"{name} out", Options(AT, is_sorted=True)).counts
        for name in ("clean", "data")
    )
    assert other | {"rejected": 0} == clean
    rejected = duckdb.sql(f"SELECT DISTINCT patient, reason FROM '{tmp_path}/data out/rejected.parquet'").fetchall()
    assert rejected == [("a stranger", "patients.csv names no such patient.")]
    assert populations.written(tmp_path / "data out") == populations.written(tmp_path / "clean out")


def test_a_sorted_run_takes_nothing_from_one_that_is_not(tmp_path: Path) -> None:
    populations.write(tmp_path / "data", {"two": EDGES["superseded"], "one": EDGES["twice"], "three": EDGES["unread"]})
    run.run(b12.knowledge(), tmp_path / "data", tmp_path / "first", Options(AT))
    run.run(b12.knowledge(), tmp_path / "data", tmp_path / "fresh", Options(AT, is_sorted=True))
    for name, since in ("second", "first"), ("third", "second"):
        options = Options(AT, since=tmp_path / since, is_sorted=True)
        run.run(b12.knowledge(), tmp_path / "data", tmp_path / name, options)
        assert populations.files(tmp_path / name) == populations.files(tmp_path / "fresh")
    assert (tmp_path / "third" / "notes.parquet").samefile(tmp_path / "second" / "notes.parquet")
    assert not (tmp_path / "second" / "notes.parquet").samefile(tmp_path / "first" / "notes.parquet")


def test_after_a_change_of_the_data_a_run_since_another_reads_them(tmp_path: Path) -> None:
    populations.write(tmp_path / "data", {"one": EDGES["twice"], "two": EDGES["nothing"]})
    run.run(b12.knowledge(), tmp_path / "data", tmp_path / "first", Options(AT))
    changed = {"one": EDGES["superseded"], "two": EDGES["unread"]}
    compared = populations.compare(b12.knowledge(), changed, tmp_path, AT, since=tmp_path / "first")
    assert compared.differences == []


def test_a_crowd_of_rows_is_answered_alone_and_no_one_waits_for_it_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "CROWD", 1)
    compared = populations.compare(b12.knowledge(), EDGES, tmp_path, AT)
    assert compared.differences == []
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["alone"] >= 2

    def late(*_: object, **__: object) -> None:
        raise DeadlineError("the derivation takes longer than it may")

    monkeypatch.setattr(lonely.Answer, "of", late)
    run.run(b12.knowledge(), tmp_path / "data", tmp_path / "late", Options(AT))
    notes = [row for row in populations.written(tmp_path / "late")["notes"] if row[0] == "superseded"]
    assert notes == [("superseded", "Nothing is concluded of 2 rows: the derivation takes longer than it may", "")]


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    populations.write(tmp_path / "data", {"one": EDGES["twice"]})
    with pytest.raises(CitelogError, match="--memory 1MB is too little for these data"):
        run.run(b12.knowledge(), tmp_path / "data", tmp_path / "out", Options(AT, memory="1MB"))


def test_every_firing_of_every_patient_is_kept(records: dict[str, populations.Record], out: Path) -> None:
    """A flat view of the factored firings gives each patient the rules that fired alone, as often."""
    import duckdb

    flat = duckdb.sql(
        f"""
        SELECT p.patient, r.name FROM '{out}/store/people-*.parquet' AS p
        JOIN '{out}/firings.parquet' AS f USING (picture) JOIN '{out}/rules.parquet' AS r USING (rule) WHERE NOT p.alone
        """
    ).fetchall()
    got = Counter(flat)
    local = {"measured-value", "biomarker-result"}
    for patient in ("superseded", "unread", "drawn 3", "drawn 4", "drawn 5"):
        answer = assess(b12.knowledge(), populations.plain(records[patient]), AT)
        wanted = Counter(
            firing.rule.name
            for rule in b12.knowledge().program.rules
            for atom in answer.run.atoms(rule.predicate)
            for firing in answer.run.firings(atom)
            if firing.rule.name == rule.name
            for _ in firing.rows
        )
        theirs = Counter({name: count for (who, name), count in got.items() if who == patient})
        of_pictures = {rule.name for rule in plan(b12.knowledge()).joint_rules}
        assert local.isdisjoint(of_pictures)
        assert theirs == Counter({name: count for name, count in wanted.items() if name in of_pictures})


def test_the_page_shows_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, citelog: authoring.Command
) -> None:
    """docs/POPULATIONS.md, walked through; with CITELOG_ACCEPT=1 in the environment, written anew."""
    page = PAGE.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    monkeypatch.chdir(tmp_path)
    shown = _sessions(page)
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(shown(walked.renewed(page, commands)), encoding="utf-8")
    assert os.environ.get("CITELOG_ACCEPT") or [(c.line, c.printed) for c in commands if not c.agrees] == []
    assert os.environ.get("CITELOG_ACCEPT") or shown(page) == page


def _sessions(page: str) -> Callable[[str], str]:
    """The Python sessions of the page are run, and their answers put in."""
    known: dict[str, object] = {}

    def answered(example: doctest.Example) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(example.source, "<page>", "single"), known)  # noqa: S102  the page is ours
        lines = example.source.splitlines()
        return "".join(f"{'...' if i else '>>>'} {line}\n" for i, line in enumerate(lines)) + out.getvalue()

    def renewed(block: re.Match[str]) -> str:
        examples = doctest.DocTestParser().get_examples(block["text"])
        return "```python doctest\n" + "".join(map(answered, examples)) + "```"

    return lambda text: re.sub(r"(?ms)^```python doctest\n(?P<text>.*?)^```", renewed, text)


def test_a_long_search_draws_no_bar_over_an_answer(out: Path) -> None:
    """DuckDB would, on standard output, after two seconds."""
    assert opened(out)._rows("SELECT current_setting('enable_progress_bar')") == [(False,)]


def test_nobody_is_found_who_is_not_there(out: Path) -> None:
    with pytest.raises(CaseError, match="nobody in it is called"):
        opened(out).assessment("somebody", b12.knowledge())


@pytest.mark.parametrize("seed", [*SEEDS[:4], *(pytest.param(seed, marks=pytest.mark.long) for seed in SEEDS[4:])])
def test_drawn_knowledge_over_drawn_records_gives_what_each_gets_alone(seed: int, tmp_path: Path) -> None:
    """Rules that compare days, count, and set entries against each other, over records that hurt."""
    knowledge, text, records = random_knowledge.concluding(random.Random(seed), 10)
    for at in (random_knowledge.DAY, None):
        compared = populations.compare(knowledge, records, tmp_path / str(at), at)
        assert compared.differences == [], text
        assert compared.conclusions or at is None, "nothing was concluded: this compared nothing"


def test_days_of_which_one_end_is_seen_and_the_other_compared(tmp_path: Path) -> None:
    """Drawn once: an end that was a day never met an end that stood for its order, and the rule held of everyone."""
    drawn, _ = random_knowledge.knowledge(
        [
            "d1(?p, #max(?d)) :- result(?p, ?r, _), recorded_when(?p, ?r, ?d, _)",
            "t1(?p, ?t) :- medication(?p, ?r, ?t), recorded_when(?p, ?r, _, ?d), ~medication_since(?p, ?r, ?d, _)",
        ]
    )
    assert drawn is not None
    day = random_knowledge.DAY.isoformat()
    records = {
        "same day": {"medications": [{"name": "tablet", "since": day, "when": day}]},
        "another": {"medications": [{"name": "tablet", "since": "2024-05-02", "when": day}]},
    }
    compared = populations.compare(random_knowledge.answering(drawn), records, tmp_path, None)
    assert (compared.conclusions, compared.differences) == (1, [])


def test_an_entry_of_which_only_the_day_is_seen(tmp_path: Path) -> None:
    """Nothing else of a result with an unknown name can be met, and yet its day is the latest of all."""
    drawn, _ = random_knowledge.knowledge(
        [
            "d1(?p, #max(?d)) :- recorded_when(?p, ?r, ?d, _)",
            "t1(?p, ?t) :- medication(?p, ?r, ?t), recorded_when(?p, ?r, ?d, _), d1(?p, ?d)",
        ]
    )
    assert drawn is not None
    tablet = {"medications": [{"name": "tablet", "when": "2024-01-02"}]}
    later = {**tablet, "labs": [{"analyte": "nobody knows", "value": "5", "when": "2024-01-03"}]}
    records = {"newest": tablet, "older": later}
    compared = populations.compare(random_knowledge.answering(drawn), records, tmp_path, None)
    assert compared.differences == []


def test_drawn_programs_give_the_same_facts_and_firings() -> None:
    """Recursion, negation, counts, exact numbers, days, over three records at once; of some, nothing follows."""
    compared = [both_roads(seed) for seed in SEEDS]
    assert [difference for one in compared for difference in one.differences] == []
    assert sum(bool(one.conclusions) for one in compared) > len(SEEDS) // 2


def test_nought_has_no_sign_whatever_has_come_to_it() -> None:
    """A rule that takes a number from itself, times the number: below nought, decimals would make of that -0."""
    assert both_roads(503_105, plain=True).differences == []


def both_roads(seed: int, units: int = 3, plain: bool = False) -> populations.Compared:
    """The relations of a drawn program over some records and each record's own run: their facts and firings."""
    import duckdb

    rng = random.Random(seed)
    case = drawn(rng, plain)
    program = case.program
    stated: dict[Atom, tuple[str, ...]] = {
        atom: () for atom in case.facts if program.predicates[atom.predicate].layer == "knowledge"
    }
    given = [atom for atom in case.facts if atom not in stated]
    records = [[atom for atom in given if rng.random() < 0.8] for _ in range(units)]
    machine = Machine(program, stated)
    runs = [machine.run([(atom, None) for atom in record]) for record in records]
    with duckdb.connect(config={"threads": 1}) as connection, contextlib.closing(Duck(connection)) as duck:
        made = derived(duck, program, stated, records)
        names, values = made.names, made.values
        found, count = [], 0
        for unit, one in enumerate(runs):
            for predicate in sorted(names.changing):
                wanted = sorted(_said(atom.args) for atom in one.atoms(predicate))
                query = f"SELECT * FROM {made.table_of(predicate)} WHERE unit = {unit}"
                got = sorted(_said([values.value(n) for n in row[1:]]) for row in duck.rows(query))
                count += len(wanted)
                if wanted != got:
                    found.append(f"{predicate} of {unit}: {wanted} and {got}\n{case.text}")
            for number, firings in made.found.items():
                rule = program.rules[number]
                wanted = sorted(
                    _said([row[v] for v in rule.variables])
                    for atom in one.atoms(rule.predicate)
                    for firing in one.firings(atom)
                    if firing.number == number
                    for row in firing.rows
                )
                got = []
                if firings.count:
                    columns = ", ".join(["unit", *(f"v_{v}" for v in firings.firing.columns)])
                    for row in duck.rows(f"SELECT {columns} FROM {firings.table} WHERE unit = {unit}"):
                        bound = dict(zip(firings.firing.columns, row[1:], strict=True)) | dict(firings.firing.constants)
                        got.append(_said([values.value(bound[v]) for v in rule.variables]))
                count += len(wanted)
                if wanted != sorted(got):
                    found.append(f"firings of {rule.name} of {unit}: {wanted} and {got}\n{case.text}")
    return populations.Compared(units, count, found)


def derived(
    duck: Duck, program: Program, stated: dict[Atom, tuple[str, ...]], records: Sequence[Sequence[Atom]]
) -> Derivation:
    """A program, run on the facts of some records and on those that are stated of all."""
    compiled = of_components(program, {JOINT: program.open}, duck.sql)
    values, names = Values(compiled.known), Names.of(program)
    made = Derivation(duck, names, compiled, values, JOINT)
    fixed = Machine(program, stated).run(())
    made.state({p: [a.args for a in fixed.atoms(p)] for p in program.predicates if p not in names.changing})
    duck.load(f"{JOINT}units", ("unit",), [(i,) for i in range(len(records))])
    everywhere = [atom for atom in stated if atom.predicate in names.changing]
    for predicate in sorted(names.changing):
        rows = {
            (i, *map(values.number, atom.args))
            for i, record in enumerate(records)
            for atom in (*record, *everywhere)
            if atom.predicate == predicate
        }
        if rows:
            duck.load(made.table_of(predicate), made.columns(predicate), sorted(rows))
            made.size[made.table_of(predicate)] = len(rows)
    made.empty(names.changing)
    components.run(made, program.open)
    return made


def _said(args: object) -> str:
    """Arguments as text in which equal numbers look equal."""
    return repr([(type(a).__name__, a.normalize() if hasattr(a, "normalize") else a) for a in args])  # type: ignore[attr-defined]


@pytest.mark.long
def test_ten_thousand_drawn_patients_and_a_thousand_programs(tmp_path: Path) -> None:
    """More than each change can wait for; tests/population_agreement.py goes on from there."""
    import population_agreement

    asked = ["--patients", "10000", "--knowledge", "100", "--programs", "1000", "--first", "50000"]
    assert population_agreement.main([*asked, "--tally", str(tmp_path / "tally.jsonl")]) == 0
