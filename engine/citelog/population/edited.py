"""What an edit of the rules concerns: only that is found anew.

Where the rules that speak of single entries are what they were, and the others still look for the same in an entry,
what was seen of entries and which rules held of them is taken over (`Entries`).

Rules see one picture and nothing beside it. So where no edited rule holds, and none held that was edited or removed, a
picture has the facts and the firings that it had: the same rules make the same of the same. Edited is whatever rule has
another key than all rules before, and a key is a hash of everything that a rule is run on, but for what other rules
conclude. Each edited rule is asked once, over what held in the earlier run.

Often an edit changes nothing for most: a rule names a premise more, which is always there, or a statement is changed
that tells for few. So where an edited rule has the very firings of one that is gone, and what they rest on is written
in both in the same words, the picture is none that the edit concerns. This holds for no rule that rests on itself: it
could hold its own premises up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from citelog.knowledge.base import Knowledge
from citelog.population.answers import Given, give
from citelog.population.data.files import located
from citelog.population.derivation.asked import ask
from citelog.population.derivation.heads import heads
from citelog.population.derivation.state import Derivation, Found
from citelog.population.engines.engine import Engine
from citelog.population.program.plan import Plan, of_one_patient
from citelog.population.program.queries import UNIT, Firing, column
from citelog.population.program.sight import Sight
from citelog.rules.program import Absent, Present, Program, Rule
from citelog.values import Value

ANEW = "anew"
"""The table of those pictures that are answered anew."""

MOST = 0.5
"""The part of all pictures beyond which all are answered anew: to take over the others would take longer."""


@dataclass(frozen=True, slots=True)
class Known:
    """A rule of a run: its number, its key, and a hash of what its firings rest on, if it does not rest on itself."""

    number: int
    key: str
    rests: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What decides the answers of pictures: all rules that run on them, and a hash of how their facts are told."""

    rules: tuple[Known, ...]
    telling: str


@dataclass(frozen=True, slots=True)
class Entries:
    """What decides, beside the data, what is seen of entries: a hash of it, and the numbers of its rules in order."""

    key: str
    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What has become of the rules of an earlier run.

    By the numbers of rules now, `stand` has the number that each had which is as it was, and `alike` that of a rule
    which it may do the same as. `new` are all others of now; `gone`, by their old numbers, all others of then.
    """

    stand: Mapping[int, int]
    alike: Mapping[int, int]
    new: tuple[int, ...]
    gone: tuple[int, ...]

    @property
    def numbers(self) -> dict[int, int]:
        """By the number of each rule now, the number that it had, if it had one."""
        return {**self.stand, **self.alike}

    @property
    def is_in_place(self) -> bool:
        """Whether every rule that had a number has it still."""
        return all(number == was for number, was in self.numbers.items())

    @property
    def edited(self) -> tuple[int, ...]:
        """The rules of which it is to be seen what they do."""
        return (*self.alike, *self.new)


def between(then: Sequence[Known], now: Sequence[Known]) -> Edit:
    """What has become of some rules.

    >>> between([Known(0, "a", "x"), Known(1, "b", "y"), Known(2, "c", "")], [Known(5, "a", "x"), Known(6, "d", "y")])
    Edit(stand={5: 0}, alike={6: 1}, new=(), gone=(2,))
    """
    had = {one.key: one.number for one in then}
    stand = {one.number: had[one.key] for one in now if one.key in had}
    left = {one.number: one.rests for one in then if one.key not in {one.key for one in now}}
    alike: dict[int, int] = {}
    for one in now:
        was = next((number for number, rests in left.items() if rests == one.rests != ""), None)
        if one.number not in stand and was is not None:
            alike[one.number] = was
            del left[was]
    new = (one.number for one in now if one.number not in stand and one.number not in alike)
    return Edit(stand, alike, tuple(new), tuple(left))


# --- what decides ------------------------------------------------------------------------------------------------


def decided(
    knowledge: Knowledge, made: Plan, given: Sequence[Given], stated: Mapping[str, Sequence[tuple[Value, ...]]]
) -> Decided:
    """What decides the answers by a plan, with facts that are given; numbers must stand for the values that they did.

    Names, words and citations of rules are not in it: they decide nothing that a run keeps.
    """
    program = made.program
    concluded = {rule.predicate for rule in made.joint_rules}
    facts: dict[str, list[object]] = {name: [sorted(map(repr, rows))] for name, rows in stated.items() if rows}
    for one in given:
        facts.setdefault(one.predicate, []).append((one.query, one.rows))

    def about(predicate: str) -> str:
        return _about(predicate, program, facts.get(predicate))

    def is_rested_on(predicate: str) -> bool:
        """Whether an entry may be found under facts of a predicate."""
        types = {argument.type for argument in program.predicates[predicate].arguments}
        return predicate in program.changing and (predicate in concluded or not types.isdisjoint({"record", "term"}))

    hashes = {name: about(name) for name in made.met(made.joint) | concluded}
    rules = []
    for component in made.joint:
        for number in component.rules:
            rule = of_one_patient(program.rules[number], program)
            head = (rule.predicate, rule.args, rule.variables, hashes[rule.predicate])
            premises = [x for x in rule.body if isinstance(x, Present) and is_rested_on(x.predicate)]
            key = _hash(head, rule.body, [hashes[name] for name in _read(rule)])
            rules.append(Known(number, key, "" if component.recursive else _hash(head, premises)))
    fields = sorted((term.value, sorted(some.items())) for term, some in knowledge.fields.items())
    told = made.shown | {kind.candidates for kind in knowledge.kinds if kind.candidates}
    declared = [(program.predicates[name], about(name)) for name in sorted(told)]
    return Decided(tuple(rules), _hash(knowledge.kinds, knowledge.notes, fields, declared))


def of_entries(made: Plan, stated: Mapping[str, Sequence[tuple[Value, ...]]]) -> Entries:
    """What decides what is seen of entries by a plan, and which rules hold of them; the same as `decided` of values."""
    program = made.program
    numbers = tuple(number for component in made.local for number in component.rules)
    rules = [of_one_patient(program.rules[number], program) for number in numbers]
    own = made.met(made.local) | {rule.predicate for rule in rules}
    known = {name: sorted(map(repr, stated.get(name, ()))) for name in own}
    met = sorted(own | made.met(made.joint))
    facts = [(_about(name, program, known.get(name)), name in program.changing) for name in met]
    said = [(rule.predicate, rule.args, rule.body, rule.variables) for rule in rules]
    return Entries(_hash(said, facts, Sight(made).decided_by), numbers)


def _about(predicate: str, program: Program, facts: object) -> str:
    """A hash of a predicate: of its arguments, and of the facts of it that no rule about patients concludes."""
    return _hash(predicate, [argument.type for argument in program.predicates[predicate].arguments], facts)


def _read(rule: Rule) -> list[str]:
    return sorted({x.predicate for x in rule.body if isinstance(x, Present | Absent)})


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


# --- which pictures ----------------------------------------------------------------------------------------------


def concerned(made: Edit, file: Path, derivation: Derivation, given: Iterable[Given]) -> bool:
    """Make the table `ANEW` of the pictures that an edit concerns; whether they are few.

    `file` has all firings of the earlier run, and the `derivation` is about all pictures, with nothing given to it.
    """
    engine, firings = derivation.engine, f"read_parquet({located(file)})"
    held = counts(engine, firings)
    _recall(made, firings, held, derivation, given)
    parts = []
    for number in made.edited:
        found, was = ask(derivation, number), made.alike.get(number, -1)
        now = [found.every("picture")] if found.count else []
        then = [f"SELECT picture, bindings FROM {firings} WHERE rule = {was}"] if was in held else []
        if now and then:
            parts += [f"({one}) EXCEPT ALL ({other})" for one, other in ((*now, *then), (*then, *now))]
        else:
            parts += now + then
    parts += [f"SELECT picture FROM {firings} WHERE rule = {number}" for number in made.gone if number in held]
    pictures = " UNION ALL ".join(f"SELECT picture FROM ({part})" for part in parts)
    where = f"SEMI JOIN ({pictures}) AS c ON p.picture = c.picture" if parts else "WHERE false"
    count = engine.create(ANEW, f"SELECT p.* FROM pictures AS p {where}")
    [(all_,)] = engine.rows("SELECT count(*) FROM pictures")
    return count <= MOST * int(all_)


def _recall(made: Edit, firings: str, held: Mapping[int, int], derivation: Derivation, given: Iterable[Given]) -> None:
    """Give a derivation all facts that edited rules read, as they were in the earlier run."""
    program = derivation.program
    read = {name for number in made.edited for name in _read(program.rules[number])} & derivation.names.changing
    known: dict[str, list[str]] = {}
    for number, was in made.numbers.items():
        rule, firing = program.rules[number], derivation.firing(number)
        if rule.predicate in read and was in held:
            found = Found(number, rule, firing, had(firings, "picture", was, firing), held[was])
            known.setdefault(rule.predicate, []).append(heads(derivation, found))
    again = [Given(predicate, query) for predicate, queries in known.items() for query in queries]
    give(derivation, [*(one for one in given if one.predicate in read), *again])
    derivation.empty(read)


def counts(engine: Engine, firings: str) -> dict[int, int]:
    """How often each rule held, by a relation of the firings of an earlier run."""
    return dict(engine.rows(f"SELECT rule, count(*) FROM {firings} GROUP BY rule"))


def had(firings: str, unit: str, number: int, firing: Firing) -> str:
    """The firings that a rule had, on entries or on pictures (`unit`), in place of their table."""
    places = {name: place for place, name in enumerate(firing.rule.variables, 1)}
    bound = (f"bindings[{places[name]}] AS {column(name)}" for name in firing.columns)
    return f"(SELECT {', '.join((f'{unit} AS {UNIT}', *bound))} FROM {firings} WHERE rule = {number})"


__all__ = [
    "ANEW", "MOST", "Decided", "Edit", "Entries", "Known",
    "between", "concerned", "counts", "decided", "had", "of_entries",
]  # fmt: skip
