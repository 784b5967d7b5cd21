"""Whether what lies below is what was tested: the versions of libraries, a small derivation, and the checker's eyes.

The derivation is of what other reasoners, and other versions of this one, got wrong: a recursion over a circle, numbers
that differ in the last of ten digits, a negation of what is derived. The checker's own evaluator must agree, and of the
proofs of a knowledge base it must accept each as it is, and none with a step changed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version

from citelog.assess import assess_case
from citelog.checker import Checker
from citelog.checker.model import Model
from citelog.diagnostics import CitelogError, Span
from citelog.knowledge.base import Knowledge
from citelog.patient import from_bytes
from citelog.rules.program import (
    Absent,
    Argument,
    Assignment,
    Comparison,
    Component,
    Constant,
    Literal,
    Operation,
    Predicate,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.run.datalog import Machine
from citelog.values import Atom, Iri, Value

TESTED: Mapping[str, tuple[str, ...]] = {
    "pyDatalog": ("0.22.4",),
    "rdflib": ("7.6.0",),
    "pyoxigraph": ("0.5.13",),
    "networkx": ("3.6.1", "3.7"),
    "lark": ("1.3.1",),
    "PyYAML": ("6.0.4",),
    "fhir.resources": ("8.3.0",),
    "clingo": ("5.8.3",),
    "rfc8785": ("0.1.4",),
    "cryptography": ("50.0.2",),
    "duckdb": ("2.0.1",),
    "pyarrow": ("26.0.1",),
    "ibis-framework": ("12.0.0",),
}
"""The versions with which the tests were run, of the libraries that read, derive, count or sign (engine/locked)."""


def untested() -> tuple[str, ...]:
    """Each library that is there in a version that was not tested, in words; those that are not there are no matter."""
    return tuple(
        f"{name} {found} (tested with {' and '.join(wanted)})"
        for name, wanted in TESTED.items()
        if (found := _version(name)) is not None and found not in wanted
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check(knowledge: Knowledge | None = None) -> None:
    """Raise CitelogError where the reasoner or the checker says something else than is known.

    With a knowledge base, also whether the checker accepts the proofs of what it concludes from an empty record, and
    refuses each with a step changed.
    """
    wrong = next(_derivation(), None) or (next(_checking(knowledge), None) if knowledge else None)
    if wrong is not None:
        libraries = "; ".join(untested()) or "the libraries are of the versions that were tested"
        remedy = f"install citelog anew: by this installation nothing is answered; {libraries}"
        raise CitelogError(f"self-test: {wrong}", remedy)


# --- the derivation ------------------------------------------------------------------------------------------------


def _named(*names: str) -> list[Iri]:
    return [Iri(f"urn:citelog:{name}") for name in names]


A, B, C = _named("a", "b", "c")
X, Y, Z, V, W = (Variable(name) for name in "xyzvw")
FACTS: tuple[Atom, ...] = (
    *(Atom("edge", pair) for pair in ((A, B), (B, C), (C, A))),
    *(Atom("amount", pair) for pair in ((A, Decimal("6.999999999")), (B, Decimal(7)), (C, Decimal("7.35")))),
)
KNOWN: Mapping[str, frozenset[tuple[Value, ...]]] = {
    "reach": frozenset((one, other) for one in (A, B, C) for other in (A, B, C)),
    "enough": frozenset({(B,), (C,)}),
    "short": frozenset({(A,)}),
    "double": frozenset({(A, Decimal("13.999999998")), (B, Decimal(14)), (C, Decimal("14.70"))}),
}
FIRINGS = 18
"""How often a rule holds: three edges reach, nine paths further; two are enough, one is short, three are doubled."""


def _rule(name: str, args: tuple[Variable, ...], *body: Literal) -> Rule:
    variables = tuple(dict.fromkeys(v.name for v in (X, Y, Z, V, W) if v.name in repr(body)))
    order = tuple(range(len(body)))
    return Rule(
        name, "", "", (), "a self-test", None, False, (), name.partition("-")[0], args, body, variables, order, name,
        Span("selftest"),
    )  # fmt: skip


def _program() -> Program:
    amount = Present("amount", (X, V))
    rules = (
        _rule("reach-at-once", (X, Y), Present("edge", (X, Y))),
        _rule("reach-further", (X, Y), Present("edge", (X, Z)), Present("reach", (Z, Y))),
        _rule("enough", (X,), amount, Comparison(">=", V, Constant(Decimal(7)))),
        _rule("short", (X,), amount, Absent("enough", (X,))),
        _rule("double", (X, W), amount, Assignment("w", Operation("*", V, Constant(Decimal(2))))),
    )
    of = {"edge": "xy", "amount": "xv", "reach": "xy", "enough": "x", "short": "x", "double": "xw"}
    predicates = {
        name: Predicate(name, tuple(Argument(one, "number" if one in "vw" else "term") for one in args), "patient")
        for name, args in of.items()
    }
    open_ = (Component((0, 1), True), *(Component((number,), False) for number in (2, 3, 4)))
    return Program(predicates, rules, (), open_)


def _derivation() -> Iterator[str]:
    """What is derived otherwise than is known."""
    program = _program()
    run = Machine(program, {}).run((fact, None) for fact in FACTS)
    model = Model.of(program, FACTS)
    for name, known in KNOWN.items():
        for who, atoms in (("the reasoner", run.atoms(name)), ("the checker", model.atoms(name))):
            found = frozenset(atom.args for atom in atoms)
            if found != known:
                yield f"{who} derives other facts of {name} than are known: {sorted(map(str, found ^ known))[0]}"
    for who, firings in (
        ("the reasoner", sum(len(run.firings(atom)) for name in KNOWN for atom in run.atoms(name))),
        ("the checker", sum(map(len, model.firings.values()))),
    ):
        if firings != FIRINGS:
            yield f"{who} finds {firings} ways in which a rule holds, and there are {FIRINGS}"


# --- the checker ---------------------------------------------------------------------------------------------------


def _checking(knowledge: Knowledge) -> Iterator[str]:
    """What the checker says otherwise than it must of the proofs of an empty record."""
    case = from_bytes(b"{}", "self-test", "self-test", knowledge.terms)
    answer = assess_case(knowledge, case, None)
    checker = Checker(knowledge, case)
    for conclusion in answer.conclusions[:3]:
        proof = answer.why(conclusion.id).to_dict()
        if wrong := checker.check_proof(proof):
            yield f"the checker refuses the proof of {conclusion.id}: {wrong[0]}"
        for place in range(len(proof["steps"])):
            damaged = copy.deepcopy(proof)
            damaged["steps"][place]["sentence"] = "Something that nobody said."
            if not checker.check_proof(damaged):
                yield f"the checker accepts the proof of {conclusion.id} with step {place + 1} changed"
