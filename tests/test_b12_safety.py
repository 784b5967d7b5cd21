"""What may never be claimed, looked for in the answers themselves: to the cases of the library and to many drawn ones.

Each property is a function that reads one record and its answer, and gives back what is wrong. It trusts nothing that
the engine decided: what is recorded it reads from the record, what is printed from the document.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pytest

import b12
from case_coverage import PROPERTIES
from citelog.assess import assess
from commits import at_each_commit
from oracle import tables
from oracle.random_cases import random_at, random_case

Case = dict[str, Any]
Check = Callable[["Answer"], Iterator[str]]

SUSPECTED = ("present", "possible", "conflicting")


@dataclass(frozen=True)
class Answer:
    """A record and what was answered."""

    case: Case
    at: str | None
    document: dict[str, Any]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The conclusions of a kind by their values (the last, where several share one)."""
        return {c["value"]: c for c in self.document["conclusions"] if c["kind"] == kind}

    @cached_property
    def regimens(self) -> dict[str, dict[str, Any]]:
        return self.of("regimen")

    def only(self, kind: str) -> dict[str, Any]:
        """The one conclusion of its kind."""
        (found,) = self.of(kind).values()
        return found

    @cached_property
    def status(self) -> str:
        return str(self.only("status")["value"])

    @cached_property
    def neuro(self) -> str:
        return str(self.only("neuro")["value"])

    @cached_property
    def treat(self) -> str:
        return str(self.only("treat")["value"])

    @cached_property
    def sentences(self) -> list[tuple[str, str]]:
        """Everything that the answer says in words of its own: (id, sentence). Quotes are the document's words."""
        caveats = [("caveat", caveat["text"]) for caveat in self.document["caveats"]]
        return caveats + [(c["id"], c["sentence"]) for c in self.document["conclusions"]]

    def says(self, *patterns: str) -> Iterator[str]:
        """Sentences that hold one of some words."""
        for id_, sentence in self.sentences:
            for pattern in patterns:
                if re.search(pattern, sentence, re.IGNORECASE):
                    yield f"{id_} says {pattern}: {sentence}"

    def recorded(self, name: str, state: str = "present") -> bool:
        """Whether some entry, of whatever date, says so about a name."""
        listed = [*(self.case.get("findings") or ()), *(self.case.get("conditions") or ())]
        known = tables.FINDINGS + tables.CONDITIONS
        return any(
            tables.match(e.get("name"), known) == name and tables.read_state(e.get("state")) == state for e in listed
        )

    def places(self, conclusion: dict[str, Any]) -> list[str]:
        """Where the facts of a conclusion were read from."""
        places = {fact["id"]: fact["read_from"] for fact in self.document["facts"]}
        return [places[fact] for fact in conclusion["facts"]]

    def changed(self, change: Callable[[Case], None]) -> Answer:
        """The answer to the same record after a change."""
        case = copy.deepcopy(self.case)
        change(case)
        return Answer(case, self.at, assess(b12.knowledge(), case, self.at).to_dict())

    @cached_property
    def decisions(self) -> list[tuple[Any, ...]]:
        """What is concluded about the patient, without reasons; data issues and cautions about a test left out."""
        parts = ("id", "role", "step", "statements")
        kinds = ("status", "symptomatic", "neuro", "treat", "regimen", "referral", "monitoring", "open-question")
        return [tuple(c.get(p) for p in parts) for c in self.document["conclusions"] if c["kind"] in kinds]


CHECKS: dict[str, list[Check]] = {}


def never(*properties: str) -> Callable[[Check], Check]:
    """A check of some properties."""

    def register(check: Check) -> Check:
        for name in properties:
            CHECKS.setdefault(f"MN-{name}", []).append(check)
        return check

    return register


def only_if(wrong: bool, what: str) -> Iterator[str]:
    if wrong:
        yield what


# --- words that must not be there -------------------------------------------------------------------------------------


@never("APPROVED")
def approved(a: Answer) -> Iterator[str]:
    yield from a.says(r"\bapproved\b", r"\breviewed\b")
    yield from only_if(["M03"] not in [c["statements"] for c in a.document["caveats"]], "pending review is not said")


@never("AGENT-NAMED")
def agent_of_the_label(a: Answer) -> Iterator[str]:
    for value, regimen in a.regimens.items():
        if value.startswith("LABEL"):
            yield from only_if(regimen["agent"] is not None, f"{value} names an agent")
            yield from only_if("cobalamin" in regimen["sentence"].casefold(), regimen["sentence"])


@never("ORAL-FORM")
def form_of_oral_treatment(a: Answer) -> Iterator[str]:
    oral = a.regimens.get("ORAL-HIGH")
    if oral:
        yield from only_if("cobalamin" in oral["sentence"].casefold(), oral["sentence"])
        yield from only_if(oral["agent"]["text"] != "vitamin B12", str(oral["agent"]))


@never("MERGE-DOSES")
def blended(a: Answer) -> Iterator[str]:
    """Every field is the one that table 6.1 gives to this very regimen, and its sentence holds no other dose."""
    for value, regimen in a.regimens.items():
        statements, *fields = tables.STATED[value]
        given = [regimen[key] for key in ("agent", "dose", "route", "frequency", "duration")]
        yield from only_if(given != fields or regimen["statements"] != list(statements), f"{value}: {given}")
        doses = set(re.findall(r"\d+(?: to \d+)? (?:mg|mcg|µg)\b", regimen["sentence"]))
        own = {fields[1]["text"]} if fields[1] and fields[1]["value"] else set()
        yield from only_if(doses != own, f"{value}: {doses}")


@never("MONITOR-INTERVAL")
def interval_of_monitoring(a: Answer) -> Iterator[str]:
    for monitoring in a.of("monitoring").values():
        said = monitoring["sentence"].replace("B12", "")
        yield from only_if(bool(re.search(r"\d|\b(day|week|month|year)", said)), monitoring["sentence"])


@never("FOLATE-DOSE", "FOLATE-STOP", "FOLATE-FIRST")
def folic_acid(a: Answer) -> Iterator[str]:
    folate = [c for c in a.document["conclusions"] if c["value"].startswith("CA-FOLATE") or c["value"] == "CP12"]
    for conclusion in folate:
        said = conclusion["sentence"].replace("B12", "")
        yield from only_if(bool(re.search(r"\d", said)), conclusion["sentence"])
        yield from only_if(bool(re.search(r"\bstop|contraindicat|forbid|\bavoid|withh", said)), conclusion["sentence"])
    yield from only_if(0 < len(folate) < 3, f"one side of what is said about folic acid: {[c['id'] for c in folate]}")
    for value, regimen in a.regimens.items():
        yield from only_if("folic" in regimen["sentence"].casefold(), f"{value}: {regimen['sentence']}")


@never("JURISDICTION")
def country(a: Answer) -> Iterator[str]:
    yield from a.says(
        r"\bU\.?K\b", r"\bU\.?S\.?A?\b", r"United (Kingdom|States)", r"\bEngl", r"\bAmerica", r"\bcountry"
    )


@never("BAND", "RULED-OUT", "NO-TREAT")
def reassurance(a: Answer) -> Iterator[str]:
    said = [(id_, s.replace("does not say that this excludes deficiency", "")) for id_, s in a.sentences]
    said = [(id_, s.replace("does not say that treatment is not needed", "")) for id_, s in said]
    words = (
        r"\bnormal\b(?! intestinal absorption)|reference (range|interval)|\bband\b|ruled out|exclude|not needed|withh"
    )
    for id_, sentence in said:
        yield from only_if(bool(re.search(words, sentence, re.IGNORECASE)), f"{id_}: {sentence}")


@never("OUTSIDE", "BIBLIOGRAPHY", "SINGLE-CUTOFF")
def numbers_and_names_from_elsewhere(a: Answer) -> Iterator[str]:
    """Every number is printed in the document or stands in the record; no paper, guideline or symptom is added."""
    facts = " ".join(fact["sentence"] for fact in a.document["facts"])
    known = set(re.findall(r"\d+(?:[.,]\d+)?", b12.source() + " " + facts))
    for id_, sentence in a.sentences:
        for number in re.findall(r"\d+(?:[.,]\d+)?", re.sub(r"\b[A-Z]{1,2}\d+\b", "", sentence)):
            yield from only_if(number not in known, f"{id_}: {number} in {sentence}")
    yield from a.says(r"doi|https?:|et al|\bNG239\b|\bCKS\b|BOMSS|prophyla|par?aesthesi|tingling|glossitis|cognitive")


# --- citations --------------------------------------------------------------------------------------------------------


def printed(start: int, end: int) -> list[str]:
    """The numbers at the end of the sentence that a quote stands in, read from the document."""
    rest = b12.source()[end:].split("\n", 1)[0]
    if b12.source()[start:end].endswith("."):
        rest = ""
    ending = re.match(r"[^.]*?(?:\s(\d(?:, \d)*))?\.(?:\s|$)", rest)
    return ending[1].split(", ") if ending and ending[1] else []


@never("CITE-INVENT", "BIBLIOGRAPHY")
def citation_numbers(a: Answer) -> Iterator[str]:
    inheriting = {"G10", "G11", "G12", "G13"}
    for conclusion in a.document["conclusions"]:
        for cited in conclusion["citations"]:
            inherited = ["1"] if cited["statement"] in inheriting else []
            yield from only_if(cited["markers"] != printed(cited["start"], cited["end"]), f"{cited}")
            yield from only_if(cited["inherited"] != inherited, f"{cited}")


# --- what each conclusion needs ---------------------------------------------------------------------------------------


@never("STD-BY-DEFAULT", "STD-REGIMEN", "NEURO-REGIMEN")
def regimen_by_involvement(a: Answer) -> Iterator[str]:
    for value, regimen in a.regimens.items():
        definite = regimen["role"] == "recommended"
        if value.startswith("HYD-STD"):
            yield from only_if(a.neuro in SUSPECTED, f"{value} although neuro is {a.neuro}")
            yield from only_if(definite and a.neuro != "absent", f"{value} definite although neuro is {a.neuro}")
        if value.startswith("HYD-NEURO"):
            yield from only_if(a.neuro == "absent", f"{value} although neuro is absent")
            yield from only_if(definite and a.neuro != "present", f"{value} definite although neuro is {a.neuro}")
    yield from only_if(a.neuro == "absent" and not a.recorded(tables.NEURO, "absent"), "absence that nobody recorded")


@never("UNKNOWN-AS-ABSENT", "MISSING-AS-VALUE")
def absences(a: Answer) -> Iterator[str]:
    results = [lab for lab in a.case.get("labs") or () if tables.match(lab.get("analyte"), tables.ANALYTES[:1])]
    yield from only_if((a.status == "not_assessed") != (not results), f"{a.status} with {len(results)} results")
    symptomatic = a.only("symptomatic")["value"]
    yield from only_if(symptomatic == "no" and not a.recorded(tables.SYMPTOMS, "absent"), "no symptoms, by default")
    yield from only_if(a.treat in ("no_basis", "judgement") and symptomatic != "no", f"{a.treat}, but {symptomatic}")


@never("SYMPTOM-LIST")
def symptoms(a: Answer) -> Iterator[str]:
    yes = a.only("symptomatic")["value"] == "yes"
    yield from only_if(yes and not a.recorded(tables.SYMPTOMS), "symptoms that nobody recorded")


@never("LEVEL-GATES")
def level_gates(a: Answer) -> Iterator[str]:
    yes = a.only("symptomatic")["value"] == "yes"
    yield from only_if(yes and a.treat != "immediate", f"symptoms, and treatment is {a.treat}")
    conflict = "CP01" in a.of("conflict")
    yield from only_if(conflict != (yes and a.status == "above_all_cutoffs"), "CP01")


@never("SEVERE-FROM-NUMBER", "SEVERE-FROM-NEURO")
def severe(a: Answer) -> Iterator[str]:
    recorded = a.recorded(tables.SEVERE) or a.recorded(tables.SEVERE_NEURO)
    yield from only_if("CA-IM-SEVERE" in a.of("caution") and not recorded, "severe, and nobody said so")


@never("ANALYTE-SWAP")
def level_facts(a: Answer) -> Iterator[str]:
    labs = a.case.get("labs") or []
    for kind in ("status", "treat"):
        for place in a.places(a.only(kind)):
            if place.startswith("labs["):
                analyte = labs[int(place[5:-1])].get("analyte")
                swapped = tables.match(analyte, tables.ANALYTES) != tables.SERUM_B12
                yield from only_if(swapped, f"{kind} rests on {analyte}")


@never("CAUSE-INFER", "BNF-AUTO", "F02-FOR-LIFE")
def causes(a: Answer) -> Iterator[str]:
    pairs = {"BNF-MALABS-MAINT": tables.MALABSORPTION, "LABEL-NORMABS-INIT": tables.NORMAL_ABSORPTION}
    pairs |= {f"LABEL-{n}": tables.PERNICIOUS for n in range(1, 5)}
    for value in a.regimens.keys() & pairs.keys():
        yield from only_if(not a.recorded(pairs[value]), f"{value} without {pairs[value]}")
    causes = (tables.LOW_INTAKE, tables.MALABSORPTION, tables.PERNICIOUS)
    unfounded = "CA-INDIVIDUALISE" in a.of("caution") and not any(map(a.recorded, causes))
    yield from only_if(unfounded, "a cause that nobody recorded")


@never("NO-REFERRAL", "REFER", "ONE-SPECIALIST", "REFER-BEFORE-TREAT")
def referral(a: Answer) -> Iterator[str]:
    found = a.of("referral").get("RF-NEURO-HAEM-URGENT")
    yield from only_if((found is not None) != (a.neuro in SUSPECTED), f"referral with neuro {a.neuro}")
    if found:
        said = found["sentence"]
        yield from only_if("neurologist" not in said or "haematologist" not in said, said)
        yield from only_if("does not make treatment wait" not in said, said)


@never("STOP-MAINT", "RELOAD")
def maintenance(a: Answer) -> Iterator[str]:
    medicines = a.case.get("medications") or ()
    on_maintenance = any(
        tables.match(m.get("name"), tables.B12_MEDICINES)
        and tables.read_status(m.get("status")) == "current"
        and (tables.plain(m.get("course")) == "maintenance")
        for m in medicines
    )
    if on_maintenance:
        yield from only_if(a.treat not in ("immediate", "indicated"), f"on maintenance, and treatment is {a.treat}")
        loading = {"HYD-NEURO-LOAD", "HYD-STD-LOAD", "LABEL-1", "LABEL-2", "LABEL-3"} & a.regimens.keys()
        yield from only_if(bool(loading), f"loaded again: {loading}")


@never("FIXED-LOAD", "LOAD-FOREVER", "MAINT-EARLY", "G05-FOR-LIFE")
def loading_with_involvement(a: Answer) -> Iterator[str]:
    load, then = a.regimens.get("HYD-NEURO-LOAD"), a.regimens.get("HYD-NEURO-MAINT")
    if load:
        yield from only_if(load["duration"]["value"] is not None, f"a number of days: {load['duration']}")
        ended = a.recorded(tables.IMPROVEMENT, "absent")
        yield from only_if(load["step"] == "done" and not ended, "done, and nobody said that improvement had ended")
    if load and then:
        steps = (load["step"], then["step"])
        yield from only_if(steps not in (("now", "next"), ("done", "now")), f"{steps}")
    if then:
        yield from only_if(then["duration"] is not None or "for life" in then["sentence"], then["sentence"])


@never("ORAL-BARRED", "ORAL-FIRST-SEVERE")
def oral(a: Answer) -> Iterator[str]:
    prefers = any(tables.read_preference(entry) == "oral" for entry in a.case.get("preferences") or ())
    shown = a.regimens.get("ORAL-HIGH")
    treated = a.treat in ("immediate", "indicated")
    yield from only_if(prefers and treated and not shown, "a wish for tablets is not answered")
    if shown:
        yield from only_if(shown["role"] != "evidence-option", shown["role"])
        yield from only_if("CP10" not in a.of("conflict"), "oral without the choice of route in dispute")
        severe = "CA-IM-SEVERE" in a.of("caution")
        yield from only_if(severe != ("CP11" in a.of("conflict")), "oral in severe disease without R12")


@never("PICK-SILENTLY")
def contradictions(a: Answer) -> Iterator[str]:
    values = {kind: a.only(kind)["value"] for kind in ("status", "symptomatic", "neuro")}
    contradicted = sum(c["value"] == "DI-CONTRADICTORY" for c in a.document["conclusions"])
    disputed = sum(value == "conflicting" for value in values.values())
    yield from only_if(contradicted < disputed, f"{values} with {contradicted} contradictions shown")


@never("FALSE-CONFLICT")
def agreements(a: Answer) -> Iterator[str]:
    """Statements that say the same are never set against each other."""
    same = ({"G01", "G10"}, {"F01", "F08"}, {"R04", "R14"}, {"G05", "R13"}, {"G07", "G12"})
    for value, conflict in a.of("conflict").items():
        left, right = map(set, conflict["sides"])
        yield from only_if(not left or not right, f"{value} has one side")
        for pair in same:
            yield from only_if(bool(pair & left and pair & right), f"{value}: {conflict['sides']}")


@never("DUPLICATE")
def twice(a: Answer) -> Iterator[str]:
    steps = [c["id"] for c in a.document["conclusions"] if c["kind"] == "regimen"]
    yield from only_if(len(steps) != len({step.partition("#")[0] for step in steps}), f"{steps}")


@never("UNIT-COERCE")
def units(a: Answer) -> Iterator[str]:
    """The sentence about the level shows each result that counts as it was recorded."""
    sentence = a.only("status")["sentence"]
    if a.status in tables.CLASSES:
        facts = {fact["id"]: fact["sentence"].rstrip(".") for fact in a.document["facts"]}
        yield from only_if(not any(facts[f] in sentence for f in a.only("status")["facts"]), sentence)


@never("AGE-RULE")
def context(a: Answer) -> Iterator[str]:
    other = a.changed(lambda case: case.update(context={"age_years": 3, "sex": "male"}))
    yield from only_if(other.decisions != a.decisions, "age or sex decided")


@never("BIOMARKER-CONFIRM")
def biomarkers(a: Answer) -> Iterator[str]:
    results = [{"analyte": name, "value": 4, "unit": "µmol/L", "flag": "H"} for name in tables.ANALYTES[1:]]
    other = a.changed(lambda case: case.update(labs=[*(case.get("labs") or ()), *results]))
    yield from only_if(other.decisions != a.decisions, "another analyte decided")


@never("PROPHYLAXIS")
def risk(a: Answer) -> Iterator[str]:
    def at_risk(case: Case) -> None:
        case["conditions"] = [*(case.get("conditions") or ()), {"name": tables.BARIATRIC, "state": "present"}]
        case["medications"] = [*(case.get("medications") or ()), {"name": tables.METFORMIN, "status": "current"}]

    yield from only_if(a.changed(at_risk).decisions != a.decisions, "a risk decided")


# --- the tests --------------------------------------------------------------------------------------------------------


@cache
def answers(number: int) -> list[Answer]:
    """The cases of the library, a third of them where few are drawn, and so many drawn ones."""
    rng = random.Random(77)
    drawn = [(random_case(rng), random_at(rng)) for _ in range(number)]
    cases = [(case.record, case.at) for case in [*b12.library().values()][:: 3 if number < 100 else 1]] + drawn
    return [Answer(case, at, assess(b12.knowledge(), case, at).to_dict()) for case, at in cases]


@pytest.mark.slow
@pytest.mark.parametrize("number", at_each_commit((60, 600)))
@pytest.mark.parametrize("name", CHECKS)
def test_never(name: str, number: int) -> None:
    found = [(a.case, wrong) for a in answers(number) for check in CHECKS[name] for wrong in check(a)]
    assert not found, f"{len(found)} times, first: {found[0]}"


def test_every_property_is_looked_for() -> None:
    assert CHECKS.keys() == set(PROPERTIES)


def spoilt(document: dict[str, Any], kind: str, **change: Any) -> dict[str, Any]:
    """An answer with one conclusion changed."""
    other = copy.deepcopy(document)
    next(c for c in other["conclusions"] if c["kind"] == kind).update(change)
    return other


def test_the_checks_can_fail() -> None:
    """An answer that claims what it may not is caught by the check that is named after it."""
    record = {
        "labs": [{"analyte": tables.SERUM_B12, "value": 320, "unit": "pmol/L"}],
        "findings": [{"name": tables.SYMPTOMS, "state": "present"}, {"name": tables.NEURO, "state": "present"}],
        "conditions": [{"name": tables.FOLATE_DEFICIENCY, "state": "present"}],
    }
    answer = assess(b12.knowledge(), record).to_dict()
    spoils = {
        "MN-APPROVED": spoilt(answer, "status", sentence="An approved article."),
        "MN-RULED-OUT": spoilt(answer, "status", sentence="The level is normal."),
        "MN-OUTSIDE": spoilt(answer, "treat", sentence="Treat below 148 pmol/L."),
        "MN-LEVEL-GATES": spoilt(answer, "treat", value="no_basis"),
        "MN-STD-BY-DEFAULT": spoilt(answer, "neuro", value="absent"),
        "MN-MONITOR-INTERVAL": spoilt(answer, "monitoring", sentence="Monitor every 3 months."),
        "MN-ONE-SPECIALIST": spoilt(
            answer, "referral", sentence="Ask a neurologist; the document does not make treatment wait for it."
        ),
        "MN-FOLATE-DOSE": spoilt(answer, "caution", value="CA-FOLATE-NOT-FIRST", sentence="Folic acid 5 mg."),
        "MN-FALSE-CONFLICT": spoilt(answer, "conflict", sides=[["G01"], ["G10"]]),
        "MN-MERGE-DOSES": spoilt(answer, "regimen", duration={"text": "7 days", "value": 7, "unit": "day"}),
        "MN-CITE-INVENT": spoilt(
            answer, "treat", citations=[{**answer["conclusions"][3]["citations"][0], "markers": ["1"]}]
        ),
    }
    for name, document in spoils.items():
        assert any(wrong for check in CHECKS[name] for wrong in check(Answer(record, None, document))), name
    sound = Answer(record, None, answer)
    assert not [wrong for checks in CHECKS.values() for check in checks for wrong in check(sound)]
