"""A proof, step by step: what it says, what it uses, and whether anything is missing.

A step is accepted if it says what it must and uses what it must: a fact *all* firings that give it and rest only on
what held before it, a firing *all* literals of its rule in the author's order, any other step nothing. Something that
uses it must ask for it, and it must not rest on itself; so each step is reached from the root, and every leaf is a
record, a statement, an absence, a comparison or a computation.
"""

from __future__ import annotations

import graphlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.checker.model import Firing, Model
from citelog.checker.steps import Steps, bound, data, text
from citelog.knowledge.base import Knowledge
from citelog.values import Atom

FORMAT = "citelog-proof/1"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: at a step or a conclusion (its id), a statement, or a part of a document (its key)."""

    step: str
    what: str

    def __str__(self) -> str:
        return f"{self.step}: {self.what}"


def check_quotes(knowledge: Knowledge, sources: Mapping[str, str]) -> tuple[Fault, ...]:
    """Every statement whose quote does not stand at its offsets and on its line in the text of its source file."""
    wrong = []
    for said in knowledge.statements.values():
        whole = sources.get(said.source, "")
        read, line = whole[said.start : said.end], whole.count("\n", 0, said.start) + 1
        if said.start < 0 or (read, line) != (said.quote, said.line):
            wrong.append(Fault(said.id, f"{said.source} reads {read!r} there, on line {line}, not {said.quote!r}"))
    return tuple(wrong)


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the steps of any proof of one patient can be about: each fact and each firing, by what names it."""

    model: Model
    known: Mapping[str, Atom | Firing]

    @classmethod
    def of(cls, model: Model) -> Meanings:
        """The facts of a model by predicate and arguments, its firings by rule and bindings."""
        known: dict[str, Atom | Firing] = {text(["fact", a.predicate, data(a.args)]): a for a in model.held}
        for firing in (f for firings in model.firings.values() for f in firings):
            known[text(["firing", firing.rule.name, sorted(map(bound, firing.rows))])] = firing
        return cls(model, known)

    def meant(self, step: Mapping[str, Any]) -> Atom | Firing | str | None:
        """What a step is about: a fact or a firing that there is, or None; any other step is all that it says."""
        if "predicate" in step:
            return self.known.get(text(["fact", step["predicate"], step.get("args")]))
        if "rule" in step:
            rows: Any = step.get("bindings")
            return self.known.get(text(["firing", step["rule"], sorted(map(text, rows if _is_list(rows) else ()))]))
        return text({key: value for key, value in step.items() if key not in ("id", "uses")})


def judge(proof: Mapping[str, Any], meanings: Meanings, words: Steps) -> Iterator[Fault]:
    """Everything that is wrong with the steps of a proof of the right shape."""
    ids = Counter(step["id"] for step in proof["steps"])
    steps = {step["id"]: step for step in proof["steps"]}
    meant = {id_: meanings.meant(step) for id_, step in steps.items()}
    times: Counter[Any] = Counter(what for what in meant.values() if not isinstance(what, str))
    asked = {proof["root"]}
    for id_, step in steps.items():
        what, uses = meant[id_], step["uses"]
        if ids[id_] > 1:
            yield Fault(id_, f"{ids[id_]} steps have this id")
        if len(set(uses)) < len(uses):
            yield Fault(id_, "it uses a step twice")
        if what is None:
            yield Fault(id_, "there is no such fact, or no such firing of such a rule")
            continue
        if times[what] > 1:
            yield Fault(id_, "another step is about the same")
        wanted: dict[Any, None] = {}
        if isinstance(what, Atom):
            wanted = dict.fromkeys(meanings.model.ways(what))
            said = words.fact(what)
            yield from differences(id_, step, said | ({"kind": "conclusion"} if id_ == proof["root"] else {}))
        elif isinstance(what, Firing):
            rows = {bound(row): row for row in what.rows}
            wanted = dict.fromkeys(words.literals(what, [rows[text(told)] for told in step["bindings"]]))
            yield from differences(id_, step, words.firing(what), "bindings")
        used = dict.fromkeys(meant.get(u) for u in uses)
        asked |= {u for u in uses if meant.get(u) in wanted}
        yield from (Fault(id_, f"it does not use {_name(each)}") for each in wanted if each not in used)
        yield from (Fault(id_, f"it uses {u}, which has no place there") for u in uses if meant.get(u) not in wanted)
        if isinstance(what, Firing) and used.keys() == wanted.keys() and list(used) != list(wanted):
            yield Fault(id_, "it uses the literals of its rule in another order than the author's")
    yield from (Fault(id_, "nothing that uses it asks for this step") for id_ in steps if id_ not in asked)
    try:
        graphlib.TopologicalSorter({id_: step["uses"] for id_, step in steps.items()}).prepare()
    except graphlib.CycleError as error:
        yield from (Fault(id_, "it rests on itself") for id_ in dict.fromkeys(error.args[1]))


def differences(where: str, told: Mapping[str, Any], said: Mapping[str, Any], *apart: str) -> Iterator[Fault]:
    """Each key under which a part of a document says something else than it must; `apart` are looked at elsewhere."""
    told = {key: value for key, value in told.items() if key not in ("id", "uses", *apart)}
    if text(told) == text(said):
        return
    for key in dict.fromkeys([*said, *told]):
        if key not in said:
            yield Fault(where, f"it must not say {key!r}")
        elif key not in told:
            yield Fault(where, f"it does not say {key!r}")
        elif text(told[key]) != text(said[key]):
            place, here, there = _apart(key, told[key], said[key])
            yield Fault(where, f"{place!r} is {_short(here)}, and must be {_short(there)}")


def _apart(place: str, told: Any, said: Any) -> tuple[str, Any, Any]:
    """The first place inside two values at which they differ, as a path, and what stands there in each."""
    if isinstance(told, list) and isinstance(said, list) and len(told) == len(said):
        index = next(i for i, (a, b) in enumerate(zip(told, said, strict=True)) if text(a) != text(b))
        return _apart(f"{place}[{index}]", told[index], said[index])
    if isinstance(told, dict) and isinstance(said, dict) and told.keys() == said.keys():
        key = next(k for k in told if text(told[k]) != text(said[k]))
        return _apart(f"{place}.{key}", told[key], said[key])
    return place, told, said


WHOSE = ("case", "knowledge", "caveats")
"""What a proof document says beside the proof: whose it is, from which knowledge, and what to beware of."""


def shaped(document: Any, form: str) -> tuple[Any, tuple[Fault, ...]]:
    """A proof document as plain data, or why it is none: nothing else is looked at before its shape is right."""
    document, wrong = plain(document, form)
    if wrong:
        return None, wrong
    steps = document.get("steps")
    good = (
        document.keys() == {"format", *WHOSE, "conclusion", "root", "steps"}
        and isinstance(document["conclusion"], str)
        and isinstance(document["root"], str)
        and _is_list(steps)
        and all(isinstance(s, dict) and isinstance(s.get("id"), str) and _is_list(s.get("uses")) for s in steps)
        and all(isinstance(used, str) for s in steps for used in s["uses"])
    )
    return document, () if good else (Fault("steps", "this is not laid out as a proof document is"),)


def plain(document: Any, form: str) -> tuple[Any, tuple[Fault, ...]]:
    """A document of a format as plain data of its own, or why it is none."""
    try:
        document = json.loads(json.dumps(document))
    except (TypeError, ValueError, RecursionError) as error:
        return None, (Fault("format", f"the document is no JSON: {error}"),)
    if not isinstance(document, dict) or document.get("format") != form:
        return None, (Fault("format", f"the document is none of the format {form}"),)
    return document, ()


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _name(what: Atom | Firing | str) -> str:
    """A step that is wanted, as a fault names it."""
    if isinstance(what, Firing):
        return f"a firing of {what.rule.name}: {'; '.join(map(bound, what.rows))}"
    return str(what) if isinstance(what, Atom) else str(json.loads(what)["text"])


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 120 else shown[:119] + "…"
