"""Drawn programs, told by everybody who can run them: the long run of the reasoner.

    python tests/programs.py --naive 100000 --nemo 100000 --jobs 2
    python tests/programs.py --metamorphic 10000 --minutes 10 --first 500000

`naive` compares models and firings with the obvious evaluator (naive.py), in two orders; `clingo` and `nemo` models
with solvers by other people; `proved` has every proof of every derived fact judged by the independent checker, and its
model and firings compared; `metamorphic` needs no other opinion: twelve changes of a program or its facts that must
change nothing, or just what is said; `syntax` prints each program and reads it again.
"""

from __future__ import annotations

import datetime
import random
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import exported
import naive
import tally
from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.program import Argument, Predicate
from citelog.rules.syntax import parse
from citelog.rules.written import named, written
from citelog.values import Atom, Iri, Value
from literate import EX
from random_programs import TERMS, Drawn, drawn
from test_checker import follows, proves
from test_export import drawn_differs
from test_reasoning import agrees, agrees_with_nemo, firings, model, run

Changed = tuple[Drawn, naive.Model]
"""A program that was changed, and the model that it must have, of the predicates that the first one has too."""

Relation = Callable[[random.Random, Drawn, naive.Model], Changed | None]
"""None where a program has nothing to change."""


def again(text: str, names: Names, facts: tuple[Atom, ...]) -> Drawn:
    """A program from its text."""
    program, wrong = check([parse(text, "changed.rls")], names)
    assert not wrong, text + "\n".join(map(str, wrong))
    return Drawn(text, names, program, facts)


@dataclass(frozen=True, slots=True)
class Written:
    """A drawn rule as text: its words, its head and its premises."""

    words: str
    head: str
    body: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.words}\n{self.head} :- {', '.join(self.body)} ."


def rules(text: str) -> tuple[str, list[Written]]:
    """What stands above the rules, and each rule; no drawn constant holds a comma or a bracket."""
    above, *blocks = text.strip().split("\n\n")
    found = []
    for block in blocks:
        words, _, line = block.rpartition("\n")
        head, _, body = line.removesuffix(" .").partition(" :- ")
        found.append(Written(words, head, tuple(re.split(r", (?![^(]*\))", body))))
    return above, found


def text_of(above: str, some: list[Written]) -> str:
    """The text of a program."""
    return "\n\n".join([above, *map(str, some)]) + "\n"


def lines(case: Drawn, change: Callable[[str], str]) -> str:
    """A program in which the lines that are no words are changed."""
    above, some = rules(case.text)
    return text_of(above, [Written(r.words, change(r.head), tuple(map(change, r.body))) for r in some])


def values(found: naive.Model, change: Callable[[naive.Held], naive.Held]) -> naive.Model:
    """A model in which each value is another."""
    return {name: {tuple(map(change, fact)) for fact in facts} for name, facts in found.items()}


def atoms(facts: tuple[Atom, ...], change: Callable[[Value], Value]) -> tuple[Atom, ...]:
    """Facts in which each value is another."""
    return tuple(Atom(fact.predicate, tuple(map(change, fact.args))) for fact in facts)


# the twelve


def order_of_rules(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    above, some = rules(case.text)
    return again(text_of(above, rng.sample(some, len(some))), case.names, case.facts), found


def order_of_facts(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    return replace(case, facts=tuple(rng.sample(case.facts, len(case.facts)))), found


def facts_twice(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    return replace(case, facts=(*case.facts, *rng.sample(case.facts, len(case.facts)))), found


def other_names(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    """Every predicate, variable and term has another name."""
    names = list(case.names.predicates)
    new = dict(zip(names, rng.sample([f"n{i}" for i in range(len(names))], len(names)), strict=True))
    terms = dict(zip(TERMS, rng.sample(TERMS, len(TERMS)), strict=True))

    def outside(text: str) -> str:
        text = re.sub(r"\b([bdr]\d+)\(", lambda m: f"{new[m[1]]}(", text)
        text = re.sub(r"\?(\w+)", r"?w_\1", text)
        return re.sub(r"\bex:(\w+)", lambda m: f"ex:{terms[Iri(EX + m[1])].local}", text)

    def change(text: str) -> str:
        return "".join(one if one[:1] == '"' else outside(one) for one in re.split(r'("[^"]*")', text))

    above, some = rules(lines(case, change))
    some = [replace(r, words=re.sub(r"@unless (\w+)", lambda m: f"@unless {new[m[1]]}", r.words)) for r in some]
    predicates = {new[n]: replace(p, name=new[n]) for n, p in case.names.predicates.items()}
    facts = atoms(case.facts, lambda v: terms[v] if isinstance(v, Iri) else v)
    facts = tuple(Atom(new[fact.predicate], fact.args) for fact in facts)
    other = values(found, lambda v: ("term", terms[Iri(v[1])].value) if v[0] == "term" else v)
    changed = again(text_of(above, some), replace(case.names, predicates=predicates), facts)
    return changed, {new[name]: rows for name, rows in other.items()}


def other_texts(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    """Texts are only equal or not: every one may be another."""
    changed = lines(case, lambda text: re.sub(r'"([^"]*)"', r'"z\1"', text))
    facts = atoms(case.facts, lambda v: f"z{v}" if isinstance(v, str) else v)
    return again(changed, case.names, facts), values(found, lambda v: (v[0], f"z{v[1]}") if v[0] == "text" else v)


def another_time(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    """All days are shifted, over ends of months and leap days; no drawn rule names a day."""
    by = datetime.timedelta(days=rng.choice((-800, -1, 1, 30, 366, 14_610)))
    facts = atoms(case.facts, lambda v: v + by if isinstance(v, datetime.date) else v)
    return replace(case, facts=facts), values(found, lambda v: (v[0], v[1] + by) if v[0] == "date" else v)


def facts_that_no_rule_reads(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    new = Predicate("unread", (Argument("a", "term"), Argument("b", "integer")), rng.choice(("patient", "knowledge")))
    names = replace(case.names, predicates=case.names.predicates | {"unread": new})
    facts = tuple(Atom("unread", (rng.choice(TERMS), n)) for n in range(9))
    return again(case.text, names, (*facts, *case.facts)), found


def a_rule_that_no_rule_reads(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    above, some = rules(case.text)
    like = rng.choice(some)
    new = replace(case.names.predicates[like.head.partition("(")[0]], name="unread")
    words = re.sub(r'name\("[^"]*"\)', 'name("unread")', like.words)
    some.insert(rng.randrange(len(some) + 1), Written(words, f"unread({like.head.partition('(')[2]}", like.body))
    return again(text_of(above, some), _with(case.names, new), case.facts), found


def a_premise_twice(rng: random.Random, case: Drawn, found: naive.Model) -> Changed | None:
    above, some = rules(case.text)
    n = rng.randrange(len(some))
    positive = [one for one in some[n].body if _is_atom(one) and not re.search(r"\b_\b", one)]
    if not positive:
        return None
    body = [*some[n].body]
    body.insert(rng.randrange(len(body) + 1), rng.choice(positive))
    some[n] = replace(some[n], body=tuple(body))
    return again(text_of(above, some), case.names, case.facts), found


def a_rule_in_two(rng: random.Random, case: Drawn, found: naive.Model) -> Changed | None:
    """What some premises of a rule have in common becomes a predicate of its own."""
    above, some = rules(case.text)
    n = rng.randrange(len(some))
    atoms_ = [one for one in some[n].body if _is_atom(one)]
    types = {
        arg: argument.type
        for one in atoms_
        for arg, argument in zip(
            re.findall(r"\?\w+|[^,()]+", one.partition("(")[2]),
            case.names.predicates[one.partition("(")[0]].arguments,
            strict=True,
        )
        for arg in [arg.strip()]
        if arg.startswith("?")
    }
    if not types:
        return None
    head = f"inner({', '.join(types)})"
    new = Predicate("inner", tuple(Argument(f"a{i}", t) for i, t in enumerate(types.values())), "derived")
    inner = Written('%%% @cites S1\n#[name("inner")]', head, tuple(atoms_))
    others = tuple(one for one in some[n].body if one not in atoms_)
    some[n] = replace(some[n], body=(*others, head))
    some.insert(rng.randrange(len(some) + 1), inner)
    return again(text_of(above, some), _with(case.names, new), case.facts), found


def the_other_layer(rng: random.Random, case: Drawn, found: naive.Model) -> Changed:
    """Whether a fact stands in the knowledge or in the record decides when it is derived from, and nothing else."""
    other = {"patient": "knowledge", "knowledge": "patient", "derived": "derived"}
    predicates = {name: replace(p, layer=other[p.layer]) for name, p in case.names.predicates.items()}
    return again(case.text, replace(case.names, predicates=predicates), case.facts), found


def more_facts(rng: random.Random, case: Drawn, found: naive.Model) -> Changed | None:
    """Without negation and counting, more facts give more: this one is asserted where it is drawn."""
    above, some = rules(case.text)
    kept = [r for r in some if not re.search(r"#\w+\(", r.head) and not any(one.startswith("~") for one in r.body)]
    if not kept:
        return None
    whole = again(text_of(above, kept), case.names, case.facts)
    less = model(run(replace(whole, facts=tuple(f for f in case.facts if rng.random() < 0.7))))
    more = model(run(whole))
    assert all(rows <= more[name] for name, rows in less.items()), case.text
    return whole, more


RELATIONS: tuple[Relation, ...] = (
    order_of_rules, order_of_facts, facts_twice, other_names, other_texts, another_time, facts_that_no_rule_reads,
    a_rule_that_no_rule_reads, a_premise_twice, a_rule_in_two, the_other_layer, more_facts,
)  # fmt: skip


def _is_atom(premise: str) -> bool:
    return bool(re.match(r"[bdr]\d+\(", premise))


def _with(names: Names, new: Predicate) -> Names:
    return replace(names, predicates=names.predicates | {new.name: new})


# what a seed is checked for


def metamorphic(seed: int) -> int:
    """Every relation on one drawn program; how many applied."""
    rng = random.Random(seed)
    case = drawn(rng)
    found, applied = model(run(case)), 0
    for relation in RELATIONS:
        made = relation(rng, case, found)
        if made is not None:
            changed, wanted = made
            told = model(run(changed))
            apart = {name: rows ^ told[name] for name, rows in wanted.items() if rows != told[name]}
            assert not apart, f"{relation.__name__}: {apart}\n{case.text}\n{changed.text}"
            applied += 1
    return applied


def syntax(seed: int) -> int:
    """What is printed of each rule is read as the same rule, and printed so again."""
    case = drawn(random.Random(seed))
    file = parse(case.text, "drawn.rls")
    texts = [written(rule, file.prefixes) for rule in file.rules]
    read = parse("\n\n".join(texts) + "\n", "written.rls")
    assert [written(rule, read.prefixes) for rule in read.rules] == texts, case.text
    assert named(read) == named(file)
    program, wrong = check([read], case.names)
    assert not wrong and firings(run(case, program)) == firings(run(case)), case.text
    return len(texts)


def _naive(seed: int) -> int:
    agrees(seed)
    return 1


def _nemo(seed: int) -> int:
    return agrees_with_nemo(seed)


def _clingo(seed: int) -> int:
    different = drawn_differs("clingo", seed, exported.clingo)
    assert not different, sorted(different or ())
    return different is not None


def _proved(seed: int) -> int:
    follows(seed)
    return proves(seed)


def _kind(check: Callable[[int], int], about: str, size: int = 100) -> tally.Kind:
    return tally.Kind(partial(tally.each, check), size, about)


KINDS: Mapping[str, tally.Kind] = {
    "naive": _kind(_naive, "models and firings, against an obvious evaluator", 500),
    "clingo": _kind(_clingo, "models, against clingo; idle where the export refuses a program"),
    "nemo": _kind(_nemo, "models, against Nemo; idle where Nemo panics"),
    "proved": _kind(_proved, "every proof of every fact, against the independent checker"),
    "metamorphic": _kind(metamorphic, "twelve changes that change nothing, or just what is said"),
    "syntax": _kind(syntax, "what is printed is read again, and means the same"),
}

if __name__ == "__main__":
    sys.exit(tally.main(__doc__ or "", KINDS))
