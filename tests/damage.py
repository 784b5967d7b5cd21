"""Correct proofs, each damaged in one place: what a checker is for is to refuse every one of them, and to say where.

Run as a program, it damages a thousand proofs, or as many as it is told, and prints how many of each kind were refused.
"""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from citelog.checker import Checker, Fault

Step = dict[str, Any]
Document = dict[str, Any]
FACTS = ("conclusion", "derived", "recorded", "stated", "added", "given")


@dataclass(frozen=True, slots=True)
class Proved:
    """A correct proof, as text, and the checker of its patient."""

    text: str
    checker: Checker

    @property
    def document(self) -> Document:
        """The proof document, new each time."""
        document: Document = json.loads(self.text)
        return document


@dataclass(frozen=True, slots=True)
class Draw:
    """A proof about to be damaged, and the dice."""

    rng: random.Random
    document: Document
    checker: Checker

    def steps(self, *kinds: str) -> list[Step]:
        return [step for step in self.document["steps"] if step["kind"] in kinds]

    def one(self, steps: Iterable[Step]) -> Step:
        """One of some steps; IndexError where there is none, and this proof cannot be damaged so."""
        return self.rng.choice(list(steps))

    def users(self, step: Step) -> list[Step]:
        return [user for user in self.document["steps"] if step["id"] in user["uses"]]

    def prune(self) -> None:
        """Leave out what nothing uses any more, as a careful forger would."""
        by_id = {step["id"]: step for step in self.document["steps"]}
        reached, open_ = {self.document["root"]}, [self.document["root"]]
        for id_ in open_:
            open_ += [used for used in by_id[id_]["uses"] if used not in reached]
            reached |= set(by_id[id_]["uses"])
        self.document["steps"] = [step for id_, step in by_id.items() if id_ in reached]


Damage = Callable[[Draw], str]
"""Damages a proof in one place and says which step is wrong now; IndexError where the proof has no such place."""

DAMAGES: dict[str, Damage] = {}


def damage(name: str) -> Callable[[Damage], Damage]:
    def registered(function: Damage) -> Damage:
        DAMAGES[name] = function
        return function

    return registered


def other(draw: Draw, value: Any) -> Any:
    """Another value of the same type, as documents write values."""
    match value:
        case {"term": str(term)}:
            terms = [t.value for t in draw.checker.knowledge.terms.labels if t.value != term]
            return {"term": draw.rng.choice(terms)}
        case {"number": str(number)}:
            return {"number": number + "1" if "." in number else number + ".01"}
        case {"date": str(day)}:
            return {"date": f"{int(day[:4]) + 1}{day[4:]}"}
        case bool():
            return not value
        case int():
            return value + 1
        case _:
            return f"{value} or so"


@damage("premise dropped")
def _(draw: Draw) -> str:
    firing = draw.one(s for s in draw.steps("firing") if s["uses"])
    firing["uses"].remove(draw.rng.choice(firing["uses"]))
    draw.prune()
    return str(firing["id"])


@damage("premise replaced")
def _(draw: Draw) -> str:
    firing = draw.one(s for s in draw.steps("firing") if s["uses"])
    stranger = draw.one(s for s in draw.steps(*FACTS[1:]) if s["id"] not in firing["uses"])
    firing["uses"][draw.rng.randrange(len(firing["uses"]))] = stranger["id"]
    draw.prune()
    return str(firing["id"])


@damage("premise added")
def _(draw: Draw) -> str:
    firing = draw.one(draw.steps("firing"))
    stranger = draw.one(s for s in draw.document["steps"] if s["id"] not in firing["uses"])
    firing["uses"].insert(draw.rng.randrange(len(firing["uses"]) + 1), stranger["id"])
    return str(firing["id"])


@damage("binding changed")
def _(draw: Draw) -> str:
    firing = draw.one(s for s in draw.steps("firing") if s["bindings"][0])
    row = draw.rng.choice(firing["bindings"])
    variable = draw.rng.choice(list(row))
    row[variable] = other(draw, row[variable])
    return str(firing["id"])


@damage("rule swapped")
def _(draw: Draw) -> str:
    firing = draw.one(draw.steps("firing"))
    rules = [rule for rule in draw.checker.knowledge.program.rules if rule.name != firing["rule"]]
    same = [rule for rule in rules if len(rule.variables) == len(firing["bindings"][0])]
    firing["rule"] = draw.rng.choice(same or rules).name
    return str(firing["id"])


@damage("rule reworded")
def _(draw: Draw) -> str:
    firing = draw.one(draw.steps("firing"))
    key = draw.rng.choice([k for k in ("doc", "file", "line", "rule_text", "convention") if k in firing])
    firing[key] = other(draw, firing[key])
    return str(firing["id"])


@damage("statement swapped")
def _(draw: Draw) -> str:
    step = draw.one(s for s in draw.document["steps"] if s.get("statements"))
    place = draw.rng.randrange(len(step["statements"]))
    strangers = [s for s in draw.checker.knowledge.statements if s not in step["statements"]]
    new = draw.rng.choice(strangers)
    step["statements"][place] = new
    step["citations"][place] = draw.checker.steps.cited([new])["citations"][0]
    return str(step["id"])


def cited(draw: Draw) -> tuple[str, Document]:
    step = draw.one(s for s in draw.document["steps"] if s.get("citations"))
    return str(step["id"]), draw.rng.choice(step["citations"])


@damage("quote altered")
def _(draw: Draw) -> str:
    id_, citation = cited(draw)
    place = draw.rng.randrange(len(citation["quote"]))
    letter = "x" if citation["quote"][place] != "x" else "y"
    citation["quote"] = citation["quote"][:place] + letter + citation["quote"][place + 1 :]
    return id_


@damage("offset shifted")
def _(draw: Draw) -> str:
    id_, citation = cited(draw)
    citation["start"] += 1
    citation["end"] += 1
    return id_


@damage("marker changed")
def _(draw: Draw) -> str:
    id_, citation = cited(draw)
    if citation["markers"] and draw.rng.random() < 0.5:
        citation["inherited"].append(citation["markers"].pop())  # printed numbers passed off as inherited
    else:
        citation["markers"].append(str(len(citation["markers"]) + 90))
    return id_


@damage("comparison altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.steps("comparison"))
    key = draw.rng.choice(("left", "right", "operator"))
    signs = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "!=", "!=": "="}
    step[key] = signs[step[key]] if key == "operator" else other(draw, step[key])
    return str(step["id"])


@damage("computation altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.steps("computation"))
    step["value"] = other(draw, step["value"])
    return str(step["id"])


@damage("absence removed")
def _(draw: Draw) -> str:
    absence = draw.one(draw.steps("absence"))
    user = draw.one(draw.users(absence))
    user["uses"].remove(absence["id"])
    draw.prune()
    return str(user["id"])


@damage("absence of what holds")
def _(draw: Draw) -> str:
    absence, held = draw.one(draw.steps("absence")), draw.one(draw.steps(*FACTS))
    absence["looked_for"] = {"predicate": held["predicate"], "args": held["args"]}
    return str(absence["id"])


@damage("assumption hidden")
def _(draw: Draw) -> str:
    absence = draw.one(draw.steps("absence"))
    absence["assumed"] = not absence["assumed"]
    return str(absence["id"])


@damage("cycle")
def _(draw: Draw) -> str:
    fact = draw.one(draw.steps("conclusion", "derived"))
    by_id = {step["id"]: step for step in draw.document["steps"]}
    under = list(fact["uses"])
    for id_ in under:
        under += [used for used in by_id[id_]["uses"] if used not in under]
    firing = draw.one(s for s in (by_id[id_] for id_ in under) if s["kind"] == "firing" and s["uses"])
    firing["uses"][draw.rng.randrange(len(firing["uses"]))] = fact["id"]
    draw.prune()
    return str(firing["id"])


@damage("alternative missing")
def _(draw: Draw) -> str:
    fact = draw.one(s for s in draw.steps("conclusion", "derived") if len(s["uses"]) > 1)
    fact["uses"].remove(draw.rng.choice(fact["uses"]))
    draw.prune()
    return str(fact["id"])


@damage("recorded value altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.steps("recorded"))
    place = draw.rng.randrange(1, len(step["args"]))
    step["args"][place] = other(draw, step["args"][place])
    return str(step["id"])


@damage("entry reworded")
def _(draw: Draw) -> str:
    step = draw.one(draw.steps("recorded"))
    step["entry"] = step["entry"].replace(":", " (no longer):", 1)
    return str(step["id"])


@damage("read_from altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.steps("recorded"))
    entries = [e for e in draw.checker.case.entries if e.read_from not in step["read_from"]]
    new = draw.one([{"id": e.id, "place": e.read_from} for e in entries] or [{"id": "f99", "place": "labs[99]"}])
    step["read_from"][0] = new["place"]
    if draw.rng.random() < 0.5:
        step["facts"][0] = new["id"]
    return str(step["id"])


@damage("aggregate row dropped")
def _(draw: Draw) -> str:
    firing = draw.one(s for s in draw.steps("firing") if len(s["bindings"]) > 1)
    each = len(firing["uses"]) // len(firing["bindings"])  # where rows share nothing
    place = draw.rng.randrange(len(firing["bindings"]))
    del firing["bindings"][place]
    del firing["uses"][place * each : (place + 1) * each]
    firing["aggregate"]["rows"] -= 1
    draw.prune()
    return str(firing["id"])


@damage("sentence altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.document["steps"])
    step["text"] = step["text"][:-1] + ", probably."
    return str(step["id"])


@damage("kind altered")
def _(draw: Draw) -> str:
    step = draw.one(draw.document["steps"])
    step["kind"] = draw.rng.choice([k for k in (*FACTS, "firing", "comparison") if k != step["kind"]])
    return str(step["id"])


@damage("claim added")
def _(draw: Draw) -> str:
    step = draw.one(draw.document["steps"])
    step["reviewed_by"] = "a specialist"
    return str(step["id"])


@damage("type changed")
def _(draw: Draw) -> str:
    """1 becomes true, 80 becomes the text "80": equal to a careless eye."""
    firings = [
        s for s in draw.steps("firing") for v in s["bindings"][0].values() if isinstance(v, int) or "number" in v
    ]
    firing = draw.one(firings)
    row = firing["bindings"][0]
    name = draw.rng.choice([n for n, v in row.items() if isinstance(v, int) or "number" in v])
    row[name] = row[name]["number"] if isinstance(row[name], dict) else float(row[name])
    return str(firing["id"])


@damage("fact invented")
def _(draw: Draw) -> str:
    """A whole new way to reach a fact, copied from a true one."""
    firing = copy.deepcopy(draw.one(draw.steps("firing")))
    user = draw.one(s for s in draw.document["steps"] if firing["id"] in s["uses"])
    firing["id"] += " again"
    draw.document["steps"].append(firing)
    user["uses"].append(firing["id"])
    return str(firing["id"])


@damage("step doubled")
def _(draw: Draw) -> str:
    step = copy.deepcopy(draw.one(draw.document["steps"]))
    step["text"] = "This is so."
    draw.document["steps"].insert(draw.rng.randrange(len(draw.document["steps"])), step)
    return str(step["id"])


@damage("step dangling")
def _(draw: Draw) -> str:
    step = copy.deepcopy(draw.one(draw.steps("absence", "stated", "recorded")))
    step["id"] += " again"
    draw.document["steps"].append(step)
    return str(step["id"])


@damage("conclusion renamed")
def _(draw: Draw) -> str:
    draw.document["conclusion"] = "treat:nothing"
    return str(draw.document["root"])


@damage("root moved")
def _(draw: Draw) -> str:
    draw.document["root"] = draw.one(draw.steps("derived"))["id"]
    draw.prune()
    return str(draw.document["root"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker said of one damaged proof."""

    damage: str
    step: str
    faults: tuple[Fault, ...]
    document: Document

    @property
    def named(self) -> bool:
        return any(fault.step == self.step for fault in self.faults)


def verdicts(proofs: list[Proved], count: int, seed: int) -> Iterator[Verdict]:
    """A number of damaged proofs, every kind of damage in turn, each on a proof drawn anew."""
    rng = random.Random(seed)
    kinds = list(DAMAGES)
    for number in range(count):
        name = kinds[number % len(kinds)]
        while True:
            proof = rng.choice(proofs)
            document = proof.document
            try:
                step = DAMAGES[name](Draw(rng, document, proof.checker))
            except IndexError:
                continue
            yield Verdict(name, step, proof.checker.check_proof(document), document)
            break


def table(found: Iterable[Verdict]) -> str:
    """How many proofs were damaged in each way, how many refused, and of how many the damaged step was named."""
    rows: dict[str, list[int]] = {}
    for verdict in found:
        counts = rows.setdefault(verdict.damage, [0, 0, 0])
        for place, yes in enumerate((True, bool(verdict.faults), verdict.named)):
            counts[place] += yes
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"{'damage':<24}{'proofs':>8}{'refused':>9}{'step named':>12}"]
    return "\n".join([*lines, *(f"{name:<24}{a:>8}{b:>9}{c:>12}" for name, (a, b, c) in rows.items())])


if __name__ == "__main__":
    import test_checker

    sys.stdout.write(table(test_checker.verdicts(*map(int, sys.argv[1:]))) + "\n")
