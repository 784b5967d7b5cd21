"""From rules and forms to clauses without variables: all that can hang on what, whatever a record says.

First, for each family, the rules that look at one entry alone say what the rest can see of it: its form. Then every
other rule is written out over the forms. What a clause asks of an entry is gathered under one name ("there is an entry
such that …"), so that clauses about the patient read no entry, only such names.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Present,
    Program,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import aggregate
from citelog.run.datalog import Machine
from citelog.values import Atom, Iri
from citelog.verify.clauses import FIRES, GIVEN, PARTIAL, SOME, Aside, Entry, Form, Ground, Name
from citelog.verify.cuts import cuts, read_places, with_name
from citelog.verify.forms import Family, families, probes
from citelog.verify.matching import Bindings, Exact, Row, Tables, matches, matching
from citelog.verify.seen import about, add_forms, alone_rules, plainness, projected
from citelog.verify.unknowns import UndecidedError


def ground(knowledge: Knowledge, program: Program, asked: Iterable[tuple[str, int]]) -> Ground:
    """Write a program out over all forms; `asked` are the places of predicates that questions look at.

    Raises UndecidedError where a rule sets two entries against each other.
    """
    changing = program.changing
    tables = stated(knowledge, program, changing)
    kinds = families(knowledge.terms)
    given = [("", Atom("patient", (PATIENT,)))]
    for family in kinds:
        record = Iri(f"urn:citelog:record:{family.id}")
        for said in probes(family, knowledge.terms):
            given += [(family.id, about(atom, record)) for atom in said.facts]
    found = cuts(program, tables, dict.fromkeys(given))
    alone = alone_rules(program, changing)
    rest = [rule for rule in program.rules if rule.predicate in changing and rule.name not in alone]
    read_by_rest = read_places(rest, asked)
    made = Ground(knowledge, program, tables, found, [], 0)
    for family in kinds:
        made.written += add_forms(made, family, alone, read_by_rest)
    _write_out(made, [rule.name for rule in rest], changing, read_by_rest)
    _merge(made)
    return made


def _merge(made: Ground) -> None:
    """Keep one of the forms that no clause tells apart: the plainest."""
    used = {atom for clause in made.clauses for atom in clause.positive | clause.negative}
    told: dict[tuple[Family, frozenset[Name]], list[Form]] = {}
    for form in made.forms:
        seen = frozenset(_bare(made.atoms[atom]) for atom in made.gives[form.number] if atom in used)
        told.setdefault((form.family, seen), []).append(form)
    kept = {min(alike, key=lambda form: plainness(form.said)).number for (_, seen), alike in told.items() if seen}
    gone = {form.number for form in made.forms} - kept
    lost = {
        number
        for number, (_, row) in enumerate(made.atoms)
        if any(isinstance(v, Entry) and v.form in gone for v in row)
    }
    made.forms = [form for form in made.forms if form.number in kept]
    made.clauses = [c for c in made.clauses if c.head not in lost and lost.isdisjoint(c.positive | c.negative)]
    made.given = {atom: left for atom, forms in made.given.items() if (left := [f for f in forms if f in kept])}


def _bare(name: Name) -> Name:
    return name[0], tuple(None if isinstance(value, Entry) else value for value in name[1])


def stated(knowledge: Knowledge, program: Program, changing: frozenset[str]) -> Tables:
    """What the knowledge says and what follows from it alone."""
    run = Machine(program, knowledge.stated).run([])
    tables = Tables()
    for predicate, rows in run.facts.items():
        if predicate not in changing:
            for ids in rows:
                tables.add(predicate, tuple(run.values[i] for i in ids))
    return tables


def _write_out(
    made: Ground, names: list[str], changing: frozenset[str], read_by_rest: Mapping[str, frozenset[int]]
) -> None:
    possible = made.tables.copy()
    possible.add("patient", (PATIENT,))
    for atom in made.knowledge.stated:
        if atom.predicate in changing:
            name = projected(atom.predicate, atom.args, read_by_rest)
            possible.add(*name)
            made.add(made.number(name), (), ())
    made.add(made.number(("patient", projected("patient", (PATIENT,), read_by_rest)[1])), (), ())
    possible.rows["patient"] = {projected("patient", (PATIENT,), read_by_rest)[1]: None}
    for form in made.forms:
        for predicate, row in sorted(form.seen, key=str):
            has_record = any(a.type == "record" for a in made.program.predicates[predicate].arguments)
            place = next(
                (i for i, a in enumerate(made.program.predicates[predicate].arguments) if a.type == "record"), -1
            )
            looked_at = has_record and place in read_by_rest.get(predicate, ())
            own = tuple(Entry(form.number) if i == place and looked_at else v for i, v in enumerate(row))
            possible.add(predicate, own)
            given = made.number((predicate, own))
            made.given.setdefault(given, []).append(form.number)
            made.gives.setdefault(form.number, []).append(given)
    _tell_apart(made)
    writer = _Writer(made, possible, changing, read_by_rest)
    chosen = set(names)
    for component in made.program.open:
        inside = [made.program.rules[n] for n in component.rules if made.program.rules[n].name in chosen]
        grown = bool(inside)
        while grown:
            grown = False
            for rule in inside:

                def work(rule: Rule = rule) -> None:
                    nonlocal grown
                    grown |= writer.write(rule)

                with_name(rule, work)
            if not component.recursive:
                break


def _tell_apart(made: Ground) -> None:
    """An atom that entries of several families give becomes one for each, so that every given atom is of one family."""
    home = {form.number: form.family.id for form in made.forms}
    for atom, forms in list(made.given.items()):
        by_family: dict[str, list[int]] = {}
        for form in forms:
            by_family.setdefault(home[form], []).append(form)
        if len(by_family) == 1:
            continue
        del made.given[atom]
        for family, own in by_family.items():
            given = made.number((GIVEN, (family, *made.atoms[atom])))
            made.given[given] = own
            for form in own:
                made.gives[form].append(given)
            made.add(atom, [given], [])


Parts = dict[str, dict[int, int | None]]
"""The literals of a body that records can change: for each record variable, their positions and atoms.

None is an atom that can never hold, which only negated literals ask for.
"""


def _signed(rule: Rule, atoms: Mapping[int, int | None]) -> tuple[list[int], list[int]]:
    """Atoms that must hold, and atoms that must not."""
    told = [(isinstance(rule.body[i], Present), atom) for i, atom in atoms.items() if atom is not None]
    return [atom for holds, atom in told if holds], [atom for holds, atom in told if not holds]


@dataclass(slots=True)
class _Writer:
    """Writes rules out over what is possible, and notes what becomes possible by them."""

    made: Ground
    possible: Tables
    changing: frozenset[str]
    read_by_rest: Mapping[str, frozenset[int]]
    exported: dict[tuple[str, str, tuple[int, ...], frozenset[str]], tuple[tuple[str, ...], frozenset[int]]] = field(
        default_factory=dict
    )

    def write(self, rule: Rule) -> bool:
        """All clauses of a rule; whether it made an atom possible that was not."""
        meaning = Exact(self.possible, self.changing, possible=True)
        found = [(bound, self._body(rule, bound, rows)) for bound, rows in list(matches(rule, self.possible, meaning))]
        looked_at = self.read_by_rest.get(rule.predicate, frozenset())
        counted = rule.aggregate
        if counted and rule.args.index(counted) in looked_at:
            return self._aggregate(rule, found)
        grown = False
        for bound, parts in found:
            row = tuple(
                None if i not in looked_at else a.value if isinstance(a, Constant) else bound.get(a.name)  # type: ignore[union-attr]
                for i, a in enumerate(rule.args)
            )
            grown |= self.possible.add(rule.predicate, row)
            head = self.made.number((rule.predicate, row))
            inside = {v.form for v in row if isinstance(v, Entry)}
            positive, negative = self._gathered(rule, bound, parts, inside)
            self.made.add(head, positive, negative)
            fires = self.made.number((FIRES, (rule.name, row[1] if len(row) > 1 and not inside else None)))
            if inside:
                positive, negative = self._gathered(rule, bound, parts, set())
            self.made.add(fires, positive, negative)
        return grown

    def _body(self, rule: Rule, bound: Bindings, rows: Mapping[int, Row]) -> Parts:
        """The literals of a match by the record variable that they are about ("" for none), each with its atom."""
        parts: Parts = {}
        for position, literal in enumerate(rule.body):
            if not isinstance(literal, Present | Absent) or literal.predicate not in self.changing:
                continue
            about = {a.name for a in literal.args if isinstance(a, Variable) and isinstance(bound.get(a.name), Entry)}
            if len(about) > 1:
                raise UndecidedError("speaks of two entries in one literal")
            about = about or self._number(rule, bound, position)
            if isinstance(literal, Present):
                atom: int | None = self.made.number((literal.predicate, rows[position]))
            else:
                atom = self._negated(literal, bound)
            parts.setdefault(next(iter(about), ""), {})[position] = atom
        return parts

    def _number(self, rule: Rule, bound: Bindings, position: int) -> set[str]:
        """The number or day that a literal about the patient gives to comparisons of the rule alone, if it does."""
        literal = rule.body[position]
        numbers = {
            v
            for v in variables(literal)
            if isinstance(bound.get(v), Decimal | int | datetime.date) and not isinstance(bound.get(v), bool)
        }
        elsewhere = {
            v
            for i, x in enumerate(rule.body)
            if i != position and isinstance(x, Present | Absent) and x.predicate in self.changing
            for v in variables(x)
        }
        alone = numbers - self._told(rule) - elsewhere
        return {min(alone)} if isinstance(literal, Present) and len(numbers) == 1 and alone else set()

    def _told(self, rule: Rule) -> set[str]:
        """The variables of a head at the places that something looks at."""
        looked_at = self.read_by_rest.get(rule.predicate, frozenset())
        args = [arg for i, arg in enumerate(rule.args) if i in looked_at]
        plain = {arg.name for arg in args if isinstance(arg, Variable)}
        return plain | {name for arg in args if isinstance(arg, Aggregate) for name in arg.variables}

    def _negated(self, literal: Absent, bound: Bindings) -> int | None:
        """The atom that must not hold: one of several where the literal leaves places open; None where none can."""
        found = list(matching(literal, bound, self.possible))
        if not found:
            return None
        args = [a.value if isinstance(a, Constant) else bound.get(a.name) for a in literal.args]
        if len(found) == 1 and all(a is not None or v is None for a, v in zip(args, found[0], strict=True)):
            return self.made.number((literal.predicate, found[0]))
        row = tuple(a if found[0][i] is not None else None for i, a in enumerate(args))
        some = self.made.number((SOME, (literal.predicate, *row)))
        for one in found:
            atom = self.made.number((literal.predicate, one))
            entry = next((value for value in one if isinstance(value, Entry)), None)
            if entry is None:
                self.made.add(some, (atom,), ())
                continue
            family = self.made.forms[entry.form].family.id  # so that what asks for any reads no entry, only families
            given = self.made.number((GIVEN, (family, literal.predicate, row)))
            self.made.add(given, (atom,), ())
            self.made.add(some, (given,), ())
        return some

    def _gathered(self, rule: Rule, bound: Bindings, parts: Parts, inside: set[int]) -> tuple[list[int], list[int]]:
        """The body of a clause: parts about entries other than those of the head become names of our own."""
        positive: list[int] = []
        negative: list[int] = []
        for variable, atoms in parts.items():
            entry = bound.get(variable)
            if not variable or (isinstance(entry, Entry) and entry.form in inside):
                holds, fails = _signed(rule, atoms)
                positive += holds
                negative += fails
                continue
            entries = frozenset(name for name, value in bound.items() if isinstance(value, Entry))
            key = (rule.name, variable, tuple(atoms), entries)
            if key not in self.exported:
                self.exported[key] = self._exported(rule, bound, variable, atoms)
            exported, within = self.exported[key]
            values = tuple((name, bound[name]) for name in exported if bound.get(name) is not None)
            family = self.made.forms[entry.form].family.id if isinstance(entry, Entry) else ""
            aside = self.made.number((SOME, (rule.name, variable, family, *values)))
            own = variable if family else ""
            self.made.aside.setdefault(aside, Aside(rule, within, values, own, family))
            shared = {i: atom for part in parts.values() for i, atom in part.items() if i in within}
            self.made.add(aside, *_signed(rule, shared))
            positive.append(aside)
        return positive, negative

    def _exported(
        self, rule: Rule, bound: Bindings, variable: str, atoms: Mapping[int, int | None]
    ) -> tuple[tuple[str, ...], frozenset[int]]:
        """The variables of a part that something outside it reads, and the positions that belong to it.

        Comparisons and computations over the part and the knowledge belong to it. So do those of its numbers and days
        with what is said about the patient, together with that: else each number of an entry would be told apart.
        """
        own = {v for i in atoms for v in variables(rule.body[i])}
        knowledge = {
            v for x in rule.body if isinstance(x, Present) and x.predicate not in self.changing for v in variables(x)
        }
        about_patient = {
            i: variables(x)
            for i, x in enumerate(rule.body)
            if isinstance(x, Present)
            and x.predicate in self.changing
            and not any(isinstance(bound.get(v), Entry) for v in variables(x))
        }
        within = set(atoms)
        grown = True
        while grown:
            grown = False
            for i, x in enumerate(rule.body):
                if i in within or not isinstance(x, Comparison | Assignment):
                    continue
                needs = variables(x.expression) if isinstance(x, Assignment) else variables(x)
                if not needs & (own - knowledge):
                    continue
                lacking = needs - own - knowledge
                if lacking and not any(isinstance(bound[v], Decimal | int | datetime.date) for v in needs & own):
                    continue
                givers = [p for p, given in about_patient.items() if given & lacking]
                if lacking <= {v for p in givers for v in about_patient[p]}:
                    within |= {i, *givers}
                    own |= variables(x) | {v for p in givers for v in about_patient[p]}
                    grown = True
        outside = {v for i, x in enumerate(rule.body) if i not in within for v in variables(x)} | self._told(rule)
        told_apart = {variable} if isinstance(bound.get(variable), Entry) else set()
        return tuple(sorted((own & outside) - told_apart)), frozenset(within)

    def _aggregate(self, rule: Rule, found: list[tuple[Bindings, Parts]]) -> bool:
        """A rule whose head counts, adds up, or takes the least or greatest."""
        counted = rule.aggregate
        assert counted is not None
        at = rule.args.index(counted)
        looked_at = self.read_by_rest[rule.predicate]
        groups: dict[Row, dict[Row, int]] = {}
        for bound, parts in found:
            head = tuple(
                a.value if isinstance(a, Constant) else bound.get(a.name) if isinstance(a, Variable) else None
                for a in rule.args
            )
            head = tuple(value if i in looked_at else None for i, value in enumerate(head))
            key = tuple(bound[v] for v in counted.variables)
            if counted.function in ("count", "sum") and any(isinstance(v, Entry) for v in key):
                raise UndecidedError("counts entries, and another rule reads how many there are")
            if counted.function in ("min", "max"):
                key = key[:1]
            member = self.made.number((SOME, (rule.name, head, key)))
            keys = counted.variables[: len(key)]
            values = [
                (a.name, v) for a, v in zip(rule.args, head, strict=True) if isinstance(a, Variable) and v is not None
            ]
            whole = frozenset(range(len(rule.body)))
            self.made.aside.setdefault(member, Aside(rule, whole, (*values, *zip(keys, key, strict=True))))
            positive, negative = self._gathered(rule, bound, parts, set())
            self.made.add(member, positive, negative)
            groups.setdefault(head, {})[key] = member
            self.made.add(self.made.number((FIRES, (rule.name, None))), (member,), ())
        grown = False
        for head, members in groups.items():
            for value, positive, negative in self._totals(rule, counted.function, head, members):
                row = (*head[:at], value, *head[at + 1 :])
                grown |= self.possible.add(rule.predicate, row)
                self.made.add(self.made.number((rule.predicate, row)), positive, negative)
        return grown

    def _totals(
        self, rule: Rule, function: str, head: Row, members: Mapping[Row, int]
    ) -> Iterator[tuple[Any, list[int], list[int]]]:
        """Each value that an aggregate can have, and when it has it."""
        if function in ("min", "max"):
            ordered = sorted(members, reverse=function == "max")
            for i, key in enumerate(ordered):
                yield key[0], [members[key]], [members[better] for better in ordered[:i]]
            return
        states: dict[Any, int] = {}
        met: list[int] = []
        for i, (key, member) in enumerate(members.items()):
            following: dict[Any, int] = {}

            def total(value: Any, i: int = i, following: dict[Any, int] = following) -> int:
                return following.setdefault(value, self.made.number((PARTIAL, (rule.name, head, i, value))))

            for value, state in states.items():
                more = aggregate("sum", [value, 1 if function == "count" else key[0]])
                self.made.add(total(more), [state, member], [])
                self.made.add(total(value), [state], [member])
            self.made.add(total(aggregate(function, [key[0]])), [member], met)
            met.append(member)
            states = following
        for value, state in states.items():
            yield value, [state], []
