"""Drawn programs: typed, stratified, as an author writes them, with facts that hurt.

The same generator state gives the same program. Every one passes the checker (a test says so), and uses recursion,
negation, comparison, arithmetic, dates or aggregates as it falls.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass
from decimal import Decimal

from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.program import Argument, Predicate, Program
from citelog.rules.syntax import parse
from citelog.values import Atom, Iri, Value
from literate import EX

TYPES = ("term", "term", "number", "integer", "boolean", "text", "date")
TERMS = tuple(Iri(EX + name) for name in "abcd")
PLAIN = ("", "True", "False", "1", "1.0", "a b", "é😀", "<ex:a>", "?x", "ex:a", "% no comment", "a. b", "NaN", "None")
HURTING = (*PLAIN, 'say "no"', "back\\slash", "line\nbreak", "nul\0", "e\u0301", "\ud800", "\u202e", "'", "\t", "{?x}")
NUMBERS = tuple(map(Decimal, ("0.0", "1.0", "0.5", "-1.25", "2.75", "100.0", "0.25")))
EXACT = (*NUMBERS, *map(Decimal, ("0.1", "0.2", "6.999999999", "139.99999999", "7.35", "1.10", "0.3")))
INTEGERS = (0, 1, 2, -1, 3, 7)
DAYS = tuple(datetime.date(2024, 2, 27) + datetime.timedelta(days=n) for n in range(5))
SIGNS = ("<", "<=", ">", ">=", "=", "!=")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A program with its text, and the facts to run it on."""

    text: str
    names: Names
    program: Program
    facts: tuple[Atom, ...]


def drawn(rng: random.Random, plain: bool = False) -> Drawn:
    """A program; `plain` keeps to what Nemo has too: doubles that are exact, no division, texts without escapes."""
    while True:
        maker = _Maker(rng, plain)
        text = maker.rules()
        program, wrong = check([parse(text, "drawn.rls")], maker.names())
        # the one thing that is not arranged: a computed value in a recursive rule
        if not wrong:
            return Drawn(text, maker.names(), program, maker.facts())
        if any(d.code != "unbounded-recursion" for d in wrong):
            raise AssertionError(text + "\n".join(map(str, wrong)))


class _Maker:
    def __init__(self, rng: random.Random, plain: bool) -> None:
        self.rng, self.plain = rng, plain
        self.base = [self.signature(f"b{i}") for i in range(rng.randrange(2, 5))]
        self.derived = [self.signature(f"d{i}") for i in range(rng.randrange(2, 6))]
        # two predicates of one shape, so that recursion is common
        shape = self.derived[0].arguments
        self.derived.append(Predicate("r0", shape, "derived"))
        self.derived.append(Predicate("r1", shape, "derived"))
        self.level = {p.name: rng.randrange(3) for p in self.derived}
        self.level["r0"] = self.level["r1"] = self.level["d0"]

    def signature(self, name: str) -> Predicate:
        types = [self.rng.choice(TYPES) for _ in range(self.rng.randrange(1, 4))]
        layer = "derived" if name[0] == "d" else self.rng.choice(("patient", "knowledge"))
        return Predicate(name, tuple(Argument(f"a{i}", t) for i, t in enumerate(types)), layer)

    def names(self) -> Names:
        return Names({p.name: p for p in (*self.base, *self.derived)}, frozenset(TERMS), frozenset(["S1"]))

    def value(self, type_: str) -> Value:
        pools: dict[str, tuple[Value, ...]] = {
            "term": TERMS,
            "number": NUMBERS if self.plain else EXACT,
            "integer": INTEGERS,
            "boolean": (True, False),
            "text": PLAIN if self.plain else HURTING,
            "date": DAYS,
        }
        return self.rng.choice(pools[type_])

    def facts(self) -> tuple[Atom, ...]:
        found = {}
        for predicate in self.base:
            for _ in range(self.rng.choice((0, 4, 7, 10, 10))):
                atom = Atom(predicate.name, tuple(self.value(a.type) for a in predicate.arguments))
                found[atom.predicate, tuple((type(v), v) for v in atom.args)] = atom
        return tuple(found.values())

    # text

    def constant(self, type_: str) -> str | None:
        match type_:
            case "term":
                return "ex:" + self.rng.choice(TERMS).local
            case "number":
                return self.rng.choice(("0.0", "1.0"))
            case "integer":
                return self.rng.choice(("0", "1"))
            case "boolean":
                return self.rng.choice(("true", "false"))
            case "text":
                return f'"{self.rng.choice(PLAIN)}"'
            case _:
                return None

    def variable(self, type_: str) -> str:
        return f"?{type_[:3]}{self.rng.randrange(2)}"

    def atom(self, predicate: Predicate, bound: dict[str, str], negated: bool = False) -> str:
        args = []
        for argument in predicate.arguments:
            known = [v for v, t in bound.items() if t == argument.type]
            draw = self.rng.random()
            if draw < 0.07 and (constant := self.constant(argument.type)):
                args.append(constant)
            elif draw < 0.2 or (negated and not known):
                args.append("_")
            elif negated:
                args.append(self.rng.choice(known))
            else:
                args.append(self.variable(argument.type))
        if not negated:
            bound |= {a: p.type for a, p in zip(args, predicate.arguments, strict=True) if a.startswith("?")}
        return f"{'~' * negated}{predicate.name}({', '.join(args)})"

    def rules(self) -> str:
        lines, rng = [f"@prefix ex: <{EX}> .\n"], self.rng
        firsts = [p for p in self.derived if rng.random() < 0.7]  # else little follows
        heads = [*firsts, *rng.choices([*self.derived, *self.derived[-2:]], k=rng.randrange(3, 8))]
        for number, head in enumerate(heads):
            lines.append(self.rule(number, head, simple=number < len(firsts)))
        return "\n".join(lines)

    def rule(self, number: int, head: Predicate, simple: bool = False) -> str:
        rng, level, bound = self.rng, self.level[head.name], dict[str, str]()
        count = (
            any(a.type in ("integer", "number", "date") for a in head.arguments) and not simple and rng.random() < 0.25
        )
        lower = [p for p in self.derived if self.level[p.name] < level]
        same = [] if count else [p for p in self.derived if self.level[p.name] == level]
        pool = self.base if simple else [*self.base, *self.base, *lower, *same, *same]
        body = [self.atom(rng.choice(pool), bound) for _ in range(1 if simple else rng.randrange(1, 4))]
        for _ in range(0 if simple else rng.randrange(3)):
            body += self.extra(bound, lower)
        missing = [a.type for a in head.arguments if not self.of(bound, a.type) and not self.constant(a.type)]
        for type_ in missing:  # bind what the head needs
            source = next((p for p in self.base if any(a.type == type_ for a in p.arguments)), None)
            if source is None:
                return self.rule(number, rng.choice([p for p in self.derived if not self.needs_date(p)] or [head]))
            names = [f"?x{number}{i}" if a.type == type_ else "_" for i, a in enumerate(source.arguments)]
            body.append(f"{source.name}({', '.join(names)})")
            bound |= {n: a.type for n, a in zip(names, source.arguments, strict=True) if n != "_"}
        args, used = [], False
        for argument in head.arguments:
            known = self.of(bound, argument.type)
            if count and not used and argument.type in ("integer", "number", "date"):
                aggregate = self.aggregate(argument.type, bound)
                if aggregate:
                    args.append(aggregate)
                    used = True
                    continue
            args.append(
                rng.choice(known) if known and rng.random() < 0.9 else self.constant(argument.type) or rng.choice(known)
            )
        if used:  # what is counted may not group as well
            inside = next(a for a in args if a.startswith("#"))
            args = [
                a if a is inside or f"{a}," not in f"{inside[:-1]},".replace("(", ",").replace(" ", "") else None
                for a in args
            ]  # type: ignore[misc]
            args = [a or self.constant(p.type) for a, p in zip(args, head.arguments, strict=True)]  # type: ignore[misc]
            if any(a is None for a in args):
                return self.rule(number, head)
        rng.shuffle(body)
        negated = sorted({b[1:].split("(")[0] for b in body if b.startswith("~")})
        tags = [f"%%% @unless {name}" for name in negated]
        return "\n".join(
            [
                *tags,
                "%%% @cites S1",
                f'#[name("rule-{number}")]',
                f"{head.name}({', '.join(args)}) :- {', '.join(body)} .\n",
            ]
        )

    def needs_date(self, predicate: Predicate) -> bool:
        return any(a.type == "date" for a in predicate.arguments)

    @staticmethod
    def of(bound: dict[str, str], type_: str) -> list[str]:
        return [v for v, t in bound.items() if t == type_]

    def aggregate(self, type_: str, bound: dict[str, str]) -> str | None:
        rng = self.rng
        if type_ == "integer" and bound and rng.random() < 0.5:
            chosen = rng.sample(sorted(bound), min(len(bound), rng.randrange(1, 3)))
            return f"#count({', '.join(chosen)})"
        known = self.of(bound, type_)
        if not known:
            return None
        first = rng.choice(known)
        function = rng.choice(("min", "max") if type_ == "date" else ("sum", "min", "max"))
        keys = [v for v in sorted(bound) if v != first and rng.random() < 0.3]
        return f"#{function}({', '.join([first, *keys])})"

    def extra(self, bound: dict[str, str], lower: list[Predicate]) -> list[str]:
        rng = self.rng
        kind = rng.random()
        if kind < 0.35:
            absent = self.atom(rng.choice([*self.base, *lower]), bound, negated=True)
            return [] if set(absent.partition("(")[2]) <= set("_, )") else [absent]
        if kind < 0.6:
            type_ = rng.choice(sorted(set(bound.values())) or ["term"])
            known = self.of(bound, type_)
            ordered = type_ in ("number", "integer", "date")
            if not known:
                return []
            other = rng.choice(known) if rng.random() < 0.6 else self.constant(type_) or rng.choice(known)
            return [f"{rng.choice(known)} {rng.choice(SIGNS if ordered else SIGNS[4:])} {other}"]
        if kind < 0.7:
            numeric = self.of(bound, "number") + self.of(bound, "integer")
            return [f"{rng.choice(numeric)} {rng.choice(SIGNS[:4])} {rng.choice(numeric)}"] if numeric else []
        name = f"?y{len(bound)}{rng.randrange(100)}"
        made = self.arithmetic(bound)
        if made is None or name in bound:
            return []
        bound[name] = made[1]
        return [f"{name} = {made[0]}"]

    def arithmetic(self, bound: dict[str, str]) -> tuple[str, str] | None:
        rng = self.rng
        dates, numbers, integers = (self.of(bound, t) for t in ("date", "number", "integer"))
        if dates and rng.random() < 0.5:
            if integers and rng.random() < 0.5:
                return f"{rng.choice(dates)} {rng.choice('+-')} {rng.choice(integers)}", "date"
            return f"{rng.choice(dates)} - {rng.choice(dates)}", "integer"
        if numbers:
            sign = rng.choice("+-*" if self.plain else "+-*/")
            other = rng.choice([*numbers, *integers, "1.0", "1"])
            if rng.random() < 0.3:
                return f"({rng.choice(numbers)} {sign} {other}) * {rng.choice(numbers)}", "number"
            return f"{rng.choice(numbers)} {sign} {other}", "number"
        if integers:
            return f"{rng.choice(integers)} {rng.choice('+-*')} {rng.choice([*integers, '1'])}", "integer"
        return None
