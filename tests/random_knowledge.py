"""Drawn knowledge bases for `citelog verify`: rules of several layers over all that a record can say, and records
whose numbers and days lie at, and just beside, the limits of the rules.

The same generator state gives the same rules. Most of them are what verification decides; some it has to refuse.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import literate
from citelog import home
from citelog.assess import assess
from citelog.knowledge.base import Kind, Knowledge, SafetyProperty
from citelog.knowledge.load import load
from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.program import Argument, Predicate, part
from citelog.rules.syntax import parse
from citelog.values import Iri
from citelog.vocab import CL, Terms, cl

DAY = datetime.date(2024, 7, 1)
KNOWN = """\
knowledge ex:low(a: term, v: number)
knowledge ex:days(a: term, n: integer)
knowledge ex:points(a: term, n: integer)
knowledge ex:next(a: term, b: term)
"""
STATED = """\
ex:low(fe, 30)
ex:low(hb, 12)
ex:days(fe, 14)
ex:days(hb, 3)
ex:points(tired, 1)
ex:points(pale, 2)
ex:points(dizzy, 1)
ex:next(tired, pale)
ex:next(pale, dizzy)
ex:next(dizzy, tired)
ex:next(P, P)
"""
NAMES: Mapping[str, tuple[str, ...]] = {
    "analyte": ("fe", "hb"),
    "finding": ("tired", "pale", "dizzy"),
    "drug": ("tablet",),
    "unit": ("ug", "mg"),
    "route": ("oral",),
    "topic": ("needles",),
    "choice": ("yes", "no"),
    "sex": ("female", "male"),
    "context": ("age_years", "sex"),
}
OURS = {"sex": cl, "context": cl}
WORDS = (
    "present", "absent", "unknown", "low_flag", "other_flag", "current", "stopped", "planned", "on_hold",
    "status_unknown", "female", "male", "less_than", "at_most", "greater_than", "at_least", "day", "week",
    "month", "year", "loading", "maintenance",
)  # fmt: skip
DERIVED = {
    "e1": ("record",), "e2": ("record",), "ev": ("record", "number"), "a1": (), "a2": (), "a3": (), "t1": ("term",),
    "t2": ("term",), "m1": ("number",), "m2": ("number",), "d1": ("date",), "d2": ("term", "date"), "c1": ("integer",),
    "c2": ("term", "integer"),
}  # fmt: skip
POOLS = {
    "result": {2: ("fe", "hb")}, "entry": {2: ("tired", "pale", "dizzy"), 3: ("cl:present", "cl:absent", "cl:unknown")},
    "result_bound": {2: ("cl:less_than", "cl:at_least")}, "result_unit": {2: ("ug", "mg")},
    "result_flag": {2: ("cl:low_flag", "cl:other_flag")}, "medication": {2: ("tablet",)},
    "medication_status": {2: ("cl:current", "cl:stopped", "cl:status_unknown")}, "medication_route": {2: ("oral",)},
    "sex": {2: ("cl:female", "cl:male")}, "preference": {2: ("needles",), 3: ("yes", "no")},
    "t1": {1: ("tired", "pale", "fe")}, "t2": {1: ("tired", "pale", "fe")}, "d2": {1: ("fe", "tired")},
    "c2": {1: ("fe", "tired")},
}  # fmt: skip
INPUTS = (
    "result", "result", "result_value", "result_value", "result_bound", "result_unit", "result_flag",
    "result_unreadable", "result_unit_missing", "entry", "entry", "entry", "medication", "medication_status",
    "medication_route", "medication_since", "recorded_when", "recorded_when", "evaluation_day", "age_years",
    "sex", "preference", "patient",
)  # fmt: skip
SIGNS = ("<", "<=", ">", ">=", "=", "!=")


@cache
def _shipped() -> tuple[Knowledge, Mapping[str, Predicate]]:
    """A knowledge base to put rules into, and the predicates of a record."""
    found = load(literate.LEAFLET, home.ontology()).knowledge
    assert found
    text = home.ontology().read_text(encoding="utf-8")
    declared = {}
    for name, inside in re.findall(r'PatientPredicate.*?cl:signature "(\w+)\((.*?)\)"', text):
        places = tuple(Argument(*(word.strip() for word in place.split(":"))) for place in inside.split(","))
        declared[name] = Predicate(name, places, "patient")
    return found, declared


def predicates() -> dict[str, Predicate]:
    """All predicates that drawn rules speak of."""
    known = literate.declared(KNOWN).names.predicates
    derived = {
        name: Predicate(
            name,
            (Argument("p", "patient"), *(Argument(f"x{i}" if i else "value", t) for i, t in enumerate(types))),
            "derived",
        )
        for name, types in {**DERIVED, "violation": ("term",)}.items()
    }
    return {**_shipped()[1], **known, **derived}


def written(rules: Iterable[str]) -> str:
    """A rule file of some rules, each with the tags that its absences need."""
    text = f"@prefix ex: <{literate.EX}> .\n@prefix cl: <{CL}> .\n"
    for number, rule in enumerate(rules):
        tags = "".join(f"%%% @unless {name}\n" for name in dict.fromkeys(re.findall(r"~([\w:]+)\(", rule)))
        text += f'\n{tags}%%% @cites S1\n#[name("r{number}")]\n{rule} .\n'
    return text


def knowledge(rules: Iterable[str]) -> tuple[Knowledge | None, str]:
    """A knowledge base of some rules, with a property P and a kind that has exactly one `t1`; or what is wrong."""
    text = written(rules)
    terms = {cl(word) for word in WORDS} | {
        Iri(literate.EX + name) for names in NAMES.values() for name in (*names, "P")
    }
    program, wrong = check([parse(text, "drawn.rls")], Names(predicates(), frozenset(terms), frozenset(["S1"])))
    if wrong:
        return None, text + "".join(f"{d}\n" for d in wrong)
    names = {
        kind: {n: OURS[kind](n) if kind in OURS else Iri(literate.EX + n) for n in ns} for kind, ns in NAMES.items()
    }
    return replace(
        _shipped()[0],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        program=part(program, lambda rule: rule.predicate != "violation"),
        guarded=program,
        properties=(SafetyProperty("P", Iri(literate.EX + "P"), "Is never.", ""),),
        stated=dict.fromkeys(literate.facts(STATED, literate.declared(KNOWN)), ()),
        terms=Terms(names, {term: name for ns in names.values() for name, term in ns.items()}),
        kinds=(Kind("t", "T", "t1", 1, True, False, False, False, "", ()),),
        conflicts={},
    ), text


# --- rules ---------------------------------------------------------------------------------------------------------


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.predicates = predicates()
        self.level = {name: rng.randrange(4) for name in DERIVED}

    def atom(self, name: str, bound: dict[str, str], negated: bool = False, record: str = "?r") -> str:
        """An atom; what it binds is noted, and what is negated speaks of what is bound."""
        rng, args = self.rng, ["?p"]
        for i, argument in enumerate(self.predicates[name].arguments[1:], 1):
            pool = POOLS.get(name, {}).get(i)
            if argument.type == "record":
                args.append(("_" if rng.random() < 0.4 or record not in bound else record) if negated else record)
                continue
            if pool and rng.random() < (0.6 if len(pool) > 1 else 0.9):
                word = rng.choice(pool)
                args.append(word if ":" in word else f"ex:{word}")
                continue
            if rng.random() < 0.3:
                args.append("_")
                continue
            variable = f"?{argument.type[0]}{rng.randrange(2)}"
            args.append("_" if negated and variable not in bound else variable)
        if not negated:
            types = self.predicates[name].arguments
            bound |= {a: k.type for a, k in zip(args, types, strict=True) if a.startswith("?")}
        return f"{'~' * negated}{name}({', '.join(args)})"

    def comparison(self, bound: dict[str, str]) -> list[str]:
        rng = self.rng
        of = {t: [v for v, k in bound.items() if k == t] for t in ("number", "date", "integer", "term")}
        kind = rng.choice([t for t in of if of[t]] or [""])
        sign = rng.choice(SIGNS)
        match kind:
            case "number":
                value = rng.choice(of[kind])
                limit, given = "?l", f"ex:low({rng.choice(('ex:fe', 'ex:hb', '_'))}, ?l)"
                shape = rng.randrange(6)
                left = [value, value, f"{value} * ?l", f"{value} + 1", f"{value} - ?l", f"1 - {value}"][shape]
                right = rng.choice([limit, limit, f"{limit} + {limit}", rng.choice(of[kind])])
                if shape == 0 and rng.random() < 0.2:
                    return [f"ex:low(_, {value})"]
                return [given, f"{left} {sign} {right}"]
            case "date":
                day = rng.choice(of[kind])
                shape = rng.randrange(4)
                if shape == 0:
                    return [f"{day} {sign} {rng.choice(of[kind])}"]
                bound["?t"] = "date"
                if shape == 1:
                    return ["evaluation_day(?p, ?t)", f"{day} {sign} ?t"]
                return ["evaluation_day(?p, ?t)", f"ex:days({rng.choice(('ex:fe', '_'))}, ?k)", f"?t - {day} {sign} ?k"]
            case "integer":
                count = rng.choice(of[kind])
                if rng.random() < 0.3:
                    return [f"ex:points(_, {count})"]
                return [rng.choice([f"{count} {sign} 1", f"{count} {sign} {rng.choice(of[kind])}"])]
            case "term":
                name = rng.choice(of[kind])
                return [rng.choice([f"{name} {sign if sign in '!==' else '='} ex:tired", f"ex:next({name}, _)"])]
        return []

    def rule(self, head: str) -> str:
        rng, bound, body = self.rng, {"?p": "patient"}, list[str]()
        level = self.level.get(head, 4)
        types = ("term",) if head == "violation" else DERIVED[head]
        lower = [name for name in DERIVED if self.level[name] < level]
        same = [name for name in DERIVED if self.level[name] == level and head != "violation"]
        for i in range(rng.choice((1, 2, 2, 3, 3))):
            pool = (lower or INPUTS) if rng.random() < (0.8 if head == "violation" else 0.45) else INPUTS
            if same and i and rng.random() < 0.15:
                pool = same
            body.append(self.atom(rng.choice(pool), bound, record="?r" if rng.random() < 0.75 else "?q"))
        if head == "c2" or (types == ("term",) and head != "violation" and rng.random() < 0.5):
            body.append(rng.choice(["entry(?p, ?r, ?t0, _)", "result(?p, ?r, ?t0)"]))
            bound |= {"?r": "record", "?t0": "term"}
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            body += self.comparison(bound)
        for _ in range(rng.choice((0, 1, 1))):
            pool = lower if lower and rng.random() < 0.6 else INPUTS
            body.append(self.atom(rng.choice(pool), bound, True, rng.choice(("?r", "?r", "?q"))))
        args = ["?p"]
        for type_ in types:
            known = [v for v, k in bound.items() if k == type_ and v != "?t"]
            if head == "violation":
                args.append("ex:P")
            elif type_ == "integer":
                names = [v for v, k in bound.items() if k == "term" and v not in args]
                if rng.random() < 0.5:
                    body.append("entry(?p, ?r, ?t1, cl:present), ex:points(?t1, ?i1)")
                    args.append("#sum(?i1, ?t1)")
                else:
                    args.append(f"#count({rng.choice(names or ['?r'])})")
            elif type_ in ("date", "number"):
                if not known:
                    body.append({"date": "recorded_when(?p, ?r, ?d0, _)", "number": "result_value(?p, ?r, ?n0)"}[type_])
                    known = ["?d0" if type_ == "date" else "?n0"]
                many = rng.random() < (0.8 if type_ == "date" else 0.4)
                args.append(f"#{rng.choice(('min', 'max', 'max'))}({rng.choice(known)})" if many else rng.choice(known))
            elif type_ == "record":
                if not known:
                    body.append("result(?p, ?r, _)")
                args.append(rng.choice(known or ["?r"]))
            else:
                args.append(rng.choice(known) if known and rng.random() < 0.7 else rng.choice(("ex:tired", "ex:pale")))
        return f"{head}({', '.join(args)}) :- {', '.join(dict.fromkeys(body))}"


def drawn(rng: random.Random) -> tuple[Knowledge, str]:
    """A knowledge base whose rules the checker passes, and its text."""
    while True:
        maker = _Maker(rng)
        heads = [name for name in DERIVED if rng.random() < 0.75]
        heads += [rng.choice(list(DERIVED)) for _ in range(rng.randrange(4))] + ["violation"] * rng.choice((1, 2))
        rules: list[str] = []
        for head in heads:
            for _ in range(6):  # one that can stand alone; whether all can together is asked below
                rule = maker.rule(head)
                if knowledge([*rules, rule])[0]:
                    rules.append(rule)
                    break
        made, text = knowledge(rules)
        if made and any(rule.startswith("violation") for rule in rules):
            return made, text


VALUED, ABOUT_ENTRIES = ("t1", "t2", "m1", "m2", "d1", "c1"), ("e1", "e2")
"""The derived predicates with one value, and with an entry."""


def answering(made: Knowledge) -> Knowledge:
    """Drawn knowledge that answers everyone: every value that its rules derive is a conclusion, every entry noted."""
    known = made.program.predicates
    kinds = (Kind(name, name, name, i, False, False, False, False, "", ()) for i, name in enumerate(VALUED))
    return replace(
        made,
        kinds=tuple(kind for kind in kinds if kind.predicate in known),
        notes=tuple(name for name in ABOUT_ENTRIES if name in known),
    )


def concluding(rng: random.Random, count: int) -> tuple[Knowledge, str, dict[str, dict[str, Any]]]:
    """Drawn knowledge that answers everyone, its text, and records of which at least every fourth gets a conclusion.

    Of most rule bases over most records nothing follows, and what compares answers needs some: they are drawn until
    there are. The keys of a context have one spelling, as columns do.
    """
    while True:
        made, text = drawn(rng)
        made = answering(made)
        records = {f"p{i}": record(rng)[0] for i in range(count)}
        for one in records.values():
            if "context" in one:
                one["context"] = {key.lower(): value for key, value in one["context"].items()}
        if 4 * sum(bool(assess(made, one, DAY).conclusions) for one in records.values()) >= count:
            return made, text, records


# --- records -------------------------------------------------------------------------------------------------------

LIMITS = (0, 0.4, 1, 2.5, 11, 12, 13, 18, 24, 29, 30, 31, 42, 60, 144, 900)
NUMBERS = sorted({f"{limit + step:g}" for limit in LIMITS for step in (-1, -0.5, 0, 0.5, 1)})
STEPS = (-40, -29, -28, -16, -15, -14, -13, -12, -4, -3, -2, -1, 0, 1, 2, 3, 4, 14, 30)


def record(rng: random.Random) -> tuple[dict[str, Any], datetime.date | None]:
    """A record, and the day of its assessment, if it has one."""
    steps = rng.sample(STEPS, rng.randrange(1, 6))

    def day() -> str:
        one, other = sorted(DAY + datetime.timedelta(days=rng.choice(steps)) for _ in range(2))
        return rng.choice((f"{one}", f"{one}", f"{one}/{other}"))

    def when(key: str = "when") -> dict[str, str]:
        return {key: day()} if rng.random() < 0.7 else {}

    def some(key: str, *values: str, chance: float = 0.6) -> dict[str, str]:
        return {key: rng.choice(values)} if rng.random() < chance else {}

    def number() -> str:
        return rng.choice(("", "", "", "<", "≥")) + rng.choice(NUMBERS)

    def often() -> range:
        return range(rng.choice((0, 0, 1, 1, 2, 3, 4)))

    labs = [
        {"analyte": name, **({"value": number()} if rng.random() < 0.85 else {}), **some("unit", "ug", "mg", "stone"),
         **some("flag", "L", "H", chance=0.4), **when()}
        for name in NAMES["analyte"] for _ in often()
    ]  # fmt: skip
    findings = [
        {"name": name, "state": rng.choice(("present", "present", "absent", "unknown")), **when()}
        for name in NAMES["finding"]
        for _ in often()
    ]
    taken = [
        {"name": "tablet", **some("status", "current", "stopped", "on hold"), **some("route", "oral"), **when("since"),
         **when()}
        for _ in often()
    ]  # fmt: skip
    wishes = [{"topic": "needles", "value": rng.choice(("yes", "no")), **when()} for _ in often()]
    context = {
        key: rng.choice([n for n in NUMBERS if n[0] != "-" and float(n) <= 130])
        for key in rng.sample(["age_years", "AGE_YEARS", "Age_years"], rng.choice((0, 1, 1, 2, 3)))
    } | {key: rng.choice(NAMES["sex"]) for key in rng.sample(["sex", "SEX"], rng.choice((0, 1, 1, 2)))}
    made = {"labs": labs, "findings": findings, "medications": taken, "preferences": wishes, "context": context}
    kept = [key for key, value in made.items() if value and rng.random() < 0.8]
    return {key: made[key] for key in kept}, rng.choice((None, DAY, DAY))
