"""The reasoner against two others, on drawn programs: an obvious one (naive.py), and Nemo, written by other people."""

from __future__ import annotations

import datetime
import gc
import itertools
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, Inexact
from importlib.metadata import version
from pathlib import Path

import pytest
from pyDatalog import Logic

import b12
import naive
import nemo
from citelog.rules.check import check
from citelog.rules.program import Absent, Present, Program, Rule, part
from citelog.rules.syntax import parse
from citelog.run.arithmetic import aggregate, compare, evaluate
from citelog.run.datalog import DeadlineError, Machine, reasoner
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value
from commits import at_each_commit
from literate import EX, blocks, compiled, facts
from random_programs import Drawn, drawn

SEEDS = range(300)
MANY = range(1_000, 21_000)
BLOCKS = [SEEDS[i::6] for i in range(6)]
QUICK = [SEEDS[i::30] for i in range(30)]


def run(case: Drawn, program: Program | None = None, atoms: tuple[Atom, ...] | None = None) -> Run:
    """The run of a drawn program, its facts given as its predicates are declared."""
    stated = {a: () for a in atoms or case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
    given = [(a, None) for a in atoms or case.facts if a not in stated]
    return Machine(program or case.program, stated).run(given)


def model(ran: Run) -> naive.Model:
    """The facts of a run as naive.py holds them."""
    return {p: {naive.fact(a) for a in ran.atoms(p)} for p in ran.program.predicates}


Fired = tuple[str, naive.Fact, frozenset[frozenset[tuple[str, naive.Held]]]]
"""A rule, what it concluded, and the rows of values that its variables stood for."""


def fired(rule: Rule, conclusion: Atom, rows: Iterable[Mapping[str, Value]]) -> Fired:
    """A firing as naive.py holds its values."""
    held = naive.held
    return rule.name, naive.fact(conclusion), frozenset(frozenset((k, held(v)) for k, v in r.items()) for r in rows)


def firings(ran: Run) -> Counter[Fired]:
    """Every recorded firing."""
    atoms = (atom for p in ran.program.predicates for atom in ran.atoms(p))
    return Counter(fired(f.rule, atom, f.rows) for atom in atoms for f in ran.firings(atom))


def firings_that_hold(program: Program, facts_: naive.Model) -> Counter[Fired]:
    """Every instance of every rule that holds in a model, by substitution."""
    found: Counter[Fired] = Counter()
    for rule in program.rules:
        rows = {frozenset(row.items()): row for row in naive.rows(rule, facts_)}
        groups: dict[object, list[naive.Row]] = {}
        for key, row in rows.items():
            head = tuple(
                row[a.name] if hasattr(a, "name") else naive.held(a.value) if hasattr(a, "value") else None
                for a in rule.args
            )
            groups.setdefault((head, None if rule.aggregate else key), []).append(row)
        for (head, _), members in groups.items():  # type: ignore[misc]
            full = tuple(naive.aggregated(rule.aggregate, members) if h is None and rule.aggregate else h for h in head)
            found[rule.name, full, frozenset(frozenset(m.items()) for m in members)] += 1
    return found


def agrees(seed: int) -> None:
    """One drawn program: the naive model, its firings one for one, and the same for any order of rules and facts."""
    rng = random.Random(seed)
    case = drawn(rng)
    ran = run(case)
    expected = naive.model(case.program, case.facts)
    assert model(ran) == expected, f"seed {seed}\n{case.text}"
    told = firings(ran)
    assert told == firings_that_hold(case.program, expected), f"seed {seed}\n{case.text}"
    file = parse(case.text, "drawn.rls")
    shuffled, wrong = check([replace(file, rules=tuple(rng.sample(file.rules, len(file.rules))))], case.names)
    assert not wrong
    again = run(case, shuffled, tuple(rng.sample(case.facts, len(case.facts))))
    assert firings(again) == told, f"seed {seed}, shuffled\n{case.text}"


def agrees_with_nemo(seed: int) -> bool:
    """One drawn program that Nemo can express; False where Nemo fails on it (0.10 panics on one in a thousand)."""
    case = drawn(random.Random(seed), plain=True)
    ran = run(case)
    derived = list(dict.fromkeys(rule.predicate for rule in case.program.rules))
    try:
        theirs = nemo.answers(f"{case.text}\n{nemo.facts(case.facts)}", derived)
    except BaseException as error:
        if "PanicException" in type(error).__name__:
            return False
        raise
    found = nemo.differences({p: list(ran.atoms(p)) for p in derived}, theirs, case.program.predicates)
    assert not found, f"seed {seed}\n{case.text}\n{nemo.facts(case.facts)}\n" + "\n".join(found)
    return True


@pytest.mark.parametrize("seeds", at_each_commit(QUICK, every=3), ids=lambda seeds: f"{len(seeds)} from {seeds[0]}")
def test_naive(seeds: range) -> None:
    """Models and firings are those of the obvious evaluator."""
    for seed in seeds:
        agrees(seed)


@pytest.mark.parametrize("seeds", at_each_commit(BLOCKS, every=3), ids=lambda seeds: f"{len(seeds)} from {seeds[0]}")
def test_nemo(seeds: range) -> None:
    """Models are those of Nemo."""
    assert sum(map(agrees_with_nemo, seeds)) >= len(seeds) - 1


@pytest.mark.long
def test_naive_many() -> None:
    """The same for twenty thousand more."""
    for seed in MANY:
        agrees(seed)


@pytest.mark.long
def test_nemo_many() -> None:
    """The same for twenty thousand more."""
    assert sum(map(agrees_with_nemo, MANY)) >= len(MANY) * 0.99


def test_the_draw_is_worth_it() -> None:
    """What the programs use and how often something follows: a generator can fall silent without a sign."""
    used: Counter[str] = Counter()
    for seed in SEEDS:
        case = drawn(random.Random(seed))
        ran = run(case)
        used["recursive"] += any(c.recursive for c in (*case.program.fixed, *case.program.open))
        for sign in ("~", "#count", "#sum", "#min", "#max", " <", " != ", " - ", " * ", " / "):
            used[sign] += sign in case.text
        used["derived"] += any(ran.firings(a) for p in case.program.predicates for a in ran.atoms(p))
        used["through recursion"] += any(ran.rounds.values()) and max(ran.rounds.values()) > 1
    assert all(count >= 10 for count in used.values()), used
    assert used["derived"] > 200, used


def test_what_one_predicate_rests_on_is_all_that_it_needs() -> None:
    """A run for one predicate has its facts and their firings, and less beside them."""
    less = 0
    for seed in range(12):
        case = drawn(random.Random(seed))
        stated = {a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
        given = [(a, None) for a in case.facts if a not in stated]
        machine = Machine(case.program, stated)
        whole = machine.run(given)
        for predicate in dict.fromkeys(rule.predicate for rule in case.program.rules):
            part, again = (machine.run(given, wanted=predicate) for _ in range(2))
            assert again.facts == part.facts, seed
            wanted = {a: {repr(f) for f in whole.firings(a)} for a in whole.atoms(predicate)}
            assert {a: {repr(f) for f in part.firings(a)} for a in part.atoms(predicate)} == wanted, seed
            less += sum(map(len, part.facts.values())) < sum(map(len, whole.facts.values()))
    assert less > 10


def test_of_what_does_not_hold_a_run_knows_nothing() -> None:
    case = drawn(random.Random(0))
    ran = run(case)
    known = next(a for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge")
    told = next(a for a in case.facts if case.program.predicates[a.predicate].layer == "patient")
    assert ran.holds(known) and ran.statements(known) == () and not ran.is_given(known) and ran.firings(known) == ()
    assert ran.holds(told) and ran.statements(told) is None and ran.is_given(told) and ran.record(told) is None
    for none in (
        Atom(told.predicate, (Iri("urn:nobody"),) * len(told.args)),
        Atom("nothing", ()),
        Atom("p", told.args),
    ):
        assert not ran.holds(none) and ran.statements(none) is None and ran.record(none) is None
        assert not ran.is_given(none) and ran.firings(none) == () and ran.round(none) == 0


def test_a_fact_that_was_read_knows_its_record() -> None:
    """What is said of the patient as a whole stands in no record, and what is derived in none either."""
    declare, rules = blocks(GROUND)
    known, program, _ = compiled(declare.text, [("ground.rls", rules.text)])
    seen, other = facts("seen(a)\nseen(b)", known)
    ran = Machine(program, {}).run([(seen, Iri("urn:record:7")), (other, None)])
    (derived,) = ran.atoms("both")
    assert [ran.record(atom) for atom in (seen, other, derived)] == [Iri("urn:record:7"), None, None]


LONG = """
```declare
knowledge ex:next(a: term, b: term)
patient from(a: term)
derived reached(a: term)
derived near(a: term)
derived far(a: term)
derived farther(a: term)
```
```rules
@prefix ex: <https://example.org/kb#> .

%%% @convention Where it begins.
#[name("first")]
reached(?a) :- from(?a) .

%%% @convention On and on.
#[name("following")]
reached(?b) :- reached(?a), ex:next(?a, ?b) .

%%% @convention One step from where it begins.
#[name("near")]
near(?b) :- from(?a), ex:next(?a, ?b) .

%%% @convention Two steps.
#[name("far")]
far(?c) :- near(?b), ex:next(?b, ?c) .

%%% @convention Three steps.
#[name("farther")]
farther(?d) :- far(?c), ex:next(?c, ?d) .
```
"""


def test_who_asks_for_one_predicate_is_given_what_it_rests_on_to_the_end_and_nothing_else() -> None:
    declare, rules = blocks(LONG)
    known, program, wrong = compiled(declare.text, [("long.rls", rules.text)])
    assert not wrong
    stated = dict.fromkeys(facts("ex:next(n{i}, n{i+1}) for i = 0 … 9", known), ())
    machine, given = Machine(program, stated), [(atom, None) for atom in facts("from(n0)", known)]
    for wanted, derived in (("farther", ["near", "far", "farther"]), ("near", ["near"]), ("reached", ["reached"])):
        ran = machine.run(given, wanted=wanted)
        assert [p for p in ("reached", "near", "far", "farther") if list(ran.atoms(p))] == derived


def test_in_a_long_recursion_each_firing_is_told_once() -> None:
    """A chain, so long that the clock is looked at on the way: a step at a time, none of them twice."""
    declare, rules = blocks(LONG)
    known, program, wrong = compiled(declare.text, [("long.rls", rules.text)])
    assert not wrong
    stated = dict.fromkeys(facts("ex:next(n{i}, n{i+1}) for i = 0 … 149", known), ())
    ran = Machine(program, stated).run([(atom, None) for atom in facts("from(n0)", known)])
    chain = facts("reached(n{i}) for i = 0 … 150", known)
    assert set(ran.atoms("reached")) == set(chain)
    assert [[f.rule.name for f in ran.firings(atom)] for atom in chain] == [["first"], *[["following"]] * 150]
    rounds = [ran.round(atom) for atom in chain]
    assert rounds == sorted(set(rounds)) and rounds[0] > 0


def test_the_firings_of_a_fact_stand_in_one_order() -> None:
    """By the place of the rule, then by what its variables stand for, in whatever order the facts were told."""
    declare, rules = blocks(LONG)
    known, program, _ = compiled(declare.text, [("long.rls", rules.text)])
    roads = facts("ex:next(n{i}, goal) for i = 1 … 2", known)
    start = facts("from(n1)\nfrom(n2)\nfrom(goal)", known)
    goal = Atom("reached", (Iri(EX + "goal"),))
    for turn in (1, -1):
        ran = Machine(program, dict.fromkeys(roads[::turn], ())).run([(atom, None) for atom in start[::turn]])
        told = [(f.rule.name, f.bindings.get("a")) for f in ran.firings(goal)]
        assert told == [("first", Iri(EX + "goal")), *(("following", Iri(f"{EX}n{i}")) for i in (1, 2))]
        (near,) = ran.atoms("near")
        assert [f.bindings["a"] for f in ran.firings(near)] == [Iri(EX + "n1"), Iri(EX + "n2")]


def test_a_part_of_a_program_derives_what_the_whole_does() -> None:
    """Of the rules that are kept; where they stand in the program is told by their place among those."""
    declare, rules = blocks(LONG)
    known, program, _ = compiled(declare.text, [("long.rls", rules.text)])
    stated = dict.fromkeys(facts("ex:next(n{i}, n{i+1}) for i = 0 … 4", known), ())
    given = [(atom, None) for atom in facts("from(n0)", known)]
    whole = Machine(program, stated).run(given)
    for kept in ({"near"}, {"first", "following"}, set()):
        some = part(program, lambda rule, kept=kept: rule.name in kept)  # type: ignore[misc]
        ran = Machine(some, stated).run(given)
        assert {rule.name for rule in some.rules} == kept
        for predicate in ("near", "reached"):
            wanted = set(whole.atoms(predicate)) if any(r.predicate == predicate for r in some.rules) else set()
            assert set(ran.atoms(predicate)) == wanted, kept
            assert all(some.rules[f.number] is f.rule for atom in wanted for f in ran.firings(atom))


GROUND = """
```declare
patient seen(x: term)
knowledge ex:known(x: term)
knowledge ex:unread(x: term)
derived both(x: term)
derived never(x: term)
derived always(x: term)
terms ex:a ex:b
```
```rules
@prefix ex: <https://example.org/kb#> .

%%% @convention A rule without a variable.
#[name("ground")]
both(ex:a) :- seen(ex:a) .

%%% @convention What cannot hold.
#[name("never")]
never(?x) :- seen(?x), 1 < 0 .

%%% @convention What always holds.
#[name("always")]
always(?x) :- seen(?x), ex:known(?x), 0 < 1 .
```
"""


def test_a_rule_without_variables_and_a_fact_that_is_stated_and_derived() -> None:
    declare, rules = blocks(GROUND)
    known, program, wrong = compiled(declare.text, [("ground.rls", rules.text)])
    assert not wrong
    a, b = Iri(f"{EX}a"), Iri(f"{EX}b")
    stated = dict.fromkeys(facts("ex:known(a)\nex:unread(a)\nboth(b)", known), ("S1",))
    machine = Machine(program, stated)
    for given in ([], [Atom("seen", (a,))], [Atom("seen", (b,))]):
        ran = machine.run([(atom, None) for atom in given])
        held = {name: {atom.args[0] for atom in ran.atoms(name)} for name in ("both", "never", "always")}
        first = given == [Atom("seen", (a,))]
        assert held == {"both": {a, b} if first else {b}, "never": set(), "always": {a} if first else set()}
        assert ran.statements(Atom("both", (b,))) == ("S1",) and len(ran.firings(Atom("both", (a,)))) == first
        assert len(list(ran.atoms(f"{EX}unread"))) == 1


def test_the_reasoner_is_named_as_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its folder; where there is none, or several, by its metadata."""
    installed = f"pyDatalog {version('pyDatalog')}"
    assert reasoner() == reasoner.__wrapped__() == installed
    monkeypatch.setattr("pyDatalog.pyEngine.__file__", str(tmp_path / "pyDatalog" / "pyEngine.py"))
    for folder in ("other-1.dist-info", "pyDatalog-9.9.dist-info", "pydatalog-9.8.dist-info"):
        (tmp_path / folder).mkdir()
        assert reasoner.__wrapped__() == ("pyDatalog 9.9" if folder[:11] == "pyDatalog-9" else installed)


# arithmetic, comparison and aggregates, one by one

LAST = datetime.date.max
DAY = datetime.date(2026, 3, 1)
THIRD = Decimal("0." + "3" * 34)
COMPUTED: tuple[tuple[str, Value, Value, Value | None], ...] = (
    ("+", 2, 3, 5), ("-", 2, 3, -1), ("*", 2, 3, 6), ("/", 1, 3, THIRD), ("/", 6, 3, Decimal(2)),
    ("+", 2, Decimal("0.5"), Decimal("2.5")), ("-", Decimal("0.3"), Decimal("0.1"), Decimal("0.2")),
    ("*", Decimal("0.1"), 3, Decimal("0.3")), ("/", Decimal(1), Decimal(8), Decimal("0.125")),
    ("/", 1, 0, None), ("/", Decimal(1), Decimal("0.0"), None), ("/", 0, 7, Decimal(0)),
    ("+", Decimal("1e-20"), Decimal(10**20), Decimal("100000000000000000000.00000000000000000001")),
    ("/", Decimal(10**34 + 5), Decimal(1), Decimal(10**34)),
    ("/", Decimal(10**34 + 15), Decimal(1), Decimal(10**34 + 20)),
    ("+", DAY, 31, datetime.date(2026, 4, 1)), ("-", DAY, 1, datetime.date(2026, 2, 28)), ("-", DAY, DAY, 0),
    ("-", DAY, datetime.date(2026, 2, 1), 28), ("-", datetime.date(2026, 2, 1), DAY, -28),
    ("+", LAST, 1, None), ("+", LAST, 0, LAST), ("-", datetime.date.min, 1, None),
    ("-", datetime.date.min, 0, datetime.date.min), ("+", DAY, 10**12, None),
)  # fmt: skip


@pytest.mark.parametrize(("sign", "left", "right", "value"), COMPUTED)
def test_a_value_is_computed_exactly_or_there_is_none(
    sign: str, left: Value, right: Value, value: Value | None
) -> None:
    found = evaluate(sign, left, right)
    assert (type(found), found) == (type(value), value)


def test_a_product_of_the_longest_values_loses_no_digit() -> None:
    """Of three that a record can hold, with 400 digits each."""
    longest = Decimal("9" * 400)
    product = evaluate("*", evaluate("*", longest, longest), longest)
    assert isinstance(product, Decimal) and int(product) == int("9" * 400) ** 3
    with pytest.raises(Inexact):
        evaluate("+", Decimal("1e100000"), 1)


ORDERED: tuple[tuple[Value, Value], ...] = (
    (1, 2), (-1, 0), (Decimal("6.999999999"), 7), (1, Decimal("1.000000001")), (DAY, LAST), (False, True),
    ("1,000", "999"), (Iri("urn:a"), Iri("urn:b")),
)  # fmt: skip
UNLIKE: tuple[tuple[Value, Value], ...] = ((1, True), (0, False), ("1", 1), (Decimal(1), "1"), (True, "true"))


@pytest.mark.parametrize(("less", "more"), ORDERED)
def test_two_values_are_compared_by_every_sign(less: Value, more: Value) -> None:
    wanted = {"<": (1, 0, 0), "<=": (1, 1, 0), ">": (0, 0, 1), ">=": (0, 1, 1), "=": (0, 1, 0), "!=": (1, 0, 1)}
    for sign, holds in wanted.items():
        assert (compare(sign, less, more), compare(sign, less, less), compare(sign, more, less)) == holds, sign


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_values_of_two_types_are_different_and_have_no_order(one: Value, other: Value) -> None:
    for a, b in ((one, other), (other, one)):
        assert [compare(sign, a, b) for sign in ("=", "!=", "<", "<=", ">", ">=")] == [False, True, *[False] * 4]


def test_an_aggregate_is_of_all_its_values() -> None:
    values = [Decimal("0.1"), Decimal("0.25"), Decimal("-3")]
    told = {name: aggregate(name, iter(values)) for name in ("count", "sum", "min", "max")}
    assert told == {"count": 3, "sum": Decimal("-2.65"), "min": Decimal(-3), "max": Decimal("0.25")}
    assert aggregate("sum", [7]) == aggregate("min", [7]) == aggregate("max", [7]) == 7 and aggregate("count", [7]) == 1


# deadlines, threads, and what is left behind

CROSS = """
```declare
patient n(value: integer)
derived same(a: integer, b: integer)
derived small(a: integer)
```
```rules
%%% @convention Every pair of pairs of pairs is looked at.
#[name("cross")]
same(?a, ?f) :- n(?a), n(?b), n(?c), n(?d), n(?e), n(?f), ?a + ?b + ?c + ?d + ?e + ?f < 0 .

%%% @convention A rule that is done at once.
#[name("small")]
small(?a) :- n(?a), ?a < 1 .
```
"""


def cross() -> tuple[Program, list[Atom]]:
    """A program that a hundred facts keep busy for ever."""
    declare, rules = blocks(CROSS)
    known, program, wrong = compiled(declare.text, [("cross.rls", rules.text)])
    assert not wrong
    return program, facts("n({i}) for i = 0 … 99", known)


@pytest.mark.parametrize("collecting", [True, False])
def test_a_deadline_ends_a_run(collecting: bool) -> None:
    """An error soon after the time is up, the collector as it was, and the machine as good as new."""
    program, given = cross()
    machine = Machine(program, {})
    was = gc.isenabled()
    gc.freeze()  # what other tests have left is not looked through on this one's time
    try:
        (gc.enable if collecting else gc.disable)()
        began = time.thread_time()
        with pytest.raises(
            DeadlineError, match=r"^the derivation takes longer than it may; is the record that of one "
        ):
            machine.run([(a, None) for a in given], deadline=0.3)
        assert 0.3 < time.thread_time() - began < 1.5
        assert gc.isenabled() is collecting
        for count in (1, 3, 2):
            ran = machine.run([(a, None) for a in given[:count]], deadline=5.0)
            assert [a.args for a in ran.atoms("small")] == [(0,)]
            assert len(ran.facts["n"]) == count
        assert gc.isenabled() is collecting
    finally:
        gc.unfreeze()
        (gc.enable if was else gc.disable)()


def test_a_run_leaves_the_collector_and_the_reasoner_as_they_were() -> None:
    """Two machines, run in turns in the state that somebody else's use of pyDatalog has left."""
    cases = [drawn(random.Random(seed)) for seed in (0, 1)]
    machines, wanted = [], []
    for case in cases:
        stated = {a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
        machines.append((Machine(case.program, stated), [(a, None) for a in case.facts if a not in stated]))
        wanted.append(firings(run(case)))
    was = gc.isenabled()
    before = Logic()
    try:
        for collecting in (True, False):
            (gc.enable if collecting else gc.disable)()
            for (machine, given), firings_ in zip(machines, wanted, strict=True):
                assert firings(machine.run(given)) == firings_
                assert gc.isenabled() is collecting and Logic.tl.logic is before
    finally:
        (gc.enable if was else gc.disable)()


def test_nothing_of_one_run_reaches_the_next() -> None:
    """The same machine, run for one patient after another, is as a new one for each."""
    for seed in range(40):
        case = drawn(random.Random(seed))
        stated = {a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
        given = [(a, None) for a in case.facts if a not in stated]
        machine = Machine(case.program, stated)
        for some in (given, given[::2], [], given[1::2], given):
            assert firings(machine.run(some)) == firings(Machine(case.program, stated).run(some)), seed


THREADS = """
```declare
patient of(patient: patient, value: integer)
knowledge ex:next(a: term, b: term)
derived known(patient: patient, node: term)
derived total(patient: patient, sum: integer)
derived quiet(patient: patient)
terms ex:n0
```
```rules
@prefix ex: <https://example.org/kb#> .

%%% @convention Where it begins.
#[name("first")]
known(?p, ex:n0) :- of(?p, ?v) .

%%% @convention Round and round.
#[name("following")]
known(?p, ?b) :- known(?p, ?a), ex:next(?a, ?b) .

%%% @convention All values.
#[name("total")]
total(?p, #sum(?v)) :- of(?p, ?v) .

%%% @convention Nothing above one.
%%% @unless of
#[name("quiet")]
quiet(?p) :- of(?p, ?v), ~of(?p, 1) .
```
"""


def test_threads_see_their_own_patient_only() -> None:
    """Eight threads, each with a machine of its own for the same program, assess a hundred patients in a row."""
    declare, rules = blocks(THREADS)
    known, program, wrong = compiled(declare.text, [("threads.rls", rules.text)])
    assert not wrong
    ring = dict.fromkeys(facts("ex:next(n{i}, n{i+1 mod 7}) for i = 0 … 6", known), ())
    wrongs: list[object] = []
    start = threading.Barrier(8)

    def assess(number: int) -> None:
        machine = Machine(program, ring)
        start.wait()
        for turn in range(100):
            me = Iri(f"{EX}patient-{number}-{turn}")
            values = list(range(turn % 5 + 1))
            ran = machine.run([(Atom("of", (me, v)), None) for v in values])
            seen = {a.args[0] for p in ("of", "known", "total", "quiet") for a in ran.atoms(p)}
            totals = [a.args for a in ran.atoms("total")]
            quiet = {a.args[0] for a in ran.atoms("quiet")}
            if (seen, totals, len(list(ran.atoms("known")))) != ({me}, [(me, sum(values))], 7) or bool(quiet) != (
                1 not in values
            ):
                wrongs.append((me, seen, totals, quiet))

    threads = [threading.Thread(target=assess, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(t.is_alive() for t in threads)
    assert not wrongs


# what the list of probes asks of a process, not of a program (language/probes/not-expressible.md)

SEEDED = """
import random, sys
sys.path[:0] = {paths!r}
import test_reasoning
from literate import answer
from pathlib import Path
from random_programs import drawn
for seed in range(30):
    found = test_reasoning.firings(test_reasoning.run(drawn(random.Random(seed))))
    print(sorted(repr((rule, head, sorted(map(sorted, rows)), n)) for (rule, head, rows), n in found.items()))
for path in sorted(Path({folder!r}).glob("bad/*.md")):
    if "```edit" not in path.read_text("utf-8"):
        print(answer(path.read_text("utf-8")))
"""


@pytest.mark.long
def test_hash_seeds_change_nothing() -> None:
    """Probe 19: the same programs in processes with other hash seeds; their diagnostics too."""
    here = Path(__file__).parent
    code = SEEDED.format(paths=[str(here), str(here.parent / "engine")], folder=str(here / "language"))
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "2", "17")
    }
    assert len(said) == 1 and len(said.pop()) > 10_000


def test_runs_leave_nothing_behind() -> None:
    """Probe 20: what a machine holds after three hundred runs is what it held after thirty."""
    declare, rules = blocks(THREADS)
    known, program, _ = compiled(declare.text, [("threads.rls", rules.text)])
    machine = Machine(program, dict.fromkeys(facts("ex:next(n{i}, n{i+1 mod 7}) for i = 0 … 6", known), ()))
    given = [(Atom("of", (Iri(EX + "me"), v)), None) for v in range(5)]

    def held(runs: int) -> int:
        for _ in range(runs):
            machine.run(given)
        gc.collect()
        return len(gc.get_objects())

    first = held(30)
    assert held(300) - first < 200


@pytest.mark.long
def test_depth() -> None:
    """Probes 11 and 11d: a chain of 10,000 facts, and one of 10,000 rules."""
    declare = (
        "patient e(x: term, y: term)\npatient c0(x: term)\nderived c{i}(x: term) for i = 1 … 10000\nderived l(x: term)"
    )
    rule = '%%% @convention A probe.\n#[name("{0}")]\n{1} .\n\n'
    text = "".join(rule.format(f"r{i}", f"c{i}(?x) :- c{i - 1}(?x)") for i in range(1, 10_001))
    text += rule.format("first", "l(?x) :- c0(?x)") + rule.format("more", "l(?y) :- e(?x, ?y), l(?x)")
    known, program, wrong = compiled(declare, [("many.rls", text)])
    assert not wrong
    given = facts("c0(n0)\ne(n{i}, n{i+1}) for i = 0 … 9999", known)
    ran = Machine(program, {}, 60).run([(a, None) for a in given], 60)
    assert len(list(ran.atoms("l"))) == 10_001
    assert [a.args for a in ran.atoms("c10000")] == [(Iri(EX + "n0"),)]


def test_components_that_do_not_need_each_other_stand_in_the_order_of_the_files() -> None:
    program = b12.knowledge().program
    known = {program.rules[number].predicate for component in program.fixed for number in component.rules}
    for one, other in itertools.pairwise(program.open):
        made = {program.rules[number].predicate for number in one.rules}
        read = {x.predicate for n in other.rules for x in program.rules[n].body if isinstance(x, Present | Absent)}
        assert read & (made | known) or min(one.rules) < min(other.rules)
