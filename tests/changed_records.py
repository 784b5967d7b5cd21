"""Records changed in the plainest way, so that what the explanations say can be checked against files that say it.

Nothing here uses the engine's own way of changing a record: a change becomes an edit of the tree that is then written
to a YAML file, read again and assessed afresh. Also here: a small knowledge base with counts, sums, days, a hierarchy
and an exception; and every single change of a record, for brute force.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import b12
from citelog import home
from citelog.assess import Assessment, assess
from citelog.explain.model import shape
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.patient.case import Case
from citelog.patient.changes import Add, Change, Drop, Set
from citelog.patient.written import parse_add, parse_drop, parse_set
from literate import LEAFLET

NIGHTS = Path(__file__).parent.parent / "examples" / "short-nights"

Record = dict[str, Any]


def fresh(record: Record, folder: Path, at: str | None = None, knowledge: Knowledge | None = None) -> Assessment:
    """The assessment of a record that was written to a file, as JSON: text that looks like a number stays text."""
    path = folder / "case.json"
    path.write_text(json.dumps(record or {"labs": []}, default=str, ensure_ascii=False), encoding="utf-8")
    return assess(knowledge or b12.knowledge(), path, at)


def _plain(record: Record) -> Record:
    """A copy with days as text, and no object in two places: YAML would write an alias."""
    copied: Record = json.loads(json.dumps(record, default=str))
    return copied


def written(record: Record, changes: Iterable[Change]) -> Record:
    """The record with changes made to its tree; all paths are of the record as it was."""
    new = _plain(record)
    dropped = []
    for change in changes:
        said = change.to_dict()
        if "add" in said:
            new.setdefault(said["add"], []).append(dict(said["entry"]))
            continue
        path = said.get("set") or said["drop"]
        if path.startswith("context."):
            key = path.removeprefix("context.")
            new.setdefault("context", {}).pop(key, None)
            if "set" in said:
                new["context"][key] = said["value"]
            continue
        found = re.fullmatch(r"(\w+)\[(\d+)\](?:\.(.+))?", path)
        assert found, path
        list_, index, key = found[1], int(found[2]), found[3]
        if "set" in said:
            new[list_][index][key] = said["value"]
        elif key:
            del new[list_][index][key]
        else:
            dropped.append((list_, index))
    for list_, index in sorted(dropped, reverse=True):
        del new[list_][index]
    return new


def as_options(options: str, case: Case, knowledge: Knowledge | None = None) -> list[Change]:
    """The changes that options of the command line mean, as a shell and the command would read them."""
    words = shlex.split(options)
    found: list[Change] = []
    for option, text in zip(words[::2], words[1::2], strict=True):
        if option == "--add":
            found += parse_add(text, (knowledge or b12.knowledge()).terms)
        else:
            found.append(parse_set(text, case) if option == "--set" else parse_drop(text, case))
    return found


def ids(answer: Assessment) -> set[str]:
    """The conclusions without their numbers."""
    return {c.id.partition("#")[0] for c in answer.conclusions}


# random records, and every single change of one

STATES = ("present", "absent", "unknown")
ANALYTES = ("serum vitamin B12", "holotranscobalamin (active B12)", "serum methylmalonic acid", "plasma homocysteine")
DRUGS = ("hydroxocobalamin", "cyanocobalamin", "folic acid", "metformin")
UNITS = ("pmol/L", "ng/L", "nmol/L", "furlong", "")
VALUES = (
    "-1", "0", "50", "99.999", "100", "134", "135", "299", "300", "405", "406", "1000",
    "<50", "<150", ">400", "haemolysed",
)  # fmt: skip
OFTEN = ("every 3 months", "3 times a week", "daily")
PREFERENCES = (("route", "oral"), ("route", "intramuscular"), ("injections", "declined"))


@cache
def findings() -> tuple[str, ...]:
    """The findings and conditions that the rules ask for by name."""
    knowledge = b12.knowledge()
    asked = shape(knowledge).asked["entry", 2]
    return tuple(sorted(knowledge.terms.labels[term] for term in asked if term in knowledge.terms.labels))


def random_record(seed: int) -> tuple[Record, str | None]:
    """A record, and the day of its assessment or none."""
    draw = random.Random(seed)
    record: Record = {}

    def some(**keys: tuple[float, tuple[str, ...]]) -> dict[str, str]:
        return {key: draw.choice(values) for key, (often, values) in keys.items() if draw.random() < often}

    if draw.random() < 0.8:
        record["labs"] = [
            {"analyte": draw.choice(ANALYTES[:1] * 4 + ANALYTES), "value": draw.choice(VALUES)}
            | some(unit=(0.9, UNITS[:2] * 3 + UNITS[:4]), when=(0.4, ("2026-01-01", "2026-02-01")), flag=(0.15, ("L",)))
            for _ in range(draw.choice([1, 1, 2]))
        ]
    if draw.random() < 0.85:
        record["findings"] = [
            {"name": draw.choice(findings()), "state": draw.choice((*STATES, "present"))}
            for _ in range(draw.randint(1, 4))
        ]
    if draw.random() < 0.4:
        record["medications"] = [
            {"name": draw.choice(DRUGS), "status": draw.choice(["current", "current", "stopped", "planned"])}
            | some(
                course=(0.4, ("loading", "maintenance")),
                route=(0.4, ("oral", "intramuscular")),
                since=(0.4, ("2026-01-05", "2026-02-25")),
                frequency=(0.4, OFTEN),
            )
        ]
    if draw.random() < 0.3:
        topic, value = draw.choice(PREFERENCES)
        record["preferences"] = [{"topic": topic, "value": value}]
    return record, draw.choice([None, "2026-03-15"])


def singles(record: Record) -> Iterator[Change]:
    """Every single change: an entry of each name added, each key given each value or dropped, each entry dropped."""
    for name in findings():
        yield from (Add("findings", name, (("state", state),)) for state in STATES)
    for value in VALUES:
        yield from (Add("labs", ANALYTES[0], (("value", value), *_unit(unit))) for unit in UNITS)
    yield from (Add("labs", analyte, (("value", "1"), ("unit", "pmol/L"))) for analyte in ANALYTES[1:])
    for drug in DRUGS:
        for status in ("current", "stopped"):
            for more in (
                (),
                ("course", "loading"),
                ("course", "maintenance"),
                ("route", "oral"),
                ("frequency", OFTEN[0]),
            ):
                yield Add("medications", drug, ((more, ("status", status)) if more else (("status", status),)))  # type: ignore[arg-type]
    yield from (Add("preferences", topic, (("value", value),)) for topic, value in PREFERENCES)
    words = {
        "findings": {"state": STATES},
        "labs": {"value": VALUES, "unit": UNITS[:4], "flag": ("L",), "when": ("2025-01-01", "2026-03-01")},
        "medications": {
            "status": ("current", "stopped", "planned", "on hold"), "course": ("loading", "maintenance"),
            "route": ("oral", "intramuscular"), "frequency": OFTEN, "since": ("2020-01-01", "2026-03-10"),
        },
        "preferences": {"value": ("oral", "intramuscular", "declined")},
    }  # fmt: skip
    for list_, entries in record.items():
        for index, entry in enumerate(entries):
            place = f"{list_}[{index}]"
            yield Drop(place)
            for key, values in words[list_].items():
                yield from (Set(place, key, value) for value in values if entry.get(key) != value)
                if key in entry and key not in ("state", "value", "status"):
                    yield Drop(place, key)


def _unit(unit: str) -> tuple[tuple[str, str], ...]:
    return (("unit", unit),) if unit else ()


# a small knowledge base of another kind

_RULES = """%! At least two signs, points, a result that is not old, and what bleeds.

@prefix cl: <https://w3id.org/citelog#> .
@prefix ex: <https://example.org/leaflet#> .

%%% @convention Reading the record: the signs that are present.
#[name("sign")]
sign(?p, ?name) :- entry(?p, ?r, ?name, cl:present), ex:Sign(?name) .

%%% @convention Reading the record: how many signs.
#[name("signs-counted")]
signs(?p, #count(?name)) :- sign(?p, ?name) .

%%% @cites S1
#[name("two-signs")]
#[display("At least two signs are present.")]
status(?p, ex:suspected) :- signs(?p, ?n), ex:needs(ex:suspected, ?least), ?n >= ?least .

%%% @convention Reading the record: the points of the signs.
#[name("points-summed")]
score(?p, #sum(?points, ?name)) :- sign(?p, ?name), ex:points(?name, ?points) .

%%% @cites S2
#[name("points-enough")]
#[display("The signs have points enough.")]
status(?p, ex:likely) :- score(?p, ?n), ex:needs(ex:likely, ?least), ?n >= ?least .

%%% @cites S2
#[name("points-few")]
#[display("The signs have few points.")]
status(?p, ex:unlikely) :- score(?p, ?n), ex:needs(ex:unlikely, ?least), ?n < ?least .

%%% @cites S3
#[name("recent-result")]
#[display("The ferritin was measured not long ago.")]
status(?p, ex:recent) :-
    result(?p, ?r, ex:ferritin), recorded_when(?p, ?r, ?first, ?last), evaluation_day(?p, ?today),
    ex:needs(ex:recent, ?days), ?age = ?today - ?last, ?age <= ?days .

%%% @cites S1
#[name("ferritin-high")]
#[display("The ferritin is far above the cut-off of the leaflet.")]
status(?p, ex:high) :-
    result(?p, ?r, ex:ferritin), result_value(?p, ?r, ?value), ex:needs(ex:high, ?least), ?value > ?least .

%%% @convention The classification of findings.
#[name("below-itself")]
below(?narrow, ?broad) :- ex:kindOf(?narrow, ?broad) .

%%% @convention The classification of findings.
#[name("below-further")]
below(?narrow, ?broad) :- ex:kindOf(?narrow, ?middle), below(?middle, ?broad) .

%%% @cites S2
#[name("some-bleeding")]
#[display(f"A bleeding is on record: {?name}.")]
status(?p, ex:bleeding) :- entry(?p, ?r, ?name, cl:present), below(?name, ex:bleed) .

%%% @convention Reading the record: a transfusion explains the signs away.
#[name("explained-away")]
explained(?p) :- entry(?p, ?r, ex:transfusion, cl:present) .

%%% @cites S2
%%% @unless explained
#[name("ask-a-haematologist")]
#[display("Ask a haematologist.")]
status(?p, ex:ask) :- sign(?p, ?name), ~explained(?p) .
"""

_PREDICATES = """
ex:Sign a rdfs:Class ; rdfs:label "Sign" ; cl:sentence "{subject} is a sign" .
ex:fatigue a ex:Sign ; ex:points 1 .
ex:pallor a ex:Sign ; ex:points 3 .
ex:headache a ex:Sign ; ex:points 2 .
ex:points a rdf:Property ; rdfs:label "points" ; rdfs:range xsd:integer ; cl:sentence "{subject} counts {object}" .
ex:needs a rdf:Property ; rdfs:label "needs" ; rdfs:range xsd:integer ; cl:sentence "{subject} needs {object}" .
ex:kindOf a rdf:Property ; rdfs:label "kind of" ; cl:sentence "{subject} is a kind of {object}" .
ex:ulcer-bleed ex:kindOf ex:gut-bleed .
ex:gut-bleed ex:kindOf ex:bleed .
ex:nose-bleed ex:kindOf ex:bleed .
ex:bleed a cl:Code ; skos:prefLabel "bleeding" .
ex:suspected a cl:Code ; skos:prefLabel "suspected" ; ex:needs 2 .
ex:likely a cl:Code ; skos:prefLabel "likely" ; ex:needs 5 .
ex:unlikely a cl:Code ; skos:prefLabel "unlikely" ; ex:needs 3 .
ex:recent a cl:Code ; skos:prefLabel "recent" ; ex:needs 90 .
ex:high a cl:Code ; skos:prefLabel "high" ; ex:needs 300 .
ex:bleeding a cl:Code ; skos:prefLabel "bleeding on record" .
ex:ask a cl:Code ; skos:prefLabel "ask" .
ex:predicate-sign a cl:DerivedPredicate ; cl:signature "sign(patient: patient, name: term)" ;
    cl:sentence "{name} is a sign on record" ; cl:absence "{name} is no sign on record" .
ex:predicate-signs a cl:DerivedPredicate ; cl:signature "signs(patient: patient, number: integer)" ;
    cl:sentence "there are {number} signs on record" ; cl:absence "there are not {number} signs on record" .
ex:predicate-score a cl:DerivedPredicate ; cl:signature "score(patient: patient, points: integer)" ;
    cl:sentence "the signs count {points}" ; cl:absence "the signs do not count {points}" .
ex:predicate-below a cl:DerivedPredicate ; cl:signature "below(narrow: term, broad: term)" ;
    cl:sentence "{narrow} is below {broad}" ; cl:absence "{narrow} is not below {broad}" .
ex:predicate-explained a cl:DerivedPredicate ; cl:signature "explained(patient: patient)" ;
    cl:sentence "the signs are explained" ; cl:absence "nothing explains the signs" .
"""

_TERMS = "".join(
    f'\nex:{name} a cl:Finding ; skos:prefLabel "{label}" .'
    for name, label in (
        ("pallor", "pallor"), ("headache", "headache"), ("gut-bleed", "bleeding of the gut"),
        ("ulcer-bleed", "bleeding ulcer"), ("nose-bleed", "nosebleed"), ("transfusion", "transfusion"),
    )
)  # fmt: skip


def nights() -> Knowledge:
    """The leaflet of the examples, of which a night counts for some days."""
    opened = load(NIGHTS, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


def signs(folder: Path) -> Knowledge:
    """The leaflet with signs that are counted and weighed, a result that grows old, what bleeds, and an exception."""
    target = folder / "leaflet"
    shutil.copytree(LEAFLET, target)
    (target / "rules" / "20-signs.rls").write_text(_RULES, encoding="utf-8")
    for name, more in (("predicates.ttl", _PREDICATES), ("terms.ttl", _TERMS + "\n")):
        path = target / name
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    opened = load(target, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


_WORRIES = """
%%% @cites S12
#[name("snores")]
#[display("Loud snoring is present.")]
worry(?p, ex:snoring) :- entry(?p, _, ex:snoring, cl:present) .

%%% @cites S13
#[name("drinks-cola")]
#[display("Cola in the afternoon is present.")]
worry(?p, ex:cola) :- entry(?p, _, ex:cola, cl:present) .

%%% @through worry
#[name("doctor-signs")]
doctor_signs(?p, #count(?sign)) :- worry(?p, ?sign) .

%%% @through doctor_signs
#[name("ask-doctor")]
advice(?p, ex:ASK_DOCTOR) :- doctor_signs(?p, ?count), ex:atLeast(ex:ASK_DOCTOR, ?least), ?count >= ?least .
"""
_WORRY = """
ex:predicate_worry a cl:DerivedPredicate ;
    cl:signature "worry(patient: patient, sign: term)" ;
    cl:sentence "{sign} is a worry" ; cl:absence "{sign} is no worry" .
"""


def worries(folder: Path) -> Knowledge:
    """Short nights, with advice that counts what two rules say, each from a sentence of its own."""
    target = Path(shutil.copytree(NIGHTS, folder / "nights"))
    rules, predicates = target / "rules" / "30-advice.rls", target / "predicates.ttl"
    text = rules.read_text(encoding="utf-8")
    first, last = text.index('%%% @cites S12\n#[name("doctor-signs")]'), text.index('%%% @cites S14\n#[name("nap")]')
    rules.write_text(text[:first] + _WORRIES.lstrip() + "\n" + text[last:], encoding="utf-8")
    predicates.write_text(predicates.read_text(encoding="utf-8") + _WORRY, encoding="utf-8")
    opened = load(target, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


_JOURNEYS = """
%%% @cites S05 S12
#[name("journeys")]
doctor_signs(?p, #count(?r)) :-
    entry(?p, ?r, ex:time_zones, cl:present), recorded_when(?p, ?r, ?first, ?last), evaluation_day(?p, ?today),
    ex:saysNothingAfter(ex:night, ?days), ?last <= ?today, ?today - ?first <= ?days .
"""


_SOON_AFTER = """
%%% @cites S05 S12
#[name("journeys")]
doctor_signs(?p, #count(?r)) :-
    entry(?p, ?r, ex:time_zones, cl:present), recorded_when(?p, ?r, ?day, _),
    entry(?p, ?other, ex:time_zones, cl:present), recorded_when(?p, ?other, ?before, _),
    ex:saysNothingAfter(ex:night, ?days), ?before < ?day, ?day - ?before <= ?days .
"""


def journeys(folder: Path, rule: str = _JOURNEYS) -> Knowledge:
    """Short nights, with advice that counts entries of one name, of the last 14 days: two are enough."""
    target = Path(shutil.copytree(NIGHTS, folder / "nights"))
    rules = target / "rules" / "30-advice.rls"
    text = rules.read_text(encoding="utf-8")
    first, last = (
        text.index('%%% @cites S12\n#[name("doctor-signs")]'),
        text.index('%%% @cites S12\n#[name("ask-doctor")]'),
    )
    rules.write_text(text[:first] + rule.lstrip() + "\n" + text[last:], encoding="utf-8")
    opened = load(target, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


_DIVIDED = """
%%% @cites S06
#[name("night-of-a-yawner")]
night(?p, ex:LONG_ENOUGH) :- entry(?p, _, ex:yawning, cl:present), ~judged(?p) .
"""


def divided(folder: Path) -> Knowledge:
    """Short nights, where the rules give two nights, not one, to who yawns and of whom no night is known."""
    target = Path(shutil.copytree(NIGHTS, folder / "nights"))
    with (target / "rules" / "10-night.rls").open("a", encoding="utf-8") as file:
        file.write(_DIVIDED.replace("#[name", "%%% @unless judged\n#[name"))
    opened = load(target, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


_SPREADS = """
%! A sign that is there stands for every other that it leads to, be it round in a circle.

@prefix cl: <https://w3id.org/citelog#> .
@prefix ex: <https://example.org/short-nights#> .

%%% @cites S06
#[name("sign-recorded")]
#[display(f"{?sign}, as recorded.")]
sign(?p, ?sign) :- entry(?p, _, ?sign, cl:present) .

%%% @cites S07
#[name("sign-led-to")]
#[display(f"{?sign}, by way of {?other}.")]
sign(?p, ?sign) :- sign(?p, ?other), ex:leadsTo(?other, ?sign) .

%%% @convention How many there are.
#[name("signs")]
signs(?p, #count(?sign)) :- sign(?p, ?sign) .

%%% @cites S12
#[name("extent")]
#[display(f"{?count} signs in all.")]
extent(?p, ?count) :- signs(?p, ?count) .

%%% @cites S06
#[name("seen")]
seen(?p, ?sign, ?r) :- entry(?p, ?r, ?sign, cl:present), recorded_when(?p, ?r, _, _) .
"""
_LEADS = """
ex:kind_sign a cl:ConclusionKind ; cl:order 7 ; skos:notation "sign" ; cl:derivedBy "sign" .
ex:predicate_sign a cl:DerivedPredicate ; cl:signature "sign(patient: patient, value: term)" ;
    cl:sentence "{value} is a sign" ; cl:absence "{value} is no sign" .
ex:kind_extent a cl:ConclusionKind ; cl:order 8 ; skos:notation "extent" ; cl:derivedBy "extent" .
ex:predicate_extent a cl:DerivedPredicate ; cl:signature "extent(patient: patient, value: integer)" ;
    cl:sentence "{value} signs in all" ; cl:absence "there are not {value} signs" .
ex:kind_seen a cl:ConclusionKind ; cl:order 9 ; skos:notation "seen" ; cl:derivedBy "seen" .
ex:predicate_seen a cl:DerivedPredicate ; cl:signature "seen(patient: patient, value: term, entry: record)" ;
    cl:sentence "{value} has a day" ; cl:absence "{value} has no day" .
ex:predicate_signs a cl:DerivedPredicate ; cl:signature "signs(patient: patient, count: integer)" ;
    cl:sentence "signs: {count}" ; cl:absence "there is no sign" .
ex:leadsTo a rdf:Property ; rdfs:label "leads to" ; cl:sentence "{subject} leads to {object}" .
ex:snoring ex:leadsTo ex:headache . ex:headache ex:leadsTo ex:dry_mouth .
"""


def soon_after(folder: Path) -> Knowledge:
    """Short nights, with advice that counts entries of one name that follow another within 14 days."""
    return journeys(folder, _SOON_AFTER)


def spreading(folder: Path, more: str = "") -> Knowledge:
    """Short nights, with signs that lead to others, are counted, and are seen by the day; more lead to some."""
    target = Path(shutil.copytree(NIGHTS, folder / "nights"))
    (target / "rules" / "60-signs.rls").write_text(_SPREADS.lstrip(), encoding="utf-8")
    with (target / "predicates.ttl").open("a", encoding="utf-8") as file:
        file.write(_LEADS + more)
    opened = load(target, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge
